"""What the tests of the set-up share: a project on a machine of its own."""

import os
from pathlib import Path

from tests.tools.machine import MakeProject
from tools.steps import Project

import pytest


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    return tmp_path / "opt"


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """A project in an environment with a home directory of its own and nothing installed."""

    def make(**environ: str | Path) -> Project:
        root = tmp_path / "the project"
        (root / ".tools").mkdir(parents=True, exist_ok=True)
        alone = {"HOME": tmp_path / "home", "XDG_DATA_DIRS": tmp_path / "share", "PATH": os.defpath}
        return Project(root=root, environ={name: str(value) for name, value in {**alone, **environ}.items()})

    return make
