"""The emulator's process: how it starts, and that it never outlives who started it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.emulator.__main__ import main as command
from drill.emulator.process import lives

import pytest
from botocore.exceptions import ClientError

ROOT = Path(__file__).parents[2]
ACCOUNT = "111111111111"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}

# Starts an emulator with a Lambda function in the middle of a call, says its process id, and waits.
PARENT = """
import sys, threading, time
from pathlib import Path
from drill.emulator import EmbeddedAws
from tests.emulator.test_process import create_function

with EmbeddedAws(log=Path(sys.argv[1])) as aws:
    create_function(aws, "sleeper", "import time\\ndef handler(event, context):\\n    time.sleep(60)\\n")
    invoke = aws.client("lambda", "us-east-1").invoke
    threading.Thread(target=invoke, kwargs={"FunctionName": "sleeper"}, daemon=True).start()
    while not any(request.service == "lambda" and request.times == 2 for request in aws.requests()):
        time.sleep(0.05)
    time.sleep(0.5)
    print(aws._process.pid, flush=True)
    time.sleep(60)
"""


def create_function(aws: EmbeddedAws, name: str, code: str, region: str = "us-east-1") -> str:
    """A Lambda function of one module; its role is allowed nothing. Returns its ARN."""
    role = {"RoleName": f"role-{name}-{region}", "AssumeRolePolicyDocument": json.dumps(TRUST)}
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as zipped:
        zipped.writestr("app.py", code)
    created = aws.client("lambda", region).create_function(
        FunctionName=name,
        Role=aws.client("iam", region).create_role(**role)["Role"]["Arn"],
        Runtime="python3.13",
        Architectures=["arm64"],
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": bundle.getvalue()},
    )
    return str(created["FunctionArn"])


@pytest.fixture
def left(tmp_path: Path) -> Iterator[EmbeddedAws]:
    """An emulator that was left running; it ends with the test."""
    aws = EmbeddedAws(log=tmp_path / "emulator.log", account="222222222222").start(detached=True)
    yield aws
    with suppress(ProcessLookupError):
        os.killpg(aws.pid, signal.SIGKILL)


def group_lives(group: int) -> bool:
    """Whether any process of a process group, the emulator's or a Lambda worker's, still runs."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_starts_and_answers_in_every_region(embedded_aws: EmbeddedAws) -> None:
    for region in embedded_aws.regions:
        assert embedded_aws.client("sts", region).get_caller_identity()["Account"] == embedded_aws.account
        with socket.create_connection(embedded_aws.addresses[region], timeout=5):
            pass
    assert embedded_aws.alive


