"""What the API's function costs: its start, its own share of a request, its size, and what it bears under load.

Everything runs against one deployment of both regions and their tables in the embedded AWS. On a busy machine the
seconds vary; what is demanded is therefore a ratio to what AWS's own library takes on the same machine, a size, or a
number of faults, and of the import a time that leaves room for that.
"""

import compileall
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dr.bundle import ROOT, functions_bundle
from drill.client import ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tools.packages import LAMBDA_TAG

from attrs import field, frozen
from botocore.exceptions import HTTPClientError

REGION, OTHER = "us-east-1", "us-west-2"
STARTS = 7
REQUESTS = 200
CLIENTS = 4
# What a function pays that imports boto3 and makes both clients, before any line of its own.
STOCK = """
import time
started = time.perf_counter()
import boto3
boto3.client("dynamodb"), boto3.client("s3")
print((time.perf_counter() - started) * 1000)
"""
# What the project asks of itself.
IMPORT_MS = 400
IMPORT_RATIO = 1.5
CALLS = 12
BUNDLE_MB = 5


@frozen
class Figure:
    """One thing measured, with what is wanted of it, for persons, and whether that holds."""

    name: str
    value: float
    unit: str = ""
    wanted: str = ""
    holds: bool = True


@frozen
class Load:
    """What clients at the same time saw of an API."""

    seconds: float
    written: dict[str, tuple[str, str]] = field(factory=dict)
    """Patient and content of each acknowledged record, by the record's id."""
    latencies_ms: list[float] = field(factory=list)
    errors: list[str] = field(factory=list)


def bear(clients: list[ApiClient], seconds: float) -> Load:
    """Each client writes records and reads them again, in turn, for so long or until a request is not served."""
    load, ends = Load(seconds), time.monotonic() + seconds

    def work(client: ApiClient, patient: str) -> None:
        while time.monotonic() < ends and not load.errors:
            content = f"number {len(load.written)}"
            record = _timed(load, client, "POST", f"/patients/{patient}/records", _record(content))
            if record is not None:
                load.written[record["record_id"]] = patient, content
                _timed(load, client, "GET", f"/patients/{patient}/records/{record['record_id']}")

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(work, clients, (f"load-{number}" for number in range(len(clients)))))
    return load


def lost(load: Load, client: ApiClient) -> set[str]:
    """The acknowledged records that the API does not list as they were written."""
    missing = set(load.written)
    for patient in {patient for patient, _ in load.written.values()}:
        path: str | None = f"/patients/{patient}/records?limit=100"
        while path:
            page = json.loads(client.call("GET", path).body)
            listed = {record["record_id"]: (patient, record["content"]) for record in page["records"]}
            missing -= {record for record, written in listed.items() if load.written.get(record) == written}
            path = page["next"] and f"/patients/{patient}/records?limit=100&after={page['next']}"
    return missing


