"""What tests share: the synthesized apps."""

import fcntl
import gc
import os
from pathlib import Path

from dr.regions.region import Region
from main import REGIONS
from tests.synthesis import DELEGATION, EuWest1, Stacks, read, synthesize

import pytest

# What the tests of a folder need; those of all others need neither.
MARKERS = {"deployed": "deployed", "emulator": "emulator", "functions": "emulator"}


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: tests wait for node, for the embedded AWS and for time."""
    return 3 * (os.cpu_count() or 1) // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in MARKERS:
            item.add_marker(MARKERS[folder])


class Shared:
    """The apps that were synthesized, one folder each, for all processes of a session."""

    def __init__(self, base: Path, worker: str) -> None:
        """Take the folder of a process, and which process it is: those of one session have a folder in common."""
        self._folder = base if worker == "master" else base.parent

    def synthesized(self, name: str, *regions: type[Region], **settings: str) -> Path:
        """The folder of an app: made by the process that asks first, while all others wait."""
        folder = self._folder / name
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "manifest.json").exists():
                synthesize(folder, *regions, **settings)
        return folder


def pytest_collection_finish() -> None:
    """What is there when the tests begin is there at their end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Shared:
    """What the processes of this session share."""
    return Shared(tmp_path_factory.getbasetemp(), worker_id)


@pytest.fixture(scope="session")
def two_regions(shared: Shared) -> Path:
    """The folder of the app as it is, synthesized."""
    return shared.synthesized("two-regions")


@pytest.fixture(scope="session")
def stacks(two_regions: Path) -> Stacks:
    """The app as it is."""
    return read(two_regions)


@pytest.fixture(scope="session")
def three_regions(shared: Shared) -> Stacks:
    """The app with a third region."""
    return read(shared.synthesized("three-regions", *REGIONS, EuWest1))


@pytest.fixture(scope="session")
def delegated(shared: Shared) -> Stacks:
    """The app for a delegated domain whose callers bring tokens of an issuer."""
    return read(shared.synthesized("delegated", **DELEGATION))


@pytest.fixture(scope="session")
def three_regions_delegated(shared: Shared) -> Stacks:
    """The same with a third region."""
    return read(shared.synthesized("three-delegated", *REGIONS, EuWest1, **DELEGATION))
