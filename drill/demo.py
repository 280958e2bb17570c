"""`make demo`: both regions deployed into the embedded AWS, used, one of them broken, and destroyed again.

KEEP=1 leaves everything running, and says how to talk to it and how to end it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drill.deployment import Deployment, DeploymentError, Done, emptied
from drill.document import table
from drill.embedded import embedded
from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.emulator.clients import UNSET
from drill.leftovers import leftovers, legitimate
from drill.route53 import Observation, Route53Error
from drill.scenarios import SCENARIOS
from drill.session import drill
from drill.story import DemoError, Story
from drill.target import DrillError

from botocore.exceptions import BotoCoreError, ClientError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

FOLDER = Path("build/demo")
SUFFIX = "demo"
OUTAGE = "region-refuses"
# The outage in quick motion: at true speed it takes some five minutes.
SCALE = 0.2
# A small machine bears so many in quick motion.
CLIENTS = 6
FAILURES = (
    DemoError,
    DeploymentError,
    DrillError,
    EmbeddedAwsError,
    Route53Error,
    BotoCoreError,
    ClientError,
)


class Demo:
    """What is shown of a deployment."""

    def __init__(self, aws: EmbeddedAws, deployment: Deployment, console: Console) -> None:
        self._aws, self._deployment, self._console = aws, deployment, console

    def deploy(self) -> None:
        """Synthesize and deploy all stacks, with a bar for each."""
        with self._console.status("synthesizing five stacks"):
            self._deployment.synthesize()
        with self._progress("deploying") as progress:
            self._deployment.deploy(listen=progress)

    def destroy(self) -> None:
        """Destroy all stacks, and prove with the services' own listings that nothing is left."""
        with self._progress("destroying") as progress:
            self._deployment.destroy(listen=progress)
        left = leftovers(self._aws)
        if left:
            raise DemoError("\n".join(["this is left after the destroy:", *left]))
        self._console.print("\n[bold]Nothing is left.[/] What every account keeps by itself:")
        kinds = Counter(line.rsplit(": ", 1)[0] for line in legitimate(self._aws))
        for kind, times in sorted(kinds.items()):
            self._console.print(f"  {times} x {kind}{' (pending deletion)' if 'Keys' in kind else ''}")

    def show(self) -> None:
        """What was deployed, where it answers, and what becomes of data."""
        self.show_inventory()
        self.show_addresses()
        Story(self._aws, self._deployment, self._console).tell()
        self.show_keys()

    def show_inventory(self) -> None:
        """A table of what was deployed: kinds of resource by stack."""
        stacks = [*self._aws.regions, "peering", "replication", "dns"]
        counts = Counter((instance.kind, instance.stack) for instance in self._deployment.instances())
        table = Table("resource", *stacks, title="\nDeployed, by stack", box=SIMPLE_HEAD, pad_edge=False)
        for kind in sorted({kind for kind, _ in counts}):
            table.add_row(kind.removeprefix("aws_"), *(str(counts[kind, stack] or "") for stack in stacks))
        table.add_section()
        table.add_row("all", *(str(sum(n for (_, of), n in counts.items() if of == stack)) for stack in stacks))
        self._console.print(table)
        taggable = [i.attributes["tags_all"] for i in self._deployment.instances() if "tags_all" in i.attributes]
        tagged = sum(
            (tags or {}).get("Environment") == "Production" and tags.get("DisasterRecovery") == "Enabled"
            for tags in taggable
        )
        wanted = "Environment=Production and DisasterRecovery=Enabled"
        self._console.print(f"{tagged} of {len(taggable)} taggable resources are tagged {wanted}")

    def show_addresses(self) -> None:
        """The API of each region, and the name that fails over."""
        table = Table("region", "API", title="\nAddresses")
        for region in self._aws.regions:
            table.add_row(region, str(self._deployment.outputs(region)["api_url"]))
        self._console.print(table)
        name = self._deployment.outputs("dns")["client_name"]
        self._console.print(f"The name that fails over: {name}, weighted 70/30 between the regions' APIs")

    def show_keys(self) -> None:
        """The key of every region's documents, which is its own."""
        table = Table("documents in", "encrypted with", title="\nKeys")
        for region in self._aws.regions:
            table.add_row(region, self._object_keys(region))
        self._console.print(table)

    def break_region(self) -> None:
        """Take a region away under traffic, in quick motion, and show what that cost."""
        (outage,) = (scenario for scenario in SCENARIOS if scenario.name == OUTAGE)
        observations: list[Observation] = []
        self._console.print(f"\n[bold]breaking a region[/], {1 / SCALE:g} times quicker than it would be")
        folder = self._deployment.folder / "drill"
        with embedded(self._aws, self._deployment, scale=SCALE, listen=observations.append) as target:
            report = drill(
                target,
                [outage],
                scale=SCALE,
                clients=CLIENTS,
                observations=observations,
                console=self._console,
                folder=folder,
            )
        path = folder / "report.json"
        self._console.print(table(json.loads(path.read_text(encoding="utf-8"))))
        self._console.print(f"Its timeline, and what is emulated: {path.with_suffix('.html')}", soft_wrap=True)
        if not report.passed:
            raise DemoError(f"the outage did not end as expected: {path}")

    def explain_keep(self, state: Path) -> None:
        """How to talk to what is left running, and how to end it."""
        console = self._console
        console.print("\n[bold]It is left running.[/] To talk to it with the AWS CLI:")
        for name, value in self._aws.environment().items():
            console.print(f"  export {name}='{value}'", soft_wrap=True)
        console.print(f"  unset {' '.join(sorted(UNSET))}", soft_wrap=True)
        console.print("  aws dynamodb scan --table-name patient_records-demo --region us-west-2", soft_wrap=True)
        console.print(f"To end it: python -m drill.emulator stop {state}", soft_wrap=True)

    def _object_keys(self, region: str) -> str:
        bucket = self._deployment.outputs(region)["document_bucket"]
        s3 = self._aws.client("s3", region)
        objects = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        keys = {str(s3.head_object(Bucket=bucket, Key=name)["SSEKMSKeyId"]) for name in objects}
        if not keys or not all(f":kms:{region}:" in key for key in keys):
            raise DemoError(f"every object in {region} must have a key of its own region, got: {sorted(keys)}")
        return ", ".join(sorted(keys)).split(":key/")[0] + ":key/..."

    @contextmanager
    def _progress(self, what: str) -> Iterator["Bars"]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._console.print(f"\n[bold]{what}[/]")
        with Progress(*columns, console=self._console) as progress:
            yield Bars(progress, {stack: self._deployment.size(stack) for stack in self._deployment.stacks})


