"""What scanners find, held against the list of what is skipped, both ways."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import attrs


class Finding(NamedTuple):
    """What a scanner says of a resource, `<stack>: <resource>`."""

    check: str
    where: str
    detail: str


@attrs.frozen
class Skip:
    """A finding that is allowed.

    Attributes:
        check: The scanner's id of what it looks for.
        where: Pattern of the resources.
        reason: Why that is right.
        detail: Pattern of the detail.
    """

    check: str
    where: str
    reason: str
    detail: str = "*"

    def allows(self, finding: Finding) -> bool:
        """Whether this is about the finding."""
        patterns = (self.check, self.where, self.detail)
        return all(map(fnmatchcase, finding, patterns))


def faults(findings: Sequence[Finding], skips: Iterable[Skip]) -> Iterator[str]:
    """Each finding that is not listed, and each entry of the list that is about none."""
    listed = list(skips)
    for finding in findings:
        if not any(skip.allows(finding) for skip in listed):
            yield f"not listed in tests/scans/skips.py: {': '.join(finding)}"
    for skip in listed:
        if not any(skip.allows(finding) for finding in findings):
            yield f"stale in tests/scans/skips.py: {skip.check} for '{skip.where}' is no longer found"
