"""The issuer of tokens, and the delegation of the domain: what others on the internet see of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tools.preflight.finding import Finding, State

import dns.exception
import dns.resolver

DISCOVERY = ".well-known/openid-configuration"
SECONDS = 10

# The bytes under an https URL; raises OSError when there are none.
Fetch = Callable[[str], bytes]
# The name servers that the public DNS gives for a name.
Resolve = Callable[[str], Sequence[str]]


def fetch(url: str) -> bytes:
    """The bytes under an https URL.

    Raises:
        OSError: When it is no https URL, or nothing answers.
    """
    if not url.startswith("https://"):
        raise URLError(f"not an https URL: {url}")
    with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - https, as has just been seen
        content: bytes = answer.read()
        return content


def resolve(name: str) -> list[str]:
    """The name servers that the public DNS gives for a name; none when it is not delegated."""
    try:
        answer = dns.resolver.resolve(name, "NS", lifetime=SECONDS)
    except dns.exception.DNSException:
        return []
    return sorted(record.target.to_text(omit_final_dot=True).lower() for record in answer)


def issuer(url: str | None, get: Fetch = fetch) -> Iterator[Finding]:
    """Whether AWS will take the issuer: its discovery document is public, exact, and leads to RSA keys."""
    subject = "issuer"
    if url is None:
        todo = "set DR_OIDC_ISSUER and DR_OIDC_AUDIENCE: signed requests name one region and do not fail over by DNS"
        yield Finding(subject, State.NOTICE, "none: callers sign their requests", todo)
        return
    try:
        document = json.loads(get(f"{url.rstrip('/')}/{DISCOVERY}"))
        named, keys_url = document["issuer"], document["jwks_uri"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding(subject, State.BLOCKED, f"no discovery document: {error!r}", f"publish {DISCOVERY} under {url}")
        return
    if named != url:
        yield Finding(subject, State.BLOCKED, f"calls itself {named}", f"set DR_OIDC_ISSUER={named}, to the last slash")
        return
    yield Finding(subject, State.READY, f"calls itself {named}")
    try:
        kinds = sorted({key["kty"] for key in json.loads(get(keys_url))["keys"]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding(f"{subject}'s keys", State.BLOCKED, f"{keys_url}: {error!r}", "publish its keys there, by https")
        return
    ready = "RSA" in kinds
    todo = "" if ready else "sign tokens by RS256: API Gateway takes RSA keys only"
    yield Finding(f"{subject}'s keys", State.READY if ready else State.BLOCKED, f"{', '.join(kinds) or 'none'}", todo)


def delegation(
    domain: str, *, delegated: bool, parent_zone: str | None, route53: Any, lookup: Resolve = resolve
) -> Iterator[Finding]:
    """Whether the public DNS leads to the hosted zone that will prove the certificates."""
    subject = f"domain {domain}"
    if not delegated:
        todo = "after the first deployment: delegate it to the output 'name_servers', then DR_DOMAIN_DELEGATED=true"
        yield Finding(subject, State.NOTICE, "not delegated yet: no certificates, clients use api_url", todo)
        return
    if parent_zone:
        zone = route53.get_hosted_zone(Id=parent_zone)
        parent = zone["HostedZone"]["Name"].rstrip(".")
        if not domain.endswith(f".{parent}"):
            todo = f"set DR_PARENT_ZONE_ID to the zone that {domain} is in"
            yield Finding(subject, State.BLOCKED, f"{parent_zone} is the zone of {parent}", todo)
            return
        yield from _served(f"parent domain {parent}", parent, zone["DelegationSet"]["NameServers"], lookup)
        return
    found = route53.list_hosted_zones_by_name(DNSName=domain, MaxItems="1")["HostedZones"]
    if not found or found[0]["Name"].rstrip(".") != domain:
        todo = "deploy once with DR_DOMAIN_DELEGATED=false, delegate the domain, then set it true"
        yield Finding(subject, State.BLOCKED, "has no hosted zone in this account", todo)
        return
    servers = route53.get_hosted_zone(Id=found[0]["Id"])["DelegationSet"]["NameServers"]
    yield from _served(subject, domain, servers, lookup)


def _served(subject: str, name: str, wanted: Sequence[str], lookup: Resolve) -> Iterator[Finding]:
    have = sorted(lookup(name))
    want = sorted(server.lower() for server in wanted)
    ready = have == want
    todo = "" if ready else f"delegate it at its registrar to {', '.join(want)}"
    found = f"name servers: {', '.join(have) or 'none'}"
    yield Finding(subject, State.READY if ready else State.BLOCKED, found, todo)
