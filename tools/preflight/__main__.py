"""`make preflight`: a table of how an account stands before a first deployment; `--json` for programs."""

import argparse
import functools
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from dr.checks import SettingsError
from dr.regions.settings import RegionSettings
from dr.resources.naming import Names
from dr.settings import Settings
from main import load_settings
from tools.preflight import account, deployer, names, places
from tools.preflight.finding import Clients, Finding, State, reported

import attrs
import boto3
from rich.console import Console
from rich.table import Table

STYLES = {State.READY: "green", State.NOTICE: "yellow", State.BLOCKED: "red"}
# A check of the API and a calculated one.
HEALTH_CHECKS_A_REGION = 2
PRIVATE_ZONES_A_REGION = 4


def look(settings: Settings, clients: Clients) -> Iterator[Finding]:
    """Everything that a deployment of these settings could fail at."""
    first = settings.regions[0].name
    for region in settings.regions:
        yield from _look_at(region, settings, clients)
    route53 = clients("route53", first)
    many = len(settings.regions)
    room = partial(account.dns_room, route53, HEALTH_CHECKS_A_REGION * many, 1 + PRIVATE_ZONES_A_REGION * many)
    yield from reported("Route 53", room)
    yield from names.issuer(settings.oidc_issuer)
    parent = settings.parent_zone_id
    zone = partial(names.delegation, settings.domain, delegated=settings.domain_delegated, parent_zone=parent)
    yield from reported(f"domain {settings.domain}", partial(zone, route53=route53))
    if settings.state_bucket is None:
        todo = "make buckets and set DR_STATE_BUCKET, where others are to deploy too"
        yield Finding("state", State.NOTICE, "in local files", todo)
    yield from reported("permissions", partial(_permissions, settings, clients, first))


def _look_at(region: RegionSettings, settings: Settings, clients: Clients) -> Iterator[Finding]:
    name, services = region.name, settings.interface_endpoints
    ec2, functions, quotas = clients("ec2", name), clients("lambda", name), clients("service-quotas", name)
    trails = [Names(settings.environment_suffix).worldwide("trail", each.name) for each in settings.regions]
    checks = {
        "Lambda": partial(account.lambda_limits, name, functions, settings.lambda_memory_mb),
        "VPC": partial(account.vpc_room, name, ec2, quotas, len(services)),
        "KMS": partial(account.key_room, name, clients("kms", name), quotas),
        "CloudTrail": partial(account.trail_room, name, clients("cloudtrail", name), trails),
        "AWS Backup": partial(account.backup_settings, name, clients("backup", name)),
        "zones": partial(places.zones_and_endpoints, name, ec2, region.zones, services),
    }
    if settings.state_bucket is not None:
        checks["state bucket"] = partial(account.state_bucket, f"{settings.state_bucket}-{name}", clients("s3", name))
    for subject, check in checks.items():
        yield from reported(f"{name}: {subject}", check)


def _permissions(settings: Settings, clients: Clients, region: str) -> Iterator[Finding]:
    caller = clients("sts", region).get_caller_identity()
    bucket = settings.state_bucket or "no-state-bucket"
    values = deployer.Placeholders(account=caller["Account"], suffix=settings.environment_suffix, state_bucket=bucket)
    yield from deployer.permissions(caller["Arn"], clients("iam", region), deployer.policies(values))


@functools.cache
def _client(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region)


def table(findings: Sequence[Finding]) -> Table:
    """The findings as a table, what blocks a deployment first."""
    order = (State.BLOCKED, State.NOTICE, State.READY)
    drawn = Table("", "what", "found", "to do")
    for finding in sorted(findings, key=lambda each: order.index(each.state)):
        state = f"[{STYLES[finding.state]}]{finding.state}[/]"
        drawn.add_row(state, finding.subject, finding.found, finding.todo)
    return drawn


def main(arguments: Sequence[str] | None = None, clients: Clients = _client) -> int:
    """Print how the account stands; 1 when something blocks a deployment, 2 when the settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.preflight", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    findings = list(look(settings, clients))
    console = Console()
    if options.json:
        console.print_json(json.dumps([attrs.asdict(finding) for finding in findings]))
    else:
        console.print(table(findings))
    return int(any(finding.state is State.BLOCKED for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
