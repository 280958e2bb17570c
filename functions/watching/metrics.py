"""What is published of the regions' health, in the region that sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any

NAMESPACE = "HealthcareDr/Failover"
# The alarm looks at one minute: a sample in the next one bridges a publisher that is late.
_AHEAD = timedelta(seconds=60)


def sample(name: str, value: float, *, ahead: bool = False, unit: str = "None", **dimensions: str) -> dict[str, Any]:
    """Returns one sample of a metric, of the present minute or of the one ahead."""
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        "Timestamp": datetime.now(UTC) + (_AHEAD if ahead else timedelta()),
        "Value": float(value),
        "Unit": unit,
    }


def evacuation(region: str, evacuated: bool) -> list[dict[str, Any]]:
    """Returns the samples by which the alarm on a region's evacuation decides."""
    times = (False, True) if evacuated else (False,)
    return [sample("Evacuated", evacuated, ahead=ahead, Region=region) for ahead in times]
