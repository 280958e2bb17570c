"""One embedded AWS for the tests of this directory; those that end or break it start their own."""

from __future__ import annotations

from collections.abc import Iterator

from drill.emulator import EmbeddedAws

import pytest


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """A running emulator, shared: each test uses names of its own, and heals what it breaks."""
    with EmbeddedAws(log=tmp_path_factory.mktemp("embedded-aws") / "emulator.log") as aws:
        yield aws


@pytest.fixture
def healed(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The shared emulator, with nothing broken before and after the test."""
    embedded_aws.heal()
    yield embedded_aws
    embedded_aws.heal()
