"""The emulator's process: `python -m drill.emulator.server`, started by `EmbeddedAws` and by nobody else.

It serves on listening sockets that it inherits, and lives as long as its standard input is open: when whoever started
it is gone, however that came about, the pipe closes and it ends. The word `detach` on the pipe lets it stay.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
import threading
import traceback

LATEST_EXIT = 4.0
"""Seconds that the end may take, whatever hangs."""

ENDING = threading.Lock()


def main() -> None:
    """Serves until told to stop or left alone; leaves no process and no file behind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", action="append", required=True, metavar="REGION=FD")
    listeners = [entry.split("=") for entry in parser.parse_args().listen]
    try:
        asyncio.run(_serve([(region, int(fd)) for region, fd in listeners]))
    except BaseException:
        traceback.print_exc()
        _end(1)


async def _serve(listeners: list[tuple[str, int]]) -> None:
    from drill.emulator.copying import route_delete_markers, route_object_writes, route_table_writes
    from drill.emulator.faults import Faults
    from drill.emulator.hooks import install_hooks
    from drill.emulator.locate import Locator
    from drill.emulator.mends import apply_mends
    from drill.emulator.replication import Replication
    from drill.emulator.wrapper import Wrapper

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    faults = Faults()
    replication = Replication(faults)
    apply_mends()  # before what builds on the mended functions
    install_hooks(faults)
    for route in (route_table_writes, route_object_writes, route_delete_markers):
        route(replication)

    entries = {_address(fd): region for region, fd in listeners if region}
    config = Config()
    config.bind = [f"fd://{fd}" for _, fd in listeners]
    config.keep_alive_timeout = 180  # longer than any client keeps an idle connection: none writes into a closing one
    config.loglevel = "WARNING"
    wrapper = Wrapper(app, Locator(entries, next(iter(entries.values()))), faults, replication)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _end, 0)
    threading.Thread(target=_watch_parent, daemon=True).start()
    never = asyncio.Event()  # an orderly shutdown would wait for calls of functions that still run
    await serve(wrapper, config, shutdown_trigger=never.wait)  # type: ignore[arg-type]


def _address(fd: int) -> tuple[str, int]:
    with socket.socket(fileno=os.dup(fd)) as listener:
        host, port = listener.getsockname()
        return host, port


def _watch_parent() -> None:
    if sys.stdin.readline().strip() != "detach":
        _end(0)


def _end(code: int) -> None:
    """Stops the Lambda workers, removes the temporary directory, and ends without waiting for any thread."""
    if not ENDING.acquire(blocking=False):
        return  # another thread is at it
    latest = threading.Timer(LATEST_EXIT, os._exit, [1])
    latest.daemon = True
    latest.start()
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
