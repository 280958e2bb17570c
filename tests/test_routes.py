"""What the gateway lets through is what the function serves."""

from __future__ import annotations

from dr.resources.api import PATIENT_ROUTES
from functions.api.routes import ROUTES


def test_the_gateway_has_a_route_for_each_of_the_functions_and_no_other() -> None:
    served = [f"{route.method} {route.path}" for routes in ROUTES.values() for route in routes]
    assert sorted(served) == list(PATIENT_ROUTES)


def test_every_action_has_one_name() -> None:
    actions = [route.action for routes in ROUTES.values() for route in routes]
    assert len(set(actions)) == len(actions)
