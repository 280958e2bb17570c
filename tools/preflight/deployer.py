"""Whether the caller may do what the deployer's policies in docs/deployer allow, asked of IAM's simulator."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.preflight.finding import Finding, State

import attrs

POLICIES = Path(__file__).resolve().parents[2] / "docs" / "deployer"

Policy = dict[str, Any]


@attrs.frozen(kw_only=True)
class Placeholders:
    """What stands for the capital words of the policies."""

    account: str
    suffix: str
    state_bucket: str

    def fill(self, text: str) -> str:
        """The text with the values."""
        for word, value in (("ACCOUNT", self.account), ("SUFFIX", self.suffix), ("STATE", self.state_bucket)):
            text = text.replace(word, value)
        return text


def policies(values: Placeholders, folder: Path = POLICIES) -> dict[str, Policy]:
    """The policies of a folder, the deployer's, for an account, by the names of their files."""
    return {path.stem: json.loads(values.fill(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))}


def permissions(arn: str, iam: Any, wanted: Mapping[str, Policy]) -> Iterator[Finding]:
    """Whether the caller, a user or a role, may do all that the policies allow."""
    subject = "permissions"
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "root":
        yield Finding(subject, State.NOTICE, arn, "deploy by a role with the policies of docs/deployer, not by root")
        return
    if kind == "assumed-role":
        arn = iam.get_role(RoleName=name.partition("/")[0])["Role"]["Arn"]
    for policy, content in wanted.items():
        denied: list[str] = []
        for statement in content["Statement"]:
            denied += _denied(arn, iam, statement)
        if denied:
            todo = f"attach docs/deployer/{policy}.json to {arn}, with its capital words filled in"
            yield Finding(f"{subject}: {policy}", State.BLOCKED, f"denied: {', '.join(denied)}", todo)
        else:
            yield Finding(f"{subject}: {policy}", State.READY, f"{len(content['Statement'])} statements allowed")


def _denied(arn: str, iam: Any, statement: Policy) -> list[str]:
    """The actions of a statement that are not allowed on each of its resources."""
    resources = statement["Resource"]
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [values[0].replace("*", "us-east-1")], "ContextKeyType": "string"}
        for tested in statement.get("Condition", {}).values()
        for key, values in tested.items()
    ]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn,
        ActionNames=statement["Action"],
        ResourceArns=[resources] if isinstance(resources, str) else resources,
        ContextEntries=context,
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    return sorted({result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"})
