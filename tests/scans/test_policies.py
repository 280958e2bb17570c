"""parliament has nothing to say of any role's policies, and does say what is wrong with broken ones."""

import copy
import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.scans.gate import Finding, faults
from tests.scans.policies import ACCOUNT, identity_policies, lint
from tests.scans.skips import OPERATOR, PARLIAMENT
from tests.synthesis import Stacks, resources
from tools.preflight.deployer import POLICIES, Placeholders, policies

import pytest

Statement = dict[str, Any]
OPERATOR_POLICIES = POLICIES.parent / "operator"
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


def test_nothing_is_wrong_with_the_operators_policies(tmp_path: Path) -> None:
    values = Placeholders(account=ACCOUNT, suffix="prod", state_bucket="none")
    wanted = policies(values, OPERATOR_POLICIES)
    assert list(wanted) == ["evacuate", "restore"]
    assert list(faults(lint(tmp_path, wanted), OPERATOR)) == []


def test_operators_restore_with_the_role_for_it_and_with_no_other(stacks: Stacks) -> None:
    values = Placeholders(account=ACCOUNT, suffix="dev", state_bucket="none")
    policy = policies(values, OPERATOR_POLICIES)["restore"]
    (pattern,) = (each["Resource"] for each in policy["Statement"] if "iam:PassRole" in each["Action"])
    handed = {
        str(role.arguments["name"])
        for role in resources(stacks, "aws_iam_role")
        if fnmatchcase(f"arn:aws:iam::{ACCOUNT}:role/{role.arguments['name']}", pattern)
    }
    assert handed == {"role-restore-us-east-1-dev", "role-restore-us-west-2-dev"}


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
