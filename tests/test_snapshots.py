"""Each stack as it is synthesized: a change that nobody meant shows here."""

import json
import re
from pathlib import Path
from typing import Any

import main
from tests.synthesis import LINKS, read

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

STACKS = [*(region.settings.name for region in main.REGIONS), *LINKS]


def masked(value: Any) -> Any:
    """The JSON, policies as such, without CDKTF's metadata and what changes with every line of a function's code."""
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items() if key != "//"} | (
            {"source_code_hash": "<hash>"} if "source_code_hash" in value else {}
        )
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    if isinstance(value, str):
        return json.loads(value) if value.startswith('{"Statement"') else re.sub(r"/[0-9A-F]{32}/", "/<hash>/", value)
    return value


@pytest.mark.parametrize("stack", STACKS)
def test_stack_is_as_reviewed(stack: str, app: Path, snapshot: SnapshotAssertion) -> None:
    assert masked(read(app)[stack]) == snapshot(name=stack, extension_class=JSONSnapshotExtension)


def test_every_stack_has_a_snapshot(app: Path) -> None:
    assert set(read(app)) == set(STACKS)
