"""The embedded AWS as a target: outages made to order, and a simulated Route 53 in front of both regions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from dr.objectives import METRIC_DELAY_S
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS
from drill.client import api_clients
from drill.deployment import ROOT, Deployment
from drill.emulator import EmbeddedAws
from drill.holdings import Stores
from drill.log import Notice
from drill.mailbox import Mailboxes, mailboxes
from drill.outages import Break, Disturbance, Hold, Watch
from drill.route53 import SimulatedRoute53
from drill.route53.checkers import METRIC_READ_EVERY
from drill.route53.observation import Listener
from drill.target import DrillError, Target

import attrs
from botocore.exceptions import BotoCoreError, ClientError

LAG_S = 3.0
"""How long the embedded AWS takes to copy something to the other region, at true speed; its own is no time at all."""
HEALTH_PATH = "/healthz"
LEAST_TIMEOUT_S = 0.9
"""The health checkers wait at least so long: the emulator is no quicker for a scale, and the machine may be busy."""
PROBE_RULE = "rule-probe-"
"""What the names of the probes' schedules begin with."""


class EmbeddedTarget(Target):
    """Both regions deployed in an embedded AWS, and DNS and health checks simulated beside it."""

    name = "embedded"
    replication_lag_s = LAG_S
    copied_within_s = 60.0
    emulated = (
        "AWS is an emulator in one process on this machine, and so are its Lambda functions.",
        "Route 53 is simulated by its documented rules: health checkers in four places, DNS answers, TTLs.",
        f"Copies between the regions take {LAG_S:g} s each way: a figure of the drill's own, and so is every recovery "
        "point, which follows from it.",
        "Outages are made in front of the emulator: connections are reset, answers held back, refused or delayed.",
        "The probes' schedule is off, for what they set off outlasts an outage: what is measured is what DNS does by "
        "itself. In one scenario the drill runs them every minute instead.",
        f"CloudWatch sees a metric at once, up to {METRIC_DELAY_S} s earlier than on AWS: so the time to a "
        "notification is the emulator's.",
        "A denied key is shown as KMS, DynamoDB and S3 refusing together, for the emulator enforces no keys in these.",
    )

    def __init__(self, aws: EmbeddedAws, deployment: Deployment, route53: SimulatedRoute53, mailbox: Mailboxes) -> None:
        """Use what runs."""
        tables = {str(each.attributes["name"]) for each in deployment.instances() if each.kind == "aws_dynamodb_table"}
        super().__init__(
            client=aws.client,
            credentials={"AccessKeyId": aws.account, "SecretAccessKey": "test", "SessionToken": None},
            endpoint=aws.endpoint,
            regions=aws.regions,
            zone=route53.zone,
            client_name=str(deployment.outputs("dns")["client_name"]),
            stores=lambda region: Stores(
                region=region,
                records=_named(tables, PATIENT_RECORDS),
                audit=_named(tables, AUDIT_LOGS),
                bucket=str(deployment.outputs(region)["document_bucket"]),
                organisation=aws.account,
            ),
            server=route53.address,
            scale=route53.scale,
        )
        evacuation_s = self.budget.evacuation_s - METRIC_DELAY_S + METRIC_READ_EVERY
        self.budget = attrs.evolve(self.budget, evacuation_s=evacuation_s)
        self._aws, self._route53, self._mailbox = aws, route53, mailbox
        self._suffix = _named(tables, PATIENT_RECORDS).removeprefix(f"{PATIENT_RECORDS}-")
        self._begun: dict[Disturbance, list[int]] = {}
        self._probes = {
            region: target["Arn"]
            for region, rule in _probe_rules(aws)
            for target in aws.client("events", region).list_targets_by_rule(Rule=rule)["Targets"]
            if target["Id"] == "probe"
        }

    def healthy(self) -> dict[str, bool]:
        """By the simulated Route 53."""
        return {region: healthy for region, healthy, _ in self._route53.status()}

    def lags(self) -> dict[str, float]:
        """By the emulator's queues."""
        ways = self._aws.replication()["ways"]
        return {f"{way['source']} to {way['target']}": way["oldest_s"] for way in ways}

    def notices(self) -> Sequence[Notice]:
        """By queues at the regions' topics."""
        return self._mailbox.read()

    def settle(self) -> None:
        """Mend everything, have the usual lag in every direction, and no alarm: none ends without new figures here."""
        self.mend(LAG_S * self.scale)
        for region in self.regions:
            cloudwatch = self._aws.client("cloudwatch", region)
            for alarm in cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]:
                cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="a drill begins")
        self.notices()

    def mend(self, lag_s: float) -> None:
        """Mend everything, and copy with a lag in every direction."""
        try:
            for each in list(self._begun):
                self._lift(each, evacuated=False)
        finally:
            self._aws.heal()
            for source in self.regions:
                for target in self.regions:
                    if source != target:
                        self._aws.delay_replication(source=source, target=target, seconds=lag_s)

    def begin(self, disturbance: Disturbance) -> None:
        """Order it of the wrapper around the emulator."""
        self._begun[disturbance] = self._broken(disturbance) if isinstance(disturbance, Break) else []
        if isinstance(disturbance, Hold):
            self._aws.delay_replication(source=disturbance.source, target=disturbance.target, seconds=None)
        super().begin(disturbance)

    def _broken(self, what: Break) -> list[int]:
        late = what.seconds * self.scale
        return [
            self._aws.fault(
                region=what.region, service=each, mode=what.mode, seconds=late, share=what.share, path=what.path
            )
            for each in what.services
        ]

    def probe(self) -> None:
        """Start the probe of every region that lives."""
        for region, function in self._probes.items():
            with suppress(BotoCoreError, ClientError):
                self._aws.client("lambda", region).invoke(FunctionName=function, InvocationType="Event")

    def keep(self, disturbance: Disturbance) -> None:
        """Have the probes run, if somebody watches; each by itself, as on schedule."""
        if isinstance(disturbance, Watch):
            self.probe()
        super().keep(disturbance)

    def end(self, disturbance: Disturbance) -> None:
        """Lift it; what the failover function evacuated is released as an operator does it.

        Raises:
            DrillError: It is not to be released, as when it was never evacuated.
        """
        self._lift(disturbance, evacuated=True)

    def _lift(self, disturbance: Disturbance, *, evacuated: bool) -> None:
        for fault in self._begun.pop(disturbance):
            self._aws.heal(fault)
        if isinstance(disturbance, Hold):
            lag = LAG_S * self.scale
            self._aws.delay_replication(source=disturbance.source, target=disturbance.target, seconds=lag)
        if isinstance(disturbance, Watch):
            about = ("--via", disturbance.survivor, "--suffix", self._suffix, "--reason", "end of the drill", "--yes")
            command = [sys.executable, "-m", "functions.evacuate", "release", disturbance.region, *about]
            done = subprocess.run(command, cwd=ROOT, env=self._aws.isolated(), capture_output=True, text=True)
            if done.returncode and (evacuated or "there is nothing to release" not in done.stderr):
                raise DrillError(f"{disturbance.region} was not released: {done.stderr}")
            self.keep(disturbance)


