"""CloudWatch: when alarms go off, and what they say then."""

from __future__ import annotations

import json
import operator
import time
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch, sns

SPARE_PERIODS = 2
"""How many periods more than it evaluates an alarm looks back for data (AWS does not say; its examples have two)."""
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


def evaluate_alarms_period_by_period() -> None:
    """An alarm takes its metric's samples as one, of all periods and dimensions: one bad minute of two sets it off."""

    def evaluate_alarm(alarm: dict[str, Any]) -> None:
        if not alarm.get("MetricName"):
            return
        old, new = alarm["StateValue"], _state(alarm, time.time())
        if new == old:
            return
        reason = f"Threshold Crossed: {alarm['ComparisonOperator']} {alarm['Threshold']}"
        alarm |= {"StateValue": new, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate_alarm


def _state(alarm: dict[str, Any], now: float) -> str:
    """The state that the latest figures make, and where too few are left the setting for missing ones.

    By the examples of the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data"; but the period
    in hand counts as soon as it has samples, and with `missing` a state stays until enough figures change it.
    """
    periods, breaches = alarm["EvaluationPeriods"], COMPARISONS[alarm["ComparisonOperator"]]
    figures = _figures(alarm, now)[-periods:]
    bad, missing = sum(breaches(figure, alarm["Threshold"]) for figure in figures), periods - len(figures)
    treat, needed = alarm["TreatMissingData"], alarm.get("DatapointsToAlarm") or periods
    if bad + (missing if treat == "breaching" else 0) >= needed:
        return "ALARM"
    if not missing or bad < len(figures) or treat in ("breaching", "notBreaching"):
        return "OK"
    return str(alarm["StateValue"]) if figures or treat == "ignore" else "INSUFFICIENT_DATA"


def _figures(alarm: dict[str, Any], now: float) -> list[float]:
    """The figures of the periods that have one, oldest first."""
    wanted = cloudwatch._dims_key({each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])})
    samples = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], wanted)) or []
    statistic, current = alarm.get("ExtendedStatistic") or alarm["Statistic"], int(now // alarm["Period"])
    of_periods: dict[int, list[Any]] = {
        period: [] for period in range(current - alarm["EvaluationPeriods"] - SPARE_PERIODS + 1, current + 1)
    }
    for sample in samples:
        of_periods.get(int(sample["Timestamp"] // alarm["Period"]), []).append(sample)
    values = [
        cloudwatch._stat_value(cloudwatch._calc_stats(found), statistic, found)
        for found in of_periods.values()
        if found
    ]
    return [value for value in values if value is not None]


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
