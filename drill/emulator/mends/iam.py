"""IAM: what policies are asked, and what their conditions are told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb, iam

# The verb, and the table behind the word that a table follows.
PARTIQL = re.compile(r'\s*(\w+).*?(?:(?<=INSERT INTO)|(?<=UPDATE)|(?<=FROM))\s+"?([\w.-]+)', re.IGNORECASE | re.DOTALL)
SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")


def tell_conditions_the_role_of_a_session() -> None:
    """`aws:PrincipalArn` is the session's ARN instead of its role's: who trusts a role by it turns it away."""
    original = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, context: Any) -> Any:
        value = original(key, context)
        if key.lower() == "aws:principalarn" and (session := SESSION.fullmatch(str(value))):
            role = iam._roles.get_scoped(session[1], None, session[2])
            return role["Arn"] if role else value
        return value

    iam_evaluator._resolve_condition_key = resolve_condition_key


def ask_for_partiql_by_verb_and_table() -> None:
    """ExecuteStatement asks for itself and for no table, where AWS asks for PartiQLInsert and the like on the table."""
    action_of, tables_of = iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns

    def extract_iam_action(service: str, method: str, path: str, headers: Any, body: bytes, query: Any) -> str | None:
        action: str | None = action_of(service, method, path, headers, body, query)
        if action == "dynamodb:ExecuteStatement" and (statement := _statement(body)):
            return f"dynamodb:PartiQL{statement[1].capitalize()}"
        return action

    def dynamodb_resource_arns(body: bytes, region: str, account: str) -> list[str]:
        if statement := _statement(body):
            return [iam_actions._dynamodb_table_arn(statement[2], region, account)]
        found: list[str] = tables_of(body, region, account)
        return found

    iam_actions.extract_iam_action, iam_actions.dynamodb_resource_arns = extract_iam_action, dynamodb_resource_arns


def ask_for_log_groups_with_all_in_them() -> None:
    """Calls of CloudWatch Logs ask for a group's ARN without the `:*` of AWS's, DescribeLogGroups for no group."""
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        arn: str = original(service, method, path, headers, body, query, region, account)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "logs" and action == "DescribeLogGroups":
            return f"arn:aws:logs:{region}:{account}:log-group:*"
        grouped = arn.startswith("arn:aws:logs:") and not action.endswith("Resource")  # those of tags have none
        return f"{arn}:*" if service == "logs" and grouped else arn

    iam_actions.extract_resource_arn = extract_resource_arn


def tell_conditions_the_namespace_of_metrics() -> None:
    """A role that may put the metrics of one namespace only may put none: its condition never learns the namespace."""
    original = iam_actions.request_tag_context

    def request_tag_context(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
        context: dict[str, Any] = original(service, action, body, query)
        if action == "cloudwatch:PutMetricData":
            context["cloudwatch:namespace"] = _namespace(body)
        return context

    iam_actions.request_tag_context = request_tag_context


def tell_conditions_the_keys_of_items() -> None:
    """A role that may write some partitions of a table only may write all: its condition never learns the keys."""
    original = iam_actions.dynamodb_service_context

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = original(body)
        if context and (keys := list(_leading_keys(json.loads(body)))):
            context["dynamodb:LeadingKeys"] = keys
        return context

    iam_actions.dynamodb_service_context = dynamodb_service_context


def _leading_keys(asked: dict[str, Any]) -> Iterator[str]:
    """The partitions of the items that a request, or any part of its transaction, is about."""
    for each in (asked, *(part for item in asked.get("TransactItems", ()) for part in item.values())):
        table, item = dynamodb._tables.get(each.get("TableName")), each.get("Item") or each.get("Key") or {}
        if table and table["pk_name"] in item:
            yield from item[table["pk_name"]].values()


def _namespace(body: bytes) -> str:
    try:
        namespace: str = json.loads(body)["Namespace"]
    except (KeyError, TypeError, ValueError):  # of an older client, whose requests are forms
        namespace = parse_qs(body.decode("latin-1")).get("Namespace", [""])[0]
    return namespace


def _statement(body: bytes) -> re.Match[str] | None:
    try:
        return PARTIQL.match(json.loads(body or b"{}").get("Statement", ""))
    except (AttributeError, TypeError, ValueError):
        return None  # no JSON object, or no text: refused where it is executed
