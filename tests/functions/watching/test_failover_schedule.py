"""What the failover decides every minute: what the alarm did not, and whether a region is well again."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.functions.cloud import HOME, OTHER, RUNBOOK, STATE, Cloud, Link
from tests.functions.conftest import Decide
from tests.functions.failing import (
    PATIENT,
    SOON,
    Event,
    Handler,
    arrive,
    blind,
    decisions,
    fall_ill,
    handler,
    see,
    tick,
    told,
)
from tests.functions.gateway import Context

import pytest

pytestmark = pytest.mark.usefixtures("serving")


def test_topics_that_fail_hold_up_no_release(cloud: Cloud, latched: Handler) -> None:
    evacuated = decisions(cloud)[-1]["item"]
    untold = {"region": {"S": OTHER}, "item": {"S": f"told#{evacuated}"}}
    cloud.client("dynamodb").delete_item(TableName=STATE, Key=untold)
    see(cloud, HOME, OTHER)
    see(cloud, OTHER, HOME)
    for region in (HOME, OTHER):
        cloud.aws.fault(region=region, service="sns")
    function = handler(cloud, RELEASE_AFTER_S="0", limits={**PATIENT, "telling": 0.0})
    function(tick(), Context(aws_request_id="while topics fail"))
    assert decisions(cloud)[-1]["state"] == "released"
    cloud.aws.heal()
    function(tick(), Context(aws_request_id="afterwards"))
    assert len(told(cloud)) == 2


def test_a_region_is_released_when_it_is_healthy_and_in_step_and_people_are_told_once(
    cloud: Cloud, latched: Handler
) -> None:
    see(cloud, HOME, OTHER)
    see(cloud, OTHER, HOME)
    event = tick()
    latched(event, Context(aws_request_id="first"))
    latched(event, Context(aws_request_id="second"))
    latched(tick(), Context(aws_request_id="third"))
    assert [row["state"] for row in decisions(cloud)[-2:]] == ["evacuated", "released"]
    assert cloud.audit(f"platform#failover:{OTHER}")[-1]["action"] == "region.released"
    [message] = told(cloud)
    assert message.startswith(f"{OTHER} was released and gets traffic again\n")
    assert message.endswith(f"{RUNBOOK}#a-region-was-released")


def test_a_region_stays_evacuated_while_it_is_not_well_or_not_in_step(cloud: Cloud, latched: Handler) -> None:
    late: list[dict[str, Any]] = [{"lag_s": 61}, {"lag_s": None}]
    for here, there in [({"healthy_s": 0}, {}), *((one, {}) for one in late), *(({}, one) for one in late)]:
        see(cloud, OTHER, HOME, **there)
        see(cloud, HOME, OTHER, **here)
        latched(tick(), Context())
        assert decisions(cloud)[-1]["state"] == "evacuated", (here, there)
    see(cloud, OTHER, HOME)
    see(cloud, HOME, OTHER)
    latched(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "released"


def test_a_region_is_not_released_before_it_has_been_well_for_as_long_as_demanded(
    cloud: Cloud, latched: Handler
) -> None:
    demanding = handler(cloud, RELEASE_AFTER_S="1")
    time.sleep(1.1)  # by then the evacuation is old enough
    see(cloud, OTHER, HOME)
    for healthy_s, state in ((0.5, "evacuated"), (1.5, "released")):
        event = tick()
        see(cloud, HOME, OTHER, healthy_s=healthy_s)
        demanding(event, Context())
        assert decisions(cloud)[-1]["state"] == state


def test_a_region_stays_evacuated_while_what_it_sees_does_not_arrive(
    cloud: Cloud, latched: Handler, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(cloud, OTHER, HOME)
    see(cloud, HOME, OTHER)
    monkeypatch.setattr("functions.watching.state._FRESH_SECONDS", 0.3)
    link.cut()
    time.sleep(0.4)
    see(cloud, OTHER, HOME)
    see(cloud, HOME, OTHER)
    latched(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_a_region_is_not_released_before_its_evacuation_is_as_old_as_demanded(cloud: Cloud, alarm: Event) -> None:
    function = handler(cloud)
    function(alarm, Context(aws_request_id="evacuation"))
    cloud.aws.heal()
    see(cloud, HOME, OTHER)
    see(cloud, OTHER, HOME)
    function(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_a_region_that_the_probe_saw_ill_for_long_enough_is_evacuated_without_an_alarm(
    cloud: Cloud, alarm: Event
) -> None:
    before, function = len(decisions(cloud)), handler(cloud, EVACUATE_AFTER_S=SOON)
    fall_ill(cloud)
    handler(cloud)(tick(), Context(aws_request_id="early"))
    assert len(decisions(cloud)) == before
    for invocation in ("first", "second"):
        function(tick(), Context(aws_request_id=invocation))
    function(alarm, Context(aws_request_id="alarm"))
    assert len(decisions(cloud)) == before + 1
    assert (decisions(cloud)[-1]["state"], decisions(cloud)[-1]["correlation_id"]) == ("evacuated", "first")
    assert len(told(cloud)) == 1


def test_a_region_that_comes_and_goes_is_evacuated(cloud: Cloud, alarm: Event) -> None:
    time.sleep(0.3)
    see(cloud, HOME, OTHER, healthy_s=0.1, unsteady_s=0.2)
    handler(cloud, EVACUATE_AFTER_S=SOON)(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_an_alarm_and_the_schedule_decide_about_one_illness_once(cloud: Cloud, alarm: Event) -> None:
    cloud.aws.fault(region=HOME, service="execute-api")
    fall_ill(cloud)
    for number, event in enumerate((alarm, tick(), tick())):
        handler(cloud, EVACUATE_AFTER_S=SOON)(event, Context(aws_request_id=f"invocation-{number}"))
    assert len(told(cloud)) == 1


def test_a_region_that_could_not_be_evacuated_is_so_when_another_one_can_take_its_traffic(
    cloud: Cloud, alarm: Event
) -> None:
    here = cloud.aws.fault(region=HOME, service="execute-api")
    fall_ill(cloud)
    handler(cloud)(alarm, Context(aws_request_id="alone"))
    cloud.aws.heal(here)
    time.sleep(1.1)  # an answer of the API is kept for a second
    handler(cloud, EVACUATE_AFTER_S=SOON)(tick(), Context(aws_request_id="in company"))
    assert decisions(cloud)[-1]["state"] == "evacuated"
    assert [text.partition("\n")[0] for text in told(cloud)] == [
        f"{OTHER} failed and no other region can take over: ACT NOW",
        f"{OTHER} was evacuated, {HOME} takes its traffic",
    ]


def test_an_operator_who_released_an_ill_region_is_not_overruled_by_the_schedule(
    cloud: Cloud, alarm: Event, decide: Decide
) -> None:
    fall_ill(cloud)
    decide(OTHER, "released")
    before = len(decisions(cloud))
    handler(cloud, EVACUATE_AFTER_S=SOON)(tick(), Context())
    assert (len(decisions(cloud)), told(cloud)) == (before, [])


@pytest.mark.parametrize("region", [HOME, OTHER])
def test_an_evacuated_region_that_answers_is_released_at_once_when_no_other_serves(
    cloud: Cloud, latched: Handler, region: str
) -> None:
    # By the function that evacuated it, or by its own: the other may be gone.
    before = len(decisions(cloud))
    see(cloud, region, HOME, ill_s=60)
    cloud.aws.fault(region=HOME, service="execute-api")
    handler(cloud, region)(tick(), Context(aws_request_id="emergency"))
    arrive(cloud)
    assert len(decisions(cloud)) == before + 1
    assert decisions(cloud)[-1]["reason"] == "no other region serves"
    [message] = told(cloud, region)
    assert "It is released, for: no other region serves." in message


def test_one_failure_of_the_region_that_serves_releases_nothing(cloud: Cloud, latched: Handler) -> None:
    see(cloud, HOME, HOME)
    cloud.aws.fault(region=HOME, service="execute-api")
    latched(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_an_evacuated_region_that_does_not_answer_is_not_released_though_no_other_serves(
    cloud: Cloud, latched: Handler
) -> None:
    see(cloud, HOME, HOME, ill_s=60)
    blind(cloud, OTHER)
    for region in (HOME, OTHER):
        cloud.aws.fault(region=region, service="execute-api")
    for invocation in ("first", "second"):
        latched(tick(), Context(aws_request_id=invocation))
    assert decisions(cloud)[-1]["state"] == "evacuated"
    [message] = told(cloud)
    assert message.startswith(f"{HOME} failed and no other region can take over: ACT NOW\n")
    assert f"No other region is fit: {OTHER} does not answer" in message


def test_a_scheduled_run_that_fails_is_counted_and_not_repeated(
    cloud: Cloud, alarm: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.aws.fault(region=HOME, service="dynamodb", mode="error")
    handler(cloud)(tick(), Context())
    [counted] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (counted["service"], counted["Failures"]) == ("api", [2.0])


@pytest.mark.parametrize(("by", "region"), [("arn:aws:iam::111111111111:role/operator", HOME), ("failover", OTHER)])
def test_who_evacuated_a_region_releases_it_and_nobody_else(cloud: Cloud, decide: Decide, by: str, region: str) -> None:
    # Decided in us-east-1, by an operator or by its function; about the region that the asked function does not watch,
    # or that it may not release.
    about = HOME if region == OTHER else OTHER
    decide(about, "evacuated", by=by)
    see(cloud, HOME, OTHER)
    see(cloud, OTHER, HOME)
    handler(cloud, region, RELEASE_AFTER_S="0")(tick(), Context())
    assert decisions(cloud, region=about)[-1]["state"] == "evacuated"
