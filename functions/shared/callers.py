"""Who calls: identity, organisation and roles as the gateway's authorizer states them, never as a request claims."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

from attrs import frozen

# '#' separates the organisation from the rest of a partition value, so it may not occur in one.
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ACTOR = re.compile(r"[!-~]{1,256}")
# What an issuer may write before a role to tell this API's scopes from others'.
_PREFIX = "healthcare-dr/"
# IAM Identity Center names a role after the permission set: AWSReservedSSO_<permission set>_<16 hexadecimal digits>.
_ROLE_NAME = re.compile(
    r"arn:[a-z-]+:sts::[0-9]{12}:assumed-role/"
    r"(AWSReservedSSO_)?(?:[\w+=,.@-]+-)?(?P<role>auditor|operator)(?(1)_[0-9a-f]{16})(?:/.*)?",
    re.ASCII,
)


class Role(StrEnum):
    """What a caller is to the API; which routes are for whom stands in the table of routes."""

    AUDITOR = "auditor"
    CLINICIAN = "clinician"
    OPERATOR = "operator"


@frozen(kw_only=True)
class Caller:
    """A caller; an empty organisation means that no call of theirs is served."""

    actor: str
    organisation: str
    roles: frozenset[Role] = frozenset()

    @classmethod
    def of(cls, authorizer: Mapping[str, Any]) -> Self:
        """Returns the caller: of a token its subject, ``org_id`` and roles; of a signature its ARN and account.

        A signature names no role, so the IAM role does: one called ``auditor`` or ``operator``, or whose name ends in
        ``-auditor`` or ``-operator``, is that and nothing else. So is the role that IAM Identity Center makes of a
        permission set of such a name. Every other identity that may invoke the API is a clinician.
        """
        if claims := authorizer.get("jwt", {}).get("claims"):
            actor, organisation, roles = str(claims.get("sub", "")), str(claims.get("org_id", "")), _granted(claims)
        else:
            signer = authorizer.get("iam", {})
            actor, organisation = signer.get("userArn", ""), signer.get("accountId", "")
            named = _ROLE_NAME.fullmatch(actor)
            roles = frozenset({Role(named["role"]) if named else Role.CLINICIAN})
        if not _ACTOR.fullmatch(actor):
            return cls(actor="-", organisation="")
        organisation = organisation if _ORGANISATION.fullmatch(organisation) else ""
        return cls(actor=actor, organisation=organisation, roles=roles)

    def scoped(self, value: str) -> str:
        """Returns ``value`` within the caller's organisation, as partition keys hold it."""
        return f"{self.organisation}#{value}"


def _granted(claims: Mapping[str, Any]) -> frozenset[Role]:
    """Returns the roles among a token's scopes and groups."""
    words = _listed(claims.get("scope"), lambda text: text.split(" "))
    # No scope holds a blank (RFC 6749, 3.3), so a list of them is certain however the gateway writes it.
    words += _listed(claims.get("scp"), lambda text: text.removeprefix("[").removesuffix("]").split(" "))
    for name in ("cognito:groups", "groups"):
        words += _listed(claims.get(name), _groups)
    return frozenset(role for role in Role if {role, _PREFIX + role}.intersection(words))


def _listed(claim: object, split: Callable[[str], list[str]]) -> list[str]:
    """Returns the texts of a claim that is a list, or what ``split`` makes of one that is a text."""
    if isinstance(claim, list):
        return [each for each in claim if isinstance(each, str)]
    return split(claim) if isinstance(claim, str) else []


def _groups(text: str) -> list[str]:
    """Returns what groups a text certainly names.

    The gateway of an HTTP API writes a list as ``[one two]``, and so would it write one group called "one two": of
    several words only those count that have this API's prefix.
    """
    words = text.removeprefix("[").removesuffix("]").split(" ")
    return words if len(words) == 1 else [word for word in words if word.startswith(_PREFIX)]
