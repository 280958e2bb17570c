"""The set-up leaves the user's home directory alone: its real programs run with one that was empty."""

import os
import shutil
from pathlib import Path

from dr.bundle import ROOT
from tools.activation import write_activation
from tools.node import cdktf_step, node_step
from tools.steps import Project, bring_up_to_date
from tools.terraform import find_mirror, provider_step, terraform_step

import pytest

# Package managers keep what they fetched, and their logs, where every project finds it.
CACHES = {".cache", ".npm"}


@pytest.mark.slow
def test_the_set_up_writes_nothing_to_the_home_directory_but_caches(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    (root / ".tools").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, root)
    (root / "node_modules").symlink_to((ROOT / "node_modules").resolve())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CDKTF_", "CHECKPOINT_", "TF_"))}
    project = Project(root=root, environ={**kept, "HOME": str(home)})
    for step in (node_step(project), cdktf_step(project)):
        bring_up_to_date(project, step)
    if shutil.which("terraform"):
        found = bring_up_to_date(project, terraform_step(project))
        if find_mirror(project, found["platform"], Path("/opt")):
            bring_up_to_date(project, provider_step(project, found))
        write_activation(project, Path(found["path"]))
    assert {path.name for path in home.iterdir()} <= CACHES
