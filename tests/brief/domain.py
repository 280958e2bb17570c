"""Route 53: the domain that all names are in."""

import re
from collections.abc import Iterator

from tests.brief.dns import ENDPOINT, RECORD, ZONE, public
from tests.brief.reading import is_private, suffix_of, texts
from tests.brief.rules import BRIEF, changed, of, removed
from tests.synthesis import Stacks, resources

RESERVED = re.compile(r"\bexample\.(com|net|org|edu)\b|\.(test|invalid|localhost|example)$", re.IGNORECASE)


@BRIEF.rule(
    "4.4",
    "D.3.1",
    "D.3.2",
    "W.5",
    breaks=[
        removed(ZONE, public),
        changed(ZONE, "name", to="example.com"),
        changed(of(ZONE, where=public), "name", to="healthcare-dr.com"),
        changed(RECORD, "name", to="api.example.com"),
        changed(of(RECORD, where=public), "name", to="failover-test.other.com"),
        changed(ENDPOINT, "fqdn", to="api.example.org"),
    ],
)
def the_domain_is_healthcare_dr_suffix_and_nothing_is_in_a_reserved_one(stacks: Stacks) -> Iterator[str]:
    """The public zone is healthcare-dr-<suffix>.com, its names are in it, and example.com is nowhere."""
    domain = f"healthcare-dr-{suffix_of(stacks)}.com"
    zones = [zone.arguments["name"] for zone in resources(stacks, ZONE) if not is_private(stacks, zone)]
    if zones != [domain]:
        yield f"the hosted zones are {zones}"
    for record in resources(stacks, RECORD):
        name = str(record.arguments["name"])
        # A certificate's proof has its name from ACM, and AWS's own services are named inside networks only.
        given = is_private(stacks, record) or "domain_validation_options" in name
        if not (given or name == domain or name.endswith(f".{domain}")):
            yield f"{record.address}: is named {name}"
    for stack, content in stacks.items():
        for path, text in texts(content.get("resource", {})):
            if RESERVED.search(text):
                yield f"{stack}{path}: is in a reserved domain: {text}"
