"""The deployed APIs answer as docs/openapi.json says, whatever is asked of them."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from drill.client import ApiClient
from drill.emulator import EmbeddedAws
from functions.api.models import CONTENT_TYPES
from functions.api.versions import derived
from tests.deployed.calls import RECORDS
from tests.deployed.test_serving import EAST, WEST, record
from tests.issuer import Issuer
from tools.openapi import PATH

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.failures import FailureGroup

# The same requests in every run. What describes the edges of every field comes on top of these.
BOUNDED = settings(
    max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
ORGANISATION, PATIENT, DOCUMENT, KEY = "described", "P-described", "scan.pdf", "the-only-one"
# An idempotency key decides the record's id.
RECORD = derived(f"{ORGANISATION}#{PATIENT}", "record", KEY)
CHECKS: dict[str, Any] = {
    # What is well formed may still be about nothing, about what has changed, or under a key that was used before.
    "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 410, 412, 422]},
    "missing_required_header": {"expected-statuses": [400, 428]},
    # API Gateway itself answers 404, not 405, to a method that no route has.
    "unsupported_method": {"enabled": False},
}
UNCHECKED = {
    # It takes a token that nobody can make up.
    "POST /patients/{patient_id}/documents/{name}/versions": "positive_data_acceptance",
    # It takes any bytes.
    "PUT /patients/{patient_id}/documents/{name}": "negative_data_rejection",
}
KNOWN = {"path.patient_id": PATIENT, "path.facility_id": "north", "path.record_id": RECORD, "path.name": DOCUMENT}
DESCRIPTION: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))


def described(description: dict[str, Any], **configured: Any) -> schemathesis.BaseSchema:
    """A description, and what is checked of each answer: status, media type, schema, and whether it had to be."""
    operations = [
        {"include-name": name, "checks": {**CHECKS, check: {"enabled": False}}} for name, check in UNCHECKED.items()
    ]
    config = schemathesis.Config.from_dict({"checks": CHECKS, "operations": operations, **configured})
    schema = schemathesis.openapi.from_dict(deepcopy(description), config=config)
    # A page's token cannot be made up either; pages in a row are read in tests/functions.
    schema.hook("filter_query")(lambda _, query: "after" not in (query or {}))
    return schema


@schemathesis.serializer(*CONTENT_TYPES)
def serialize_document(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


ANYTHING = described(DESCRIPTION)
SINGLE = {path: item for path, item in DESCRIPTION["paths"].items() if "{record_id}" in path or "{name}" in path}
WHAT_IS_THERE = described({**DESCRIPTION, "paths": SINGLE}, parameters=KNOWN)
Case = schemathesis.Case[Any]
Call = Callable[..., int]


@pytest.fixture(scope="module")
def call(strangers: dict[str, ApiClient], issuer: Issuer, aws: EmbeddedAws) -> Iterator[Call]:
    """Sends a case to a region's API and returns the status, once the answer has been checked.

    Raises:
        FailureGroup: The answer is not as described.
    """
    token = issuer.token(scope="clinician auditor operator", org_id=ORGANISATION)
    with requests.Session() as session:
        session.trust_env = False  # no proxy: everything stays on loopback

        def answered(case: Case, region: str, **headers: str) -> int:
            given = {"Authorization": f"Bearer {token}", "Host": strangers[region].host, **headers}
            return case.call_and_validate(base_url=aws.endpoint, session=session, headers=given).status_code

        yield answered


@pytest.fixture(scope="module")
def tag(strangers: dict[str, ApiClient], issuer: Issuer) -> Callable[[str], str]:
    """Returns the ETag that what a route is about has by now: the one record, or the one document."""
    token, path = issuer.token(org_id=ORGANISATION), f"/patients/{PATIENT}/records"
    api = strangers[WEST]
    json_type, document = "application/json", f"/patients/{PATIENT}/documents/{DOCUMENT}"
    made = api.call("POST", path, record("x"), content_type=json_type, idempotency_key=KEY, token=token)
    assert json.loads(made.body)["record_id"] == RECORD
    assert api.call("PUT", document, b"%PDF", content_type="application/pdf", token=token).status == 201

    def current(route: str) -> str:
        if "{name}" in route:
            return api.call("GET", f"{document}/status", token=token).headers["ETag"]
        history = json.loads(api.call("GET", f"{path}/{RECORD}/history?limit=1", token=token).body)
        return str(history["versions"][0]["etag"])

    return current


@ANYTHING.parametrize()
@BOUNDED
def test_whatever_is_asked_is_answered_as_described(case: Case, call: Call) -> None:
    call(case, EAST)


@WHAT_IS_THERE.parametrize()
@BOUNDED
def test_whatever_is_asked_of_what_is_there_is_answered_as_described(
    case: Case, call: Call, tag: Callable[[str], str]
) -> None:
    given = case.meta is not None and case.meta.generation.mode.is_positive and "If-Match" in case.headers
    call(case, WEST, **({"If-Match": tag(case.operation.path)} if given else {}))


def test_a_failure_of_the_function_is_found_though_it_is_described(aws: EmbeddedAws, call: Call) -> None:
    damaged = {"patient_id": {"S": f"{ORGANISATION}#damaged"}, "record_id": {"S": "record#damaged"}}
    aws.client("dynamodb", EAST).put_item(TableName=RECORDS, Item=damaged)
    with pytest.raises(FailureGroup, match="Server error"):
        call(ANYTHING["/patients/{patient_id}/records"]["GET"].Case(path_parameters={"patient_id": "damaged"}), EAST)


def without_status(answers: dict[str, Any]) -> None:
    del answers["404"]


def without_media_type(answers: dict[str, Any]) -> None:
    del answers["404"]["content"]["application/problem+json"]


def with_another_schema(answers: dict[str, Any]) -> None:
    answers["404"]["content"]["application/problem+json"]["schema"] = {"type": "object", "required": ["code"]}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (without_status, "Undocumented status code"),
        (without_media_type, "Undocumented Content-Type"),
        (with_another_schema, '"code" is a required property'),
    ],
)
def test_an_answer_that_is_not_described_is_found(
    change: Callable[[dict[str, Any]], None], found: str, call: Call
) -> None:
    path = "/patients/{patient_id}/records/{record_id}"
    mutated = deepcopy(DESCRIPTION)
    parameters = {"patient_id": PATIENT, "record_id": "00000000-0000-4000-8000-000000000000"}
    assert call(described(mutated)[path]["GET"].Case(path_parameters=parameters), EAST) == 404
    change(mutated["paths"][path]["get"]["responses"])
    with pytest.raises(FailureGroup, match=found):
        call(described(mutated)[path]["GET"].Case(path_parameters=parameters), EAST)
