"""A set-up step is built once, and again only when what it was built from has changed."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UNFINISHED = "unfinished"
TAIL_LINES = 15


class SetupError(Exception):
    """Set-up cannot go on; the last line of its text is the one sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """Where the project is, and the environment its set-up runs in."""

    root: Path
    environ: Mapping[str, str]

    @property
    def tools(self) -> Path:
        """What set-up installs beside the virtual environment and the node modules."""
        return self.root / ".tools"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The virtual environment's Python."""
        return self.venv / "bin" / "python"

    @property
    def cdktf(self) -> Path:
        """The CDKTF command line."""
        return self.root / "node_modules" / ".bin" / "cdktf"

    @property
    def user_terraform_config(self) -> Path | None:
        """The existing file that the user's TF_CLI_CONFIG_FILE names, unless a set-up wrote it."""
        named = self.environ.get("TF_CLI_CONFIG_FILE", "")
        if not named or named.endswith("/.tools/terraform.rc") or not Path(named).is_file():
            return None
        return Path(named).absolute()

    @property
    def quiet(self) -> dict[str, str]:
        """Settings by which the tools neither call home, nor ask, nor write to the home directory.

        `CI` is not among them: with it cdktf draws no approval prompt and waits for ever. What it would spare, the
        question about crash reports, `sendCrashReports` in cdktf.json answers.
        """
        return {
            "CHECKPOINT_DISABLE": "1",  # Terraform's and cdktf's version checks and telemetry
            "DISABLE_VERSION_CHECK": "true",
            "CDKTF_HOME": str(self.tools / "cdktf"),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20,21,22,23,24,25,26",
            "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that set-up makes.

    `build` is told whether an earlier build was begun: then what it finds may be half done or out of date, and it
    starts from nothing. Its result is kept for later steps: `path` must go on existing, `note` is shown.
    """

    name: str
    title: str
    inputs: object
    build: Callable[[bool], dict[str, str]]


def bring_up_to_date(project: Project, step: Step) -> dict[str, str]:
    """The step is built from its present inputs; what it gave is returned.

    Raises:
        SetupError: it cannot be built.
    """
    stamp = project.tools / "stamps" / f"{step.name}.json"
    wanted = hashlib.sha256(json.dumps([str(project.root), step.inputs]).encode()).hexdigest()
    begun = stamp.exists()
    inputs, result = _read(stamp)
    if inputs == wanted and Path(result["path"]).exists():
        return result
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps([UNFINISHED, {}]))
    started = time.monotonic()
    result = step.build(begun)
    stamp.write_text(json.dumps([wanted, result]))
    say(f"{step.title}: {result.get('note', 'installed')} ({time.monotonic() - started:.1f} s)")
    return result


def _read(stamp: Path) -> tuple[str, dict[str, str]]:
    """The inputs and the result of the last build; no inputs where it was not finished."""
    try:
        inputs, result = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return UNFINISHED, {}
    return inputs, result


def run(command: Sequence[str], failure: str, *, cwd: Path, env: Mapping[str, str]) -> str:
    """The command has succeeded; its standard output is returned.

    Raises:
        SetupError: it has not; the text is the last lines it wrote, then `failure`.
    """
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise SetupError(f"{error}\n{failure}") from error
    if done.returncode != 0:
        tail = (done.stdout + done.stderr).strip().splitlines()[-TAIL_LINES:]
        raise SetupError("\n".join([*tail, failure]))
    return done.stdout


def digest(path: Path) -> str:
    """The file's SHA-256.

    Raises:
        SetupError: there is no such file.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise SetupError(f"'{path}' is missing: restore it from version control.") from error


def identity(path: Path) -> list[str]:
    """What changes when the program at this path is replaced."""
    facts = path.stat()
    return [str(path), str(facts.st_size), str(facts.st_mtime_ns)]


def say(line: str) -> None:
    """The line is on standard error at once; standard output belongs to the commands that set-up serves."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
