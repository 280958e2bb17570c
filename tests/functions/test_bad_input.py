"""Whatever comes in, the answer is a described one: never a 500, never an exception, and problems in one form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.functions.gateway import AUDITOR, Api, Reply, clinician, event
from tests.functions.test_records import RECORD
from tools.openapi import PATH, PROBLEM

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The same examples in every run; each costs a transaction of the embedded AWS.
QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
UUID = "00000000-0000-4000-8000-000000000000"
EVERYONE = {"jwt": {"claims": {"sub": "s", "org_id": "clinic-a", "scope": "clinician auditor operator"}}}
DESCRIBED = json.loads(PATH.read_text())["paths"]
OPERATIONS = [(method.upper(), path) for path, item in DESCRIBED.items() for method in item if path != "/healthz"]
WITH_JSON = [
    (method, path)
    for method, path in OPERATIONS
    if "application/json" in DESCRIBED[path][method.lower()].get("requestBody", {}).get("content", {})
]
WITH_QUERY = [
    (method, path)
    for method, path in OPERATIONS
    if any(parameter["in"] == "query" for parameter in DESCRIBED[path][method.lower()]["parameters"])
]

text = st.text(st.characters(codec="utf-8"), max_size=40)
odd = st.sampled_from(
    ["", "\x00", "../..", "%2e%2e%2f", "a#b", "\u202e", "é" * 30, "A" * 300, "'; --", "${jndi:x}", "NaN", "1e999", "-0"]
)
number = st.one_of(st.integers(-(10**40), 10**40), st.floats(), st.just(10**400))
value = st.recursive(
    st.one_of(st.none(), st.booleans(), number, text, odd),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
    max_leaves=12,
)
deep = st.integers(1, 3_000).map(lambda depth: b'{"content":' * depth + b"1" + b"}" * depth)
known = st.fixed_dictionaries(
    {}, optional={name: st.one_of(value, st.just(good)) for name, good in {**RECORD, "upload": "x", "size": 1}.items()}
)
body = st.one_of(
    st.binary(max_size=200),
    deep,
    value.map(lambda made: json.dumps(made).encode()),
    known.map(lambda made: json.dumps(made).encode()),
    st.just(b'{"content": "' + b"x" * 70_000 + b'"}'),
    st.just(b"[" * 60_000),
    st.just(b'{"content": ' + b"9" * 60_000 + b"}"),
    st.just(b'{"content": 1, "content": 2, "\xff": 1}'),
)
header = st.one_of(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60), odd)


def filled(path: str) -> str:
    return (
        path.replace("{patient_id}", "P-odd")
        .replace("{record_id}", UUID)
        .replace("{name}", "odd.pdf")
        .replace("{facility_id}", "odd")
    )


def check(reply: Reply, method: str, path: str) -> None:
    assert str(reply.status) in DESCRIBED[path][method.lower()]["responses"], reply
    assert reply.status < 500
    if reply.status >= 400:
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.json["status"] == reply.status
        assert reply.json["type"] in PROBLEM["properties"]["type"]["enum"]
        assert reply.json["correlation_id"] == reply.headers["X-Correlation-Id"]
        assert set(reply.json) <= {"type", "title", "status", "detail", "errors", "correlation_id"}


@pytest.mark.parametrize(
    "changes",
    [
        {"body": '{"records": [{}], "next": null}'},
        {"body": '{"records": [], "next": null, "more": 1}'},
        {"statusCode": 410},
        {"headers": {"Content-Type": "application/json"}},
        {"headers": {"Content-Type": "text/html", "X-Correlation-Id": "c"}},
        {"headers": {"Content-Type": "application/json", "X-Correlation-Id": "c", "Server": "s"}},
    ],
)
def test_an_answer_that_is_not_described_is_noticed(api: Api, patient: str, changes: dict[str, object]) -> None:
    path = f"/patients/{patient}/records"
    assert api("GET", path).status == 200
    with pytest.raises((AssertionError, ValueError)):
        Api(lambda made, context: {**api.handler(made, context), **changes})("GET", path)


@settings(QUICK, max_examples=40)
@given(operation=st.sampled_from(WITH_JSON), content=body, tag=st.sampled_from(['"x"', "*", ""]))
def test_rejects_any_body_that_is_not_described(api: Api, operation: tuple[str, str], content: bytes, tag: str) -> None:
    method, path = operation
    check(api(method, filled(path), content, headers={"if-match": tag}, caller=EVERYONE), method, path)


@QUICK
@given(operation=st.sampled_from(WITH_QUERY), data=st.data())
def test_rejects_any_query_that_is_not_described(api: Api, operation: tuple[str, str], data: st.DataObject) -> None:
    method, path = operation
    names = [p["name"] for p in DESCRIBED[path][method.lower()]["parameters"] if p["in"] == "query"]
    query = data.draw(st.dictionaries(st.one_of(st.sampled_from(names), text), st.one_of(text, odd), max_size=3))
    made = event(method, filled(path), caller=EVERYONE)
    check(api.sent({**made, "queryStringParameters": query}), method, path)


@QUICK
@given(operation=st.sampled_from(OPERATIONS), data=st.data())
def test_rejects_any_header_that_is_not_described(api: Api, operation: tuple[str, str], data: st.DataObject) -> None:
    method, path = operation
    names = st.sampled_from(["content-type", "idempotency-key", "if-match", "authorization", "x-correlation-id"])
    headers = data.draw(st.dictionaries(names, header, max_size=4))
    check(api(method, filled(path), RECORD, headers=headers, caller=EVERYONE), method, path)


@QUICK
@given(operation=st.sampled_from(OPERATIONS), part=st.one_of(text, odd), encoded=st.booleans())
def test_rejects_any_path_that_is_not_described(api: Api, operation: tuple[str, str], part: str, encoded: bool) -> None:
    method, path = operation
    made = event(method, "/", RECORD, caller=EVERYONE)
    for name in ("{patient_id}", "{record_id}", "{name}", "{facility_id}"):
        if name not in path:
            continue
        raw = filled(path.replace(name, part if not encoded else part.encode().hex()))
        reply = api.sent({**made, "rawPath": raw})
        # A trick may lead to another route, or to none: never to an answer that is not a problem or data.
        assert reply.status < 500
        assert reply.headers["Content-Type"]
        assert reply.status < 400 or reply.json["correlation_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    sorted(set(OPERATIONS) - set(WITH_QUERY)),
)
def test_rejects_a_query_where_none_is_described(api: Api, method: str, path: str) -> None:
    reply = api(method, f"{filled(path)}?version=1", RECORD, caller=EVERYONE)
    assert (reply.status, reply.json["errors"]) == (400, ["the query takes these parameters and no others: none"])


@pytest.mark.parametrize("path", ["/healthz%0A", "/patients/P-odd/records%0A", "/patients/P-odd/documents/a%0A"])
def test_a_path_that_ends_with_a_newline_is_no_route(api: Api, path: str) -> None:
    reply = api("GET", path)
    assert (reply.status, reply.json["type"]) == (404, "urn:healthcare-dr:problem:no-such-route")


@QUICK
@given(claims=st.dictionaries(st.sampled_from(["sub", "org_id", "scope", "groups", "cognito:groups"]), value))
def test_rejects_any_claims_that_name_no_caller(api: Api, claims: dict[str, Any]) -> None:
    reply = api("GET", "/patients/P-odd/records", caller={"jwt": {"claims": claims}})
    assert reply.status in (200, 403)
    assert reply.status == 403 or "clinician" in str(claims)


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    base = event("POST", "/patients/P-odd/records", RECORD, caller=clinician())
    yield "base64", {**base, "isBase64Encoded": True, "body": "%%%"}
    yield "not base64", {**base, "isBase64Encoded": True, "body": "ü"}
    yield "no body", {**base, "body": None}
    yield "no headers", {**base, "headers": {}}
    yield "no query", {**base, "queryStringParameters": None}
    yield "surrogates", {**base, "body": '{"content": "\ud800"}'}


@pytest.mark.parametrize(("name", "made"), list(events()), ids=[name for name, _ in events()])
def test_rejects_events_that_lack_what_they_should_have(api: Api, name: str, made: dict[str, Any]) -> None:
    assert api.sent(made).status in (201, 400, 415)


def test_the_trail_of_all_that_was_refused_is_intact(api: Api) -> None:
    for _, made in events():
        api.sent(made)
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        after = f"&after={page['next']}" if page["next"] else ""
        page = api("GET", f"/patients/P-odd/audit?limit=100{after}", caller=AUDITOR).json
    assert set(page["chains"].values()) == {"intact"}
