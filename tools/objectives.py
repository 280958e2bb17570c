"""`make objectives`: writes docs/objectives.md, what the default settings reach of the recovery objectives."""

from collections.abc import Sequence
from pathlib import Path

from dr.objectives import Figure, budget
from dr.settings import Settings
from main import REGIONS

PATH = Path(__file__).resolve().parent.parent / "docs" / "objectives.md"

_HEAD = """# Recovery objectives

Written by `make objectives` from `dr/objectives.py`: what the default settings reach at the worst. Every synthesis
computes the same from its own settings, prints it, and refuses settings that break an objective. The figures are
computed, not measured.

| figure | at the worst | objective |
|---|---|---|
"""
_BASIS = """
## What each figure rests on
"""


def figures() -> list[Figure]:
    """The budget of the default settings."""
    return budget(Settings(regions=tuple(region.settings for region in REGIONS)).plan)


def render(figures: Sequence[Figure]) -> str:
    """The page."""
    rows = [f"| {each.name} | {each.show(each.value)} | {each.wanted} |" for each in figures]
    basis = [f"- *{each.name}*: {each.assumes} ({each.source})" for each in figures]
    return _HEAD + "\n".join([*rows, _BASIS, *basis]) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(figures()), encoding="utf-8")
