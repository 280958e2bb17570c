"""The control matrix says what is there: each row's resources are in the stacks, and its proofs in the tests."""

from pathlib import Path
from typing import Any

from tests.synthesis import LINKS, Stacks
from tools.hipaa import PATH, Control, faults, load, render

import attrs
import pytest

CONTROLS = load()


def test_the_matrix_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == render(CONTROLS), "make hipaa writes it"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.citation)
@pytest.mark.parametrize("app", ["stacks", "three_regions", "delegated"])
def test_every_row_has_its_resources_and_its_proofs(control: Control, app: str, request: pytest.FixtureRequest) -> None:
    assert list(faults(control, request.getfixturevalue(app), LINKS)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"proofs": ["tests/brief/keys.py::every_key_is_glass"]},
            "keys.py::every_key_is_glass' must be a test",
        ),
        ({"proofs": ["tests/brief/gone.py::every_key_is_rotated"]}, "must be a test or a rule"),
        ({"proofs": []}, "must be R or A and have a proof, got: 'R', []"),
        ({"kind": "B"}, "must be R or A and have a proof, got: 'B'"),
        ({"resources": ["region: aws_gone"]}, "'us-west-2' must have a resource 'aws_gone'"),
        ({"resources": ["dns: aws_route53_zone.other"]}, "'dns' must have a resource 'aws_route53_zone.other'"),
        ({"resources": ["nowhere: aws_kms_key"]}, "'nowhere' must have a resource"),
        ({"documents": ["gone.md"]}, "'docs/gone.md' must be a page"),
    ],
)
def test_rejects_a_row_without_what_it_names(change: dict[str, Any], told: str, stacks: Stacks) -> None:
    row = Control(
        citation="164.312(b)", kind="R", asks="", answer="", proofs=["tests/brief/keys.py::every_key_is_rotated"]
    )
    assert list(faults(row, stacks, LINKS)) == []
    assert any(told in fault for fault in faults(attrs.evolve(row, **change), stacks, LINKS))


def test_rejects_a_row_with_a_key_that_no_row_has(tmp_path: Path) -> None:
    source = tmp_path / "hipaa.toml"
    source.write_text('[[controls]]\ncitation = "1"\nkind = "R"\nasks = ""\nanswer = ""\nproofs = []\nproof = ""\n')
    with pytest.raises(ExceptionGroup):
        load(source)
