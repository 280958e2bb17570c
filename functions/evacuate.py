"""Takes a region out of traffic and puts it back, by hand; shows what state the regions are in.

    python -m functions.evacuate evacuate us-east-1 --via us-west-2 --suffix prod --reason 'answers are wrong'
    python -m functions.evacuate release us-east-1 --via us-west-2 --suffix prod --reason 'mended'
    python -m functions.evacuate state --via us-west-2 --suffix prod

It works with the operator's own credentials (docs/operator/evacuate.json is enough) through one living region, also
while others are dead, and needs nothing of AWS that might be lost with them: DynamoDB, CloudWatch's PutMetricData, SNS
and STS of the region, and each API's /healthz. Each order leaves an audit row, and the operations team is told. What an
operator evacuated is released by an operator only.
"""

import argparse
import getpass
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from functions.shared.clients import error_name
from functions.shared.table import ConflictError, Values, after, now, unpack
from functions.watching.decisions import Decisions, decisions_of
from functions.watching.endpoint import Patience, complaints
from functions.watching.metrics import NAMESPACE, evacuation
from functions.watching.state import EVACUATED, HEARTBEAT, RELEASED, age_s
from functions.watching.together import together

from attrs import asdict, frozen
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

PATIENCE = Patience()
_REASON = re.compile(r"[ -~]{1,200}")


class RefusedError(Exception):
    """The command does nothing; the message says why, and what to do."""


@frozen(kw_only=True)
class Region:
    """What is known of a region."""

    region: str
    complaint: str
    """What is wrong with it now, as far as this machine can tell; empty while it serves."""
    heartbeat_age_s: float
    evacuated_since: str | None
    evacuated_by: str | None
    evacuation_reason: str | None

    @property
    def fit(self) -> bool:
        """Whether it can take traffic."""
        return not self.complaint and not self.evacuated_since

    def row(self) -> tuple[str, ...]:
        """Returns it as a row for people."""
        traffic = "takes traffic"
        if self.evacuated_since:
            traffic = f"evacuated since {self.evacuated_since} by {self.evacuated_by}: {self.evacuation_reason}"
        return (
            self.region,
            f"no: {self.complaint}" if self.complaint else "yes",
            f"{self.heartbeat_age_s:.0f} s",
            traffic,
        )


@frozen
class Operator:
    """An environment, through one living region."""

    via: str
    suffix: str
    patience: Patience

    def regions(self) -> dict[str, Region]:
        """Returns every region that ever lived.

        Raises:
            RefusedError: the environment has none.
        """
        state = self._decisions().state
        pages = state.table.client.get_paginator("scan").paginate(
            TableName=state.table.name,
            FilterExpression="#item = :heartbeat",
            ExpressionAttributeNames={"#item": state.table.sort},
            ExpressionAttributeValues={":heartbeat": {"S": HEARTBEAT}},
        )
        beats = {beat["region"]: beat for page in pages for beat in map(unpack, page["Items"])}
        if not beats:
            raise RefusedError(f"no region of the environment {self.suffix!r} has ever sent a heartbeat")
        urls = {region: beats[region]["api_url"] for region in sorted(beats)}
        found = complaints(urls, os.environ.get("AWS_ENDPOINT_URL", ""), self.patience)
        return {region: _region(beats[region], found[region], state.evacuation(region)) for region in urls}

    def decide(self, region: str, decision: str, reason: str) -> str:
        """Adds the row that evacuates or releases a region, with its audit row; returns who is said to have done it.

        It is in all regions within seconds, and later than any decision before it, whatever this machine's clock says.
        """
        decisions, who = self._decisions(), self._identity()
        last = decisions.state.decision(region)
        at = after(last["occurred_at"]) if last else now()
        decisions.add(region, decision, at=at, by=who, reason=reason, correlation_id=str(uuid.uuid4()))
        return who

    def tell(self, text: str) -> None:
        """Tells the operations team, by the topic of the region through which the order was given."""
        account = _client("sts", self.via).get_caller_identity()["Account"]
        topic = f"arn:aws:sns:{self.via}:{account}:topic-alerts-{self.suffix}"
        _client("sns", self.via).publish(TopicArn=topic, Subject=text.partition("\n")[0], Message=text)

    def publish(self, region: str, others: Sequence[str]) -> dict[str, Exception]:
        """Says in the other regions that one is evacuated, without waiting for their probes; returns who failed."""
        tasks = {other: partial(self._publish, other, region) for other in others}
        _, failed = together(tasks, self.patience.asking)
        return failed

    def _publish(self, region: str, evacuated: str) -> None:
        samples = evacuation(evacuated, True)
        _client("cloudwatch", region).put_metric_data(Namespace=NAMESPACE, MetricData=samples)

    def _identity(self) -> str:
        """Returns who gives the order: as AWS knows them, or if it does not say, as this machine does."""
        try:
            arn: str = _client("sts", self.via).get_caller_identity()["Arn"]
        except (BotoCoreError, ClientError):
            return f"{getpass.getuser()} (not confirmed by AWS)"
        return arn

    def _decisions(self) -> Decisions:
        client = _client("dynamodb", self.via)
        return decisions_of(client, f"failover_state-{self.suffix}", f"audit_logs-{self.suffix}", self.via)


def _client(service: str, region: str) -> Any:
    config = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    return Session().create_client(service, region_name=region, config=config)


def _region(beat: Values, complaint: str, row: Values | None) -> Region:
    return Region(
        region=beat["region"],
        complaint=complaint,
        heartbeat_age_s=age_s(beat["written_at"]),
        evacuated_since=row["occurred_at"] if row else None,
        evacuated_by=row["by"] if row else None,
        evacuation_reason=row["reason"] if row else None,
    )


