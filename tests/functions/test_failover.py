"""The failover: an evacuation is confirmed, made once, told once, and taken back when the region is well."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.functions.cloud import ALERTS, AUDIT, HOME, OTHER, RUNBOOK, STATE, Cloud, Link
from tests.functions.conftest import Decide
from tests.functions.gateway import Context
from tests.functions.watched import gone_off, received

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Generous where an answer comes, for the machine may be busy.
PATIENT = {"all": 60.0, "asking": 20.0, "connect": 10.0, "answer": 10.0}
# A region that has been ill for two tenths of a second is so for long enough.
SOON = "0.1"
Event = dict[str, Any]
Handler = Callable[[Event, Any], None]
Rows = list[dict[str, Any]]


def handler(cloud: Cloud, region: str = HOME, limits: dict[str, float] = PATIENT, **changes: str) -> Handler:
    """A region's function; `changes` replace variables of its environment."""
    from functions.failover.failover import Configuration, Limits
    from functions.failover.handler import application

    return application(Configuration.from_environment({**cloud.environment(region), **changes}), Limits(**limits))


def tick() -> Event:
    """What EventBridge sends every minute."""
    from functions.shared.table import now

    return {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": now()}


def decisions(cloud: Cloud, kind: str = "evacuation#", region: str = OTHER) -> Rows:
    """The rows of a region's decisions, oldest first."""
    from functions.shared.state import state_of

    return list(state_of(cloud.client("dynamodb"), STATE, HOME).table.items(region, kind))


def told(cloud: Cloud, region: str = HOME) -> list[str]:
    return [f"{each['Subject']}\n\n{each['Message']}" for each in received(cloud.aws, region, ALERTS)]


@pytest.fixture
def alarm(cloud: Cloud, decide: Decide) -> Event:
    """us-west-2 lived, is down, and the alarm of us-east-1 about it has gone off; nobody was told of anything else."""
    beat(cloud, OTHER)
    told(cloud)
    told(cloud, OTHER)
    see(cloud, HOME, OTHER)
    cloud.aws.fault(region=OTHER)
    return gone_off(cloud.aws, HOME, f"Healthy-{OTHER}")


def beat(cloud: Cloud, region: str) -> None:
    from functions.shared.state import state_of
    from functions.shared.table import now

    state_of(cloud.client("dynamodb", region), STATE, region).beat(now(), cloud.api_urls[region])


def see(
    cloud: Cloud,
    region: str,
    other: str,
    *,
    healthy_s: float = 1000,
    lag_s: float | None = 0.5,
    ill_s: float = 0,
    unsteady_s: float = 0,
) -> None:
    """What a region's probe saw of the other just now."""
    from functions.shared.state import Sight, state_of
    from functions.shared.table import instant

    def ago(seconds: float) -> str:
        return instant(datetime.now(UTC) - timedelta(seconds=seconds)) if seconds else ""

    sight = Sight("" if ill_s else ago(healthy_s), lag_s, ago(ill_s), ago(unsteady_s or ill_s))
    state_of(cloud.client("dynamodb", region), STATE, region).look({other: sight}, ago(0.001))


def blind(cloud: Cloud, region: str) -> None:
    """Nothing is known of what a region sees."""
    from functions.shared.state import state_of
    from functions.shared.table import now

    state_of(cloud.client("dynamodb", region), STATE, region).look({}, now())
    arrive(cloud)


def arrive(cloud: Cloud) -> None:
    """All that was written has been copied."""
    while any(way["queued"] for way in cloud.aws.replication()["ways"]):
        time.sleep(0.02)


def cut_off(cloud: Cloud) -> None:
    """us-west-2 does not answer us-east-1, and that is all."""
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, service="execute-api")


def fall_ill(cloud: Cloud) -> None:
    """us-west-2 was seen ill after all that was decided about it."""
    time.sleep(0.3)
    see(cloud, HOME, OTHER, ill_s=0.2)


