"""The deployer's policies: they are sound, they fit, and preflight asks IAM for just what they allow."""

import json
from pathlib import Path

from tests.scans.gate import faults
from tests.scans.policies import ACCOUNT, lint
from tests.scans.skips import DEPLOYER
from tests.tools.preflight.answers import Answer, client
from tools.preflight.deployer import Placeholders, Policy, permissions, policies
from tools.preflight.finding import State

import pytest

VALUES = Placeholders(account=ACCOUNT, suffix="prod", state_bucket="hospital-state")
POLICIES = policies(VALUES)
# Managed policies: characters without white space, and how many a role may have (IAM user guide, quotas).
LONGEST, MOST = 6144, 10


@pytest.mark.slow
def test_nothing_is_wrong_with_the_deployers_policies_but_what_is_listed(tmp_path: Path) -> None:
    assert list(faults(lint(tmp_path, POLICIES), DEPLOYER)) == []


@pytest.mark.slow
def test_rejects_a_deployers_policy_with_an_action_that_does_not_exist(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(POLICIES["data"]).replace("dynamodb:CreateTableReplica", "dynamodb:CreateReplica"))
    told = list(faults(lint(tmp_path, {**POLICIES, "data": broken}), DEPLOYER))
    assert told == ["not listed in tests/scans/skips.py: UNKNOWN_ACTION: data: Unknown action dynamodb:CreateReplica"]


def test_the_policies_fit_a_role() -> None:
    assert 0 < len(POLICIES) <= MOST
    assert [name for name, policy in POLICIES.items() if len(json.dumps(policy, separators=(",", ":"))) > LONGEST] == []


def test_every_capital_word_is_filled_in() -> None:
    assert not any(word in json.dumps(POLICIES) for word in ("ACCOUNT", "SUFFIX", "STATE"))


def evaluations(statement: Policy, denied: str = "") -> Answer:
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": "*",
            "EvalDecision": "implicitDeny" if action == denied else "allowed",
        }
        for action in statement["Action"]
    ]
    return "simulate_principal_policy", {"EvaluationResults": results, "IsTruncated": False}


def all_statements(denied: str = "") -> list[Answer]:
    return [evaluations(each, denied) for policy in POLICIES.values() for each in policy["Statement"]]


USER = f"arn:aws:iam::{ACCOUNT}:user/deployer"


def test_a_caller_who_may_do_everything_is_ready() -> None:
    found = list(permissions(USER, client("iam", all_statements()), POLICIES))
    assert [each.state for each in found] == [State.READY] * len(POLICIES)


@pytest.mark.parametrize("denied", ["dynamodb:CreateTableReplica", "iam:PassRole", "route53:GetDNSSEC"])
def test_rejects_a_caller_who_lacks_an_action(denied: str) -> None:
    found = permissions(USER, client("iam", all_statements(denied)), POLICIES)
    (blocked,) = [each for each in found if each.state is State.BLOCKED]
    assert blocked.found == f"denied: {denied}"
    assert blocked.todo.endswith(f"to {USER}, with its capital words filled in")


def test_a_session_is_asked_about_as_its_role() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/ci/deployer"
    described = {"Path": "/ci/", "RoleName": "deployer", "RoleId": "AROA0123456789ABCDEF", "Arn": arn}
    role: Answer = ("get_role", {"Role": {**described, "CreateDate": "2026-01-01T00:00:00Z"}})
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/night"
    found = list(permissions(session, client("iam", [role, *all_statements("lambda:CreateFunction")]), POLICIES))
    assert [arn in each.todo for each in found if each.state is State.BLOCKED] == [True]


def test_root_is_told_to_use_a_role() -> None:
    (found,) = permissions(f"arn:aws:iam::{ACCOUNT}:root", client("iam", []), POLICIES)
    assert found.state is State.NOTICE
