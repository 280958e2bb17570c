"""What tests share: the synthesized apps."""

from __future__ import annotations

import fcntl
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dr.regions.region import Region
    from tests.synthesis import Stacks

# What the tests of a folder need; those of all others need neither.
MARKERS = {"deployed": "deployed", "emulator": "emulator", "functions": "emulator"}


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than there are cores: tests wait for node; for the embedded AWS and for time still longer, `-n logical`."""
    return (5 if config.option.numprocesses == "logical" else 3) * (os.cpu_count() or 1) // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in MARKERS:
            item.add_marker(MARKERS[folder])


class Shared:
    """The apps that were synthesized, one folder each, for all processes of a session."""

    def __init__(self, base: Path) -> None:
        """Take the folder of this process: those of several processes of one session stand side by side."""
        self._folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def app(self, name: str, *added: type[Region], delegated: bool = False) -> Path:
        """The folder of an app: made by the process that asks first, while all others wait."""
        # Where no app is asked for, as in the functions' tests, no bindings are loaded and no node is started.
        from tests.synthesis import DELEGATION, REGIONS, synthesize

        folder = self._folder / name
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "manifest.json").exists():
                synthesize(folder, *REGIONS, *added, **(DELEGATION if delegated else {}))
        return folder

    def stacks(self, name: str, *added: type[Region], delegated: bool = False) -> Stacks:
        """The stacks of an app."""
        from tests.synthesis import read

        return read(self.app(name, *added, delegated=delegated))


def pytest_collection_finish() -> None:
    """What is there when the tests begin is there at their end: the collector need not look at it again, nor often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What the processes of this session share."""
    return Shared(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def two_regions(shared: Shared) -> Path:
    """The folder of the app with its first two regions, synthesized."""
    return shared.app("two-regions")


@pytest.fixture(scope="session")
def app(shared: Shared) -> Path:
    """The folder of the app as it is, with all regions that were added to it, synthesized."""
    import main
    from tests.synthesis import REGIONS

    added = [region for region in main.REGIONS if region not in REGIONS]
    return shared.app("as-it-is" if added else "two-regions", *added)


@pytest.fixture(scope="session")
def stacks(shared: Shared) -> Stacks:
    """The app with its first two regions."""
    return shared.stacks("two-regions")


@pytest.fixture(scope="session")
def three_regions(shared: Shared) -> Stacks:
    """The app with a third region."""
    from tests.synthesis import EuWest1

    return shared.stacks("three-regions", EuWest1)


@pytest.fixture(scope="session")
def delegated(shared: Shared) -> Stacks:
    """The app for a delegated domain whose callers bring tokens of an issuer."""
    return shared.stacks("delegated", delegated=True)


@pytest.fixture(scope="session")
def three_regions_delegated(shared: Shared) -> Stacks:
    """The same with a third region."""
    from tests.synthesis import EuWest1

    return shared.stacks("three-delegated", EuWest1, delegated=True)
