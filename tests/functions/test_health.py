"""The health check: deep, cheap, quick, and a fixed word."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

from tests.functions.cloud import HOME, OTHER, RECORDS, Cloud
from tests.functions.gateway import Api

import pytest


def reads(cloud: Cloud) -> int:
    return sum(count.times for count in cloud.aws.requests() if (count.region, count.service) == (HOME, "dynamodb"))


def test_a_region_that_reads_its_table_is_healthy_and_says_only_that(build: Callable[..., Api]) -> None:
    reply = build(HOME)("GET", "/healthz", caller={})
    assert (reply.status, reply.body) == (200, b"serving")
    assert reply.headers == {"Content-Type": "text/plain", "Cache-Control": "no-store"}


@pytest.mark.parametrize("mode", ["drop", "error", "hang", "slow", "trickle"])
def test_a_region_whose_table_does_not_answer_is_unhealthy_within_two_seconds(
    cloud: Cloud, build: Callable[..., Api], mode: str
) -> None:
    api = build(HOME)
    cloud.aws.fault(region=HOME, service="dynamodb", mode=mode, seconds=5)
    started = time.monotonic()
    reply = api("GET", "/healthz", caller={})
    assert time.monotonic() - started < 2
    assert (reply.status, reply.body) == (503, b"impaired")


def test_a_region_stays_healthy_while_the_other_is_down(cloud: Cloud, build: Callable[..., Api]) -> None:
    api = build(HOME)
    cloud.aws.fault(region=OTHER)
    assert api("GET", "/healthz", caller={}).status == 200


def test_a_missing_table_is_unhealthy(build: Callable[..., Api]) -> None:
    assert build(HOME, PATIENT_RECORDS_TABLE="missing")("GET", "/healthz", caller={}).status == 503


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the health check takes for the time, in ``now``."""
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr("functions.api.health.time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def test_an_answer_is_kept_for_one_second(cloud: Cloud, build: Callable[..., Api], clock: SimpleNamespace) -> None:
    api = build(HOME)
    cloud.aws.fault(region=HOME, mode="error")
    assert api("GET", "/healthz", caller={}).status == 503
    cloud.aws.heal()
    clock.now = 0.999
    assert api("GET", "/healthz", caller={}).status == 503
    clock.now = 1.0
    assert api("GET", "/healthz", caller={}).status == 200


def test_many_checkers_cost_one_read_a_second(cloud: Cloud, build: Callable[..., Api], clock: SimpleNamespace) -> None:
    api = build(HOME)
    before = reads(cloud)
    assert {api("GET", "/healthz", caller={}).status for _ in range(50)} == {200}
    assert reads(cloud) == before + 1


def test_no_patient_can_be_the_key_that_health_reads(cloud: Cloud, build: Callable[..., Api]) -> None:
    from functions.api.health import HEALTH_KEY

    assert "#" not in HEALTH_KEY["patient_id"]["S"]
    assert "Item" not in cloud.client("dynamodb").get_item(TableName=RECORDS, Key=HEALTH_KEY)
