"""The app, synthesized as users do it, for tests to read."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dr.regions.region import Region
from dr.regions.settings import RegionSettings
from dr.regions.us_east_1 import UsEast1
from dr.regions.us_west_2 import UsWest2
from dr.settings import Settings
from main import build

from cdktf import App

# The JSON of each stack, by the stack's name.
Stacks = Mapping[str, dict[str, Any]]
LINKS = ("peering", "replication", "dns")
# The regions that the tests are about, whatever others are added to the app.
REGIONS: tuple[type[Region], ...] = (UsEast1, UsWest2)


class EuWest1(Region):
    """Ireland: a third region, as a user would add it."""

    settings = RegionSettings(name="eu-west-1", cidr="10.30.0.0/16", zones=("euw1-az1", "euw1-az2"), weight=0)


# A delegated domain whose callers bring tokens of an issuer, and people to tell in every way.
DELEGATION = {
    "DR_DOMAIN_DELEGATED": "true",
    "DR_PARENT_ZONE_ID": "Z0123456789ABC",
    "DR_OIDC_ISSUER": "https://login.hospital.org/",
    "DR_OIDC_AUDIENCE": "patients-api",
    "DR_ALERT_SUBSCRIPTIONS": (
        "oncall@hospital.org, https://pager.hospital.org/sns, arn:aws:sqs:us-east-1:111111111111:ops"
    ),
}


class Resource(NamedTuple):
    """One resource of one stack."""

    stack: str
    kind: str
    name: str
    arguments: dict[str, Any]

    @property
    def address(self) -> str:
        """Where it is found in a plan."""
        return f"{self.stack}: {self.kind}.{self.name}"


def load(*regions: type[Region], **settings: str) -> Settings:
    """The settings of these regions, as environment variables give them."""
    return Settings.load(settings, {}, [region.settings for region in regions or REGIONS])


def synthesize(folder: Path, *regions: type[Region], **settings: str) -> Stacks:
    """Synthesize the whole app into the folder and read it back."""
    chosen = regions or REGIONS
    app = App(outdir=str(folder))
    build(app, load(*chosen, **settings), chosen)
    app.synth()
    return read(folder)


def read(folder: Path) -> Stacks:
    """Read the stacks that a synthesis left in a folder."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {
        name: json.loads((folder / stack["synthesizedStackPath"]).read_text(encoding="utf-8"))
        for name, stack in manifest["stacks"].items()
    }


def resources(stacks: Stacks, *kinds: str) -> Iterator[Resource]:
    """Every resource of these kinds, or of all kinds, in all stacks."""
    for stack, content in stacks.items():
        for kind, named in content.get("resource", {}).items():
            if not kinds or kind in kinds:
                for name, arguments in named.items():
                    yield Resource(stack, kind, name, arguments)


def regions_of(stacks: Stacks) -> list[str]:
    """The names of the region stacks."""
    return [name for name in stacks if name not in LINKS]
