"""Northern Virginia, the primary."""

from dr.regions.region import Region
from dr.regions.settings import RegionSettings


class UsEast1(Region):
    """Northern Virginia: serves 70 % of the traffic."""

    settings = RegionSettings(name="us-east-1", cidr="10.10.0.0/16", zones=("use1-az1", "use1-az2"), weight=70)
