"""What a check found, and how checks reach AWS."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import attrs
from botocore.exceptions import BotoCoreError, ClientError

# A boto3 client of a service in a region.
Clients = Callable[[str, str], Any]


class State(StrEnum):
    """How it stands with a deployment."""

    READY = "ready"
    NOTICE = "notice"
    BLOCKED = "blocked"


@attrs.frozen
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        state: How it stands; what is blocked makes a deployment fail.
        found: What is there.
        todo: What to do; empty when nothing.
    """

    subject: str
    state: State
    found: str
    todo: str = ""


def enough(subject: str, have: float, want: float, todo: str, *, lacking: State = State.BLOCKED) -> Finding:
    """Ready when there is as much as is wanted."""
    ready = have >= want
    return Finding(subject, State.READY if ready else lacking, f"{have:g}, wanted {want:g}", "" if ready else todo)


def reported(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What the check finds; that it could not look is a finding as well, and ends the check."""
    try:
        yield from check()
    except ClientError as error:
        code, operation = error.response["Error"]["Code"], error.operation_name
        refused = "Denied" in code or "Unauthorized" in code
        allow = f"allow the caller {operation}, as docs/deployer does, and look again"
        todo = allow if refused else "look again; if it stays so, look in the console, for nothing is known of this"
        yield Finding(subject, State.BLOCKED, f"{operation}: {code}", todo)
    except BotoCoreError as error:
        yield Finding(subject, State.BLOCKED, str(error), "give the credentials and the network that the AWS CLI needs")
