"""Each documented statement on how Route 53 decides, for any input."""

from collections.abc import Sequence
from functools import reduce

from drill.route53 import rules
from drill.route53.rules import Alarm, Location

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

PROBES = st.lists(st.booleans(), max_size=40)
THRESHOLDS = st.integers(1, 10)


def after(probes: Sequence[bool], threshold: int) -> Location:
    return reduce(lambda location, passed: location.after(passed, threshold), probes, Location())


@given(PROBES, THRESHOLDS)
def test_as_many_equal_probes_in_a_row_as_the_threshold_decide_whatever_was_before(
    before: list[bool], threshold: int
) -> None:
    for found in (True, False):
        assert after([*before, *[found] * threshold], threshold).healthy is found


@given(PROBES, THRESHOLDS)
def test_fewer_probes_in_a_row_than_the_threshold_turn_nothing(before: list[bool], threshold: int) -> None:
    reported = after([*before, *[True] * threshold], threshold)
    assert after([*before, *[True] * threshold, *[False] * (threshold - 1)], threshold).healthy is reported.healthy
    down = [*before, *[False] * threshold]
    assert after([*down, *[True] * (threshold - 1)], threshold).healthy is False


@given(st.lists(st.booleans(), max_size=60), st.integers(2, 10))
def test_a_location_turns_only_on_a_run_of_failures_as_long_as_the_threshold(
    probes: list[bool], threshold: int
) -> None:
    runs = "".join("p" if passed else "f" for passed in probes)
    if "f" * threshold not in runs:
        assert after(probes, threshold).healthy


def test_a_new_location_is_healthy() -> None:
    assert Location().healthy
    assert rules.endpoint_healthy([])


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_an_endpoint_is_healthy_while_more_than_18_percent_of_the_locations_say_so(reports: list[bool]) -> None:
    assert rules.endpoint_healthy(reports) is (sum(reports) / len(reports) > 0.18)


@pytest.mark.parametrize(("healthy", "of", "verdict"), [(9, 50, False), (10, 50, True), (2, 16, False), (3, 16, True)])
def test_18_percent_itself_is_not_enough(healthy: int, of: int, verdict: bool) -> None:
    assert rules.endpoint_healthy([True] * healthy + [False] * (of - healthy)) is verdict


@given(st.integers(100, 599), st.binary(max_size=50))
def test_a_status_of_2xx_or_3xx_passes_and_no_other(status: int, body: bytes) -> None:
    assert rules.response_passes(status, body, None) is (str(status)[0] in "23")
    assert rules.response_passes(status, body + b"serving", b"serving") is (str(status)[0] in "23")


@given(st.integers(0, 5200), st.text("abc", min_size=1, max_size=20).map(str.encode))
def test_the_string_must_be_whole_in_the_first_5120_bytes(before: int, search: bytes) -> None:
    body = b"." * before + search + b"." * 5200
    assert rules.response_passes(200, body, search) is (before + len(search) <= 5120)


@given(st.lists(st.booleans(), max_size=256), st.integers(0, 256))
def test_a_calculated_check_counts_its_healthy_children(children: list[bool], threshold: int) -> None:
    verdict = rules.calculated_healthy(children, threshold)
    assert verdict is (children.count(True) >= threshold)
    if threshold == 0:
        assert verdict
    if threshold > len(children):
        assert not verdict


@given(st.booleans())
def test_a_disabled_check_is_healthy_and_inverting_takes_traffic_off(found: bool) -> None:
    assert rules.status(found, disabled=True)
    assert not rules.status(found, disabled=True, inverted=True)
    assert rules.status(found) is found
    assert rules.status(found, inverted=True) is not found


FIGURES = st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=6)
SETTINGS = st.sampled_from(["missing", "ignore", "breaching", "notBreaching"])


@given(FIGURES, SETTINGS)
def test_a_metric_is_in_alarm_only_when_every_period_breaches(figures: list[float | None], missing: str) -> None:
    alarm = Alarm(comparison="GreaterThanThreshold", threshold=0, missing=missing)
    verdict = rules.metric_healthy(figures, alarm)
    if any(figure is not None and figure <= 0 for figure in figures):
        assert verdict is True
    elif None not in figures:
        assert verdict is (False if figures else None)
    else:
        assert verdict is {"breaching": False, "notBreaching": True}.get(missing)


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        ("GreaterThanThreshold", True, True, False),
        ("GreaterThanOrEqualToThreshold", True, False, False),
        ("LessThanThreshold", False, True, True),
        ("LessThanOrEqualToThreshold", False, False, True),
    ],
)
def test_figures_are_compared_as_the_alarm_says(comparison: str, below: bool, equal: bool, above: bool) -> None:
    alarm = Alarm(comparison=comparison, threshold=3)
    assert [rules.metric_healthy([figure], alarm) for figure in (2.0, 3.0, 4.0)] == [below, equal, above]


@given(st.booleans())
def test_without_data_a_metric_check_is_what_its_setting_says(last: bool) -> None:
    assert rules.without_data("Healthy", last)
    assert not rules.without_data("Unhealthy", last)
    assert rules.without_data("LastKnownStatus", last) is last


@attrs.frozen
class Choice:
    number: int
    weight: int
    up: bool


@st.composite
def choices(draw: st.DrawFn) -> list[Choice]:
    weights = st.one_of(st.just(0), st.integers(0, 255))
    drawn = draw(st.lists(st.tuples(weights, st.booleans()), min_size=1, max_size=8))
    return [Choice(number, weight, up) for number, (weight, up) in enumerate(drawn)]


def eligible(records: list[Choice]) -> dict[Choice, int]:
    return dict(rules.eligible(records, lambda record: record.up))


@given(choices())
def test_there_is_always_an_answer_and_healthy_ones_come_first(records: list[Choice]) -> None:
    found = eligible(records)
    assert found
    assert all(share > 0 for share in found.values())
    if any(record.up for record in records):
        assert all(record.up for record in found)


@given(choices())
def test_when_none_is_healthy_all_count_as_healthy(records: list[Choice]) -> None:
    down = [attrs.evolve(record, up=False) for record in records]
    up = [attrs.evolve(record, up=True) for record in records]
    assert [record.number for record in eligible(down)] == [record.number for record in eligible(up)]


@given(choices())
def test_weight_zero_answers_only_when_all_others_are_unhealthy(records: list[Choice]) -> None:
    weighted_up = any(record.weight and record.up for record in records)
    zero_up = any(not record.weight and record.up for record in records)
    weighted = any(record.weight for record in records)
    expected = not weighted_up and (zero_up or not weighted)
    assert all((record.weight == 0) is expected for record in eligible(records))


@given(choices())
def test_each_share_is_its_weight_and_weights_of_zero_share_evenly(records: list[Choice]) -> None:
    found = eligible(records)
    assert all(share == (record.weight or 1) for record, share in found.items())
    first = next(iter(found))
    group = [record for record in records if bool(record.weight) is bool(first.weight)]
    assert set(found) == {record for record in group if record.up == first.up}
