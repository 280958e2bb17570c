"""What Route 53 documents of its decisions, as pure functions.

DG is the Route 53 developer guide, API its API reference; each function names the page that it follows.
"""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

import attrs

SEARCHED_BYTES = 5120
"""How much of a body is searched (DG, "How Amazon Route 53 determines whether a health check is healthy")."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        "GreaterThanOrEqualToThreshold": operator.ge,
        "GreaterThanThreshold": operator.gt,
        "LessThanOrEqualToThreshold": operator.le,
        "LessThanThreshold": operator.lt,
    }
)


def response_passes(status: int, body: bytes, search: bytes | None) -> bool:
    """Whether a response that came in time is a pass: 2xx or 3xx, and the string, if any, whole in what is searched.

    Same page as SEARCHED_BYTES.
    """
    return 200 <= status < 400 and (search is None or search in body[:SEARCHED_BYTES])


@attrs.frozen
class Location:
    """What one checker's location reports: a new check counts as healthy until there is data (DG, same page).

    Attributes:
        healthy: Its report.
        against: How many probes in a row, the last one included, disagreed with it.
    """

    healthy: bool = True
    against: int = 0

    def after(self, passed: bool, threshold: int) -> "Location":
        """The report after one more probe: `threshold` that disagree in a row turn it (API, FailureThreshold)."""
        if passed == self.healthy:
            return Location(self.healthy)
        if self.against + 1 >= threshold:
            return Location(passed)
        return Location(self.healthy, self.against + 1)


def endpoint_healthy(reports: Collection[bool]) -> bool:
    """Healthy while more than 18 % of the locations report it so, or before any reports (DG, same page)."""
    return not reports or 100 * sum(reports) > 18 * len(reports)


def calculated_healthy(children: Collection[bool], threshold: int) -> bool:
    """Healthy while `threshold` children are: always if it is 0, never if there are fewer (API, HealthThreshold)."""
    return sum(children) >= threshold


@attrs.frozen(kw_only=True)
class Alarm:
    """The copy of a CloudWatch alarm's settings that a health check goes by: no M of N, no metric math (API, Type).

    Attributes:
        comparison: How a figure is compared with the threshold, in CloudWatch's words.
        threshold: The limit.
        periods: How many periods are looked at.
        missing: What a period without data counts as, in CloudWatch's words.
    """

    comparison: str
    threshold: float
    periods: int = 1
    missing: str = "missing"


def metric_healthy(figures: Sequence[float | None], alarm: Alarm) -> bool | None:
    """What the data of the last periods say (None in `figures`: no data), or None where they do not suffice.

    The data decide, not the alarm's state (API, Type). In alarm is what breaches in every period; a period without data
    counts as the alarm says. That one good period is enough, whatever is missing, is CloudWatch's rule
    (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data").
    """
    counted_as = {"breaching": True, "notBreaching": False}.get(alarm.missing)
    breaches = COMPARISONS[alarm.comparison]
    found = [counted_as if figure is None else breaches(figure, alarm.threshold) for figure in figures]
    if False in found:
        return True
    return None if None in found or not found else False


def without_data(setting: str, last_known: bool) -> bool:
    """A metric check's health where the data do not suffice (API, InsufficientDataHealthStatus)."""
    return {"Healthy": True, "Unhealthy": False}.get(setting, last_known)


def status(found: bool, *, inverted: bool = False, disabled: bool = False) -> bool:
    """A check's status: a disabled one counts as healthy, and inverting turns that round too (API, Disabled, Inverted).

    So an inverted check is unhealthy until there are data, and inverting a disabled check takes traffic off.
    """
    return (found or disabled) != inverted


class Weighted(Protocol):
    """What can be chosen among: records of one name and type."""

    @property
    def weight(self) -> int:
        """From 0 to 255; a record without a weight has any other than 0."""


R = TypeVar("R", bound=Weighted)


def eligible(records: Sequence[R], healthy: Callable[[R], bool]) -> list[tuple[R, int]]:
    """The records that a query may be answered with, and the share of each.

    Those with a weight come first, those of weight 0 only when none of them is healthy; if no record is healthy, all
    count as healthy (DG, "How Amazon Route 53 chooses records when health checking is configured"). Records that all
    have weight 0 share evenly (API, ResourceRecordSet, Weight).
    """
    weighted = [record for record in records if record.weight]
    unweighted = [record for record in records if not record.weight]
    up = [record for record in weighted if healthy(record)] or [record for record in unweighted if healthy(record)]
    return [(record, record.weight or 1) for record in up or weighted or unweighted]
