"""A fresh clone becomes a working environment: `make setup`, or `python -m tools.setup`.

Needs Python 3.11+, Node.js 20+ and the package registries. Everything it makes is in `.venv`, `node_modules` and
`.tools`; a second run finds it there and does nothing. `python -m tools.setup scanners` makes what only tests need
beside it. The standard library alone has to do: nothing is installed yet.
"""

import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the Python that runs this is whichever one was found
    this = sys.version.split()[0]
    sys.exit(f"Python 3.11 or newer is needed, this is {this}: install one, or name it, as in: make PYTHON=python3.13")

from tools.activation import write_activation
from tools.node import cdktf_step, node_step
from tools.packages import bundle_step, bytecode_step, python_step, scanner_step
from tools.steps import Project, SetupError, bring_up_to_date, say
from tools.terraform import provider_step, terraform_step

# What only tests and reports need, each in an environment of its own: checkov pins an old boto3.
SCANNERS = ("checkov", "supply")


def set_up(project: Project) -> None:
    """Everything is installed and `.tools/activate` is written.

    Three chains run side by side, because each mostly waits for its own registry; what two of them made is compiled.

    Raises:
        SetupError: a step cannot be done; the other chains have come to their end by then.
    """

    def python() -> None:
        bring_up_to_date(project, python_step(project))
        bring_up_to_date(project, bundle_step(project))

    def node() -> str:
        found = bring_up_to_date(project, node_step(project))
        bring_up_to_date(project, cdktf_step(project))
        return found["path"]

    def terraform() -> dict[str, str]:
        found = bring_up_to_date(project, terraform_step(project))
        bring_up_to_date(project, provider_step(project, found))
        return found

    with ThreadPoolExecutor() as pool:
        packages, node_path, found = pool.submit(python), pool.submit(node), pool.submit(terraform)
        packages.result()
        bring_up_to_date(project, bytecode_step(project, node_path.result()))
    write_activation(project, Path(found.result()["path"]))


def set_up_scanners(project: Project) -> None:
    """The scanners' environments are installed, in `.tools`.

    Raises:
        SetupError: one cannot be.
    """
    for name in SCANNERS:
        bring_up_to_date(project, scanner_step(project, name))


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """No other set-up of this project runs inside the block."""
    project.tools.mkdir(exist_ok=True)
    with (project.tools / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this project")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str]) -> int:
    """The environment is set up, or stderr says in one sentence why it is not."""
    chosen = set_up_scanners if list(arguments) == ["scanners"] else set_up
    project = Project(root=Path(__file__).resolve().parents[1], environ=os.environ)
    try:
        with alone(project):
            chosen(project)
    except SetupError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nset-up was interrupted: the next run takes it up again")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
