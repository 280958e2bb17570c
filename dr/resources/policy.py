"""Policies as values: a resource grants a statement, a role or a resource policy takes a list of them."""

import json
from collections.abc import Sequence

import attrs

# What the bindings put in the place of a list whose values are known to Terraform only.
LIST_TOKEN = "#{TfToken["  # noqa: S105  no secret: how CDKTF marks a list


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
    """One statement. A resource's own policy names principals, an identity's does not.

    One that denies may name the resources that it leaves alone, in place of those that it is about.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    effect: str = "Allow"
    principals: Principals | None = None
    conditions: tuple[Condition, ...] = attrs.field(default=())

    @conditions.validator
    def _each_once(self, _: object, conditions: tuple[Condition, ...]) -> None:
        """In a policy a second one of the same test and variable would take the place of the first."""
        if len({(each.test, each.variable) for each in conditions}) < len(conditions):
            raise ValueError(f"'conditions' must hold each test of a variable once, got: {conditions!r}")


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


def document(statements: Sequence[Statement]) -> str:
    """Render statements as one canonical JSON text: keys sorted, a single value not in a list, as AWS stores them.

    Raises:
        ValueError: For a text that JSON escapes, since Terraform takes a backslash in `${...}` for its own, and for the
            token of a list, which only Terraform could turn into JSON.
    """
    policy = {"Version": "2012-10-17", "Statement": [_render(each) for each in statements]}
    text = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    if "\\" in text or LIST_TOKEN in text:
        raise ValueError(f"a policy must hold ASCII without quotes and backslashes, and no list's token, got: {text}")
    return text


def _render(statement: Statement) -> dict[str, object]:
    principals = statement.principals
    conditions: dict[str, dict[str, object]] = {}
    for each in statement.conditions:
        conditions.setdefault(each.test, {})[each.variable] = _shortest(each.values)
    rendered: dict[str, object] = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Action": _shortest(statement.actions),
    }
    if statement.resources:
        rendered["Resource"] = _shortest(statement.resources)
    if statement.not_resources:
        rendered["NotResource"] = _shortest(statement.not_resources)
    if principals:
        anybody = principals == Principals.anybody()
        rendered["Principal"] = "*" if anybody else {principals.kind: _shortest(principals.ids)}
    return rendered | ({"Condition": conditions} if conditions else {})


def _shortest(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
