"""parliament has nothing to say of any role's policies, and does say what is wrong with broken ones."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scans.gate import Finding, faults
from tests.scans.policies import identity_policies, lint
from tests.scans.skips import PARLIAMENT
from tests.synthesis import Stacks, resources

import pytest

Statement = dict[str, Any]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("app", ["stacks", "three_regions"])
def test_nothing_is_wrong_with_a_roles_policies_but_what_is_listed(
    app: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    synthesized: Stacks = request.getfixturevalue(app)
    policies = dict(identity_policies(synthesized))
    roles = len(list(resources(synthesized, "aws_iam_role")))
    assert len(policies) >= 2 * roles > 0
    assert list(faults(lint(tmp_path, policies), PARLIAMENT)) == []


def test_every_reference_becomes_a_plausible_value(stacks: Stacks) -> None:
    assert "${" not in json.dumps(dict(identity_policies(stacks)))


def misspell(statement: Statement) -> None:
    statement["Action"] = [f"{statement['Action'][0]}x"]


def aim_elsewhere(statement: Statement) -> None:
    statement["Resource"] = ["arn:aws:ec2:us-east-1:111111111111:instance/i-0123456789abcdef0"]


def aim_at_everything(statement: Statement) -> None:
    statement["Resource"] = ["*"]


def test_any_condition_that_does_not_exist_is_found(stacks: Stacks, tmp_path: Path) -> None:
    policies = dict(identity_policies(stacks))
    for policy in policies.values():
        policy["Statement"][0]["Condition"] = {"StringEquals": {"kms:ViaServices": ["dynamodb"]}}
    assert found(lint(tmp_path, policies), "UNKNOWN_CONDITION_FOR_ACTION") == set(policies)


@pytest.mark.parametrize(
    ("mutate", "issue"),
    [(misspell, "UNKNOWN_ACTION"), (aim_elsewhere, "RESOURCE_MISMATCH"), (aim_at_everything, "RESOURCE_STAR")],
)
def test_a_mutated_statement_is_found_in_every_policy(
    mutate: Callable[[Statement], None], issue: str, stacks: Stacks, tmp_path: Path
) -> None:
    policies = copy.deepcopy(dict(identity_policies(stacks)))
    for policy in policies.values():
        mutate(policy["Statement"][0])
    assert found(lint(tmp_path, policies), issue) == set(policies)


def found(told: list[Finding], issue: str) -> set[str]:
    """The addresses of which parliament says this."""
    return {finding.where for finding in told if finding.check == issue}
