"""How the deployed regions watch each other: what is measured, alarmed of, decided, told, and taken back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from functions.watching.state import state_of
from tests.deployed.conftest import SUFFIX
from tests.deployed.mailbox import Mailbox, mailbox, until

import attrs
import pytest

EAST, WEST = "us-east-1", "us-west-2"
ALIAS = "live"
LAG_LIMIT_S = 30
# Some runs of the schedule: one that finds a busy machine ill puts a release off until the next but one.
PATIENCE_S = 240
# Longer than from one run of the schedule to the next, in which a second message would come.
WATCHED_S = 75
EVACUATED = f"{EAST} was evacuated, {WEST} takes its traffic"
RELEASED = f"{EAST} was released and gets traffic again"
REFRAINED = f"{WEST} failed and no other region can take over: ACT NOW"


@attrs.frozen
class Regions:
    """Both regions, and what of their watch can be seen and done from outside."""

    aws: EmbeddedAws

    def probe(self, region: str) -> None:
        """Runs a region's probe as its schedule does."""
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "time": f"{datetime.now(UTC):%FT%TZ}"}
        function = f"lambda-probe-{SUFFIX}"
        client = self.aws.client("lambda", region)
        answer = client.invoke(FunctionName=function, Qualifier=ALIAS, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()

    def alarm(self, region: str, kind: str) -> str:
        """The state of an alarm."""
        name = f"alarm-{kind}-{SUFFIX}"
        (found,) = self.aws.client("cloudwatch", region).describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    def lags(self) -> dict[str, float]:
        """The greatest lags from east to west of the last minute that was measured, seconds."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        minutes = {"StartTime": now - timedelta(minutes=1), "EndTime": now + timedelta(minutes=1)}
        found = {}
        for store in ("tables", "documents"):
            given = {"Source": EAST, "Store": store, "Target": WEST}
            points = self.aws.client("cloudwatch", EAST).get_metric_statistics(
                Namespace="HealthcareDr/Failover",
                MetricName="ReplicationLag",
                Dimensions=[{"Name": name, "Value": value} for name, value in given.items()],
                Period=60,
                Statistics=["Maximum"],
                **minutes,
            )["Datapoints"]
            found[store] = max(points, key=lambda point: point["Timestamp"])["Maximum"]
        return found

    def evacuated(self, region: str, *, by: str) -> bool:
        """Whether a region is evacuated, as another one has it."""
        table = state_of(self.aws.client("dynamodb", by), f"failover_state-{SUFFIX}", by)
        return table.evacuation(region) is not None

    @property
    def settled(self) -> bool:
        """Whether both probes find everything well, and no alarm of the failover is left."""
        for region in (EAST, WEST):
            self.probe(region)
        kinds = ("evacuated", "lag-tables", "peer")
        states = {self.alarm(here, f"{kind}-{there}") for kind in kinds for here, there in ((EAST, WEST), (WEST, EAST))}
        return states == {"OK"}


def next_minute() -> None:
    """Waits for the clock's next minute, of which an alarm makes another figure."""
    time.sleep(60.5 - time.time() % 60)


def told(box: Mailbox) -> list[str]:
    """What people were told by the failover function; the notices of alarms themselves are left out."""
    return [each["Subject"] for each in box.take() if not each["Message"].startswith("{")]


@pytest.fixture(scope="module")
def regions(aws: EmbeddedAws, deployment: Deployment) -> Iterator[Regions]:
    """Both regions, with nothing wrong before and after."""
    made = Regions(aws)
    until(lambda: made.settled, PATIENCE_S, every_s=5)
    yield made
    until(lambda: made.settled, PATIENCE_S, every_s=5)


@contextmanager
def released_after(aws: EmbeddedAws, region: str, seconds: int) -> Iterator[None]:
    """The region's failover function releases sooner than the settings say: another version of it is in service."""
    client, name = aws.client("lambda", region), f"lambda-failover-{SUFFIX}"
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    in_service = client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    changed = {**usual, "RELEASE_AFTER_S": str(seconds)}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)
    try:
        yield
    finally:
        client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=in_service)
        client.update_function_configuration(FunctionName=name, Environment={"Variables": usual})
        client.delete_function(FunctionName=name, Qualifier=version)


