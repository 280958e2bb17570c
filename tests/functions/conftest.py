"""The functions under test, against the embedded AWS; its environment ends with this package."""

from __future__ import annotations

import functools
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from drill.emulator import EmbeddedAws
from tests.functions.cloud import AUDIT, HOME, OTHER, RECORDS, REGIONS, STATE, Cloud, Link, furnish, tables
from tests.functions.failing import Event, Handler, arrive, beat, handler, see, told
from tests.functions.gateway import Api, Context
from tests.functions.test_records import RECORD
from tests.functions.watched import gone_off, start

import pytest
from botocore.client import BaseClient
from botocore.hooks import EventAliaser
from botocore.loaders import JSONFileLoader, Loader
from botocore.retries.standard import ExponentialBackoff
from botocore.session import Session

# Adds a decision about a region to the state table.
Decide = Callable[..., None]


@pytest.fixture(scope="package", autouse=True)
def botocore() -> Iterator[None]:
    """What botocore finds out for each client is found out once, and it soon tries again.

    Coverage does not follow it, nor what it calls of the functions. The tests make hundreds of clients and ten thousand
    calls: that was half of their time.
    """
    read, there = functools.cache(JSONFileLoader().load_file), functools.cache(Loader().list_available_services)
    alias, delay = functools.cache(EventAliaser(None)._alias_event_name), ExponentialBackoff.delay_amount
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        patch.setattr(Loader, "list_available_services", lambda _, type_name: there(type_name))
        patch.setattr(EventAliaser, "_alias_event_name", lambda _, name: alias(name))
        patch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: delay(self, context) / 10)
        patch.setattr(Session, "create_client", untraced(Session.create_client))
        patch.setattr(BaseClient, "_make_api_call", untraced(BaseClient._make_api_call))
        yield


def untraced(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, of whose lines coverage hears nothing."""

    def call(*args: Any, **kwargs: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return method(*args, **kwargs)
        finally:
            sys.settrace(tracer)

    return call


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    log = tmp_path_factory.mktemp("embedded-aws") / "emulator.log"
    with EmbeddedAws(regions=REGIONS, log=log) as aws, pytest.MonkeyPatch.context() as patch:
        cloud = furnish(aws)
        wanted = aws.isolated({**os.environ, **cloud.environment(HOME)})
        wanted.pop("COVERAGE_PROCESS_CONFIG", None)  # functions in processes of their own are not followed
        for name in set(os.environ) - set(wanted):
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        yield cloud


@pytest.fixture
def serving(cloud: Cloud) -> None:
    """The regions' deployed APIs serve: who asks them does not wait for their start, nor hears of an earlier fault."""
    for region in REGIONS:
        start(cloud.aws, region)


@pytest.fixture(scope="package")
def build(cloud: Cloud) -> Callable[..., Api]:
    """Makes the API of a region; `changes` replace variables of its environment."""

    def made(region: str, **changes: str) -> Api:
        from functions.api.handler import application  # needs the environment that `cloud` sets
        from functions.shared.configuration import Configuration

        return Api(application(Configuration.from_environment({**cloud.environment(region), **changes})))

    return made


@pytest.fixture(scope="package")
def api(build: Callable[..., Api]) -> Api:
    return build(HOME)


@pytest.fixture(scope="package")
def other(build: Callable[..., Api]) -> Api:
    return build(OTHER)


@pytest.fixture(scope="package")
def apart(cloud: Cloud, build: Callable[..., Api]) -> Api:
    """An API of the environment `apart`, which holds little: the verifier reads all of it."""
    tables(cloud.aws, "apart")
    return build(HOME, PATIENT_RECORDS_TABLE="patient_records-apart", AUDIT_LOGS_TABLE="audit_logs-apart")


@pytest.fixture
def patient() -> str:
    return f"P-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def trail(api: Api, patient: str) -> str:
    """A patient whose trail has four rows."""
    for _ in range(3):
        api("POST", f"/patients/{patient}/records", RECORD)
    api("GET", f"/patients/{patient}/records")
    return patient


@pytest.fixture
def tampered(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """Puts and deletes items of both regions' tables by the account's root; undone afterwards."""
    undo: list[tuple[str, dict[str, Any]]] = []

    def change(patient: str, number: int, put: dict[str, Any] | None = None, table: str = AUDIT) -> None:
        client = cloud.client("dynamodb")
        key, value = ("entity_id", f"clinic-a#{patient}") if table == AUDIT else ("patient_id", f"clinic-a#{patient}")
        found = client.query(
            TableName=table, KeyConditionExpression=f"{key} = :v", ExpressionAttributeValues={":v": {"S": value}}
        )["Items"]
        if table == RECORDS:
            found = [item for item in found if item["record_id"]["S"].startswith("audit#")]
        item = found[number]
        undo.append((table, item))
        if put is None:
            names = ("entity_id", "event_id") if table == AUDIT else ("patient_id", "record_id")
            client.delete_item(TableName=table, Key={name: item[name] for name in names})
        else:
            changed = {**item, **put}
            client.put_item(TableName=table, Item={name: value for name, value in changed.items() if value})

    yield change
    for table, item in reversed(undo):
        cloud.client("dynamodb").put_item(TableName=table, Item=item)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No transaction is made, for others hold what it is about; returns what was asked for, in two rounds."""
    from functions.shared.table import ConflictError, Table

    asked = list[object]()

    def refuse(*puts: object) -> None:
        asked.append(puts)
        raise ConflictError

    monkeypatch.setattr("functions.shared.audit.ROUNDS", 2)
    monkeypatch.setattr(Table, "transact", refuse)
    return asked


@pytest.fixture
def alarm(cloud: Cloud, decide: Decide) -> Event:
    """us-west-2 lived, is down, and the alarm of us-east-1 about it has gone off; nobody was told of anything else."""
    beat(cloud, OTHER)
    told(cloud)
    told(cloud, OTHER)
    see(cloud, HOME, OTHER)
    cloud.aws.fault(region=OTHER)
    return gone_off(cloud.aws, HOME, f"Healthy-{OTHER}")


@pytest.fixture
def latched(cloud: Cloud, alarm: Event) -> Handler:
    """us-west-2 was evacuated by the function of us-east-1, which is returned, and answers again."""
    function = handler(cloud, RELEASE_AFTER_S="0", LAG_OBJECTIVE_S="60")
    function(alarm, Context(aws_request_id="evacuation"))
    told(cloud)
    cloud.aws.heal()
    arrive(cloud)
    return function


@pytest.fixture
def link(cloud: Cloud) -> Iterator[Link]:
    made = Link(cloud)
    yield made
    made.restore()


@pytest.fixture
def decide(cloud: Cloud) -> Iterator[Decide]:
    """Evacuates and releases regions as an operator does, from us-east-1; in the end nothing is evacuated anywhere."""
    from functions.shared.table import now
    from functions.watching.state import state_of

    state = state_of(cloud.client("dynamodb"), STATE, HOME)

    def made(region: str, what: str, *, by: str = "operator") -> None:
        state.table.transact(state.addition(region, what, at=now(), by=by, reason="a test"))

    yield made
    cloud.aws.heal()
    everywhere = Link(cloud)
    everywhere.restore()  # what another region decided has come as well
    for region in REGIONS:
        if state.evacuation(region):
            made(region, "released")
    everywhere.restore()


@pytest.fixture(autouse=True)
def healed(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.aws.heal()