def test_a_region_that_is_down_is_evacuated_audited_and_told(cloud: Cloud, alarm: Event) -> None:
    before, audited = len(decisions(cloud)), len(cloud.audit(f"platform#failover:{OTHER}"))
    handler(cloud)(alarm, Context())
    row = decisions(cloud)[-1]
    assert len(decisions(cloud)) == before + 1
    assert (row["state"], row["by"], row["writer"]) == ("evacuated", "failover", HOME)
    assert row["item"] == f"evacuation#{row['occurred_at']}#{HOME}"
    audit = cloud.audit(f"platform#failover:{OTHER}")
    assert len(audit) == audited + 1
    assert (audit[-1]["action"], audit[-1]["result"]) == ("region.evacuated", "allowed")
    assert audit[-1]["correlation_id"] == Context().aws_request_id
    [message] = told(cloud)
    assert message.startswith(f"{OTHER} was evacuated, {HOME} takes its traffic\n")
    for part in ("What happened:", "Since:", f"Everything is served by {HOME}", "What to do:"):
        assert part in message
    assert message.endswith(f"Runbook: {RUNBOOK}#a-region-was-evacuated")
    assert "arn:" not in message


def test_the_audit_rows_of_the_failover_are_chained_and_their_chain_is_verified(cloud: Cloud, alarm: Event) -> None:
    from functions.shared.chain import Fault
    from functions.verify import trails_of, verify

    entity = f"platform#failover:{OTHER}"
    handler(cloud)(alarm, Context())
    cloud.aws.heal()
    last = cloud.audit(entity)[-1]
    key = {name: {"S": last[name]} for name in ("entity_id", "event_id")}
    item = cloud.client("dynamodb").get_item(TableName=AUDIT, Key=key)["Item"]
    cloud.client("dynamodb").delete_item(TableName=AUDIT, Key=key)
    faults = [fault for found, fault in verify(trails_of(HOME, "test")) if found == entity]
    cloud.client("dynamodb").put_item(TableName=AUDIT, Item=item)
    assert faults == [Fault(HOME, int(last["sequence"]), "missing")]


