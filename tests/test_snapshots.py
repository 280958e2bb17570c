"""Each stack as it is synthesized: a change that nobody meant shows here."""

import json
import re
from typing import Any

from tests.synthesis import Stacks

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension


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


@pytest.mark.parametrize("stack", ["us-east-1", "us-west-2", "peering", "replication", "dns"])
def test_stack_is_as_reviewed(stack: str, stacks: Stacks, snapshot: SnapshotAssertion) -> None:
    assert masked(stacks[stack]) == snapshot(name=stack, extension_class=JSONSnapshotExtension)


def test_every_stack_has_a_snapshot(stacks: Stacks) -> None:
    assert set(stacks) == {"us-east-1", "us-west-2", "peering", "replication", "dns"}
