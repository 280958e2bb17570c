"""The gate on the functions' coverage closes when tests leave out too much."""

import subprocess
import sys
from pathlib import Path

from dr.bundle import ROOT

import pytest

# Each line runs whatever the argument; whether both ways of the branch do is the question.
CODE = "import sys\nfor word in sys.argv[1:]:\n    if word == 'both':\n        pass\n"


@pytest.mark.parametrize(("arguments", "code"), [(["both", "neither"], 0), (["both"], 2)])
def test_a_branch_that_is_never_taken_closes_the_gate(tmp_path: Path, arguments: list[str], code: int) -> None:
    package = tmp_path / "functions"
    package.mkdir()
    (package / "__init__.py").write_text(CODE)
    coverage = [sys.executable, "-m", "coverage"]
    configured = f"--rcfile={ROOT / 'pyproject.toml'}"
    subprocess.run([*coverage, "run", configured, "functions/__init__.py", *arguments], cwd=tmp_path, check=True)
    subprocess.run([*coverage, "combine", configured], cwd=tmp_path, check=True)
    report = subprocess.run([*coverage, "report", configured], cwd=tmp_path, capture_output=True, check=False)
    assert report.returncode == code, report.stdout
