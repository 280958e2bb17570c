"""Clients of the roles that a function may assume in other regions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.shared.clients import BRIEF, Bounds, Clients

from attrs import define, field

_MARGIN = timedelta(minutes=5)


@define
class Sessions:
    """One client for each region and service, whose session outlasts the call that it is asked for."""

    _clients: Clients
    _name: str
    """What the sessions are called in the trail."""
    _bounds: Bounds = BRIEF
    _kept: dict[tuple[str, str], tuple[Any, datetime]] = field(factory=dict, init=False)

    def client(self, service: str, region: str, role_arn: str) -> Any:
        """Returns the client of that role in that region."""
        client, ends = self._kept.get((service, region), (None, datetime.min.replace(tzinfo=UTC)))
        if datetime.now(UTC) + _MARGIN > ends:
            # By this region's STS: roles are of the whole account, and the other region may be the one that is down.
            session = self._clients.sts.assume_role(RoleArn=role_arn, RoleSessionName=self._name)["Credentials"]
            client = self._clients.client(service, self._bounds, region=region, session=session)
            ends = session["Expiration"]
            self._kept[service, region] = client, ends
        return client
