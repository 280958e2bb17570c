"""The synthesized apps as the rules read and break them."""

from tests.brief.policies import opened
from tests.synthesis import Stacks

import pytest


@pytest.fixture(scope="session")
def stacks(stacks: Stacks) -> Stacks:
    """The app as it is."""
    return _opened(stacks)


@pytest.fixture(scope="session")
def three_regions(three_regions: Stacks) -> Stacks:
    """The app with a third region."""
    return _opened(three_regions)


@pytest.fixture(scope="session")
def delegated(delegated: Stacks) -> Stacks:
    """The app for a delegated domain."""
    return _opened(delegated)


def _opened(stacks: Stacks) -> Stacks:
    return {stack: opened(content) for stack, content in stacks.items()}
