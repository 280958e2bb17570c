"""`make bench`: how long `python main.py` takes, with the bindings on demand and with all of them; and the API.

Both ways of synthesis are measured in turn in one run: on a busy machine the seconds vary, their ratio hardly does.
Each figure that something is wanted of must be as wanted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools import bench_api

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
STOCK = "DR_ALL_BINDINGS"
ON_DEMAND_RUNS = 5
STOCK_RUNS = 2
# What the project asks of itself.
SECONDS = 2.0
RATIO = 1 / 8
SETUP_AGAIN_SECONDS = 1.0


def synthesis_s(*, stock: bool) -> float:
    """Seconds that one whole synthesis takes, from the start of Python to its end."""
    kept = {name: value for name, value in os.environ.items() if name not in (STOCK, "NODE_OPTIONS")}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**kept, "CDKTF_OUTDIR": folder, **({STOCK: "1"} if stock else {})}
        started = time.perf_counter()
        subprocess.run([sys.executable, "main.py"], cwd=ROOT, env=environment, check=True)
        return time.perf_counter() - started


def setup_again_s() -> float:
    """Seconds that the set-up takes where nothing has changed since the last."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tools.setup"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def measure() -> dict[str, float]:
    """The median of each way, after one run of each that fills the caches, and their ratio; and the set-up again."""
    synthesis_s(stock=False), synthesis_s(stock=True)
    on_demand = statistics.median(synthesis_s(stock=False) for _ in range(ON_DEMAND_RUNS))
    stock = statistics.median(synthesis_s(stock=True) for _ in range(STOCK_RUNS))
    return {
        "on_demand_s": round(on_demand, 2),
        "stock_s": round(stock, 2),
        "ratio": round(on_demand / stock, 3),
        "setup_again_s": round(setup_again_s(), 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as a table, or as JSON; 1 when one is not what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--seconds", type=float, default=60, help="how long the API bears a load (default: 60)")
    options = parser.parse_args(arguments)
    console = Console()
    with Console(stderr=True).status("synthesizing nine times"):
        figures = measure()
    with Console(stderr=True).status(f"deploying the API, then {options.seconds:g} s of load"):
        api = bench_api.measure(options.seconds)
    quick, ahead = figures["on_demand_s"] < SECONDS, figures["ratio"] < RATIO
    kept = figures["setup_again_s"] < SETUP_AGAIN_SECONDS
    missed = int(not (quick and ahead and kept and all(figure.holds for figure in api)))
    if options.json:
        console.print_json(json.dumps({**figures, "api": {figure.name: round(figure.value, 3) for figure in api}}))
        return missed
    table = Table("python main.py, warm; set-up", "measured", "wanted")
    table.add_row("bindings on demand", f"{figures['on_demand_s']} s", f"under {SECONDS:g} s", style=_style(quick))
    table.add_row("all bindings", f"{figures['stock_s']} s", "")
    table.add_row("ratio", f"{figures['ratio']}", f"under {RATIO}", style=_style(ahead))
    again = f"under {SETUP_AGAIN_SECONDS:g} s"
    table.add_row("set-up, nothing changed", f"{figures['setup_again_s']} s", again, style=_style(kept))
    console.print(table)
    table = Table("the API's function", "measured", "wanted")
    for figure in api:
        measured = f"{figure.value:.3g}" if figure.value < 100 else f"{figure.value:.0f}"
        table.add_row(figure.name, f"{measured} {figure.unit}", figure.wanted, style=_style(figure.holds))
    console.print(table)
    return missed


def _style(holds: bool) -> str:
    return "" if holds else "red"


if __name__ == "__main__":
    sys.exit(main())
