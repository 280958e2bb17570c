"""The mends of alarms, by what a client sees: every test here fails without the mend it is for."""

from __future__ import annotations

import json
import re
from typing import Any

METRIC = {"Namespace": "HealthcareDr/Test", "MetricName": "Healthy"}


def alarm(east: Any, name: str, region: str, **more: Any) -> None:
    east("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **METRIC,
        Dimensions=[{"Name": "Region", "Value": region}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        **more,
    )


def test_an_alarm_is_about_its_own_dimensions(east: Any) -> None:
    alarm(east, "one", "us-east-1")
    alarm(east, "other", "us-west-2")
    data = [
        {"MetricName": "Healthy", "Dimensions": [{"Name": "Region", "Value": region}], "Value": value}
        for region, value in (("us-east-1", 1.0), ("us-west-2", 0.0))
    ]
    east("cloudwatch").put_metric_data(Namespace=METRIC["Namespace"], MetricData=data)
    found = east("cloudwatch").describe_alarms(AlarmNames=["one", "other"])["MetricAlarms"]
    assert {each["AlarmName"]: each["StateValue"] for each in found} == {"one": "OK", "other": "ALARM"}


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
