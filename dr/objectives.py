"""The recovery objectives, and what a topology can reach of them at the worst."""

from collections.abc import Iterator, Mapping

import attrs

# The business's own figures.
RECOVERY_TIME_OBJECTIVE_S = 300
RECOVERY_POINT_OBJECTIVE_S = 60
AVAILABILITY_OBJECTIVE = 0.9999

# A checker connects within 4 s, reads the status within 2 s more and the body within 2 s more
# (Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy").
CHECK_TIMEOUT_S = 4 + 2 + 2
# An alias has no TTL of its own: Route 53 answers with its target's, 60 s for API Gateway's names.
ALIAS_TTL_S = 60
# The shortest period that Route 53 follows (developer guide, "Monitoring a CloudWatch alarm": standard resolution).
METRIC_PERIOD_S = 60
# From PutMetricData until an alarm sees it: AWS promises nothing; one to two minutes are what its users see.
METRIC_DELAY_S = 120
# How often each region's probe runs, how many bad minutes of a region invoke the failover function, and how old a
# heartbeat gets before that is told: one may be late, two may not.
PROBE_PERIOD_S = 60
LATCH_PERIODS = 2
# How long probe and function ask the regions for their health at the most, rounded up from 9 s.
ASKING_S = 10
SILENCE_S = 180
# How long the probe waits for its heartbeat to arrive elsewhere, beyond the lag that an alarm tells of.
ARRIVAL_MARGIN_S = 5
# The design of S3's replication time control, 99.99 % of objects (S3 user guide); credits start under 99.9 %.
DOCUMENT_REPLICATION_S = 15 * 60

# Monthly, and a promise of credits rather than a probability (API Gateway, Lambda and DynamoDB service level
# agreements). A request needs all three.
SERVICE_LEVELS = {"API Gateway": 0.9995, "Lambda": 0.9995, "DynamoDB": 0.9999}
MONTH_S = 30 * 24 * 3600


@attrs.frozen(kw_only=True)
class Plan:
    """What the figures are computed from.

    Attributes:
        interval_s: Seconds between two probes of one health checker.
        failures: How many in a row make a region unhealthy.
        ttl_s: How long resolvers keep an answer, seconds.
        lag_alarm_s: Replication lag of the tables that is told, seconds.
        weights: The regions' shares of the traffic.
    """

    interval_s: int
    failures: int
    ttl_s: int
    lag_alarm_s: int
    weights: tuple[int, ...]

    @property
    def largest_share(self) -> float:
        """The part of the traffic that the loss of the busiest region hits."""
        return max(self.weights) / (sum(self.weights) or 1)


@attrs.frozen(kw_only=True)
class Figure:
    """One line of the budget.

    Attributes:
        name: What it is a figure of.
        value: The figure at the worst: seconds, or a share of the time.
        objective: What it must stay under, or reach where it is a share; None where nobody promises anything.
        assumes: What the figure rests on, and what it leaves out.
        source: Where its parts come from.
        decided_by: The settings that decide it, and their values.
    """

    name: str
    value: float
    objective: float | None
    assumes: str
    source: str
    decided_by: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def is_share(self) -> bool:
        """Whether it is a share of the time, and more is better."""
        return self.objective is not None and self.objective <= 1

    @property
    def holds(self) -> bool:
        """Whether the objective is kept."""
        if self.objective is None:
            return True
        return self.value >= self.objective if self.is_share else self.value < self.objective

    @property
    def wanted(self) -> str:
        """The objective in words."""
        if self.objective is None:
            return "no promise"
        return f"{'at least' if self.is_share else 'under'} {self.show(self.objective)}"

    def show(self, value: float) -> str:
        """A figure, or an objective, in its unit."""
        return f"{100 * value:.4f} %" if self.is_share else f"{value:g} s"


def recovery_time_s(*, interval_s: int, failure_threshold: int, ttl_s: int) -> int:
    """Seconds from the loss of a region until no resolver that keeps TTLs answers with it, at the worst.

    The last good probe may end just before the loss; `failure_threshold` probes then fail, each `interval_s` apart
    and the last as slow as a checker allows; an answer given just before that stays cached for `ttl_s`.
    Clients that keep answers for longer than their TTL come on top.
    """
    return interval_s * failure_threshold + CHECK_TIMEOUT_S + ttl_s


def evacuation_time_s(*, ttl_s: int) -> int:
    """Seconds from the word to evacuate a region until no resolver that keeps TTLs answers with it, at the worst."""
    return METRIC_PERIOD_S + METRIC_DELAY_S + ttl_s


def latch_time_s(*, ttl_s: int) -> int:
    """Seconds from the loss of a region until it is latched out of DNS, at the worst.

    A probe sees it, and for so many minutes the next ones do; then the function's scheduled run decides, if no alarm
    has made it do so before, and publishes that. Both ask all regions first, whatever hangs.
    """
    seen = PROBE_PERIOD_S + ASKING_S
    return seen + LATCH_PERIODS * METRIC_PERIOD_S + PROBE_PERIOD_S + ASKING_S + evacuation_time_s(ttl_s=ttl_s)


def stall_told_s(*, lag_alarm_s: int) -> int:
    """Seconds from when nothing is copied any more until an alarm tells of it, at the worst.

    The next probe waits in vain for its heartbeat to arrive; what it measured is a period old when the alarm sees it.
    """
    return PROBE_PERIOD_S + lag_alarm_s + ARRIVAL_MARGIN_S + METRIC_PERIOD_S + METRIC_DELAY_S


