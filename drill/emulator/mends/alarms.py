"""CloudWatch: when alarms go off, and what they say then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch, sns


def compare_alarms_with_their_own_dimensions() -> None:
    """An alarm takes the samples of all dimensions of its metric: what is said of one region alarms of all regions."""
    original = cloudwatch._evaluate_alarm

    def evaluate_alarm(alarm: dict[str, Any]) -> None:
        wanted = cloudwatch._dims_key({each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])})
        every = cloudwatch._metrics
        cloudwatch._metrics = {key: points for key, points in every.items() if key[2] == wanted}
        try:
            original(alarm)
        finally:
            cloudwatch._metrics = every

    cloudwatch._evaluate_alarm = evaluate_alarm


def word_messages_as_aws_does() -> None:
    """An alarm's message has its dimensions by `Name` and `Value`, not `name` and `value`, and its time in seconds."""
    original = sns._fanout

    def fanout(topic_arn: str, message_id: str, message: str, *rest: Any, **options: Any) -> Any:
        if message.startswith('{"AlarmName": '):
            content = json.loads(message)
            content["StateChangeTime"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "+0000"
            if "Dimensions" in content.get("Trigger", {}):
                given = content["Trigger"]["Dimensions"]
                content["Trigger"]["Dimensions"] = [{"name": each["Name"], "value": each["Value"]} for each in given]
            message = json.dumps(content)
        return original(topic_arn, message_id, message, *rest, **options)

    sns._fanout = fanout
