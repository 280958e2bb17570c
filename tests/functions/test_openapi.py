"""The API's description in docs/ is the one that the code makes, and answers are as it says."""

from __future__ import annotations

import json

from functions.api.routes import ROUTES
from tools.openapi import PATH, render

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
def test_every_reference_leads_to_a_schema(word: str) -> None:
    text = PATH.read_text()
    schemas = json.loads(text)["components"]["schemas"]
    used = {part.split('"')[0].rpartition("/")[2] for part in text.split(f'"{word}": "')[1:]}
    assert used == set(schemas)
