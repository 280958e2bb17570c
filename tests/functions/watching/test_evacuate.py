"""The operator's command: takes a region out of traffic and puts it back, through any region that lives."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functions.cloud import ALERTS, HOME, OTHER, REGIONS, STATE, Cloud
from tests.functions.conftest import Decide
from tests.functions.watched import received

import pytest

pytestmark = pytest.mark.usefixtures("serving")

WHY = "answers are wrong"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(cloud: Cloud, decide: Decide, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command as a person does; both regions live, and none is evacuated before or afterwards."""
    from functions.evacuate import main
    from functions.shared.table import now
    from functions.watching.endpoint import Patience
    from functions.watching.state import state_of

    for region in REGIONS:
        state_of(cloud.client("dynamodb", region), STATE, region).beat(now(), cloud.api_urls[region])
    capsys.readouterr()

    def made(*arguments: str, via: str = OTHER, asking: float = 20.0) -> tuple[int, str, str]:
        patience = Patience(connect=10, answer=10, asking=asking)
        status = main([*arguments, "--via", via, "--suffix", "test"], patience)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return made


def evacuated(cloud: Cloud, region: str, via: str = OTHER) -> dict[str, Any] | None:
    from functions.watching.state import state_of

    return state_of(cloud.client("dynamodb", via), STATE, via).evacuation(region)


def published(cloud: Cloud, region: str, about: str, since: datetime) -> int:
    """How many samples of an evacuation a region got, that of the minute ahead too."""
    found = cloud.client("cloudwatch", region).get_metric_statistics(
        Namespace="HealthcareDr/Failover",
        MetricName="Evacuated",
        Dimensions=[{"Name": "Region", "Value": about}],
        StartTime=since,
        EndTime=since + timedelta(minutes=5),
        Period=1,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in found))


def test_an_operator_evacuates_a_region_and_everybody_is_told_who_and_why(cloud: Cloud, command: Command) -> None:
    began = datetime.now(UTC)
    received(cloud.aws, OTHER, ALERTS)
    before = [published(cloud, region, HOME, began) for region in (OTHER, HOME)]
    status, out, err = command("evacuate", HOME, "--reason", WHY, "--yes")
    assert (status, err) == (0, "")
    assert f"{HOME} is evacuated" in out
    row = evacuated(cloud, HOME)
    assert row
    assert (row["by"], row["reason"], row["writer"]) == ("arn:aws:iam::111111111111:root", WHY, OTHER)
    [message] = received(cloud.aws, OTHER, ALERTS)
    assert message["Subject"] == f"{HOME} was evacuated by an operator"
    for part in (f"{HOME} was evacuated by {row['by']}, through {OTHER}.", f"Reason: {WHY}"):
        assert part in message["Message"]
    assert [published(cloud, region, HOME, began) for region in (OTHER, HOME)] == [before[0] + 2, before[1]]


def test_each_order_leaves_an_audit_row_in_the_chain_of_its_region(cloud: Cloud, command: Command) -> None:
    from functions.verify import trails_of

    entity = f"platform#failover:{HOME}"
    command("evacuate", HOME, "--reason", WHY, "--yes")
    command("release", HOME, "--reason", "mended", "--yes")
    rows = [row for row in cloud.audit(entity) if row["region"] == OTHER]
    assert [row["action"] for row in rows[-2:]] == ["region.evacuated", "region.released"]
    assert {row["actor_id"] for row in rows[-2:]} == {"platform#arn:aws:iam::111111111111:root"}
    assert trails_of(OTHER, "test").faults(entity) == []


