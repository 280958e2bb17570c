"""The requests of the benchmark are such as the API serves."""

from __future__ import annotations

from tests.functions.gateway import Api, Context
from tests.functions.test_records import RECORD
from tools.bench_start import event


def test_the_requests_of_the_benchmark_are_served(api: Api, patient: str) -> None:
    at = f"/patients/{patient}/records"
    answers = [api.handler(event(method, at, body), Context()) for method, body in (("POST", RECORD), ("GET", None))]
    assert [answer["statusCode"] for answer in answers] == [201, 200]
