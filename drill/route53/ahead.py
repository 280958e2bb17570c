"""What is published for the minute ahead, where a minute is scaled."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

Points = Mapping[int, tuple[float, float]]
"""By the start of a period its figure and how many samples it has."""


@attrs.define
class Ahead:
    """Brings samples nearer that were published for the period ahead: in quick motion they lie several ahead.

    A publisher bridges its being late that way. Left where they are, they say what was so long ago; the figure is taken
    to be the metric's maximum.

    Attributes:
        true_s: A period at true speed.
        scaled_s: A scaled one.
    """

    true_s: int
    scaled_s: int
    _early: dict[int, float] = attrs.field(factory=dict, init=False)

    def figures(self, points: Points, current: int, periods: int) -> list[float | None]:
        """The figures of the last whole periods; None where there is none.

        Args:
            points: What is known now, also of periods to come.
            current: When the period in hand began.
            periods: How many are wanted.
        """
        for start, (_, samples) in points.items():
            if start >= current + 2 * self.scaled_s:
                self._early[start] = samples
        return [self._figure(points, current - self.scaled_s * number) for number in range(periods, 0, -1)]

    def _figure(self, points: Points, start: int) -> float | None:
        (own, samples), later = points.get(start, (0.0, 0.0)), start + self.true_s - self.scaled_s
        found = [own] if samples > self._early.get(start, 0) else []
        if later in self._early and later in points:
            found.append(points[later][0])
        return max(found, default=None)
