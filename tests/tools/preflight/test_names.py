"""The issuer and the domain, as the internet shows them; answers.py says what the answers of AWS are."""

import json

from tests.tools.preflight.answers import Answer, client
from tools.preflight.finding import State
from tools.preflight.names import Fetch, delegation, fetch, issuer

import pytest

URL = "https://login.hospital.org/"
KEYS = "https://login.hospital.org/keys"
SERVERS = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.com"]


def serving(pages: dict[str, object]) -> Fetch:
    def get(url: str) -> bytes:
        if not url.startswith("https://") or url not in pages:
            raise OSError(f"404: {url}")
        return json.dumps(pages[url]).encode()

    return get


def published(name: str = URL, keys_url: str = KEYS, kind: str = "RSA") -> Fetch:
    document = {"issuer": name, "jwks_uri": keys_url}
    return serving({f"{URL}.well-known/openid-configuration": document, KEYS: {"keys": [{"kty": kind, "kid": "1"}]}})


def test_an_issuer_that_names_itself_exactly_and_publishes_rsa_keys_is_ready() -> None:
    assert [found.state for found in issuer(URL, published())] == [State.READY, State.READY]


@pytest.mark.parametrize(
    ("get", "told"),
    [
        (serving({}), "no discovery document"),
        (serving({f"{URL}.well-known/openid-configuration": ["no", "object"]}), "no discovery document"),
        (published(name=URL.rstrip("/")), "calls itself https://login.hospital.org"),
        (published(keys_url="http://login.hospital.org/keys"), "http://login.hospital.org/keys"),
        (published(kind="EC"), "EC"),
    ],
)
def test_rejects_an_issuer_that_aws_would_refuse(get: Fetch, told: str) -> None:
    *_, last = issuer(URL, get)
    assert last.state is State.BLOCKED
    assert told in last.found
    assert last.todo


def test_without_an_issuer_there_is_a_notice() -> None:
    assert [found.state for found in issuer(None)] == [State.NOTICE]


def test_rejects_to_fetch_anything_but_https() -> None:
    with pytest.raises(OSError, match="not an https URL: file:///etc/hostname"):
        fetch("file:///etc/hostname")


def zone(name: str) -> Answer:
    described = {"Id": "/hostedzone/Z1", "Name": f"{name}.", "CallerReference": "1"}
    return "get_hosted_zone", {"HostedZone": described, "DelegationSet": {"NameServers": SERVERS}}


def listed(*names: str) -> Answer:
    zones = [{"Id": "/hostedzone/Z1", "Name": f"{name}.", "CallerReference": "1"} for name in names]
    return "list_hosted_zones_by_name", {"HostedZones": zones, "IsTruncated": False, "MaxItems": "1"}


DOMAIN = "healthcare-dr-prod.com"


@pytest.mark.parametrize(
    ("answers", "parent", "public", "state", "told"),
    [
        ([listed(DOMAIN), zone(DOMAIN)], None, SERVERS[::-1], State.READY, "ns-1.awsdns-01.org"),
        ([listed(DOMAIN), zone(DOMAIN)], None, ["ns.parking.net"], State.BLOCKED, "name servers: ns.parking.net"),
        ([listed(DOMAIN), zone(DOMAIN)], None, [], State.BLOCKED, "name servers: none"),
        ([listed("zzz.com")], None, SERVERS, State.BLOCKED, "has no hosted zone in this account"),
        ([listed()], None, SERVERS, State.BLOCKED, "has no hosted zone in this account"),
        ([zone("com")], "Z1", SERVERS, State.READY, "ns-2.awsdns-02.com"),
        ([zone("org")], "Z1", SERVERS, State.BLOCKED, "Z1 is the zone of org"),
    ],
)
def test_a_delegated_domain_is_served_by_its_hosted_zone(
    answers: list[Answer], parent: str | None, public: list[str], state: State, told: str
) -> None:
    route53 = client("route53", answers)
    (found,) = delegation(DOMAIN, delegated=True, parent_zone=parent, route53=route53, lookup=lambda _: public)
    assert (found.state, told in found.found) == (state, True)


def test_a_domain_that_is_not_delegated_yet_is_no_obstacle() -> None:
    (found,) = delegation(DOMAIN, delegated=False, parent_zone=None, route53=client("route53", []))
    assert found.state is State.NOTICE
