"""What the three link stacks have in common."""

from collections.abc import Sequence

from dr.regions.region import Region
from dr.resources.stack import AwsStack

from constructs import Construct


class Link(AwsStack):
    """A stack between regions, deployed after them, with a provider for each.

    Attributes:
        regions: What it links, the primary first.
        primary: The region that leads.
    """

    def __init__(self, scope: Construct, id_: str, regions: Sequence[Region], **options: int) -> None:
        # Its state lies in a secondary region, and so outlives the primary; a plan needs the state of every region
        # that it reads, the primary's too.
        super().__init__(
            scope,
            id_,
            regions[0].config,
            regions=[region.name for region in regions],
            state_in=regions[1].name,
            **options,
        )
        self.regions, self.primary = tuple(regions), regions[0]
