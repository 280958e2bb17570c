"""The API's description in docs/ is the one that the code makes, and answers are as it says."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import functions.api
from functions.api.answers import URN, Kind, ProblemError
from functions.api.documents import named
from functions.api.models import moment
from functions.api.routes import ROUTES
from tools.openapi import PARAMETERS, PATH, render

import jsonschema_rs
import pytest


def test_the_description_is_current() -> None:
    assert PATH.read_text() == render(), "python -m tools.openapi writes it"


def test_every_route_is_described_with_who_may_call_it() -> None:
    paths = json.loads(PATH.read_text())["paths"]
    for route in (route for routes in ROUTES.values() for route in routes):
        operation = paths[route.path][route.method.lower()]
        assert operation["operationId"] == route.action
        assert operation["security"][0]["token"] == sorted(route.roles)
        assert operation["summary"]


def test_every_problem_is_described_and_told_somewhere() -> None:
    code = "".join(path.read_text() for path in Path(functions.api.__path__[0]).glob("*.py"))
    described = json.loads(PATH.read_text())["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert [kind.removeprefix(URN) for kind in described] == sorted(get_args(Kind))
    assert {kind: code.count(f'"{kind}"') > 1 for kind in get_args(Kind)} == dict.fromkeys(get_args(Kind), True)


def creation(whole: Any) -> Any:
    """The operation that makes a record."""
    return whole["paths"]["/patients/{patient_id}/records"]["post"]


@functools.cache
def rules() -> jsonschema_rs.Draft202012Validator:
    """The rules of OpenAPI 3.1, and for the schemas, of which those say nothing, the rules of JSON Schema."""
    # This import takes a quarter of a second, and every process of the tests reads this module.
    from schemathesis.specs.openapi.definitions import OPENAPI_31

    openapi: Any = OPENAPI_31
    schema = {"$dynamicAnchor": "meta", "$ref": "https://json-schema.org/draft/2020-12/schema"}
    return jsonschema_rs.Draft202012Validator({**openapi, "$defs": {**openapi["$defs"], "schema": schema}})


def test_the_description_keeps_the_rules_of_openapi() -> None:
    rules().validate(json.loads(PATH.read_text()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole["info"].pop("version"),
        lambda whole: whole["components"]["schemas"]["Problem"].update(required="type"),
        lambda whole: creation(whole).update(requestbody={}),
        lambda whole: creation(whole)["parameters"][0].pop("in"),
        lambda whole: creation(whole)["parameters"][0].update(required=False),
        lambda whole: creation(whole)["parameters"][0]["schema"].update(type="text"),
        lambda whole: creation(whole)["responses"]["201"].pop("description"),
    ],
)
def test_rejects_a_description_outside_the_rules_of_openapi(spoil: Callable[[Any], object]) -> None:
    whole = json.loads(PATH.read_text())
    spoil(whole)
    assert not rules().is_valid(whole)


@pytest.mark.parametrize("word", ["$ref"])
def test_every_reference_leads_to_a_schema_or_a_header(word: str) -> None:
    text = PATH.read_text()
    components = json.loads(text)["components"]
    used = {part.split('"')[0] for part in text.split(f'"{word}": "')[1:]}
    assert used == {f"#/components/{kind}/{name}" for kind in ("headers", "schemas") for name in components[kind]}


def a_moment(text: str) -> str:
    return moment("from", text)


@pytest.mark.parametrize(
    ("parameter", "rule", "text"),
    [
        *(("name", named, text) for text in ("scan 1.pdf", "é", "٣", "a" * 128, "a" * 129, "", ".a", "_a", "a/b", "&")),
        *(
            ("from", a_moment, f"{text}:30:00Z")
            for text in ("1900-01-01T00", "2199-12-31T23", "1899-12-31T23", "2200-01-01T00", "2026-02-29T00")
        ),
    ],
)
def test_what_a_schema_takes_is_what_the_rule_takes(parameter: str, rule: Callable[[str], str], text: str) -> None:
    _, schema = PARAMETERS[parameter]
    if jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(text):
        assert rule(text)
    else:
        with pytest.raises(ProblemError):
            rule(text)


@pytest.mark.parametrize("status", ["401", "403", "404", "413", "429", "500", "503"])
def test_the_answers_that_the_gateway_makes_are_described(status: str) -> None:
    operation = creation(json.loads(PATH.read_text()))
    assert operation["responses"][status]["content"]["application/json"]["schema"]["$ref"].endswith("/Message")