@contextmanager
def embedded(aws: EmbeddedAws, deployment: Deployment, *, scale: float, listen: Listener) -> Iterator[EmbeddedTarget]:
    """A target in an embedded AWS that both regions are deployed in, left as it was found.

    Raises:
        DrillError: It is deployed so that clients cannot be simulated.
    """
    name = str(deployment.outputs("dns")["client_name"])
    if not name.startswith("failover-test."):
        raise DrillError(
            f"in the embedded AWS a drill needs a domain that is not delegated, got {name!r}: "
            "deploy without DR_DOMAIN_DELEGATED"
        )
    zone = name.partition(".")[2]
    with api_clients(aws, deployment) as apis:
        for api in apis.values():
            api.call("GET", HEALTH_PATH, signed=False)  # the first request starts the function, which takes seconds
    topics = {region: str(deployment.outputs(region)["alert_topic_arn"]) for region in aws.regions}
    with (
        unwatched(aws),
        mailboxes(aws, topics) as mailbox,
        SimulatedRoute53(aws, zone, scale=scale, least_timeout_s=LEAST_TIMEOUT_S, listen=listen) as route53,
    ):
        target = EmbeddedTarget(aws, deployment, route53, mailbox)
        try:
            target.settle()
            yield target
        finally:
            target.mend(0)


@contextmanager
def unwatched(aws: EmbeddedAws) -> Iterator[None]:
    """No probe runs by its schedule meanwhile: what it sets off would outlast a scenario by minutes."""
    rules = list(_probe_rules(aws))
    for region, rule in rules:
        aws.client("events", region).disable_rule(Name=rule)
    try:
        yield
    finally:
        for region, rule in rules:
            aws.client("events", region).enable_rule(Name=rule)


def _probe_rules(aws: EmbeddedAws) -> Iterator[tuple[str, str]]:
    for region in aws.regions:
        for rule in aws.client("events", region).list_rules(NamePrefix=PROBE_RULE)["Rules"]:
            yield region, rule["Name"]


def _named(tables: Collection[str], kind: str) -> str:
    return next(table for table in tables if table.startswith(f"{kind}-"))
