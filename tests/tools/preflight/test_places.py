"""Zones and the endpoint services in them; answers.py says what the answers are."""

from tests.tools.preflight.answers import Answer, client
from tools.preflight.finding import State
from tools.preflight.places import zones_and_endpoints

import pytest

# In this account the letters do not follow the ids.
LETTERS = {"us-east-1a": "use1-az4", "us-east-1b": "use1-az1", "us-east-1c": "use1-az3", "us-east-1e": "use1-az2"}


def zone(name: str, id_: str) -> dict[str, str]:
    return {"ZoneName": name, "ZoneId": id_, "State": "available", "OptInStatus": "opt-in-not-required"}


def service(name: str, kind: str, letters: str) -> dict[str, object]:
    zones = [f"us-east-1{letter}" for letter in letters]
    service = f"com.amazonaws.us-east-1.{name}"
    return {"ServiceName": service, "ServiceType": [{"ServiceType": kind}], "AvailabilityZones": zones}


ZONES: Answer = (
    "describe_availability_zones",
    {
        "AvailabilityZones": [
            *(zone(name, id_) for name, id_ in LETTERS.items()),
            {
                "ZoneName": "us-east-1-bos-1a",
                "ZoneId": "use1-bos1-az1",
                "State": "available",
                "OptInStatus": "not-opted-in",
            },
        ]
    },
)
SERVICES: Answer = (
    "describe_vpc_endpoint_services",
    {
        "ServiceDetails": [
            service("kms", "Interface", "abce"),
            service("s3", "Gateway", "abce"),
            service("s3", "Interface", "abe"),
        ]
    },
)


@pytest.mark.parametrize(
    ("wanted", "state", "found"),
    [
        ("use1-az1", State.READY, "open, with 2 endpoint services"),
        ("use1-az3", State.BLOCKED, "lacks com.amazonaws.us-east-1.s3"),
        ("use1-bos1-az1", State.BLOCKED, "not open to this account"),
        ("use1-az6", State.BLOCKED, "not open to this account"),
    ],
)
def test_a_zone_has_all_endpoint_services_whatever_its_letter(wanted: str, state: State, found: str) -> None:
    ec2 = client("ec2", [ZONES, SERVICES])
    (finding,) = zones_and_endpoints("us-east-1", ec2, [wanted], ["kms", "s3"])
    assert (finding.state, finding.found) == (state, found)
    if state is State.BLOCKED:
        assert finding.todo.startswith("choose among use1-az1, use1-az2, use1-az4: DR_REGIONS")
