"""What the operations team reads when an alarm goes off."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.conftest import SUFFIX
from tests.deployed.mailbox import Mailbox, mailbox, until

import pytest

ALARMS = ("alarm-backups-failed", "alarm-copies-failed", "alarm-denied-calls")


@pytest.fixture(params=["us-east-1", "us-west-2"])
def region(request: pytest.FixtureRequest) -> str:
    """Each region in turn."""
    return str(request.param)


@pytest.fixture
def operations(region: str, aws: EmbeddedAws, deployment: Deployment) -> Iterator[Mailbox]:
    """What the operations team of the region is told."""
    with mailbox(aws, deployment, region) as opened:
        yield opened


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_tells_the_operations_team_of_its_region_what_it_means(
    alarm: str, region: str, operations: Mailbox, aws: EmbeddedAws
) -> None:
    cloudwatch, name = aws.client("cloudwatch", region), f"{alarm}-{SUFFIX}"
    told: list[Any] = []

    def came(state: str) -> bool:
        told.extend(content for each in operations.take() if (content := json.loads(each["Message"])))
        return any((each["AlarmName"], each["NewStateValue"]) == (name, state) for each in told)

    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
        until(partial(came, state))
    (described,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert {each["AlarmDescription"] for each in told if each["AlarmName"] == name} == {described["AlarmDescription"]}
