"""The app deployed by the CDKTF command line, as its users do it, into the embedded AWS."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dr.settings import Settings, variable_of

import attrs

ROOT = Path(__file__).resolve().parent.parent
STOPPED_WITHIN_S = 20
# Says that a folder is the demonstration's or the drill's own.
MARK = ".drill"
# "us-east-1  aws_vpc.network_vpc_1 (network/vpc): Creation complete after 11s [id=...]"; the stack stands before the
# first of its lines only.
# The command line puts a construct's id into a resource's address, also where a longer name begins with it.
_LINE = re.compile(
    r"^(?:\S+)?\s+(?P<address>\w+\.\S+)(?: \([^)]*\)(?P<rest>\S*))?: (?:Creation|Destruction|Modifications) complete"
)
_STACK = re.compile(r"^(?P<stack>[a-z0-9-]+)\s{2,}\S")


class DeploymentError(Exception):
    """A command of the deployment failed, or its folder is somebody else's; the message says which, and why."""


def emptied(folder: Path) -> Path:
    """The folder, whole path, with nothing in it but the mark of one that may be emptied again; made when needed.

    Raises:
        DeploymentError: It holds what no run of the demonstration or the drill left.
    """
    folder = folder.resolve()
    mark = folder / MARK
    if folder.exists() and not (folder.is_dir() and (mark.exists() or not any(folder.iterdir()))):
        raise DeploymentError(
            "the folder is emptied, so it must be new, empty or of an earlier run: "
            f"name another or remove it, got: {folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each != mark:
            each.unlink()
    return folder


@attrs.frozen
class Done:
    """One resource that was created, changed or destroyed."""

    stack: str
    address: str


@attrs.frozen
class Instance:
    """One resource as Terraform's state holds it."""

    stack: str
    kind: str
    name: str
    attributes: Mapping[str, Any]


class Deployment:
    """The app's stacks in one AWS account, with their synthesized JSON and their state in a folder of their own.

    Settings come from `settings` alone, whatever the environment and cdktf.json say, for these are a user's own.

    Attributes:
        folder: Holds cdktf.out, the state files and the log of every command.
        settings: The settings that are not left at their defaults, by environment variable.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], **settings: str) -> None:
        """Make the folder, with nothing deployed yet.

        Args:
            folder: Where its files go; it is made when needed.
            environment: A whole environment that leads to the account: `EmbeddedAws.isolated()`.
            **settings: Environment variables of settings; all others have their defaults.
        """
        self.folder, self.settings = folder, settings
        context = folder / "context.json"
        folder.mkdir(parents=True, exist_ok=True)
        context.write_text("{}\n", encoding="utf-8")
        others = {variable_of(field.name) for field in attrs.fields(Settings)}
        # Not what dr.bindings has put there for this process's own node: users' shells have none of it.
        kept = {name: value for name, value in environment.items() if name not in {*others, "NODE_OPTIONS"}}
        self._environment = {**kept, **settings, "DR_CONTEXT_FILE": str(context), "CI": "true"}

    @property
    def output(self) -> Path:
        """The synthesized app."""
        return self.folder / "cdktf.out"

    @property
    def stacks(self) -> list[str]:
        """The stacks of the synthesized app."""
        return list(json.loads((self.output / "manifest.json").read_text(encoding="utf-8"))["stacks"])

    def synthesize(self) -> None:
        """Write the Terraform JSON of all stacks."""
        self._cdktf("synth")

    def size(self, stack: str) -> int:
        """How many resources a stack has."""
        content = json.loads((self.output / "stacks" / stack / "cdk.tf.json").read_text(encoding="utf-8"))
        return sum(len(named) for named in content["resource"].values())

    def deploy(self, *stacks: str, listen: Callable[[Done], None] = lambda _: None) -> None:
        """Deploy these stacks at once, or all in their order.

        Raises:
            DeploymentError: With what Terraform says.
        """
        self._cdktf("deploy", *_chosen(stacks), "--auto-approve", listen=listen)

    def destroy(self, *stacks: str, listen: Callable[[Done], None] = lambda _: None) -> None:
        """Destroy these stacks at once, or all in the reverse of their order.

        Raises:
            DeploymentError: With what Terraform says.
        """
        self._cdktf("destroy", *_chosen(stacks), "--auto-approve", listen=listen)

    def changes(self, stack: str) -> str:
        """What a deploy of the stack would change now; empty when nothing."""
        command = ["terraform", f"-chdir={self.output / 'stacks' / stack}", "plan", "-detailed-exitcode", "-no-color"]
        code, lines = self._run([*command, "-input=false"], f"plan-{stack}")
        if code not in (0, 2):
            raise DeploymentError(_explain(command, code, lines))
        return "\n".join(lines) if code == 2 else ""

    def diff(self, stack: str) -> str:
        """What the command line says that a deploy of the stack would change.

        Raises:
            DeploymentError: With what Terraform says.
        """
        return "\n".join(self._cdktf("diff", stack))

    def outputs(self, stack: str) -> dict[str, Any]:
        """The outputs of a deployed stack."""
        return {name: output["value"] for name, output in self._state(stack)["outputs"].items()}

    def validate(self, stack: str) -> None:
        """Have Terraform and its provider check the stack's JSON, without any account.

        Raises:
            DeploymentError: With what is not valid.
        """
        self.terraform(stack, "init", "-backend=false", "-input=false")
        self.terraform(stack, "validate")

    def terraform(self, stack: str, *arguments: str) -> None:
        """Run one of Terraform's other commands on a stack.

        Raises:
            DeploymentError: With what Terraform says.
        """
        command = ["terraform", f"-chdir={self.output / 'stacks' / stack}", *arguments, "-no-color"]
        code, lines = self._run(command, f"{arguments[0]}-{stack}")
        if code != 0:
            raise DeploymentError(_explain(command, code, lines))

    def instances(self) -> Iterator[Instance]:
        """Every resource of all deployed stacks, as the state files hold them."""
        for stack in self.stacks:
            for resource in self._state(stack)["resources"]:
                if resource["mode"] == "managed":
                    for instance in resource["instances"]:
                        yield Instance(stack, resource["type"], resource["name"], instance["attributes"])

    def _state(self, stack: str) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / f"terraform.{stack}.tfstate").read_text(encoding="utf-8"))
        return state

    def _cdktf(self, verb: str, *arguments: str, listen: Callable[[Done], None] = lambda _: None) -> list[str]:
        command = ["cdktf", verb, *arguments, "--output", str(self.output), "--no-color"]
        current = [""]

        def hear(line: str) -> None:
            if found := _STACK.match(line):
                current[0] = found["stack"]
            if found := _LINE.match(line):
                listen(Done(current[0], found["address"] + (found["rest"] or "")))

        code, lines = self._run(command, verb, hear)
        if code != 0:
            raise DeploymentError(_explain(command, code, lines))
        return lines

    def _run(
        self, command: list[str], name: str, hear: Callable[[str], None] = lambda _: None
    ) -> tuple[int, list[str]]:
        """Run a command to its end and return its code and last lines; stop it when this process is interrupted."""
        last: deque[str] = deque(maxlen=200)
        with (
            (self.folder / f"{name}.log").open("w", buffering=1, encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            ) as process,
        ):
            try:
                for line in process.stdout or ():
                    log.write(line)
                    last.append(line.rstrip())
                    hear(line)
            except BaseException:
                _stop(process)
                raise
            return process.wait(), list(last)


def _chosen(stacks: Sequence[str]) -> list[str]:
    """The command line's stacks: with all of them it keeps their order, with some it takes what they need as there."""
    return [*stacks, "--ignore-missing-stack-dependencies"] if stacks else ["*"]


def _stop(process: subprocess.Popen[str]) -> None:
    """Let Terraform write its state and end; then end whatever is left of the group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPED_WITHIN_S)
        os.killpg(process.pid, signal.SIGKILL)


def _explain(command: list[str], code: int, lines: list[str]) -> str:
    """The command, its code, and what it says from the first error on."""
    first = next((place for place, line in enumerate(lines) if "Error" in line), max(0, len(lines) - 20))
    return "\n".join([f"`{' '.join(command[:2])}` ended with {code}:", *lines[first : first + 40]])
