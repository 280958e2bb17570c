"""What the gateway lets through is what the function serves, in time."""

from __future__ import annotations

from dr.resources.api import INTEGRATION_TIMEOUT_MS, PATIENT_ROUTES
from functions.api.routes import ROUTES
from functions.shared.clients import BUDGET_SECONDS


def test_the_gateway_has_a_route_for_each_of_the_functions_and_no_other() -> None:
    served = [f"{route.method} {route.path}" for routes in ROUTES.values() for route in routes]
    assert sorted(served) == list(PATIENT_ROUTES)


def test_every_action_has_one_name() -> None:
    actions = [route.action for routes in ROUTES.values() for route in routes]
    assert len(set(actions)) == len(actions)


def test_a_call_that_has_spent_its_time_is_answered_before_the_gateway_gives_it_up() -> None:
    assert BUDGET_SECONDS + 1 <= INTEGRATION_TIMEOUT_MS / 1000 < 30
