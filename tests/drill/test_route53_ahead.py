"""Samples of the minute ahead, at true speed and in quick motion."""

from __future__ import annotations

from collections import defaultdict

from drill.route53.ahead import Ahead

import pytest

Samples = list[tuple[int, int, float]]
"""Of each when it is published, of when it is, and its value."""


def seen(samples: Samples, scaled_s: int, until: int) -> dict[int, float | None]:
    """The figure of each period as soon as it is whole, for one who looks every second."""
    ahead, found = Ahead(true_s=60, scaled_s=scaled_s), dict[int, float | None]()
    for now in range(600, until):
        known = defaultdict[int, list[float]](list)
        for published, at, value in samples:
            if published <= now:
                known[at // scaled_s * scaled_s].append(value)
        points = {start: (max(values), float(len(values))) for start, values in known.items()}
        current = now // scaled_s * scaled_s
        found[current - scaled_s] = ahead.figures(points, current, 1)[0]
    return found


@pytest.mark.parametrize("scaled_s", [60, 30, 12])
def test_a_sample_for_the_minute_ahead_counts_for_the_next_period_and_no_other(scaled_s: int) -> None:
    found = seen([(601, 601, 1.0), (601, 661, 1.0)], scaled_s, 900)
    assert [start for start, figure in found.items() if figure] == [600, 600 + scaled_s]


@pytest.mark.parametrize("scaled_s", [60, 30, 12])
def test_what_was_published_ahead_outlasts_a_later_word_by_one_period(scaled_s: int) -> None:
    samples = [each for at in (603, 603 + scaled_s) for each in ((at, at, 1.0), (at, at + 60, 1.0))]
    release = 610 + scaled_s
    found = seen([*samples, (release, release, 0.0)], scaled_s, 900)
    assert [start for start, figure in found.items() if figure] == [600 + scaled_s * number for number in range(3)]


def test_a_period_that_has_samples_of_its_own_has_their_figure() -> None:
    found = seen([(601, 601, 0.0), (613, 613, 3.0), (637, 637, 2.0)], 12, 700)
    assert [found[start] for start in (600, 612, 624, 636)] == [0, 3, None, 2]