def test_two_deliveries_of_one_alarm_evacuate_and_tell_once(cloud: Cloud, alarm: Event) -> None:
    before, audited = len(decisions(cloud)), len(cloud.audit(f"platform#failover:{OTHER}"))
    work = [
        threading.Thread(target=handler(cloud), args=(alarm, Context(aws_request_id=f"delivery-{number}")))
        for number in range(2)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    handler(cloud)(alarm, Context(aws_request_id="delivery-3"))
    assert len(decisions(cloud)) == before + 1
    assert len(cloud.audit(f"platform#failover:{OTHER}")) == audited + 1
    assert len(told(cloud)) == 1


def test_a_delivery_that_loses_while_the_other_decides_tells_nothing(
    cloud: Cloud, alarm: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.failover.failover import Failover

    seen, late = Failover._complaints, handler(cloud)

    def overtaken(self: Any, judged: str) -> dict[str, str]:
        monkeypatch.setattr(Failover, "_complaints", seen)
        handler(cloud)(alarm, Context(aws_request_id="faster"))
        return seen(self, judged)

    monkeypatch.setattr(Failover, "_complaints", overtaken)
    before = len(decisions(cloud))
    late(alarm, Context(aws_request_id="slower"))
    assert len(decisions(cloud)) == before + 1
    assert decisions(cloud)[-1]["correlation_id"] == "faster"
    assert len(told(cloud)) == 1


def test_a_region_that_has_recovered_is_not_evacuated(cloud: Cloud, alarm: Event) -> None:
    before = len(decisions(cloud))
    cloud.aws.heal()
    handler(cloud)(alarm, Context())
    assert (len(decisions(cloud)), told(cloud)) == (before, [])


@pytest.mark.parametrize(
    ("name", "state"),
    [(f"Healthy-{OTHER}", "OK"), (f"Healthy-{HOME}", "ALARM"), (f"HeartbeatAge-{OTHER}", "ALARM")],
)
def test_an_alarm_that_is_over_or_about_something_else_evacuates_nothing(
    cloud: Cloud, alarm: Event, name: str, state: str
) -> None:
    before = len(decisions(cloud))
    handler(cloud)(gone_off(cloud.aws, HOME, name, state), Context())
    assert (len(decisions(cloud)), told(cloud)) == (before, [])


def test_a_region_that_hangs_is_evacuated_in_time(cloud: Cloud, alarm: Event) -> None:
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, mode="hang")
    started = time.monotonic()
    handler(cloud, limits={**PATIENT, "asking": 4.0})(alarm, Context())
    assert time.monotonic() - started < 14
    assert decisions(cloud)[-1]["state"] == "evacuated"
    assert "does not answer in time" in told(cloud)[0]


def test_a_region_that_never_lived_takes_nobodys_traffic(cloud: Cloud, alarm: Event) -> None:
    peers = json.loads(cloud.environment(HOME)["PEERS"])
    handler(cloud, PEERS=json.dumps({**peers, "eu-west-1": peers[OTHER]}))(alarm, Context())
    assert told(cloud)[0].startswith(f"{OTHER} was evacuated, {HOME} takes its traffic\n")


def test_all_limits_together_stay_within_the_functions_time(cloud: Cloud) -> None:
    from functions.failover.failover import Limits

    assert Limits().asking < Limits().all < 30


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


def test_a_region_that_falls_ill_again_soon_after_its_release_is_evacuated_again(
    cloud: Cloud, alarm: Event, decide: Decide
) -> None:
    decide(OTHER, "released")
    fall_ill(cloud)
    see(cloud, HOME, OTHER, ill_s=0.2, unsteady_s=60)
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


def test_rejects_to_start_when_it_cannot_tell_whether_it_is_switched_off(cloud: Cloud) -> None:
    with pytest.raises(RuntimeError, match=r"AUTOMATIC_EVACUATION must be true or false, got: 'no'"):
        handler(cloud, AUTOMATIC_EVACUATION="no")


@pytest.mark.parametrize("decision", ["evacuated", "released"])
def test_an_operators_later_decision_is_not_overruled(
    cloud: Cloud, alarm: Event, decide: Decide, decision: str
) -> None:
    decide(OTHER, decision)
    before = len(decisions(cloud))
    handler(cloud)(alarm, Context())
    assert (len(decisions(cloud)), told(cloud)) == (before, [])


def test_the_other_regions_topic_takes_the_message_when_its_own_fails(cloud: Cloud, alarm: Event) -> None:
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, service="execute-api")
    cloud.aws.fault(region=HOME, service="sns")
    handler(cloud)(alarm, Context())
    cloud.aws.heal()
    assert told(cloud) == []
    assert len(told(cloud, OTHER)) == 1


def test_what_nobody_could_be_told_is_told_by_a_later_run_once(cloud: Cloud, alarm: Event) -> None:
    from functions.shared.parts import FailedPartsError

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
    from functions.shared.state import ALONE, state_of
    from functions.shared.table import instant

    state = state_of(cloud.client("dynamodb"), STATE, HOME)
    since = instant(datetime.now(UTC) - timedelta(hours=2))
    row = state.addition(OTHER, ALONE, at=since, by="failover", reason="is gone", notice="a region failed\n\nlong ago")
    state.table.transact(row)
    handler(cloud, limits={**PATIENT, "telling": 0.0})(tick(), Context())
    assert "a region failed\n\na region failed\n\nlong ago" in told(cloud)


def test_topics_that_fail_hold_up_no_release(cloud: Cloud, latched: Handler) -> None:
    evacuated = decisions(cloud)[-1]["item"]
    untold = {"region": {"S": OTHER}, "item": {"S": f"told#{evacuated}"}}
    cloud.client("dynamodb").delete_item(TableName=STATE, Key=untold)
    see(cloud, HOME, OTHER)
    see(cloud, OTHER, HOME)
    for region in (HOME, OTHER):
        cloud.aws.fault(region=region, service="sns")
    function = handler(cloud, RELEASE_AFTER_S="1", limits={**PATIENT, "telling": 0.0})
    function(tick(), Context(aws_request_id="while topics fail"))
    assert decisions(cloud)[-1]["state"] == "released"
    cloud.aws.heal()
    function(tick(), Context(aws_request_id="afterwards"))
    assert len(told(cloud)) == 2


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


