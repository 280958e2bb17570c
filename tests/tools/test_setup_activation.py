import os
import shutil
import subprocess
from pathlib import Path

from tests.tools.machine import LINUX, MakeProject, provider, terraform
from tools.activation import write_activation
from tools.steps import Project, bring_up_to_date
from tools.terraform import provider_step

import pytest


def activated(project: Project, show: str, *, by: str = "sh") -> str:
    """What a shell prints after the activation file was sourced from another directory."""
    write_activation(project, Path("/usr/bin/terraform"))
    script = f'set -eu; . "{project.tools}/activate"; . "{project.tools}/activate"; {show}'
    said = subprocess.run(
        [by, "-c", script], env=dict(project.environ), cwd="/", capture_output=True, text=True, check=True
    )
    return said.stdout.strip()


def test_an_existing_terraform_configuration_is_kept(make_project: MakeProject, tmp_path: Path, opt: Path) -> None:
    provider(opt / "mirror")
    own = tmp_path / "own.rc"
    own.write_text("provider_installation {}")
    project = make_project(TF_CLI_CONFIG_FILE=own)
    found = bring_up_to_date(project, provider_step(project, LINUX, opt))
    assert found["note"] == "left to your TF_CLI_CONFIG_FILE"
    (project.tools / "terraform.rc").touch()
    assert activated(project, 'echo "$TF_CLI_CONFIG_FILE $CDKTF_SKIP_PROVIDER_LOCK"') == f"{own} true"


def test_a_terraform_configuration_that_is_not_there_is_overridden(make_project: MakeProject, opt: Path) -> None:
    provider(opt / "mirror")
    project = make_project(TF_CLI_CONFIG_FILE="/no/such/file")
    bring_up_to_date(project, provider_step(project, LINUX, opt))
    given = f"{project.tools}/terraform.rc"
    assert activated(project, 'echo "$TF_CLI_CONFIG_FILE"') == given
    assert activated(make_project(TF_CLI_CONFIG_FILE=given), 'echo "$TF_CLI_CONFIG_FILE"') == given
    assert make_project(TF_CLI_CONFIG_FILE=given).user_terraform_config is None


def test_activation_puts_the_projects_programs_first_and_once(make_project: MakeProject) -> None:
    project = make_project()
    first = f"{project.venv}/bin:{project.root}/node_modules/.bin"
    assert activated(project, 'echo "$PATH $VIRTUAL_ENV"') == f"{first}:{os.defpath} {project.venv}"


def test_activation_leads_to_a_fetched_terraform(make_project: MakeProject) -> None:
    project = make_project()
    write_activation(project, terraform(project.tools / "bin", "1.11.4"))
    said = subprocess.run(
        ["sh", "-c", f'. "{project.tools}/activate"; command -v terraform'], capture_output=True, text=True
    )
    assert said.stdout.strip() == f"{project.tools}/bin/terraform"


@pytest.mark.parametrize("by", [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)])
def test_activation_keeps_approval_prompts_and_the_home_directory(make_project: MakeProject, by: str) -> None:
    project = make_project()
    (project.tools / "terraform.rc").touch()
    show = 'echo "${CI:-none} $CDKTF_HOME $CDKTF_DISABLE_PLUGIN_CACHE_ENV $CHECKPOINT_DISABLE"'
    assert activated(project, show, by=by) == f"none {project.tools}/cdktf true 1"


def test_activation_is_not_written_again_without_need(make_project: MakeProject) -> None:
    project = make_project()
    write_activation(project, Path("/usr/bin/terraform"))
    before = (project.tools / "activate").stat().st_mtime_ns
    write_activation(project, Path("/usr/bin/terraform"))
    assert (project.tools / "activate").stat().st_mtime_ns == before
