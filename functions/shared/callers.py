"""Who calls: identity and organisation as the gateway's authorizer states them, never as a request claims."""

from __future__ import annotations

import re

from attrs import frozen
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

# '#' separates the organisation from the rest of a partition value, so it may not occur in one.
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ACTOR = re.compile(r"[!-~]{1,256}")


@frozen(kw_only=True)
class Caller:
    """A caller; an empty organisation means that no call of theirs is served."""

    actor: str
    organisation: str

    @classmethod
    def of(cls, event: APIGatewayProxyEventV2) -> Caller:
        """Returns the caller: of a token its subject and ``org_id``, of a signature its ARN and account."""
        authorizer = event.request_context.authorizer
        if claims := authorizer.jwt_claim:
            actor, organisation = str(claims.get("sub", "")), str(claims.get("org_id", ""))
        else:
            actor, organisation = authorizer.iam.user_arn, authorizer.iam.account_id
        if not _ACTOR.fullmatch(actor):
            return cls(actor="-", organisation="")
        return cls(actor=actor, organisation=organisation if _ORGANISATION.fullmatch(organisation) else "")

    def scoped(self, value: str) -> str:
        """Returns ``value`` within the caller's organisation, as partition keys hold it."""
        return f"{self.organisation}#{value}"
