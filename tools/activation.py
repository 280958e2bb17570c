"""The shell file by which a shell, and every target of the Makefile, uses what set-up installed."""

import shlex
from pathlib import Path

from tools.steps import Project

TEMPLATE = """\
# To be sourced by sh, bash or zsh: . .tools/activate
# Written by `make setup`, which writes it again after the project has been moved.
_dr_root={root}
_dr_path="{path}"
case "$PATH" in
  "$_dr_path":*) ;;
  *) PATH="$_dr_path:$PATH" ;;
esac
VIRTUAL_ENV="$_dr_root/.venv"
export PATH VIRTUAL_ENV
unset PYTHONHOME
# The set-up compiles nothing: what a synthesis uses of the AWS bindings is compiled once, when it is first used.
unset PYTHONDONTWRITEBYTECODE
{settings}

# A Terraform configuration file of the user's own decides where providers come from, if it is there.
case "${{TF_CLI_CONFIG_FILE:-}}" in
  */.tools/terraform.rc) unset TF_CLI_CONFIG_FILE ;;
esac
if [ -f "${{TF_CLI_CONFIG_FILE:-}}" ]; then
  if grep -q provider_installation "$TF_CLI_CONFIG_FILE"; then
    export CDKTF_SKIP_PROVIDER_LOCK=true
  fi
elif [ -f "$_dr_root/.tools/terraform.rc" ]; then
  # Terraform links the unpacked provider: a cache would only copy it, and locking would fetch it from its registry.
  export TF_CLI_CONFIG_FILE="$_dr_root/.tools/terraform.rc"
  export CDKTF_SKIP_PROVIDER_LOCK=true
  export CDKTF_DISABLE_PLUGIN_CACHE_ENV=true
  unset TF_PLUGIN_CACHE_DIR
else
  unset TF_CLI_CONFIG_FILE
fi
unset _dr_root _dr_path
"""


def write_activation(project: Project, terraform: Path) -> None:
    """`.tools/activate` leads to this project's Python, cdktf and Terraform; it is left alone when it does already."""
    directories = ["$_dr_root/.venv/bin", "$_dr_root/node_modules/.bin"]
    if terraform.parent == project.tools / "bin":
        directories.append("$_dr_root/.tools/bin")
    text = TEMPLATE.format(
        root=shlex.quote(str(project.root)),
        path=":".join(directories),
        settings="\n".join(f"export {name}={shlex.quote(value)}" for name, value in project.quiet.items()),
    )
    target = project.tools / "activate"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