@attrs.define
class Outage:
    """An outage of east, and what is seen in the course of it.

    Attributes:
        alarms: The states of west's alarm about east, by what had happened.
        latched: Whether the alarm that Route 53 follows took east out of DNS, by what had happened.
        told: The subjects of what people were told in each region.
        west_evacuated: Whether west was evacuated when it failed while east was out of DNS.
    """

    _regions: Regions
    _boxes: dict[str, Mailbox]
    alarms: dict[str, str] = attrs.field(factory=dict)
    latched: dict[str, bool] = attrs.field(factory=dict)
    told: dict[str, list[str]] = attrs.field(factory=lambda: {EAST: [], WEST: []})
    west_evacuated: bool = True

    def lose_east(self) -> None:
        """East refuses everything, first in one of the clock's minutes and then in two."""
        if time.time() % 60 > 45:
            next_minute()
        self._regions.aws.fault(region=EAST)
        self._look_from(WEST, "after one bad minute")
        next_minute()
        self._look_from(WEST, "after two bad minutes")
        self._await(WEST, EVACUATED)

    def come_and_go(self) -> None:
        """East is back within a minute that is bad all the same, so the alarm stays."""
        if time.time() % 60 > 20:
            next_minute()
        self._look_from(WEST, "still lost")
        self._regions.aws.heal()
        self._look_from(WEST, "back for a moment")
        self._regions.aws.fault(region=EAST)
        self._look_from(WEST, "lost again")

    def fail_everywhere(self) -> None:
        """East is back and not released, and neither region answers its health check."""
        self._regions.aws.heal()
        self._regions.aws.fault(region="*", service="execute-api", path="/healthz")
        self._regions.probe(EAST)
        next_minute()
        self._regions.probe(EAST)
        self._await(EAST, REFRAINED)
        self.west_evacuated = self._regions.evacuated(WEST, by=EAST)

    def mend(self) -> None:
        """Both are well, and east is released soon."""
        self._regions.aws.heal()
        self._regions.probe(EAST)
        self._look_from(WEST, "well and not released")
        with released_after(self._regions.aws, WEST, seconds=5):
            self._await(WEST, RELEASED)
        self.told[EAST] += told(self._boxes[EAST])

    def _look_from(self, region: str, after: str) -> None:
        self._regions.probe(region)
        self.alarms[after] = self._regions.alarm(region, f"peer-{EAST}")
        self.latched[after] = self._regions.alarm(region, f"evacuated-{EAST}") == "ALARM"

    def _await(self, region: str, subject: str) -> None:
        def came() -> bool:
            self.told[region] += told(self._boxes[region])
            return subject in self.told[region]

        until(came, PATIENCE_S)


@pytest.fixture(scope="module")
def outage(regions: Regions, deployment: Deployment) -> Iterator[Outage]:
    """What was seen of an outage from its begin to the release."""
    with ExitStack() as opened:
        boxes = {region: opened.enter_context(mailbox(regions.aws, deployment, region)) for region in (EAST, WEST)}
        opened.callback(regions.aws.heal)
        seen = Outage(regions, boxes)
        seen.lose_east()
        began = time.monotonic()
        seen.come_and_go()
        seen.fail_everywhere()
        time.sleep(max(0.0, began + WATCHED_S - time.monotonic()))
        seen.mend()
        yield seen


def test_one_bad_minute_of_a_region_is_no_alarm_and_two_are(outage: Outage) -> None:
    assert outage.alarms["after one bad minute"] == "OK"
    assert outage.alarms["after two bad minutes"] == "ALARM"


def test_a_region_that_comes_and_goes_stays_out_of_dns_until_it_is_released(outage: Outage) -> None:
    assert outage.alarms["back for a moment"] == outage.alarms["lost again"] == "ALARM"
    after = ("still lost", "back for a moment", "lost again", "well and not released")
    assert {each: outage.latched[each] for each in after} == dict.fromkeys(after, True)


def test_people_are_told_once_of_an_evacuation_and_once_of_its_end(outage: Outage) -> None:
    assert outage.told[WEST] == [EVACUATED, RELEASED]


def test_the_last_region_that_takes_traffic_is_not_evacuated_and_people_are_told(outage: Outage) -> None:
    assert outage.told[EAST] == [REFRAINED]
    assert not outage.west_evacuated


@pytest.fixture
def unscheduled(regions: Regions) -> Iterator[None]:
    """No probe runs in east by its schedule."""
    events, rule = regions.aws.client("events", EAST), f"rule-probe-{SUFFIX}"
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)


def test_replication_that_stands_still_is_told_within_two_probes_and_until_it_goes_on(
    regions: Regions, unscheduled: None
) -> None:
    regions.probe(EAST)
    assert max(regions.lags().values()) < LAG_LIMIT_S
    regions.aws.delay_replication(source=EAST, target=WEST, seconds=None)
    try:
        regions.probe(EAST)
        if regions.alarm(EAST, f"lag-tables-{WEST}") == "OK":
            time.sleep(LAG_LIMIT_S + 1)
            regions.probe(EAST)
        assert regions.alarm(EAST, f"lag-tables-{WEST}") == "ALARM"
        assert regions.lags()["tables"] > LAG_LIMIT_S
    finally:
        regions.aws.delay_replication(source=EAST, target=WEST, seconds=0)
    next_minute()
    regions.probe(EAST)
    assert regions.alarm(EAST, f"lag-tables-{WEST}") == "OK"
    assert max(regions.lags().values()) < LAG_LIMIT_S
