"""Oregon, the secondary."""

from dr.regions.region import Region
from dr.regions.settings import RegionSettings


class UsWest2(Region):
    """Oregon: serves 30 % of the traffic, and all of it when the primary fails."""

    settings = RegionSettings(name="us-west-2", cidr="10.20.0.0/16", zones=("usw2-az1", "usw2-az2"), weight=30)
