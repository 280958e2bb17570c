"""IAM: the functions' roles, and those that they may assume in the other regions."""

import re
from collections.abc import Iterator

from tests.brief.functions import ATTACHMENT, ROLE, every_api_function, without_api_functions
from tests.brief.reading import (
    granting,
    missing,
    of_region,
    peers_of,
    principals_of,
    referred,
    role_statements,
    statements,
    values_of,
)
from tests.brief.rules import BRIEF, changed, dropped, emptied, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, resources

_ROLE_NAME = re.compile(r"\$\{aws_iam_role\.([\w-]+)\.name\}")


def may_assume(stacks: Stacks, caller: Resource, trusted: Resource) -> Iterator[str]:
    """Both sides of an assumption: what the caller may do, and whom the other role trusts."""
    arn = f":role/{trusted.arguments['name']}"
    allowed = granting(role_statements(stacks, caller), "sts:AssumeRole")
    if not any(resource.endswith(arn) for each in allowed for resource in each.get("resources", [])):
        yield f"{caller.address}: may not assume {trusted.arguments['name']}"
    arn = f":role/{caller.arguments['name']}"
    trust = granting(statements(trusted.arguments.get("assume_role_policy")), "sts:AssumeRole")
    named = [who for each in trust for who in (*values_of(each, "aws:PrincipalArn"), *principals_of(each))]
    if not any(who.endswith(arn) for who in named):
        yield f"{trusted.address}: does not trust {caller.arguments['name']}"


def roles_of(stacks: Stacks, region: str, kind: str) -> list[Resource]:
    """A region's roles of one kind, by their name: one, when all is well."""
    name = f"role-{kind}-{region}-"
    return [role for role in of_region(stacks, region, ROLE) if role.arguments["name"].startswith(name)]


@BRIEF.rule(
    "2.3",
    "T.8",
    "W.3",
    breaks=[
        unstated("AssumePeerAccess"),
        changed(statement("AssumePeerAccess"), "effect", to="Deny"),
        changed(statement("AssumePeerAccess"), "actions", to=["sts:GetCallerIdentity"]),
        replaced(statement("AssumePeerAccess"), "resources", "role-peer", "role-other"),
        unstated("AssumedByRoles"),
        replaced(statement("AssumedByRoles"), "condition", "role-api", "role-other"),
        removed(ROLE, lambda each: each.name.startswith(("function", "peer-access"))),
        removed(ATTACHMENT, lambda each: "function" in each.name and "vpc" not in each.name),
    ],
)
def functions_may_assume_a_role_in_every_other_region_and_are_trusted_there(stacks: Stacks) -> Iterator[str]:
    """Cross-region assume permissions, both directions: the caller's policy, and the trust of the role over there."""
    yield from without_api_functions(stacks)
    for region, function in every_api_function(stacks):
        caller = referred(stacks, region, function.arguments.get("role"), ROLE)
        if caller is None:
            yield f"{function.address}: has no role"
            continue
        for peer in peers_of(stacks, region):
            roles = roles_of(stacks, peer, "peer")
            if not roles:
                yield f"{peer}: has no role for {region}"
            for trusted in roles:
                yield from may_assume(stacks, caller, trusted)
    for role in resources(stacks, ROLE):
        if not granting(statements(role.arguments.get("assume_role_policy")), "sts:AssumeRole"):
            yield f"{role.address}: trusts nobody"


@BRIEF.rule(
    "2.3",
    "S.4",
    breaks=[
        changed(statement("AssumePeerAccess"), "resources", to=["*"]),
        dropped(statement("AssumedByRoles"), "condition"),
        changed(statement("AssumedByRoles"), "principals.0.identifiers", to=["*"]),
        changed(statement("AssumedByRoles"), "condition.0.values", to=["*"]),
        emptied(ROLE),
    ],
)
def no_role_is_assumed_by_just_anybody(stacks: Stacks) -> Iterator[str]:
    """Trust names services or roles one by one, and nobody may assume all roles."""
    yield from missing(stacks, ROLE)
    for role in resources(stacks, ROLE):
        for each in granting(role_statements(stacks, role), "sts:AssumeRole"):
            yield from (f"{role.address}: may assume {what}" for what in each["resources"] if "*" in what)
        for each in statements(role.arguments.get("assume_role_policy")):
            who = principals_of(each)
            if all(name.endswith(".amazonaws.com") for name in who):
                continue
            named = values_of(each, "aws:PrincipalArn")
            if not named or any("*" in name for name in (*named, *who)):
                yield f"{role.address}: trusts {who} on condition of {named}"


@BRIEF.rule(
    "D.1",
    "W.10",
    breaks=[
        emptied(ATTACHMENT),
        removed(ATTACHMENT, lambda each: "_attachment_" in each.name),
        replaced(ATTACHMENT, "role", ".name}", ".arn}"),
        replaced(ATTACHMENT, "role", ".name}", ".id}"),
        changed(ATTACHMENT, "role", to="role-api-us-east-1-dev"),
    ],
)
def policies_are_attached_by_the_name_of_a_role(stacks: Stacks) -> Iterator[str]:
    """An attachment's role reads `.name` of a role that exists, never `.arn`; every role has one."""
    attached = set()
    for attachment in resources(stacks, ATTACHMENT, "aws_iam_role_policy"):
        match = _ROLE_NAME.fullmatch(str(attachment.arguments["role"]))
        if not match or match[1] not in stacks[attachment.stack]["resource"].get(ROLE, {}):
            yield f"{attachment.address}: role is {attachment.arguments['role']!r}"
        elif referred(stacks, attachment.stack, attachment.arguments.get("policy_arn"), "aws_iam_policy"):
            attached.add((attachment.stack, match[1]))
    yield from missing(stacks, ROLE)
    for role in resources(stacks, ROLE):
        if (role.stack, role.name) not in attached:
            yield f"{role.address}: has no policy of its own"
