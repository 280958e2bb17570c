"""Does several things at the same time: one that fails or hangs hides no other's result."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

Tasks = Mapping[str, Callable[[], Any]]


def together(tasks: Tasks, seconds: float) -> tuple[dict[str, Any], dict[str, Exception]]:
    """Does all tasks at the same time; returns what they returned, and of the others why they did not.

    One that takes longer than ``seconds`` is given up and left to its own time limits.
    """
    pool = ThreadPoolExecutor(len(tasks) or 1)
    futures = {name: pool.submit(task) for name, task in tasks.items()}
    wait(futures.values(), seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    done: dict[str, Any] = {}
    failed: dict[str, Exception] = {}
    for name, future in futures.items():
        try:
            done[name] = future.result(0)
        except Exception as error:
            failed[name] = error
    return done, failed
