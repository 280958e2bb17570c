"""No type of resource is left over with nobody seeing it."""

from drill.leftovers import GLOBAL, REGIONAL
from tests.drill.listings import LISTED, PART_OF, UNLISTED, unfound
from tests.synthesis import Stacks, resources

import pytest

LISTINGS = (*REGIONAL, *GLOBAL)
# Before and after the domain is delegated.
FORMS = ("stacks", "delegated")


@pytest.fixture
def kinds(request: pytest.FixtureRequest) -> set[str]:
    """Every type of resource that a stack has, in whatever form of the app."""
    forms: list[Stacks] = [request.getfixturevalue(form) for form in FORMS]
    return {resource.kind for form in forms for resource in resources(form)}


def test_every_type_of_resource_that_is_left_over_is_found(kinds: set[str]) -> None:
    assert list(unfound(kinds)) == []


def test_rejects_a_type_that_nobody_has_thought_of() -> None:
    assert list(unfound({"aws_kms_key", "aws_lb"})) == ["aws_lb"]


@pytest.mark.parametrize("kind", LISTED)
def test_rejects_a_listing_that_is_forgotten(kind: str) -> None:
    kept = [each for each in LISTINGS if f"{each[0]} {each[2]}" != LISTED[kind]]
    assert kind in unfound(LISTED, kept)


def test_the_table_has_no_type_that_no_stack_has(kinds: set[str]) -> None:
    assert {*LISTED, *PART_OF, *UNLISTED} == kinds
    assert len(LISTED) + len(PART_OF) + len(UNLISTED) == len(kinds)
    assert {f"{service} {key}" for service, _, key in LISTINGS} == set(LISTED.values())