class Bars:
    """A bar for each stack that moves with each resource that is done."""

    def __init__(self, progress: Progress, sizes: dict[str, int]) -> None:
        self._progress = progress
        self._bars = {stack: progress.add_task(f"{stack:12}", total=size) for stack, size in sizes.items()}

    def __call__(self, done: Done) -> None:
        """Count one resource."""
        if done.stack in self._bars:
            self._progress.advance(self._bars[done.stack])


def run(console: Console, folder: Path, *, keep: bool) -> None:
    """Show everything, and end with nothing left or with everything left running.

    Raises:
        DemoError: Something was not as it must be, or an earlier demonstration still runs in the folder.
        DeploymentError: A deployment or a destroy failed, or the folder is somebody else's.
        DrillError, Route53Error: The outage could not be measured.
        EmbeddedAwsError: The embedded AWS did not start, or ended in the middle.
    """
    log = folder / "aws.log"
    kept = log.with_suffix(".json")
    asked = subprocess.run([sys.executable, "-m", "drill.emulator", "status", str(kept)], capture_output=True)
    if asked.returncode == 0:
        raise DemoError(f"an earlier demonstration is still running: python -m drill.emulator stop {kept}")
    # What an earlier one left belongs to an account that is gone.
    place = emptied(folder)
    console.print("[bold]Everything below runs in an embedded AWS on this machine[/]: an emulator, not AWS itself.")
    with EmbeddedAws(log=log) as aws:
        console.print(f"the embedded AWS listens at {aws.endpoint}")
        demo = Demo(aws, Deployment(place, aws.isolated(), ENVIRONMENT_SUFFIX=SUFFIX), console)
        try:
            demo.deploy()
            demo.show()
            demo.break_region()
            if keep:
                demo.explain_keep(aws.detach())
            else:
                demo.destroy()
        except (DeploymentError, BotoCoreError, ClientError):
            aws.check()  # where it has ended, that is the reason
            raise


def _interrupt(*_: object) -> None:
    """A request to end is taken as Ctrl-C is: what runs is stopped first."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 1 when something was not as it must be, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m drill.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", default=os.environ.get("KEEP") == "1", help="the same as KEEP=1")
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        help="where its files go: a new one, an empty one, or an earlier demonstration's, which is emptied",
    )
    options = parser.parse_args(arguments)
    console = Console()
    # Both, and by name: a shell that starts it in the background has it ignore Ctrl-C's signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        run(console, options.folder, keep=options.keep)
    except FAILURES as error:
        console.print("\n[bold red]The demonstration failed:[/]", end=" ")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped: nothing is left running")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
