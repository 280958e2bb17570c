"""An operator with the policy of docs/operator/evacuate.json, and nothing else, takes a region out and puts it back."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.conftest import SUFFIX
from tools.preflight.deployer import POLICIES, Placeholders, policies

import pytest
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
USER = "operator"
EAST, WEST = "us-east-1", "us-west-2"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def credentials(aws: EmbeddedAws, deployment: Deployment) -> Iterator[dict[str, str]]:
    """The operator's, and after the tests there is no such user."""
    iam = aws.client("iam", EAST)
    iam.create_user(UserName=USER)
    values = Placeholders(account=aws.account, suffix=SUFFIX, state_bucket="none")
    policy = policies(values, POLICIES.parent / "operator")["evacuate"]
    iam.put_user_policy(UserName=USER, PolicyName="evacuate", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    yield {name: key[name] for name in ("AccessKeyId", "SecretAccessKey")}
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=USER, PolicyName="evacuate")
    iam.delete_user(UserName=USER)


@pytest.fixture
def run(aws: EmbeddedAws, credentials: dict[str, str]) -> Run:
    """Runs the command through us-west-2."""

    def made(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "functions.evacuate", *arguments, "--via", WEST, "--suffix", SUFFIX],
            cwd=ROOT,
            env={
                **aws.isolated(),
                "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return made


def state(run: Run) -> list[dict[str, object]]:
    """What the command says of the regions; nothing before one has ever lived."""
    shown: list[dict[str, object]] = json.loads(run("state", "--json").stdout or "[]")
    return shown


def test_the_command_needs_no_more_than_the_operators_policy(aws: EmbeddedAws, run: Run) -> None:
    order = (EAST, "--reason", "a test", "--yes")
    ends = time.monotonic() + 150  # until both regions' probes have run, and their functions are warm
    while [each["healthy"] for each in state(run)] != [True, True] and time.monotonic() < ends:
        time.sleep(2)
    while (done := run("evacuate", *order)).returncode and time.monotonic() < ends:
        time.sleep(2)  # a minute begins: all probes run at once
    try:
        assert (done.returncode, done.stderr) == (0, "")
        assert "was not told" not in done.stdout
        (east, _) = state(run)
        assert east["evacuated_by"] == f"arn:aws:iam::{aws.account}:user/{USER}"
    finally:
        released = run("release", *order)
    assert (released.returncode, "was not told" in released.stdout) == (0, False)


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("dynamodb", "get_item", {"TableName": "patient_records-SUFFIX", "Key": {}}),
        ("dynamodb", "put_item", {"TableName": "patient_records-SUFFIX", "Item": {}}),
        ("dynamodb", "query", {"TableName": "audit_logs-SUFFIX", "KeyConditionExpression": "entity_id = :e"}),
        ("dynamodb", "delete_item", {"TableName": "failover_state-SUFFIX", "Key": {}}),
        ("dynamodb", "delete_item", {"TableName": "audit_logs-SUFFIX", "Key": {}}),
        ("cloudwatch", "put_metric_data", {"Namespace": "Other", "MetricData": [{"MetricName": "m", "Value": 1}]}),
        ("cloudwatch", "set_alarm_state", {"AlarmName": "a", "StateValue": "OK", "StateReason": "r"}),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-west-2:ACCOUNT:topic-failover-SUFFIX", "Message": "m"}),
        ("route53", "list_hosted_zones", {}),
    ],
)
def test_the_operators_policy_allows_nothing_else(
    aws: EmbeddedAws, credentials: dict[str, str], service: str, call: str, arguments: dict[str, object]
) -> None:
    given = json.loads(json.dumps(arguments).replace("SUFFIX", SUFFIX).replace("ACCOUNT", aws.account))
    client = aws.client(service, WEST, credentials=credentials)
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        getattr(client, call)(**given)
