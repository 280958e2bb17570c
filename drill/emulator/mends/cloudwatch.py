"""CloudWatch: alarms."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

TIMES = frozenset({"StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp", "StateTransitionedTimestamp"})
ONE_METRIC = frozenset({"MetricName", "Namespace", "Statistic", "Period", "Dimensions", "Unit"})


def describe_alarms_in_full() -> None:
    """DescribeAlarms by the Query protocol leaves out most fields: alarms drift, composite alarms are replaced."""
    original = cloudwatch._describe_alarms

    def describe_alarms(params: Any, cbor: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return original(params, cbor, is_cbor, is_json)
        status, _, body = original(params, _query(params), False, True)
        if status != 200:
            return original(params, cbor, False, False)
        content = json.loads(body)
        inner = "".join(_xml(kind, [_plain(a) for a in content[kind]]) for kind in ("MetricAlarms", "CompositeAlarms"))
        inner += _xml("NextToken", content.get("NextToken"))
        return cloudwatch._xml(200, "DescribeAlarmsResponse", f"<DescribeAlarmsResult>{inner}</DescribeAlarmsResult>")

    cloudwatch._describe_alarms = describe_alarms


def _query(params: Any) -> dict[str, Any]:
    """The request as the JSON protocol would have it."""
    found: dict[str, Any] = {}
    for name in ("AlarmNames", "AlarmTypes"):
        values = (cloudwatch._p(params, f"{name}.member.{number}") for number in range(1, 101))
        found[name] = [value for value in values if value]
    for name in ("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken"):
        if value := cloudwatch._p(params, name):
            found[name] = value
    return found


def _plain(alarm: dict[str, Any]) -> dict[str, Any]:
    """An alarm without what AWS does not answer: internal fields, and one metric's fields beside metric math."""
    shown = {name: value for name, value in alarm.items() if value is not None and not name.startswith("_")}
    if shown.get("Metrics") or not shown.get("MetricName"):
        shown = {name: value for name, value in shown.items() if name not in ONE_METRIC}
    if shown.get("ExtendedStatistic"):
        shown.pop("Statistic", None)
    if not shown.get("AlarmDescription"):
        shown.pop("AlarmDescription", None)
    for name in TIMES & set(shown):
        if isinstance(shown[name], int | float):
            shown[name] = cloudwatch._ts_iso(shown[name])
    return shown


def _xml(name: str, value: object) -> str:
    return "" if value is None else f"<{name}>{_text(value)}</{name}>"


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "".join(_xml(name, item) for name, item in value.items())
        case list() | tuple():
            return "".join(_xml("member", item) for item in value)
        case float() if value.is_integer():
            return str(int(value))
    return escape(str(value))
