"""What the simulated Route 53 tells whoever listens."""

import time
from collections.abc import Callable

import attrs


@attrs.frozen
class Observation:
    """One thing that happened.

    Attributes:
        kind: `checker` (one probe from one location), `endpoint` (what the locations together find, when it changes),
            `check` (a health check's status, when it changes) or `answer` (one DNS query answered).
        subject: The check's name, or the id of the record set that was chosen, else the name that was asked for.
        healthy: What was found; None for an answer.
        text: Why, for people.
        at: When, on the clock of `time.monotonic()`, seconds.
    """

    kind: str
    subject: str
    healthy: bool | None
    text: str
    at: float = attrs.field(factory=time.monotonic)


Listener = Callable[[Observation], None]