def test_environment_leads_nowhere_else(embedded_aws: EmbeddedAws) -> None:
    theirs = {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "x", "AWS_ENDPOINT_URL_S3": "https://s3"}
    own = embedded_aws.isolated(theirs)
    assert own["AWS_ENDPOINT_URL"] == embedded_aws.endpoint
    assert own["AWS_ACCESS_KEY_ID"] == embedded_aws.account
    assert own["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(own)


def test_rejects_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        aws = EmbeddedAws(log=tmp_path / "log", port=port)
        with pytest.raises(EmbeddedAwsError, match=f"cannot listen on port {port} of 127.0.0.1 .*: stop what uses it"):
            aws.start()
    assert not aws.alive


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"regions": []}, "'regions' must be one or more different names, got: "),
        ({"regions": ["us-east-1", "us-east-1"]}, "'regions' must be one or more different names, got: "),
        ({"account": "1"}, "'account' must have 12 digits, got: '1'"),
        ({"port": 70000}, "'port' must be from 1 to 65535, got: 70000"),
    ],
)
def test_rejects_settings_that_cannot_work(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(EmbeddedAwsError, match=message):
        EmbeddedAws(log=tmp_path / "log", **settings)  # type: ignore[arg-type]


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drill" / "emulator").mkdir(parents=True)
    (tmp_path / "drill" / "emulator" / "server.py").write_text("raise SystemExit('no memory left')\n")
    monkeypatch.setattr("drill.emulator.process.ROOT", tmp_path)
    aws = EmbeddedAws(log=tmp_path / "log")
    with pytest.raises(EmbeddedAwsError, match=r"ended by itself \(exit status 1\); its log .* ends:\nno memory left"):
        aws.start()
    assert not aws.alive


def test_a_crash_in_the_middle_is_reported_with_the_end_of_the_log(tmp_path: Path) -> None:
    with EmbeddedAws(log=tmp_path / "log") as aws:
        aws.check()
        process = aws._process
        assert process is not None
        process.kill()
        process.wait()
        assert not aws.alive
        with pytest.raises(EmbeddedAwsError, match=r"ended by itself \(exit status -9\); its log"):
            aws.check()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    arguments = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert group_lives(group)
        parent.send_signal(number)
    assert holds_within(8, lambda: not group_lives(group))
    assert not list(tmp_path.glob("embedded-aws-*"))


def test_stays_when_detached_until_it_is_told_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws = EmbeddedAws(log=tmp_path / "emulator.log").start(detached=True)
    assert not aws.alive
    state = tmp_path / "emulator.json"
    aws.stop()
    assert command(["status", str(state)]) == 0
    assert f"export AWS_ENDPOINT_URL='{aws.endpoint}'" in capsys.readouterr().out
    pid = json.loads(state.read_text())["pid"]
    assert command(["stop", str(state)]) == 0
    assert not state.exists()
    assert not group_lives(pid)
    assert command(["stop", str(state)]) == 1


def test_one_that_was_detached_is_used_and_broken_by_who_attaches_to_it(left: EmbeddedAws) -> None:
    with EmbeddedAws.attach(left.log.with_suffix(".json")) as aws:
        assert (aws.pid, aws.endpoint, aws.regions) == (left.pid, left.endpoint, left.regions)
        assert (aws.addresses, aws.log) == (left.addresses, left.log)
        assert not aws.alive
        assert aws.client("sts", "us-west-2").get_caller_identity()["Account"] == "222222222222"
        aws.fault(region="us-west-2", mode="error")
        with pytest.raises(ClientError, match="Service Unavailable"):
            aws.client("sts", "us-west-2").get_caller_identity()
        left.heal()
        assert aws.client("sts", "us-west-2").get_caller_identity()
    with EmbeddedAws.attach(left.log.with_suffix(".json")) as aws:
        with pytest.raises(EmbeddedAwsError, match="runs already"):
            aws.start()
        os.killpg(aws.pid, signal.SIGKILL)
        assert holds_within(8, lambda: not lives(aws.pid))
        with pytest.raises(EmbeddedAwsError, match="the embedded AWS ended; its log"):
            aws.heal()


def test_rejects_to_attach_where_nothing_was_left_running(left: EmbeddedAws) -> None:
    state = left.log.with_suffix(".json")
    content = state.read_text()
    assert command(["stop", str(state)]) == 0
    with pytest.raises(EmbeddedAwsError, match="is missing or cannot be read"):
        EmbeddedAws.attach(state)
    state.write_text(content)
    with pytest.raises(EmbeddedAwsError, match="does not run any more"):
        EmbeddedAws.attach(state)


def test_functions_run_in_their_own_region_and_reach_aws_through_the_wrapper(embedded_aws: EmbeddedAws) -> None:
    code = (
        "import boto3, os, sys\n"
        "def handler(event, context):\n"
        "    identity = boto3.client('sts').get_caller_identity()['Arn']\n"
        "    return [os.environ['AWS_REGION'], os.environ['AWS_ENDPOINT_URL'], identity, 'drill' in sys.modules]\n"
    )
    create_function(embedded_aws, "where", code, "us-west-2")
    answer = embedded_aws.client("lambda", "us-west-2").invoke(FunctionName="where")
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/role-where-us-west-2/where"
    assert json.loads(answer["Payload"].read()) == ["us-west-2", embedded_aws.endpoint, role, False]
    assert any((r.region, r.service, r.caller) == ("us-west-2", "sts", "Lambda") for r in embedded_aws.requests())


def test_an_order_to_an_emulator_that_hangs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.emulator.process.ANSWERED_WITHIN", 0.3)
    with EmbeddedAws(log=tmp_path / "log") as aws:
        process = aws._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(EmbeddedAwsError, match="does not answer"):
            aws.heal()
        process.send_signal(signal.SIGCONT)


def test_an_answer_comes_in_one_piece(embedded_aws: EmbeddedAws) -> None:
    with socket.create_connection(("127.0.0.1", embedded_aws.port)) as connection:
        for _ in range(20):
            connection.sendall(b"GET /_drill HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head, _, body = connection.recv(1 << 20).partition(b"\r\n\r\n")
            (length,) = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
            assert len(body) == int(length.split(b":")[1])


def test_a_call_waits_for_a_busy_process_of_its_function_once_there_are_some(embedded_aws: EmbeddedAws) -> None:
    code = "import os, time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return os.getpid()\n"
    create_function(embedded_aws, "busy", code)

    def call(seconds: float) -> int:
        answer = embedded_aws.client("lambda", "us-east-1").invoke(
            FunctionName="busy", Payload=json.dumps({"seconds": seconds})
        )
        return int(answer["Payload"].read())

    with ThreadPoolExecutor(8) as callers:
        started = set(callers.map(call, [2.0] * 4))
        assert len(started) == 4
        assert set(callers.map(call, [0.02] * 24)) <= started
