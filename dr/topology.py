"""Which regions there are, which one leads, and what links them."""

from dr.checks import SettingsError
from dr.links.dns import Dns
from dr.links.peering import Peering
from dr.links.replication import Replication
from dr.regions.region import Region

import attrs
from constructs import Construct


@attrs.frozen(kw_only=True)
class Topology:
    """The regions of one environment and their roles.

    Attributes:
        primary: The region that leads: the tables' home, and where the alarms on DNS's health checks are.
        secondaries: The regions that carry on when it is gone.

    Raises:
        SettingsError: When these are not just the regions that the settings were checked for.
    """

    primary: Region
    secondaries: tuple[Region, ...]

    def __attrs_post_init__(self) -> None:
        expected = [region.name for region in self.primary.config.regions]
        built = [region.name for region in self.regions]
        if built != expected:
            raise SettingsError([f"the topology must have the regions {expected!r} of the settings, got: {built!r}"])

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions, the primary first."""
        return (self.primary, *self.secondaries)

    def link(self, scope: Construct) -> None:
        """Make the three link stacks, each of which is deployed after the regions that it reads."""
        Peering(scope, self.regions)
        Replication(scope, self.regions)
        Dns(scope, self.regions)
