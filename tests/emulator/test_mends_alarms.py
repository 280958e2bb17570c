"""The mends of alarms, by what a client sees: every test here fails without the mend it is for."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

METRIC = {"Namespace": "HealthcareDr/Test", "MetricName": "Healthy"}


def alarm(east: Any, name: str, region: str, **more: Any) -> None:
    settings = {"Statistic": "Maximum", "EvaluationPeriods": 1, **more}
    east("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **METRIC,
        Dimensions=[{"Name": "Region", "Value": region}],
        Period=60,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        **settings,
    )


def put(east: Any, figures: dict[str, list[list[float]]]) -> None:
    """Puts the samples of the last minutes, the newest of which is the one in hand, by region."""
    if (left := 60 - time.time() % 60) < 5:
        time.sleep(left)  # none of it gets a minute older before it is looked at
    minute = time.time() // 60 * 60
    data = [
        {
            "MetricName": METRIC["MetricName"],
            "Dimensions": [{"Name": "Region", "Value": region}],
            "Timestamp": minute - 60 * age,
            "Value": value,
        }
        for region, minutes in figures.items()
        for age, values in enumerate(reversed(minutes))
        for value in values
    ]
    east("cloudwatch").put_metric_data(Namespace=METRIC["Namespace"], MetricData=data)


def state(east: Any, name: str) -> str:
    (found,) = east("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


def test_an_alarm_is_about_its_own_dimensions(east: Any) -> None:
    alarm(east, "one", "us-east-1")
    alarm(east, "other", "us-west-2")
    put(east, {"us-east-1": [[1.0]], "us-west-2": [[0.0]]})
    assert (state(east, "one"), state(east, "other")) == ("OK", "ALARM")


# In the notation of CloudWatch's user guide: minutes from old to new, X bad, 0 good, - without a sample.
@pytest.mark.parametrize(
    ("minutes", "bad", "states"),
    [
        ("0-X-X", 3, {"ignore": "OK", "breaching": "OK", "notBreaching": "OK", "missing": "OK"}),
        ("0----", 3, {"ignore": "OK", "breaching": "OK", "notBreaching": "OK", "missing": "OK"}),
        ("-----", 3, {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}),
        ("0XX-X", 3, {"ignore": "ALARM", "breaching": "ALARM", "notBreaching": "ALARM", "missing": "ALARM"}),
        ("--X--", 3, {"breaching": "ALARM", "notBreaching": "OK"}),
        ("0-X-X", 2, {"ignore": "ALARM", "breaching": "ALARM", "notBreaching": "ALARM", "missing": "ALARM"}),
        ("00X0X", 2, {"ignore": "ALARM", "breaching": "ALARM", "notBreaching": "ALARM", "missing": "ALARM"}),
        ("0-X--", 2, {"ignore": "OK", "breaching": "ALARM", "notBreaching": "OK", "missing": "OK"}),
        ("----0", 2, {"ignore": "OK", "breaching": "ALARM", "notBreaching": "OK", "missing": "OK"}),
        ("---X-", 2, {"breaching": "ALARM", "notBreaching": "OK"}),
        ("XXX00", 3, {"ignore": "OK", "breaching": "OK", "notBreaching": "OK", "missing": "OK"}),
    ],
)
def test_an_alarm_is_evaluated_period_by_period(minutes: str, bad: int, states: dict[str, str], east: Any) -> None:
    region = f"region-{minutes}-{bad}"
    put(east, {region: [{"X": [0.0], "0": [1.0], "-": []}[each] for each in minutes], "any": [[1.0]]})
    for treat in states:
        more = {"DatapointsToAlarm": bad, "TreatMissingData": treat}
        alarm(east, f"{region}-{treat}", region, EvaluationPeriods=3, **more)
    assert {treat: state(east, f"{region}-{treat}") for treat in states} == states


@pytest.mark.parametrize("before", ["OK", "ALARM"])
@pytest.mark.parametrize("minutes", ["-----", "--X--"])
def test_what_an_alarm_ignores_leaves_its_state(minutes: str, before: str, east: Any) -> None:
    name = f"kept-{minutes}-{before}"
    alarm(east, name, name, EvaluationPeriods=3, TreatMissingData="ignore")
    east("cloudwatch").set_alarm_state(AlarmName=name, StateValue=before, StateReason="a test")
    put(east, {name: [[0.0] if each == "X" else [] for each in minutes], "any": [[1.0]]})
    assert state(east, name) == before


def test_a_minutes_figure_is_the_alarms_statistic(east: Any) -> None:
    minutes = [[0.0] * 9 + [1.0], [1.0]]
    for name, statistic in (
        ("lowest", {"Statistic": "Minimum"}),
        ("median", {"ExtendedStatistic": "p50"}),
        ("highest", {}),
    ):
        alarm(east, name, "measured", EvaluationPeriods=2, DatapointsToAlarm=1, **statistic)
    put(east, {"measured": minutes})
    assert [state(east, name) for name in ("lowest", "median", "highest")] == ["ALARM", "ALARM", "OK"]


def test_an_alarms_message_is_worded_as_aws_does(east: Any) -> None:
    topic = east("sns").create_topic(Name="alarms")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queue = east("sqs").create_queue(QueueName="alarms", Attributes={"Policy": policy})["QueueUrl"]
    east("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:111111111111:alarms")
    alarm(east, "told", "us-west-2", AlarmActions=[topic])
    east("cloudwatch").set_alarm_state(AlarmName="told", StateValue="ALARM", StateReason="a test")
    [message] = east("sqs").receive_message(QueueUrl=queue)["Messages"]
    content = json.loads(json.loads(message["Body"])["Message"])
    assert content["Trigger"]["Dimensions"] == [{"name": "Region", "value": "us-west-2"}]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", content["StateChangeTime"])
