"""The pages in docs/ say what the code does, and lead to what is there."""

import re
from pathlib import Path

from dr.resources.data_class import DataClass
from drill.emulator.mends import MENDS

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), DOCS.parent / "README.md"])


def test_every_mend_of_the_embedded_aws_is_listed_with_its_symptom() -> None:
    rows = [f"| `{mend.__name__}` | {(mend.__doc__ or '').strip()} |" for mend in MENDS]
    listed = re.findall(r"^\| `[a-z0-9_]+` \| .* \|$", (DOCS / "aws.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == rows


def test_every_risk_that_the_threat_model_leaves_is_in_the_register() -> None:
    left = set(re.findall(r"\((R[0-9]+)\)", (DOCS / "threat-model.md").read_text(encoding="utf-8")))
    rated = re.findall(r"^\| (R[0-9]+) \|", (DOCS / "risks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert left
    assert left <= set(rated)
    assert len(set(rated)) == len(rated)


def test_every_class_of_data_is_described() -> None:
    described = re.findall(r"^\| `([a-z]+)` \|", (DOCS / "threat-model.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert described == [each.value for each in DataClass]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
