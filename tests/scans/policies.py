"""The policies of all roles as AWS will read them, and what parliament says of policies."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.brief.reading import Reference, references, region_of, statements
from tests.scans.gate import Finding
from tests.scans.scanner import run
from tests.synthesis import Resource, Stacks, resources

Policy = dict[str, Any]

ACCOUNT = "111111111111"
ACCOUNT_ID = "${data.aws_caller_identity.account.account_id}"
# What a reference may become, by the kind and attribute that it reads. No value of a deployment is known here.
PLAUSIBLE = {
    ("aws_cloudtrail", "arn"): "arn:aws:cloudtrail:{region}:{account}:trail/{name}",
    ("aws_cloudwatch_log_group", "arn"): "arn:aws:logs:{region}:{account}:log-group:/{name}",
    ("aws_dynamodb_table", "arn"): "arn:aws:dynamodb:{region}:{account}:table/{name}",
    ("aws_kms_key", "arn"): "arn:aws:kms:{region}:{account}:key/{name}",
    ("aws_s3_bucket", "arn"): "arn:aws:s3:::{name}",
    ("aws_sns_topic", "arn"): "arn:aws:sns:{region}:{account}:{name}",
    ("aws_sqs_queue", "arn"): "arn:aws:sqs:{region}:{account}:{name}",
}


def identity_policies(stacks: Stacks) -> Iterator[tuple[str, Policy]]:
    """Each policy of a role by its address: what the role may do, and who may assume it."""
    for each in resources(stacks, "aws_iam_policy", "aws_iam_role_policy"):
        yield each.address, _policy(stacks, each, "policy")
    for role in resources(stacks, "aws_iam_role"):
        # parliament reads identities' policies: the trust is read as one that may assume this role.
        trust = _policy(stacks, role, "assume_role_policy")
        for statement in trust["Statement"]:
            statement["Resource"] = [f"arn:aws:iam::{ACCOUNT}:role/{role.arguments['name']}"]
        yield f"{role.address} (trust)", trust


def _policy(stacks: Stacks, resource: Resource, argument: str) -> Policy:
    given = statements(resource.arguments[argument])
    if not given:
        raise ValueError(f"{resource.address}: '{argument}' must be a policy document, got: {resource.arguments!r}")
    return {"Version": "2012-10-17", "Statement": [_statement(stacks, resource.stack, each) for each in given]}


def _statement(stacks: Stacks, stack: str, given: Mapping[str, Any]) -> Policy:
    conditions: Policy = {}
    for each in given.get("condition", []):
        values = _known(stacks, stack, each["values"])
        # parliament takes no list where a condition wants a flag.
        conditions.setdefault(each["test"], {})[each["variable"]] = values[0] if each["test"] == "Bool" else values
    rendered = {
        "Sid": given["sid"],
        "Effect": given["effect"],
        "Action": given["actions"],
        "Resource": _known(stacks, stack, given.get("resources", [])),
    }
    return rendered | ({"Condition": conditions} if conditions else {})


def _known(stacks: Stacks, stack: str, texts: Sequence[str]) -> list[str]:
    """The texts with something plausible for every reference."""

    def value(match: re.Match[str]) -> str:
        (found,) = references(stacks, stack, match[0])
        return _plausible(stacks, found)

    return [re.sub(r"\$\{[^{}]+\}", value, text.replace(ACCOUNT_ID, ACCOUNT)) for text in texts]


def _plausible(stacks: Stacks, read: Reference) -> str:
    pattern = PLAUSIBLE.get((read.kind, read.attribute))
    if pattern is None:
        raise ValueError(f"PLAUSIBLE of tests/scans/policies.py must know '{read.kind}.{read.attribute}': add it")
    found = Resource(read.stack, read.kind, read.name, stacks[read.stack]["resource"][read.kind][read.name])
    return pattern.format(region=region_of(stacks, found), account=ACCOUNT, name=read.name.lower().replace("_", "-"))


def lint(folder: Path, policies: Mapping[str, Policy]) -> list[Finding]:
    """What parliament says of the policies, by one run over copies in the folder."""
    names = {}
    for number, (address, policy) in enumerate(policies.items()):
        copy = folder / f"{number}.json"
        copy.write_text(json.dumps(policy))
        names[str(copy)] = address
    done = run("checkov", "parliament", "--directory", str(folder), "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if done.stderr or bool(told) != bool(done.returncode):
        raise ValueError(f"parliament must end with its findings, got: {done.returncode}\n{done.stderr}")
    return [Finding(each["issue"], names[each["location"]["filepath"]], str(each["detail"])) for each in told]
