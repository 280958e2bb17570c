"""`python -m drill.emulator status|stop FILE`: looks after an emulator that was left running (`EmbeddedAws.detach`)."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from drill.emulator.clients import environment
from drill.emulator.process import STOPPED_WITHIN


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 1 when there was nothing to do it to."""
    parser = argparse.ArgumentParser(prog="python -m drill.emulator", description=__doc__)
    parser.add_argument("command", choices=("status", "stop"))
    parser.add_argument("file", type=Path, help="what `detach` wrote, beside the log")
    options = parser.parse_args(arguments)
    try:
        state = json.loads(options.file.read_text())
    except (OSError, ValueError):
        return _say(f"no embedded AWS was left running: {options.file} is not there or cannot be read", 1)
    if not _serves(state):
        options.file.unlink(missing_ok=True)
        return _say(f"the embedded AWS of {options.file} does not run any more", 1)
    if options.command == "status":
        own = environment(f"http://127.0.0.1:{state['port']}", state["account"], state["regions"][0])
        return _say("\n".join(f"export {name}='{value}'" for name, value in own.items()), 0)
    _stop(state["pid"])
    options.file.unlink(missing_ok=True)
    return _say(f"the embedded AWS on port {state['port']} is stopped", 0)


def _serves(state: dict[str, int]) -> bool:
    """Whether the port is still served by the process of the file: its number may be another's by now."""
    connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=5)
    with closing(connection), suppress(OSError, http.client.HTTPException, ValueError, KeyError):
        connection.request("GET", "/_drill")
        return bool(json.loads(connection.getresponse().read())["pid"] == state["pid"])
    return False


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPPED_WITHIN
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # Lambda workers are in its group


def _lives(pid: int) -> bool:
    with suppress(ChildProcessError):  # which says that it is no child of this process's
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _say(text: str, code: int) -> int:
    (sys.stderr if code else sys.stdout).write(text + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
