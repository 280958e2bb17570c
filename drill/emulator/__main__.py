"""`python -m drill.emulator status|stop FILE`: looks after an emulator that was left running (`EmbeddedAws.detach`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from drill.emulator.errors import EmbeddedAwsError
from drill.emulator.process import STOPPED_WITHIN, EmbeddedAws, lives


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 1 when there was nothing to do it to."""
    parser = argparse.ArgumentParser(prog="python -m drill.emulator", description=__doc__)
    parser.add_argument("command", choices=("status", "stop"))
    parser.add_argument("file", type=Path, help="what `detach` wrote, beside the log")
    options = parser.parse_args(arguments)
    try:
        aws = EmbeddedAws.attach(options.file)
    except EmbeddedAwsError as error:
        return _say(str(error), 1)
    if options.command == "status":
        return _say("\n".join(f"export {name}='{value}'" for name, value in aws.environment().items()), 0)
    _stop(aws.pid)
    options.file.unlink(missing_ok=True)
    return _say(f"the embedded AWS on port {aws.port} is stopped", 0)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPPED_WITHIN
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # Lambda workers are in its group


def _say(text: str, code: int) -> int:
    (sys.stderr if code else sys.stdout).write(text + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
