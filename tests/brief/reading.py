"""How rules read the stacks: references, also through another stack's outputs, regions, policies."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tests.brief.policies import opened
from tests.synthesis import Resource, Stacks, regions_of, resources

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
TABLES = ("patient_records", "audit_logs")
ALL_TABLES = (*TABLES, "failover_state")
# Of the functions of each region: the one behind its API, and the two outside its network.
FUNCTIONS = ("api", "failover", "probe")

_REMOTE = re.compile(r"\$\{data\.terraform_remote_state\.cross-stack-reference-input-([a-z0-9-]+)\.outputs\.([^{}]+)\}")
_LOCAL = re.compile(r"\$\{([a-z0-9_]+)\.([\w-]+)\.([^{}]+)\}")
_ZONE = re.compile(r"healthcare-dr-([a-z0-9-]+)\.com")

Statement = dict[str, Any]


class Reference(NamedTuple):
    """What an expression reads: an attribute of a resource of a stack."""

    stack: str
    kind: str
    name: str
    attribute: str


def references(stacks: Stacks, stack: str, text: object) -> Iterator[Reference]:
    """All resources that a text in a stack reads, those of other stacks too."""
    whole = str(text)
    for other, output in _REMOTE.findall(whole):
        value = stacks.get(other, {}).get("output", {}).get(output, {}).get("value", "")
        yield from (Reference(other, *found) for found in _LOCAL.findall(str(value)))
    yield from (Reference(stack, *found) for found in _LOCAL.findall(whole) if found[0] != "data")


def refer(stacks: Stacks, stack: str, value: object) -> Reference | None:
    """What a value reads, when it is one reference and no more."""
    whole = isinstance(value, str) and (_REMOTE.fullmatch(value) or _LOCAL.fullmatch(value))
    return next(references(stacks, stack, value), None) if whole else None


def referred(stacks: Stacks, stack: str, value: object, kind: str) -> Resource | None:
    """The resource of that kind that a value reads, None when it reads something else or nothing that there is."""
    found = refer(stacks, stack, value)
    if found is None or found.kind != kind:
        return None
    arguments = stacks[found.stack]["resource"].get(kind, {}).get(found.name)
    return None if arguments is None else Resource(found.stack, kind, found.name, arguments)


def region_of(stacks: Stacks, resource: Resource) -> str:
    """The region that a resource is made in: its provider's."""
    alias = str(resource.arguments.get("provider", "aws")).partition(".")[2]
    for provider in stacks[resource.stack]["provider"]["aws"]:
        if provider.get("alias", "") == alias:
            return str(provider["region"])
    return ""


def of_region(stacks: Stacks, region: str, kind: str) -> list[Resource]:
    """The resources of a kind in a region's own stack."""
    return list(resources({region: stacks[region]}, kind))


def missing(stacks: Stacks, *kinds: str) -> Iterator[str]:
    """Yield which of these kinds a region lacks."""
    for region in regions_of(stacks):
        for kind in kinds:
            if not of_region(stacks, region, kind):
                yield f"{region}: has no {kind}"


def peers_of(stacks: Stacks, region: str) -> list[str]:
    """The other regions."""
    return [other for other in regions_of(stacks) if other != region]


def at(value: Any, path: str) -> Any:
    """What lies under a dotted path, None where nothing does."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def key_region(stacks: Stacks, stack: str, value: object) -> str | None:
    """The region of the customer key whose ARN a value reads."""
    key = referred(stacks, stack, value, "aws_kms_key")
    return key and region_of(stacks, key)


def of_documents(bucket: Resource) -> bool:
    """Whether a bucket, or a part of one, is that of the documents."""
    return bucket.name.startswith("documents_")


def suffix_of(stacks: Stacks) -> str:
    """The environment's suffix, as the hosted zone's name has it."""
    names = [_ZONE.fullmatch(str(zone.arguments.get("name"))) for zone in resources(stacks, "aws_route53_zone")]
    return next((match[1] for match in names if match), "<no suffix>")


def statements(policy: object) -> Sequence[Statement]:
    """The statements of a policy, opened or not, themselves if opened; none of what is no policy."""
    document = policy if isinstance(policy, dict) else opened(policy)
    return document["statement"] if isinstance(document, dict) and "statement" in document else []


def role_statements(stacks: Stacks, role: Resource) -> list[Statement]:
    """What a role may do by the project's own policies that are attached to it."""
    found: list[Statement] = []
    for attachment in resources({role.stack: stacks[role.stack]}, "aws_iam_role_policy_attachment"):
        policy = referred(stacks, role.stack, attachment.arguments.get("policy_arn"), "aws_iam_policy")
        if policy and attachment.arguments.get("role") == f"${{aws_iam_role.{role.name}.name}}":
            found += statements(policy.arguments.get("policy"))
    return found


def granting(given: Sequence[Statement], action: str) -> list[Statement]:
    """The statements that allow exactly that action."""
    return [each for each in given if each["effect"] == "Allow" and action in each["actions"]]


def values_of(given: Statement, variable: str) -> list[str]:
    """The values that a condition of a statement compares a variable with."""
    return [value for each in given.get("condition", []) if each["variable"] == variable for value in each["values"]]


def principals_of(given: Statement) -> list[str]:
    """Who a statement is about."""
    return [identifier for each in given.get("principals", []) for identifier in each["identifiers"]]


def of_the_api(part: Resource) -> bool:
    """Whether a function, or a part of one, is the one behind an API."""
    return part.name.startswith("function_")


def functions_named(stacks: Stacks, region: str, kind: str) -> list[Resource]:
    """A region's functions of one kind, by their name: one, when all is well."""
    name = f"lambda-{kind}-{suffix_of(stacks)}"
    return [
        each for each in of_region(stacks, region, "aws_lambda_function") if each.arguments["function_name"] == name
    ]


def without_functions(stacks: Stacks) -> Iterator[str]:
    """Yield which functions a region lacks."""
    for region in regions_of(stacks):
        for kind in FUNCTIONS:
            if not functions_named(stacks, region, kind):
                yield f"{region}: has no function {kind}"


def api_functions(stacks: Stacks, region: str) -> list[Resource]:
    """The functions that a region's API calls."""
    found = []
    for integration in of_region(stacks, region, "aws_apigatewayv2_integration"):
        alias = referred(stacks, region, integration.arguments.get("integration_uri"), "aws_lambda_alias")
        function = alias and referred(stacks, region, alias.arguments.get("function_name"), "aws_lambda_function")
        if function:
            found.append(function)
    return found


def is_private(stacks: Stacks, dns: Resource) -> bool:
    """Whether a hosted zone, or the one that a record is in, answers inside networks only."""
    if dns.kind == "aws_route53_record":
        zone = referred(stacks, dns.stack, dns.arguments["zone_id"], "aws_route53_zone")
        return zone is not None and is_private(stacks, zone)
    return bool(dns.arguments.get("vpc"))


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a piece of JSON, keys of objects too, with its dotted path."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield path, key
            yield from texts(part, f"{path}.{key}")
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from texts(part, f"{path}.{place}")
    elif isinstance(value, str):
        yield path, value


def arguments(value: Any) -> Iterator[tuple[str, Any]]:
    """Every argument in a resource, whatever block it is in, with its value."""
    found = [value]
    for each in found:
        if isinstance(each, dict):
            yield from each.items()
            found.extend(each.values())
        elif isinstance(each, list):
            found.extend(each)
