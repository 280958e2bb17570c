#!/usr/bin/env python
"""Which regions there are, and who leads."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import dr.node  # noqa: F401  # starts node: the first, for it takes longest
from dr.checks import SettingsError
from dr.context import context_of
from dr.objectives import budget
from dr.regions.region import Region
from dr.regions.us_east_1 import UsEast1
from dr.regions.us_west_2 import UsWest2
from dr.settings import Settings
from dr.topology import Topology

from cdktf import App

# The first is the primary.
REGIONS: Sequence[type[Region]] = (UsEast1, UsWest2)
# Written to stderr and not as an annotation: those put a trace of this machine's paths into the manifest.
WITHOUT_ISSUER = (
    "note: without 'oidc_issuer' the API takes signed requests only (AWS_IAM). A signature names one region: "
    "failover by DNS is for clients with tokens.\n"
)
WITHOUT_SUBSCRIPTIONS = (
    "note: without 'alert_subscriptions' nobody is told of any alarm or failover: name email addresses, https URLs or "
    "queues.\n"
)


def build(app: App, settings: Settings, regions: Sequence[type[Region]] = REGIONS) -> Topology:
    """Make the stacks of all regions and of the links between them."""
    primary, *secondaries = (region(app, settings) for region in regions)
    topology = Topology(primary=primary, secondaries=tuple(secondaries))
    topology.link(app)
    return topology


def load_settings() -> Settings:
    """The settings of these regions, from this process's environment and cdktf.json.

    Raises:
        SettingsError: With all that is wrong with them.
    """
    context = context_of(os.environ, Path(__file__).with_name("cdktf.json"))
    return Settings.load(os.environ, context, [region.settings for region in REGIONS])


def summary(settings: Settings) -> str:
    """What these settings reach of the recovery objectives, as a table."""
    lines = [(each.name, each.show(each.value), each.wanted) for each in budget(settings.plan)]
    first, second = (max(len(line[column]) for line in lines) for column in (0, 1))
    table = [f"  {name:{first}}  {reached:>{second}}  {wanted}" for name, reached, wanted in lines]
    return "\n".join(["recovery objectives at the worst, computed (docs/objectives.md says from what):", *table, ""])


def main() -> None:
    """Synthesize into cdktf.out, or say what is wrong with the settings."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    if settings.oidc_issuer is None:
        sys.stderr.write(WITHOUT_ISSUER)
    if not settings.alert_subscriptions:
        sys.stderr.write(WITHOUT_SUBSCRIPTIONS)
    sys.stderr.write(summary(settings))
    app = App()
    build(app, settings)
    app.synth()


if __name__ == "__main__":
    main()
