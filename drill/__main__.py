"""Break a region, and measure: traffic, outages, and what became of the objectives.

Runs on what `KEEP=1 make demo` left running, else on a deployment of its own in an embedded AWS. What is seen there was
not seen on AWS itself.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dr.checks import SettingsError
from drill.aws import HELP, AwsTarget, deployed
from drill.demo import FOLDER as DEMO
from drill.deployment import Deployment, DeploymentError, emptied
from drill.document import table
from drill.embedded import EmbeddedTarget, embedded
from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.outages import Evacuate, Scenario
from drill.route53 import Observation
from drill.scenarios import SCENARIOS
from drill.session import CLIENTS, FAILURES, FOLDER, drill
from drill.target import DrillError

from rich.console import Console

SUFFIX = "drill"


@contextmanager
def _embedded_aws(console: Console, folder: Path, state: Path) -> Iterator[tuple[EmbeddedAws, Deployment]]:
    """What was left running, else a deployment of the drill's own that is gone afterwards."""
    try:
        running = EmbeddedAws.attach(state)
    except EmbeddedAwsError as error:
        if state.exists():  # the machine was started anew, say
            console.print(f"{error}: a new one is started", markup=False, highlight=False, soft_wrap=True)
    else:
        with running as aws:
            console.print(f"using the embedded AWS at {aws.endpoint}, which stays")
            yield aws, Deployment(state.parent.resolve(), aws.isolated(), ENVIRONMENT_SUFFIX=SUFFIX)
        return
    place = emptied(folder / "deployment")
    with EmbeddedAws(log=folder / "aws.log") as aws:
        deployment = Deployment(place, aws.isolated(), ENVIRONMENT_SUFFIX=SUFFIX)
        with console.status("deploying five stacks into an embedded AWS"):
            deployment.deploy()
        yield aws, deployment


@contextmanager
def _target(
    options: argparse.Namespace, console: Console, observations: list[Observation]
) -> Iterator[AwsTarget | EmbeddedTarget]:
    if options.target == "aws":
        if options.scale != 1:
            raise DrillError(f"'--scale' must be 1 on AWS, whose time cannot be scaled, got: {options.scale:g}")
        if not options.yes:
            raise DrillError(
                "on AWS a region is evacuated at once, and what the drill's patients wrote stays for good: say '--yes'"
            )
        yield deployed()
        return
    with (
        _embedded_aws(console, options.folder, options.state) as (aws, deployment),
        embedded(aws, deployment, scale=options.scale, listen=observations.append) as target,
    ):
        yield target


def _chosen(names: Sequence[str], target: str, scale: float = 1.0) -> list[Scenario]:
    """The scenarios of these names, or all that the target can show; probes keep their minutes at any scale."""
    known = {
        scenario.name: scenario
        for scenario in SCENARIOS
        if target != "aws" or all(isinstance(each, Evacuate) for each in scenario.disturbances)
        if scale == 1 or not scenario.watched
    }
    if unknown := [name for name in names if name not in known]:
        why = "; what probes watch needs `--scale 1`" if scale != 1 else ""
        raise DrillError(f"no scenario is called {', '.join(unknown)} here; there are: {', '.join(known)}{why}")
    return [known[name] for name in names] if names else list(known.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__, epilog=HELP)
    parser.add_argument("--target", choices=("embedded", "aws"), default="embedded", help="where; see below for aws")
    parser.add_argument("--scenario", nargs="+", default=(), metavar="NAME", help="which; all of them without it")
    parser.add_argument("--list", action="store_true", help="say which scenarios there are, and what is expected")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="what every time is multiplied by: 0.2 is quick, without probes"
    )
    parser.add_argument("--clients", type=int, default=CLIENTS, help=f"how many call at once ({CLIENTS})")
    parser.add_argument(
        "--state", type=Path, default=DEMO / "aws.json", help="of an embedded AWS that was left running"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the report goes")
    parser.add_argument("--yes", action="store_true", help="evacuate a region of AWS, and leave data there")
    parser.add_argument("--json", action="store_true", help="print the report, and no table")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; 1 when a scenario failed, 2 when one could not be measured, 130 when it was interrupted."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=options.json)
    observations: list[Observation] = []
    try:
        scenarios = _chosen(options.scenario, options.target, 1.0 if options.list else options.scale)
        if options.list:
            for each in scenarios:
                console.print(f"[bold]{each.name}[/]: {each.title}. {each.expected}", soft_wrap=True)
            return 0
        with _target(options, console, observations) as target:
            report = drill(
                target,
                scenarios,
                scale=options.scale,
                clients=options.clients,
                observations=observations,
                console=console,
                folder=options.folder,
            )
    except (*FAILURES, SettingsError, DeploymentError) as error:
        console.print("[bold red]It was not measured to the end:[/]", end=" ")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print(f"\nstopped; what was measured by then is in {options.folder}")
        return 130
    path = options.folder / "report.json"
    if options.json:
        sys.stdout.write(path.read_text(encoding="utf-8"))
    else:
        console.print(table(json.loads(path.read_text(encoding="utf-8"))))
        console.print(f"the report: {path}\nthe page: {path.with_suffix('.html')}")
    return 2 if report.missing else 0 if report.passed else 1


if __name__ == "__main__":
    # Both, and by name: a shell that starts it in the background has it ignore Ctrl-C's signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
