"""What tests share: the synthesized apps."""

import os
from pathlib import Path

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


@pytest.fixture(scope="session")
def two_regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the app as it is, synthesized."""
    folder = tmp_path_factory.mktemp("two-regions")
    synthesize(folder)
    return folder


@pytest.fixture(scope="session")
def stacks(two_regions: Path) -> Stacks:
    """The app as it is."""
    return read(two_regions)


@pytest.fixture(scope="session")
def three_regions(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The app with a third region."""
    return synthesize(tmp_path_factory.mktemp("three-regions"), *REGIONS, EuWest1)


@pytest.fixture(scope="session")
def delegated(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The app for a delegated domain whose callers bring tokens of an issuer."""
    return synthesize(tmp_path_factory.mktemp("delegated"), **DELEGATION)


@pytest.fixture(scope="session")
def three_regions_delegated(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The same with a third region."""
    return synthesize(tmp_path_factory.mktemp("three-delegated"), *REGIONS, EuWest1, **DELEGATION)