def test_an_evacuation_is_published_without_waiting_for_the_probe(cloud: Cloud, alarm: Event) -> None:
    def published() -> float:
        found = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="HealthcareDr/Failover",
            MetricName="Evacuated",
            Dimensions=[{"Name": "Region", "Value": OTHER}],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in found))

    before = published()
    handler(cloud)(alarm, Context())
    assert published() == before + 2


def test_a_metric_that_cannot_be_published_hinders_no_evacuation(cloud: Cloud, alarm: Event) -> None:
    cloud.aws.fault(region=HOME, service="monitoring", mode="error")
    handler(cloud)(alarm, Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"
    assert len(told(cloud)) == 1


def test_nothing_is_told_of_what_could_not_be_written(cloud: Cloud, alarm: Event) -> None:
    from functions.shared.parts import FailedPartsError

    cloud.aws.fault(region=HOME, service="dynamodb", mode="error")
    with pytest.raises(FailedPartsError, match="alarm 0"):
        handler(cloud)(alarm, Context())
    assert told(cloud) == []


def test_a_trail_that_others_hold_all_the_time_fails_the_invocation(
    cloud: Cloud, alarm: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.shared.parts import FailedPartsError
    from functions.shared.table import ConflictError, Table

    def busy(self: Table, *_: object) -> None:
        raise ConflictError

    monkeypatch.setattr("functions.shared.audit.ROUNDS", 2)
    monkeypatch.setattr(Table, "transact", busy)
    with pytest.raises(FailedPartsError):
        handler(cloud)(alarm, Context())


@pytest.fixture
def latched(cloud: Cloud, alarm: Event) -> Handler:
    """us-west-2 was evacuated by the function of us-east-1, which is returned, and answers again."""
    function = handler(cloud, RELEASE_AFTER_S="1", LAG_OBJECTIVE_S="60")
    function(alarm, Context(aws_request_id="evacuation"))
    told(cloud)
    cloud.aws.heal()
    arrive(cloud)
    time.sleep(1.1)
    return function


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


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"healthy_s": 0}, {}),
        ({"healthy_s": 0.5}, {}),
        ({"lag_s": 61}, {}),
        ({"lag_s": None}, {}),
        ({}, {"lag_s": 61}),
        ({}, {"lag_s": None}),
    ],
)
def test_a_region_stays_evacuated_while_it_is_not_well_or_not_in_step(
    cloud: Cloud, latched: Handler, here: dict[str, Any], there: dict[str, Any]
) -> None:
    see(cloud, OTHER, HOME, **there)
    see(cloud, HOME, OTHER, **here)
    latched(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "evacuated"
    see(cloud, OTHER, HOME)
    see(cloud, HOME, OTHER)
    latched(tick(), Context())
    assert decisions(cloud)[-1]["state"] == "released"


def test_a_region_stays_evacuated_while_what_it_sees_does_not_arrive(
    cloud: Cloud, latched: Handler, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(cloud, OTHER, HOME)
    see(cloud, HOME, OTHER)
    monkeypatch.setattr("functions.shared.state._FRESH_SECONDS", 0.3)
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


def test_every_line_of_its_log_is_json_and_carries_the_request(cloud: Cloud) -> None:
    script = "from functions.failover.handler import handler\nfrom tests.functions.gateway import Context\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}handler({tick()!r}, Context())\nhandler({{'Records': [{{}}]}}, Context())"],
        cwd=ROOT,
        env={**os.environ, **cloud.environment(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = [line for line in lines if line.get("level") == "ERROR"]
    assert told[0]["message"] == "part failed"
    assert {line["function_request_id"] for line in told} == {Context().aws_request_id}
    assert [line["Failures"] for line in lines if "_aws" in line] == [[0.0], [1.0]]
