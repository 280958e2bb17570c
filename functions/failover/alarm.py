"""What CloudWatch says by SNS when an alarm changes its state."""

import json
from typing import Self

from functions.watching.metrics import NAMESPACE
from functions.watching.state import moment

from attrs import frozen


@frozen
class Alarm:
    """An alarm of a region's health that has gone off."""

    region: str
    since: str

    @classmethod
    def of(cls, message: str) -> Self | None:
        """Returns the alarm that a message is about, None if it is another one or over."""
        content = json.loads(message)
        trigger = content.get("Trigger", {})
        about = (trigger.get("Namespace"), trigger.get("MetricName"), content.get("NewStateValue"))
        if about != (NAMESPACE, "Healthy", "ALARM"):
            return None
        [region] = (each["value"] for each in trigger["Dimensions"] if each["name"] == "Region")
        return cls(region, moment(content["StateChangeTime"]))
