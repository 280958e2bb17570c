"""Every rule holds for the app in each of its forms, and catches each of its mutants."""

from typing import Any

from tests.brief.every import RULES
from tests.brief.rules import BRIEF, Copy, Mutant, Rule
from tests.brief.sentences import ELSEWHERE, SENTENCES
from tests.synthesis import Stacks

import pytest

EACH = [pytest.param(rule, id=rule.name) for rule in RULES]
HOLDING = [pytest.param(rule, app, id=f"{rule.name}-{app}") for rule in RULES for app in rule.apps]
BROKEN = [pytest.param(rule, mutant, id=f"{rule.name}-{mutant.name}") for rule in RULES for mutant in rule.mutants]


@pytest.fixture(scope="module")
def copies() -> dict[str, Copy]:
    """A copy to break of each app that was asked for."""
    return {}


@pytest.mark.parametrize(("rule", "app"), HOLDING)
def test_the_app_keeps_the_rule(rule: Rule, app: str, request: pytest.FixtureRequest) -> None:
    synthesized: Stacks = request.getfixturevalue(app)
    assert list(rule.faults(synthesized)) == []


@pytest.mark.parametrize(("rule", "mutant"), BROKEN)
def test_the_rule_catches_the_mutant(
    rule: Rule, mutant: Mutant, copies: dict[str, Copy], request: pytest.FixtureRequest
) -> None:
    synthesized: Stacks = request.getfixturevalue(rule.apps[0])
    if rule.apps[0] not in copies:
        copies[rule.apps[0]] = Copy(synthesized)
    missed, place = [], -1
    for place, broken in enumerate(mutant.breaks(copies[rule.apps[0]])):
        assert broken != synthesized, "the mutant changes nothing"
        if next(rule.faults(broken), None) is None:
            missed.append(place)
    assert place >= 0, "the mutant finds nothing to break"
    assert missed == [], "not caught in these places"


@pytest.mark.parametrize("rule", EACH)
def test_the_rule_does_not_hold_where_there_is_nothing(rule: Rule, stacks: Stacks) -> None:
    empty: dict[str, Any] = {"resource": {}, "data": {}, "provider": {"aws": []}, "terraform": {}}
    nothing: Stacks = dict.fromkeys(stacks, empty)
    assert next(rule.faults(nothing), None) is not None


@pytest.mark.parametrize("rule", EACH)
def test_the_rule_says_what_it_is_from_and_can_be_broken(rule: Rule) -> None:
    assert rule.sources
    assert rule.check.__doc__
    assert rule.mutants


def test_every_sentence_of_the_brief_has_a_rule_or_is_shown_elsewhere() -> None:
    held = {source for rule in BRIEF.rules for source in rule.sources}
    assert held <= SENTENCES.keys()
    assert SENTENCES.keys() - held == ELSEWHERE.keys()


def test_no_two_rules_have_one_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
