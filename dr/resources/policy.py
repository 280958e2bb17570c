"""Policies as values: a resource grants a statement, a role or a resource policy takes a list of them."""

from collections.abc import Sequence

import attrs
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from constructs import Construct


@attrs.frozen
class Principals:
    """Who a statement of a resource's policy is about: AWS accounts and roles, services, or anybody (``*``)."""

    kind: str
    ids: tuple[str, ...]

    @classmethod
    def service(cls, *names: str) -> "Principals":
        """AWS services, by their principal's name without ``.amazonaws.com``."""
        return cls("Service", tuple(f"{name}.amazonaws.com" for name in names))

    @classmethod
    def account(cls, account: str) -> "Principals":
        """The account itself: whom it lets in is then decided by the identities' own policies."""
        return cls("AWS", (f"arn:aws:iam::{account}:root",))

    @classmethod
    def anybody(cls) -> "Principals":
        """Everyone: for a Deny, or with a condition that says who."""
        return cls("*", ("*",))


@attrs.frozen
class Condition:
    """A test on a request's context; it holds when any of the values matches."""

    test: str
    variable: str
    values: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Statement:
    """One statement. A resource's own policy names principals, an identity's does not."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    effect: str = "Allow"
    principals: Principals | None = None
    conditions: tuple[Condition, ...] = ()


def from_account(account: str) -> Condition:
    """Only on behalf of this account: a service must not be lent to another's."""
    return Condition("StringEquals", "aws:SourceAccount", (account,))


def deny_plain_http(*resources: str, actions: str) -> Statement:
    """Refuse whatever comes unencrypted."""
    return Statement(
        sid="DenyPlainHttp",
        effect="Deny",
        principals=Principals.anybody(),
        actions=(actions,),
        resources=resources,
        conditions=(Condition("Bool", "aws:SecureTransport", ("false",)),),
    )


def document(scope: Construct, id_: str, statements: Sequence[Statement]) -> str:
    """Render statements through the policy-document data source, and return its JSON."""
    rendered = DataAwsIamPolicyDocument(scope, id_, statement=[_render(statement) for statement in statements])
    return rendered.json


def _render(statement: Statement) -> DataAwsIamPolicyDocumentStatement:
    principals = statement.principals
    return DataAwsIamPolicyDocumentStatement(
        sid=statement.sid,
        effect=statement.effect,
        actions=list(statement.actions),
        resources=list(statement.resources) or None,
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type=principals.kind, identifiers=list(principals.ids))]
        if principals
        else None,
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(test=c.test, variable=c.variable, values=list(c.values))
            for c in statement.conditions
        ]
        or None,
    )
