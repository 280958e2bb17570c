"""The failover: an evacuation is confirmed, made once, told once, and left to whom it is due."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functions.cloud import AUDIT, HOME, OTHER, RUNBOOK, Cloud
from tests.functions.conftest import Decide
from tests.functions.failing import (
    PATIENT,
    SOON,
    Event,
    decisions,
    fall_ill,
    handler,
    see,
    tick,
    told,
)
from tests.functions.gateway import Context
from tests.functions.watched import gone_off

import pytest

pytestmark = pytest.mark.usefixtures("serving")


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
    from functions.verify import trails_of

    entity = f"platform#failover:{OTHER}"
    handler(cloud)(alarm, Context())
    cloud.aws.heal()
    last = cloud.audit(entity)[-1]
    key = {name: {"S": last[name]} for name in ("entity_id", "event_id")}
    item = cloud.client("dynamodb").get_item(TableName=AUDIT, Key=key)["Item"]
    cloud.client("dynamodb").delete_item(TableName=AUDIT, Key=key)
    trails = trails_of(HOME, "test")
    assert entity in trails.entities()
    faults = trails.faults(entity)
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
    handler(cloud, limits={**PATIENT, "asking": 3.0})(alarm, Context())
    assert time.monotonic() - started < 13
    assert decisions(cloud)[-1]["state"] == "evacuated"
    assert "does not answer in time" in told(cloud)[0]


def test_a_region_that_never_lived_takes_nobodys_traffic(cloud: Cloud, alarm: Event) -> None:
    peers = json.loads(cloud.environment(HOME)["PEERS"])
    handler(cloud, PEERS=json.dumps({**peers, "eu-west-1": peers[OTHER]}))(alarm, Context())
    assert told(cloud)[0].startswith(f"{OTHER} was evacuated, {HOME} takes its traffic\n")


def test_all_limits_together_stay_within_the_functions_time(cloud: Cloud) -> None:
    from functions.failover.failover import Limits

    assert Limits().asking < Limits().all < 30


def test_a_region_that_falls_ill_again_soon_after_its_release_is_evacuated_again(
    cloud: Cloud, alarm: Event, decide: Decide
) -> None:
    decide(OTHER, "released")
    fall_ill(cloud)
    see(cloud, HOME, OTHER, ill_s=0.2, unsteady_s=60)
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


def test_a_trail_that_others_hold_all_the_time_fails_the_invocation(
    cloud: Cloud, alarm: Event, busy: list[object]
) -> None:
    from functions.watching.parts import FailedPartsError

    with pytest.raises(FailedPartsError):
        handler(cloud)(alarm, Context())
    assert busy


def test_every_line_of_its_log_is_json_and_carries_the_request(cloud: Cloud) -> None:
    lines = cloud.printed("failover", tick(), {"Records": [{}]})
    told = [line for line in lines if line.get("level") == "ERROR"]
    assert told[0]["message"] == "part failed"
    assert {line["function_request_id"] for line in told} == {Context().aws_request_id}
    assert [line["Failures"] for line in lines if "_aws" in line] == [[0.0], [1.0]]
