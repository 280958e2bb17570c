"""What people are told of the failover, and when they are called: once, and by one region."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import UTC, datetime, timedelta

from tests.functions.cloud import HOME, OTHER, RUNBOOK, STATE, Cloud
from tests.functions.conftest import Decide
from tests.functions.failing import (
    PATIENT,
    SOON,
    Event,
    arrive,
    beat,
    blind,
    cut_off,
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


@pytest.mark.parametrize("why", ["unhealthy", "evacuated"])
def test_the_last_healthy_region_is_never_evacuated_and_people_are_called(
    cloud: Cloud, alarm: Event, decide: Decide, why: str
) -> None:
    before = len(decisions(cloud))
    if why == "unhealthy":
        cloud.aws.fault(region=HOME, service="execute-api")
    else:
        decide(HOME, "evacuated")
    handler(cloud)(alarm, Context())
    handler(cloud)(alarm, Context(aws_request_id="second"))
    assert len(decisions(cloud)) == before
    assert decisions(cloud, "refrained#")[-1]["reason"].startswith("does not answer")
    assert cloud.audit(f"platform#failover:{OTHER}")[-1]["result"] == "refused"
    [message] = told(cloud)
    assert message.startswith(f"{OTHER} failed and no other region can take over: ACT NOW\n")
    assert message.endswith(f"{RUNBOOK}#a-region-is-down")


def test_automatic_evacuation_can_be_switched_off_and_people_are_asked_instead(cloud: Cloud, alarm: Event) -> None:
    before = len(decisions(cloud))
    for delivery in ("first", "second"):
        handler(cloud, AUTOMATIC_EVACUATION="false")(alarm, Context(aws_request_id=delivery))
    assert len(decisions(cloud)) == before
    assert cloud.audit(f"platform#failover:{OTHER}")[-1]["action"] == "region.switched-off"
    [message] = told(cloud)
    assert f"python -m functions.evacuate evacuate {OTHER} --suffix test --via {HOME} --reason" in message
    assert message.endswith(f"{RUNBOOK}#evacuation-is-switched-off")


def test_people_are_called_as_well_when_the_last_region_fails_while_it_is_switched_off(
    cloud: Cloud, alarm: Event
) -> None:
    fall_ill(cloud)
    function = handler(cloud, AUTOMATIC_EVACUATION="false", EVACUATE_AFTER_S=SOON)
    function(tick(), Context(aws_request_id="switched off"))
    cloud.aws.fault(region=HOME, service="execute-api")
    time.sleep(1.1)  # an answer of the API is kept for a second
    for delivery in ("alone", "alone still"):
        function(tick(), Context(aws_request_id=delivery))
    assert [text.partition("\n")[0] for text in told(cloud)] == [
        f"{OTHER} is not healthy, and automatic evacuation is switched off",
        f"{OTHER} failed and no other region can take over: ACT NOW",
    ]


def test_a_region_that_says_since_that_it_is_well_is_not_evacuated_and_people_are_told_once(
    cloud: Cloud, alarm: Event
) -> None:
    before, function = len(decisions(cloud)), handler(cloud, EVACUATE_AFTER_S=SOON)
    cut_off(cloud)
    fall_ill(cloud)
    see(cloud, OTHER, OTHER)
    arrive(cloud)
    for invocation in ("first", "second"):
        function(tick(), Context(aws_request_id=invocation))
    assert len(decisions(cloud)) == before
    assert cloud.audit(f"platform#failover:{OTHER}")[-1]["action"] == "region.disputed"
    [message] = told(cloud)
    assert message.startswith(f"{OTHER} does not answer {HOME} and says that it is well: it was not evacuated\n")
    assert message.endswith(f"{RUNBOOK}#a-region-says-that-it-is-well")
    see(cloud, OTHER, OTHER, ill_s=60)
    arrive(cloud)
    function(tick(), Context(aws_request_id="third"))
    assert decisions(cloud)[-1]["state"] == "evacuated"


@pytest.mark.parametrize("why", ["it answers", "it comes and goes"])
def test_a_region_is_not_believed_that(cloud: Cloud, alarm: Event, why: str) -> None:
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, service="execute-api", mode="error" if why == "it answers" else "drop")
    fall_ill(cloud)
    see(cloud, OTHER, OTHER, unsteady_s=60 if why == "it comes and goes" else 0)
    arrive(cloud)
    handler(cloud, EVACUATE_AFTER_S=SOON)(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_people_are_called_by_the_evacuated_region_alone_where_its_function_lives(
    cloud: Cloud, alarm: Event, decide: Decide
) -> None:
    cloud.aws.heal()
    decide(OTHER, "evacuated")
    beat(cloud, HOME)
    time.sleep(0.3)
    see(cloud, HOME, HOME, ill_s=0.2)
    see(cloud, OTHER, HOME, ill_s=0.2)
    arrive(cloud)
    cloud.aws.fault(region=HOME, service="execute-api")
    for region in (HOME, OTHER):
        handler(cloud, region, EVACUATE_AFTER_S=SOON)(tick(), Context(aws_request_id=region))
    assert told(cloud) == []
    [message] = told(cloud, OTHER)
    assert message.startswith(f"{HOME} failed and no other region can take over: ACT NOW\n")


def test_what_a_region_said_before_it_was_seen_ill_is_no_dispute(cloud: Cloud, alarm: Event) -> None:
    cut_off(cloud)
    see(cloud, OTHER, OTHER)
    arrive(cloud)
    fall_ill(cloud)
    handler(cloud, EVACUATE_AFTER_S=SOON)(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"


def test_the_other_regions_topic_takes_the_message_when_its_own_fails(cloud: Cloud, alarm: Event) -> None:
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, service="execute-api")
    cloud.aws.fault(region=HOME, service="sns")
    handler(cloud)(alarm, Context())
    cloud.aws.heal()
    assert told(cloud) == []
    assert len(told(cloud, OTHER)) == 1


def test_what_nobody_could_be_told_is_told_by_a_later_run_once(cloud: Cloud, alarm: Event) -> None:
    from functions.watching.parts import FailedPartsError

    before, failing = len(decisions(cloud)), [cloud.aws.fault(region=region, service="sns") for region in (HOME, OTHER)]
    for _ in range(2):  # Lambda repeats it
        with contextlib.suppress(FailedPartsError):
            handler(cloud)(alarm, Context())
    for fault in failing:
        cloud.aws.heal(fault)
    handler(cloud)(tick(), Context(aws_request_id="too early"))
    assert told(cloud) == []
    for invocation in ("later", "still later"):
        handler(cloud, limits={**PATIENT, "telling": 0.0})(tick(), Context(aws_request_id=invocation))
    assert len(told(cloud)) == 1
    assert len(decisions(cloud)) == before + 1


def test_what_was_decided_about_a_long_illness_is_told_by_a_later_run_as_well(cloud: Cloud, alarm: Event) -> None:
    from functions.shared.table import instant
    from functions.watching.state import ALONE, state_of

    state = state_of(cloud.client("dynamodb"), STATE, HOME)
    since = instant(datetime.now(UTC) - timedelta(hours=2))
    row = state.addition(OTHER, ALONE, at=since, by="failover", reason="is gone", notice="a region failed\n\nlong ago")
    state.table.transact(row)
    handler(cloud, limits={**PATIENT, "telling": 0.0})(tick(), Context())
    assert "a region failed\n\na region failed\n\nlong ago" in told(cloud)


def test_a_decision_whose_invocation_ended_before_it_told_is_told_all_the_same(
    cloud: Cloud, alarm: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.failover.failover import Failover

    with monkeypatch.context() as patch:
        patch.setattr(Failover, "_tell", lambda *_: None)
        handler(cloud)(alarm, Context())
    handler(cloud, limits={**PATIENT, "telling": 0.0})(tick(), Context(aws_request_id="next"))
    assert [text.partition("\n")[0] for text in told(cloud)] == [f"{OTHER} was evacuated, {HOME} takes its traffic"]


def test_one_event_that_is_delivered_twice_is_told_once(cloud: Cloud, alarm: Event) -> None:
    for _ in range(2):
        handler(cloud)(alarm, Context())
    assert len(told(cloud)) == 1


def test_nothing_is_told_of_what_could_not_be_written(cloud: Cloud, alarm: Event) -> None:
    from functions.watching.parts import FailedPartsError

    cloud.aws.fault(region=HOME, service="dynamodb", mode="error")
    with pytest.raises(FailedPartsError, match="alarm 0"):
        handler(cloud)(alarm, Context())
    assert told(cloud) == []


def test_people_are_called_when_all_fails_but_a_region_that_an_operator_evacuated(
    cloud: Cloud, alarm: Event, decide: Decide
) -> None:
    cloud.aws.heal()
    decide(OTHER, "evacuated")
    see(cloud, HOME, HOME, ill_s=60)
    blind(cloud, OTHER)
    cloud.aws.fault(region=HOME, service="execute-api")
    handler(cloud)(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"
    [message] = told(cloud)
    assert f"No other region is fit: {OTHER} is evacuated." in message


def test_every_message_fits_what_sns_takes(cloud: Cloud) -> None:
    from functions.failover.notices import Notices

    notices = Notices(runbook_url=RUNBOOK, suffix="s" * 20, release_after_s=600, lag_objective_s=60)
    region, since = "ap-southeast-2", "2026-11-25T02:13:00.000000Z"
    for text in (
        notices.evacuated(region, since, "is gone", [region, region]),
        notices.alone(region, since, "is gone", [region]),
        notices.disputed(region, since, "is gone", region),
        notices.switched_off(region, since, "is gone", region, [region]),
        notices.released(region, since, since, "healthy and in step"),
    ):
        subject = text.partition("\n")[0]
        assert re.fullmatch(r"[A-Za-z][ -~]{0,98}", subject)
        assert "25 November 2026, 02:13:00 UTC" in text
