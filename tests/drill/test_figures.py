"""The figures of a scenario that never ran, worked out by hand."""

from __future__ import annotations

from drill.figures import figures
from drill.log import Notice, Sample
from drill.route53 import Kept
from drill.scenarios import SCENARIOS
from tests.drill.logs import EAST, WEST, acknowledged, held, logged, request

import attrs

SCALE = 0.5
LATCHED = next(scenario for scenario in SCENARIOS if scenario.name == "latched").lasting(100)
# The outage lasts from 110 to 160, DNS is without us-east-1 from 125 to 175; client b keeps its answer for too long.
LOG = logged(
    [
        request(100, 100.5, "failed", client="b"),
        request(101, 102, client="b"),
        request(105, 106),
        request(111, 113, "failed"),
        request(114, 115, "failed", client="b"),
        request(118, 120, region=WEST),
        request(130, 131, "failed", client="b"),
        request(133, 134, "failed", client="b", region=WEST),
        request(140, 141, region=WEST, client="b"),
        request(170, 171, region=WEST),
        request(180, 181, client="b"),
        request(185, 186, region=WEST),
    ],
    acknowledgements=[acknowledged(104, "kept"), acknowledged(106, "gone")],
    samples=[
        Sample(float(at), {EAST: True, WEST: True}, {}, {WEST: 30} if 125 <= at < 175 else {EAST: 4, WEST: 2})
        for at in range(100, 190, 5)
    ],
    answers=[
        [Kept(EAST, 104, 118), Kept(WEST, 118, 178), Kept(WEST, 178, 238)],
        [Kept(EAST, 101, 140), Kept(WEST, 140, 180), Kept(EAST, 180, 240)],
    ],
    patients=["a", "b"],
    notices=[
        Notice(109, f"{WEST} was evacuated, {EAST} takes its traffic"),
        Notice(118, 'ALARM: "alarm-lag"'),
        Notice(120, 'ALARM: "alarm-evacuated-us-east-1"'),
        Notice(122, f"{EAST} was evacuated, {WEST} takes its traffic"),
    ],
    survivor=held(["kept"]),
    takeover=120.0,
    final=[attrs.evolve(held(["kept", "gone"], region=EAST), merges=frozenset(["m"])), held(["kept"])],
    broken=110.0,
    healed=160.0,
    ended=190.0,
)


def test_what_is_reported_is_at_true_speed() -> None:
    found, _ = figures(LOG, LATCHED, SCALE, 0)
    assert (found.recovery_time_s, found.recovery_time_keeping_ttl_s) == (40, 4)
    assert found.served_share == 1 - (9 + 27) / 100
    assert found.recovery_point_s == {"records": 28, "audit": 28, "documents_replicated": 0, "documents_pending": 0}
    assert (found.lost_for_good, found.failed_requests, found.acknowledged) == (1, 4, 2)
    assert (found.notification_s, found.failback_s) == (20, 42)
    assert found.merged == 1
    assert found.latency_s["outage"] == {WEST: [3, 3.98]}


def test_what_is_judged_beside_it() -> None:
    _, facts = figures(LOG, LATCHED, SCALE, 0)
    assert (facts.left, facts.felt, facts.failed, facts.unexplained) == ([EAST], 3, {"record": 4}, 1)
    assert (facts.asked_last_s, facts.longest_wait_s, facts.failing_after_s) == (40, 54, 0)
    assert (facts.evacuations_told, facts.back_s) == (1, 130)


def test_what_failed_before_anything_was_broken_is_not_counted() -> None:
    cold = attrs.evolve(LOG, requests=[request(20, 100, "failed"), *LOG.requests])
    assert figures(cold, LATCHED, SCALE, 0) == figures(LOG, LATCHED, SCALE, 0)


def test_corrections_count_that_were_taken_during_the_outage() -> None:
    corrections = [
        attrs.evolve(request(at, at + 2, outcome), kind="correction")
        for at, outcome in ((107, "served"), (109, "served"), (120, "served"), (130, "stale"), (159, "served"))
    ]
    assert figures(attrs.evolve(LOG, requests=corrections), LATCHED, SCALE, 0)[0].corrected == 2


def test_who_is_never_served_again_fails_until_the_end() -> None:
    hopeless = attrs.evolve(LOG, requests=[*LOG.requests, request(186, 190, "failed", client="b")])
    assert figures(hopeless, LATCHED, SCALE, 0)[1].failing_after_s == 60
    assert figures(attrs.evolve(LOG, survivor=None), LATCHED, SCALE, 0)[0].recovery_point_s["records"] is None
