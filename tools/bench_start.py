"""Run by `tools.bench_api` in a fresh Python, with the unpacked bundle on its path: one start of the function.

Writes milliseconds as JSON to stderr, for the function's log is on stdout. AWS's share is the time between a request of
botocore's and its answer; all else is the function's own: building, signing and parsing included. Python and botocore
are those of the development environment; Lambda has its own. The import of botocore counts apart: it is the runtime's.
"""

import time

# The clock starts before all that botocore imports, of Python's own library as well.
started = time.perf_counter()
from botocore.httpsession import URLLib3Session  # noqa: E402
from botocore.session import Session  # noqa: E402

runtime_ms = (time.perf_counter() - started) * 1000

import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import uuid  # noqa: E402
from typing import Any  # noqa: E402

RECORD = {"record_type": "note", "facility_id": "ward", "recorded_at": "2026-01-01T00:00:00Z", "content": "bench"}


class Transport:
    """botocore's way to AWS, with the time it takes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        send = URLLib3Session.send

        def timed(session: Any, request: Any) -> Any:
            started = time.perf_counter()
            try:
                return send(session, request)
            finally:
                self.seconds += time.perf_counter() - started

        URLLib3Session.send = timed

    def own_ms(self, call: Any, *arguments: Any, **named: Any) -> float:
        """Milliseconds of a call without AWS's share."""
        started, before = time.perf_counter(), self.seconds
        call(*arguments, **named)
        return (time.perf_counter() - started - (self.seconds - before)) * 1000


def main(requests: int) -> None:
    """Import the handler, make a first request, a first one that needs the bucket, and then many."""
    started = time.perf_counter()
    from functions.api.handler import handler

    import_ms = (time.perf_counter() - started) * 1000
    figures: dict[str, Any] = {"import_ms": import_ms, "whole_ms": runtime_ms + import_ms}
    transport, patient = Transport(), f"/patients/{uuid.uuid4()}"

    def call(method: str, path: str, body: object = None) -> None:
        answer = handler(event(method, path, body), _Context())
        if answer["statusCode"] >= 400:
            raise SystemExit(f"{method} {path} must be served, got: {answer}")

    figures["first_request_ms"] = transport.own_ms(call, "GET", f"{patient}/records")
    figures["first_upload_ms"] = transport.own_ms(
        call,
        "POST",
        f"{patient}/documents/a.pdf/uploads",
        {"content_type": "text/plain", "size": 1, "sha256": "0" * 64},
    )
    reads = [transport.own_ms(call, "GET", f"{patient}/records") for _ in range(requests)]
    writes = [transport.own_ms(call, "POST", f"{patient}-2/records", RECORD) for _ in range(requests)]
    client = Session().create_client("dynamodb")
    limits = [transport.own_ms(client.describe_limits) for _ in range(requests)]
    figures.update(handler_ms=reads + writes, call_ms=statistics.median(limits) if limits else 0)
    sys.stderr.write(json.dumps(figures))


def event(method: str, path: str, body: object) -> dict[str, Any]:
    """A request as an HTTP API hands it over, signed by a clinician."""
    return {
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "http": {"method": method, "path": path},
            "stage": "$default",
            "requestId": str(uuid.uuid4()),
            "authorizer": {"iam": {"userArn": "arn:aws:iam::111111111111:user/bench", "accountId": "111111111111"}},
        },
    }


class _Context:
    function_name, memory_limit_in_mb, aws_request_id = "api", 3072, "bench"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111111111111:function:api"


if __name__ == "__main__":
    main(int(sys.argv[1]))
