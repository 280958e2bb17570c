"""What the three link stacks have in common."""

from collections.abc import Sequence

from dr.regions.region import Region
from dr.resources.stack import MAX_RETRIES, AwsStack

from constructs import Construct


class Link(AwsStack):
    """A stack between regions, deployed after them, with a provider for each.

    Attributes:
        primary: The region that leads.
    """

    def __init__(
        self, scope: Construct, id_: str, regions: Sequence[Region], *, max_retries: int = MAX_RETRIES
    ) -> None:
        # Its state lies in a secondary region, and so outlives the primary; a plan needs the state of every region
        # that it reads, the primary's too.
        super().__init__(
            scope,
            id_,
            regions[0].config,
            regions=[region.name for region in regions],
            state_in=regions[1].name,
            max_retries=max_retries,
        )
        self.primary = regions[0]