def availability(*, regions: int, recovery_s: float, share: float) -> float:
    """Share of a month in which a request is served: regions independent, one failover of the busiest a month."""
    one = 1.0
    for level in SERVICE_LEVELS.values():
        one *= level
    return 1 - (1 - one) ** regions - share * recovery_s / MONTH_S


def budget(plan: Plan) -> list[Figure]:
    """What the plan reaches at the worst, by objective."""
    recovery = recovery_time_s(interval_s=plan.interval_s, failure_threshold=plan.failures, ttl_s=plan.ttl_s)
    timing = {"health_check_interval_s": plan.interval_s, "health_check_failures": plan.failures}
    ttl = {"record_ttl_s": plan.ttl_s}
    served = availability(regions=len(plan.weights), recovery_s=recovery, share=plan.largest_share)
    return [
        Figure(
            name="recovery time when a region dies",
            value=recovery,
            objective=RECOVERY_TIME_OBJECTIVE_S,
            assumes=f"{plan.failures} probes {plan.interval_s} s apart fail, the last after {CHECK_TIMEOUT_S} s; "
            f"answers are kept for {plan.ttl_s} s. Resolvers and clients that keep them for longer come on top.",
            source="Route 53 developer guide: how health checks decide; health-checked records and TTL",
            decided_by={**timing, **ttl},
        ),
        Figure(
            name="recovery time when a region is evacuated",
            value=evacuation_time_s(ttl_s=plan.ttl_s),
            objective=RECOVERY_TIME_OBJECTIVE_S,
            assumes=f"a period of {METRIC_PERIOD_S} s, up to {METRIC_DELAY_S} s until CloudWatch has the metric (no "
            f"promise), answers kept for {plan.ttl_s} s; counted from the word of the operator.",
            source="Route 53 developer guide: monitoring a CloudWatch alarm",
            decided_by=ttl,
        ),
        Figure(
            name="until a lost region is latched out of DNS",
            value=latch_time_s(ttl_s=plan.ttl_s),
            objective=None,
            assumes="its own health check has moved the traffic long before; the latch keeps it out while it comes "
            f"and goes. {LATCH_PERIODS} bad minutes after a probe, the function's next run, then as when it is "
            "evacuated by hand. An alarm usually makes the function run sooner.",
            source="our own arithmetic; Route 53 developer guide: monitoring a CloudWatch alarm",
        ),
        Figure(
            name="lag of records and audit rows that raises an alarm",
            value=plan.lag_alarm_s,
            objective=RECOVERY_POINT_OBJECTIVE_S,
            assumes="the recovery point of a region that is lost while no alarm stands, but for what began in the "
            "minutes before. Usually it is under a second; AWS promises nothing. Every minute each region's probe "
            "measures how long its heartbeat takes to the others.",
            source="DynamoDB developer guide: global tables, how they work (eventual consistency)",
            decided_by={"replication_lag_alarm_s": plan.lag_alarm_s},
        ),
        Figure(
            name="until replication that stands still is told",
            value=stall_told_s(lag_alarm_s=plan.lag_alarm_s),
            objective=None,
            assumes="a region that is lost meanwhile has kept as many seconds of records to itself, and the objective "
            f"of a minute is missed: a probe, its wait of {plan.lag_alarm_s + ARRIVAL_MARGIN_S} s, a period, up to "
            f"{METRIC_DELAY_S} s until CloudWatch has the metric (no promise). From the other side the age of the last "
            f"heartbeat raises an alarm after {SILENCE_S} s. DynamoDB's own metric tells of one table that is late; it "
            "falls silent where nothing is copied.",
            source="our own arithmetic; DynamoDB developer guide: global tables",
        ),
        Figure(
            name="recovery point of documents answered as replicated",
            value=0,
            objective=RECOVERY_POINT_OBJECTIVE_S,
            assumes="acknowledged only after S3 says that the copy is complete. That is of the bytes: the row that "
            "names them is copied as records are, and is usually there long before.",
            source="S3 user guide: getting replication status information",
        ),
        Figure(
            name="recovery point of documents answered as pending",
            value=DOCUMENT_REPLICATION_S,
            objective=None,
            assumes="the caller is told, and can ask again. 15 minutes are S3's design for 99.99 % of objects, so the "
            "objective of a minute holds for documents only once they are answered as replicated.",
            source="S3 user guide: replication time control; S3 RTC service level agreement",
        ),
        Figure(
            name="availability with one failover a month",
            value=served,
            objective=AVAILABILITY_OBJECTIVE,
            assumes=f"{len(plan.weights)} regions that fail independently, each as good as the agreements of "
            f"{', '.join(SERVICE_LEVELS)} in a row; the busiest, with {100 * plan.largest_share:.0f} % of the traffic, "
            "fails over once in 30 days. Agreements give credits; they are no probabilities.",
            source="AWS service level agreements; our own arithmetic",
            decided_by={"weight": plan.weights, **timing, **ttl},
        ),
    ]


def broken(plan: Plan) -> Iterator[str]:
    """Yield what of the plan breaks an objective, as sentences about the settings."""
    for figure in budget(plan):
        if not figure.holds:
            fields, values = zip(*figure.decided_by.items(), strict=True)
            yield (
                f"{' and '.join(map(repr, fields))} must let the {figure.name} be "
                f"{figure.wanted}, got: {figure.show(figure.value)} of {values!r}"
            )
