"""The load of `make bench` notices what it is there to notice."""

from drill.client import ApiClient
from drill.emulator import EmbeddedAws
from tests.deployed.conftest import SUFFIX
from tools.bench_api import bear, lost

import pytest

EAST, WEST = "us-east-1", "us-west-2"


def test_a_lost_write_is_noticed(aws: EmbeddedAws, clients: dict[str, ApiClient]) -> None:
    load = bear([clients[EAST]], seconds=2)
    assert load.written
    assert not load.errors
    assert len(load.latencies_ms) == 2 * len(load.written)
    assert lost(load, clients[EAST]) | lost(load, clients[WEST]) == set()
    record, (patient, content) = next(iter(load.written.items()))
    load.written[record] = patient, "another content"
    assert lost(load, clients[EAST]) == {record}
    load.written[record] = patient, content
    key = {"patient_id": f"{aws.account}#{patient}", "record_id": f"record#{record}#000001#{EAST}"}
    gone = aws.client("dynamodb", EAST).delete_item(
        TableName=f"patient_records-{SUFFIX}",
        Key={name: {"S": value} for name, value in key.items()},
        ReturnValues="ALL_OLD",
    )
    assert gone["Attributes"]
    assert lost(load, clients[EAST]) == {record}


@pytest.mark.parametrize(("service", "mode", "seen"), [("dynamodb", "error", "503"), ("*", "drop", "Connection")])
def test_a_request_that_is_not_served_is_noticed(
    aws: EmbeddedAws, clients: dict[str, ApiClient], service: str, mode: str, seen: str
) -> None:
    aws.fault(region=EAST, service=service, mode=mode)
    try:
        load = bear([clients[EAST]], seconds=1)
    finally:
        aws.heal()
    [error] = load.errors
    assert error.partition(": ")[2].startswith(seen)
    assert not load.written
