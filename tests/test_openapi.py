"""The API's description in docs/ is the one that the code makes, and answers are as it says."""

from __future__ import annotations

import json
from collections.abc import Callable

from functions.api.answers import ProblemError
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
    operation = json.loads(PATH.read_text())["paths"]["/patients/{patient_id}/records"]["post"]
    assert operation["responses"][status]["content"]["application/json"]["schema"]["$ref"].endswith("/Message")