def measure(seconds: float) -> list[Figure]:
    """All figures; the load lasts so many seconds."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws(log=Path(folder) / "aws.log") as aws:
        deployment = Deployment(Path(folder) / "deployment", aws.isolated(), ENVIRONMENT_SUFFIX="bench")
        deployment.deploy(REGION, OTHER)
        deployment.deploy("replication")
        with zipfile.ZipFile(functions_bundle()) as bundle:
            bundle.extractall(Path(folder) / "bundle")
        return [*_starts(aws, Path(folder) / "bundle"), _size(), *_under_load(aws, deployment, seconds)]


def _starts(aws: EmbeddedAws, bundle: Path) -> list[Figure]:
    [function] = [f for f in aws.client("lambda", REGION).list_functions()["Functions"] if "api" in f["FunctionName"]]
    environment = {
        **aws.isolated(),
        **function["Environment"]["Variables"],
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": str(bundle),
        # Lambda cannot keep what it compiles, for a function's code is read-only: neither does this.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # The bundle brings its packages compiled for Lambda's Python. Another one finds them compiled as well.
    if sys.implementation.cache_tag != LAMBDA_TAG:
        compileall.compile_dir(bundle, quiet=1, rx=re.compile(re.escape(f"{bundle / 'functions'}{os.sep}")))
    stocked = {**environment, "PYTHONDONTWRITEBYTECODE": ""}
    _python(stocked, "-c", STOCK)  # AWS's own library comes compiled with Lambda
    starts = [(_start(environment, 0), float(_python(stocked, "-c", STOCK).stdout)) for _ in range(STARTS)]
    middle = {name: statistics.median(start[name] for start, _ in starts) for name in starts[0][0] if name[-2:] == "ms"}
    stock = statistics.median(boto3 for _, boto3 in starts)
    return start_figures(middle, stock, _start(environment, REQUESTS))


def start_figures(start: Mapping[str, float], stock_ms: float, warm: Mapping[str, Any]) -> list[Figure]:
    """What a start in the middle, one of AWS's own library, and one with many requests say, in milliseconds."""
    p50 = _percentile(warm["handler_ms"], 50)
    return [
        _under("import of the bundle at a cold start", start["import_ms"], IMPORT_MS, "ms"),
        Figure("the same, with the runtime's botocore", start["whole_ms"], "ms"),
        _under("ratio of that to boto3 with two clients", start["whole_ms"] / stock_ms, IMPORT_RATIO),
        Figure("first request after it, without AWS", start["first_request_ms"], "ms"),
        Figure("first request for the bucket after it, without AWS", start["first_upload_ms"], "ms"),
        Figure("request p50, without AWS", p50, "ms"),
        Figure("request p99, without AWS", _percentile(warm["handler_ms"], 99), "ms"),
        _under("p50 in calls of botocore", p50 / warm["call_ms"], CALLS),
    ]


def _size() -> Figure:
    return _under("bundle", functions_bundle().stat().st_size / 1_000_000, BUNDLE_MB, "MB")


def _under(name: str, value: float, limit: float, unit: str = "") -> Figure:
    return Figure(name, value, unit, f"under {limit:g}", value < limit)


def _under_load(aws: EmbeddedAws, deployment: Deployment, seconds: float) -> Iterator[Figure]:
    with _clients(aws, deployment, REGION, CLIENTS) as clients, _clients(aws, deployment, OTHER, 1) as [other]:
        load = bear(clients, seconds)
        missing = lost(load, clients[0]) | lost(load, other)
    for error in load.errors:
        sys.stderr.write(f"{error}\n")
    yield Figure("requests a second, embedded API", len(load.latencies_ms) / seconds, f"({CLIENTS} clients)")
    yield Figure("p99 through the embedded API", _percentile(load.latencies_ms, 99), "ms")
    yield Figure("requests not served", len(load.errors), "", "0", not load.errors)
    yield Figure("acknowledged writes", len(load.written), "", "over 0", bool(load.written))
    yield Figure("of them lost, in either region", len(missing), "", "0", not missing)


@contextmanager
def _clients(aws: EmbeddedAws, deployment: Deployment, region: str, number: int) -> Iterator[list[ApiClient]]:
    url = deployment.outputs(region)["api_url"]
    made = [ApiClient(region=region, api_url=url, endpoint=aws.endpoint, account=aws.account) for _ in range(number)]
    try:
        yield made
    finally:
        for client in made:
            client.close()


def _timed(load: Load, client: ApiClient, method: str, path: str, body: bytes = b"") -> dict[str, Any] | None:
    """The JSON of an answer; None, with an error noted, where it is no success."""
    started = time.perf_counter()
    try:
        answer = client.call(method, path, body, content_type="application/json")
    except HTTPClientError as error:
        load.errors.append(f"{method} {path}: {error!r}")
        return None
    load.latencies_ms.append((time.perf_counter() - started) * 1000)
    if answer.status >= 300:
        load.errors.append(f"{method} {path}: {answer.status} {answer.body!r}")
        return None
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) * percent // 100] if ordered else math.nan


def _record(content: str) -> bytes:
    record = {"record_type": "note", "facility_id": "ward", "recorded_at": "2026-01-01T00:00:00Z"}
    return json.dumps({**record, "content": content}).encode()


def _start(environment: Mapping[str, str], requests: int) -> dict[str, Any]:
    done = _python(environment, str(ROOT / "tools" / "bench_start.py"), str(requests))
    figures: dict[str, Any] = json.loads(done.stderr)
    return figures


def _python(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=os.path.sep, capture_output=True, text=True, check=True
    )
