"""One embedded AWS for the tests of this directory; those that end or break it start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

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


@pytest.fixture
def east(embedded_aws: EmbeddedAws) -> Callable[[str], Any]:
    """Clients of us-east-1, by service."""

    def client(service: str) -> Any:
        return embedded_aws.client(service, "us-east-1")

    return client