def table(regions: Iterable[Region]) -> str:
    """Returns the regions as people read them."""
    rows = [("region", "healthy now", "last heartbeat", "traffic"), *(region.row() for region in regions)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(f"{'  '.join(map(str.ljust, row, widths))}  {row[3]}\n" for row in rows)


def show(operator: Operator, given: argparse.Namespace) -> None:
    """Prints the state of all regions."""
    regions = operator.regions()
    plain = [{**asdict(region), "healthy": not region.complaint} for region in regions.values()]
    sys.stdout.write(json.dumps(plain, indent=2) + "\n" if given.json else table(regions.values()))


def evacuate(operator: Operator, given: argparse.Namespace) -> None:
    """Evacuates a region.

    Raises:
        RefusedError: the region is not to be evacuated, or not this way.
    """
    if given.region == given.via:
        raise RefusedError(f"'--via' must be another region than the one to evacuate, got: {given.via!r} for both")
    others = [region for name, region in _shown(operator, given).items() if name != given.region]
    if not any(other.fit for other in others):
        raise RefusedError(
            f"{given.region!r} must not be evacuated: no other region is healthy and takes traffic; release or mend "
            "one first, or if just this machine cannot reach it, run this from another one"
        )
    if not _agreed(given, f"{given.region} gets no traffic until an operator releases it."):
        return
    who = operator.decide(given.region, EVACUATED, given.reason)
    sys.stdout.write(f"{given.region} is evacuated: within about four minutes its clients go elsewhere.\n")
    for name, error in operator.publish(given.region, [other.region for other in others]).items():
        sys.stdout.write(f"{name} was not told ({error_name(error)}): its probe reads it within a minute.\n")
    _tell(operator, given, f"was evacuated by {who}", "It gets no traffic until an operator releases it.")


def release(operator: Operator, given: argparse.Namespace) -> None:
    """Releases a region.

    Raises:
        RefusedError: the region is not evacuated.
    """
    regions = _shown(operator, given)
    if not regions[given.region].evacuated_since:
        raise RefusedError(f"{given.region!r} is not evacuated: there is nothing to release")
    others = [other.region for other in regions.values() if other.region != given.region and not other.complaint]
    if given.region == given.via and others:
        raise RefusedError(
            f"'--via' must be a region that takes it out of DNS, such as {others[0]!r}, while there is one, "
            f"got: {given.via!r} for both"
        )
    if _agreed(given, f"{given.region} gets its share of the traffic again."):
        who = operator.decide(given.region, RELEASED, given.reason)
        sys.stdout.write(f"{given.region} is released: within about six minutes it gets traffic.\n")
        _tell(operator, given, f"was released by {who}", "It gets its share of the traffic within about six minutes.")


def _tell(operator: Operator, given: argparse.Namespace, what: str, then: str) -> None:
    """Tells the operations team, which is worth no failure: what was ordered holds."""
    subject = f"{given.region} {what.split(' by ')[0]} by an operator"
    try:
        operator.tell(f"{subject}\n\n{given.region} {what}, through {given.via}.\nReason: {given.reason}\n{then}")
    except (BotoCoreError, ClientError) as error:
        sys.stdout.write(f"The operations team was not told ({error_name(error)}): tell them.\n")


def _shown(operator: Operator, given: argparse.Namespace) -> dict[str, Region]:
    """Prints and returns the state of all regions, of which the given one must be one."""
    regions = operator.regions()
    if given.region not in regions:
        raise RefusedError(f"the region must be one of {', '.join(regions)}, got: {given.region!r}")
    if not _REASON.fullmatch(given.reason):
        raise RefusedError(f"'--reason' must be 1 to 200 printable ASCII characters, got: {given.reason!r}")
    sys.stdout.write(table(regions.values()))
    return regions


def _agreed(given: argparse.Namespace, what: str) -> bool:
    """Returns whether it is to be done: asks, unless told not to."""
    if given.dry_run:
        sys.stdout.write(f"{what} Nothing is done: this is a dry run.\n")
        return False
    if given.yes:
        return True
    sys.stdout.write(f"{what} Type yes to go on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() == "yes":
        return True
    sys.stdout.write("Nothing was done.\n")
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m functions.evacuate", description="Evacuate and release regions.")
    commands = parser.add_subparsers(required=True, metavar="evacuate|release|state")
    for name, command in (("evacuate", evacuate), ("release", release), ("state", show)):
        each = commands.add_parser(name, help=str(command.__doc__).partition("\n")[0])
        each.set_defaults(command=command)
        each.add_argument("--suffix", required=True, help="the environment's suffix, which the tables' names end in")
        each.add_argument("--via", required=True, help="a living region, through which the order is given")
        if command is show:
            each.add_argument("--json", action="store_true", help="for programs")
            continue
        each.add_argument("region", help="the region to take out of traffic, or to put back")
        each.add_argument("--reason", required=True, help="why, for those who read it later; nothing about patients")
        each.add_argument("--yes", action="store_true", help="do not ask")
        each.add_argument("--dry-run", action="store_true", help="say what would be done")
    return parser


def main(arguments: Sequence[str], patience: Patience = PATIENCE) -> int:
    """Does what is asked and returns the exit status: 1 if it was refused or failed."""
    given = _parser().parse_args(arguments)
    try:
        given.command(Operator(given.via, given.suffix, patience), given)
    except RefusedError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except ConflictError:
        sys.stderr.write(f"error: {given.via} is busy, or that was decided there at this moment: try again\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        advice = (
            f"name another living region by '--via' (got: {given.via!r}), or see '--suffix' (got: {given.suffix!r})"
        )
        sys.stderr.write(f"error: {given.via} does not do it ({error_name(error)}): {advice} and your credentials\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