def test_an_operator_whose_clock_is_behind_still_has_the_last_word(
    cloud: Cloud, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.shared import table

    command("evacuate", HOME, "--reason", WHY, "--yes")
    monkeypatch.setattr(table, "now", lambda: "2020-01-01T00:00:00.000000Z")
    assert command("release", HOME, "--reason", "mended", "--yes")[0] == 0
    assert evacuated(cloud, HOME) is None


def test_a_topic_that_does_not_answer_hinders_no_order(cloud: Cloud, command: Command) -> None:
    cloud.aws.fault(region=OTHER, service="sns", mode="error")
    status, out, _ = command("evacuate", HOME, "--reason", WHY, "--yes")
    assert status == 0
    assert "The operations team was not told (503): tell them." in out
    assert evacuated(cloud, HOME)


def test_an_operator_releases_what_was_evacuated(cloud: Cloud, command: Command, decide: Decide) -> None:
    decide(HOME, "evacuated")
    status, out, _ = command("release", HOME, "--reason", "mended", "--yes")
    assert status == 0
    assert f"{HOME} is released" in out
    assert evacuated(cloud, HOME) is None


@pytest.mark.parametrize("mode", ["drop", "hang"])
def test_it_works_through_the_living_region_while_the_other_is_dead(cloud: Cloud, command: Command, mode: str) -> None:
    cloud.aws.fault(region=HOME, mode=mode)
    status, out, _ = command("evacuate", HOME, "--reason", WHY, "--yes", asking=3.0)
    assert status == 0
    assert f"{HOME}  no: does not answer" in out
    assert evacuated(cloud, HOME)


def test_a_region_that_could_not_be_told_is_named(cloud: Cloud, command: Command) -> None:
    cloud.aws.fault(region=OTHER, service="monitoring", mode="error")
    status, out, _ = command("evacuate", HOME, "--reason", WHY, "--yes")
    assert status == 0
    assert f"{OTHER} was not told (503)" in out
    assert evacuated(cloud, HOME)


def test_a_region_that_is_too_busy_is_asked_again_by_the_operator(
    cloud: Cloud, command: Command, busy: list[object]
) -> None:
    status, _, error = command("evacuate", HOME, "--reason", WHY, "--yes")
    assert (status, error) == (1, f"error: {OTHER} is busy, or that was decided there at this moment: try again\n")
    assert busy
    assert not evacuated(cloud, HOME)


def test_who_cannot_be_named_by_aws_is_named_by_the_machine(cloud: Cloud, command: Command) -> None:
    cloud.aws.fault(region=OTHER, service="sts")
    assert command("evacuate", HOME, "--reason", WHY, "--yes")[0] == 0
    row = evacuated(cloud, HOME)
    assert row
    assert row["by"].endswith(" (not confirmed by AWS)")


@pytest.mark.parametrize("why", ["evacuated", "unhealthy"])
def test_rejects_to_evacuate_the_last_region_that_takes_traffic(
    cloud: Cloud, command: Command, decide: Decide, why: str
) -> None:
    if why == "evacuated":
        decide(OTHER, "evacuated")
    else:
        cloud.aws.fault(region=OTHER, service="execute-api")
    status, _, err = command("evacuate", HOME, "--reason", WHY, "--yes")
    assert status == 1
    assert err.startswith(f"error: '{HOME}' must not be evacuated: no other region is healthy and takes traffic;")
    assert evacuated(cloud, HOME) is None


def test_rejects_to_evacuate_a_region_through_itself(cloud: Cloud, command: Command) -> None:
    status, _, err = command("evacuate", HOME, "--reason", WHY, "--yes", via=HOME)
    assert (status, evacuated(cloud, HOME)) == (1, None)
    assert err == f"error: '--via' must be another region than the one to evacuate, got: '{HOME}' for both\n"


def test_rejects_to_release_a_region_through_itself_while_another_one_answers(
    cloud: Cloud, command: Command, decide: Decide
) -> None:
    decide(OTHER, "evacuated")
    status, _, err = command("release", OTHER, "--reason", "mended", "--yes")
    assert (status, evacuated(cloud, OTHER) is None) == (1, False)
    assert err.startswith(f"error: '--via' must be a region that takes it out of DNS, such as '{HOME}'")
    cloud.aws.fault(region=HOME)
    assert command("release", OTHER, "--reason", "mended", "--yes")[0] == 0


@pytest.mark.parametrize("what", ["evacuate", "release"])
def test_rejects_a_region_that_there_is_not(cloud: Cloud, command: Command, what: str) -> None:
    status, _, err = command(what, "us-east-9", "--reason", WHY, "--yes")
    assert (status, err) == (1, f"error: the region must be one of {HOME}, {OTHER}, got: 'us-east-9'\n")


@pytest.mark.parametrize("reason", ["", "a" * 201, "a\nb"])
def test_rejects_a_reason_that_cannot_be_shown(cloud: Cloud, command: Command, reason: str) -> None:
    status, _, err = command("evacuate", HOME, "--reason", reason, "--yes")
    assert (status, evacuated(cloud, HOME)) == (1, None)
    assert "'--reason' must be 1 to 200 printable ASCII characters, got: " in err


def test_rejects_to_release_what_is_not_evacuated(cloud: Cloud, command: Command) -> None:
    status, _, err = command("release", HOME, "--reason", "mended", "--yes")
    assert (status, err) == (1, f"error: '{HOME}' is not evacuated: there is nothing to release\n")


def test_says_what_to_do_when_the_region_that_is_asked_does_not_answer(cloud: Cloud, command: Command) -> None:
    cloud.aws.fault(region=OTHER)
    status, _, err = command("state")
    assert status == 1
    assert err.startswith(f"error: {OTHER} does not do it (ConnectionClosedError): name another living region")


def test_says_so_when_no_region_ever_lived(cloud: Cloud, command: Command) -> None:
    client = cloud.client("dynamodb", OTHER)
    kept = [client.get_item(TableName=STATE, Key=_heartbeat(region))["Item"] for region in REGIONS]
    for region in REGIONS:
        client.delete_item(TableName=STATE, Key=_heartbeat(region))
    status, _, err = command("state")
    for item in kept:
        client.put_item(TableName=STATE, Item=item)
    assert (status, err) == (1, "error: no region of the environment 'test' has ever sent a heartbeat\n")


def _heartbeat(region: str) -> dict[str, dict[str, str]]:
    return {"region": {"S": region}, "item": {"S": "heartbeat"}}


@pytest.mark.parametrize(("typed", "happens"), [("yes\n", True), ("y\n", False), ("", False)])
def test_it_asks_before_it_acts(
    cloud: Cloud, command: Command, monkeypatch: pytest.MonkeyPatch, typed: str, happens: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    status, out, _ = command("evacuate", HOME, "--reason", WHY)
    assert status == 0
    assert f"{HOME} gets no traffic until an operator releases it. Type yes to go on: " in out
    assert ("Nothing was done" in out) != happens
    assert (evacuated(cloud, HOME) is not None) == happens


@pytest.mark.parametrize("what", ["evacuate", "release"])
def test_a_dry_run_changes_nothing(cloud: Cloud, command: Command, decide: Decide, what: str) -> None:
    if what == "release":
        decide(HOME, "evacuated")
    before = evacuated(cloud, HOME)
    status, out, _ = command(what, HOME, "--reason", WHY, "--dry-run")
    assert status == 0
    assert "Nothing is done: this is a dry run." in out
    assert evacuated(cloud, HOME) == before


def test_the_state_of_all_regions_is_shown_to_people(cloud: Cloud, command: Command, decide: Decide) -> None:
    decide(OTHER, "evacuated")
    cloud.aws.fault(region=OTHER, service="execute-api", mode="error")
    status, out, _ = command("state")
    heading, home, other = out.splitlines()
    assert status == 0
    assert heading.split() == ["region", "healthy", "now", "last", "heartbeat", "traffic"]
    assert home.startswith(f"{HOME}  yes ")
    assert home.endswith("  takes traffic")
    assert other.startswith(f"{OTHER}  no: answers with status 503 ")
    assert other.endswith(" by operator: a test")


def test_the_state_of_all_regions_is_shown_to_programs(cloud: Cloud, command: Command, decide: Decide) -> None:
    decide(OTHER, "evacuated")
    home, other = json.loads(command("state", "--json")[1])
    assert (home["region"], home["healthy"], home["evacuated_since"]) == (HOME, True, None)
    assert (other["evacuated_by"], other["evacuation_reason"]) == ("operator", "a test")
    assert 0 <= home["heartbeat_age_s"] < 120


def test_an_operators_evacuation_is_published_by_the_next_probe(cloud: Cloud, command: Command) -> None:
    from functions.probe.handler import application
    from functions.probe.probe import Configuration
    from tests.functions.gateway import Context

    command("evacuate", HOME, "--reason", WHY, "--yes")
    began = datetime.now(UTC)
    application(Configuration.from_environment(cloud.environment(OTHER)))({}, Context())
    assert published(cloud, OTHER, HOME, began) >= 2
