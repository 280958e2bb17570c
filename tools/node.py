"""Node.js, which jsii and the CDKTF command line run on, and that command line."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tools.steps import Project, SetupError, Step, digest, identity, run

OLDEST = 20
# `--ignore-scripts`: the one install script builds a terminal that cdktf does without.
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def node_step(project: Project) -> Step:
    """Node.js is there and new enough.

    Raises:
        SetupError: it is not there.
    """
    wanted = f"Node.js {OLDEST} or newer is needed, with npm"
    found, npm = (shutil.which(name, path=project.environ.get("PATH")) for name in ("node", "npm"))
    if not found or not npm:
        raise SetupError(f"{wanted}: {'npm' if found else 'node'} is not on PATH.")
    node = Path(found)

    def build(again: bool) -> dict[str, str]:
        failure = f"{wanted}: {node} does not run."
        version = run([found, "--version"], failure, cwd=project.root, env=project.environ).strip().lstrip("v")
        if int(version.partition(".")[0]) < OLDEST:
            raise SetupError(f"{wanted}: {node} is {version}.")
        return {"path": str(node), "note": f"{version} on PATH"}

    return Step(name="node", title="Node.js", inputs=[identity(node), OLDEST], build=build)


def cdktf_step(project: Project) -> Step:
    """`node_modules` holds exactly what package-lock.json locks, and its cdktf runs."""
    manifest, lock = project.root / "package.json", project.root / "package-lock.json"
    inputs = [digest(manifest), digest(lock)]
    wanted = str(json.loads(manifest.read_text())["devDependencies"]["cdktf-cli"])
    env = {
        **project.environ,
        **project.quiet,
        "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "true",
        "TF_CLI_CONFIG_FILE": os.devnull,
    }

    def build(again: bool) -> dict[str, str]:
        if again or not _npm_agrees(project):
            failure = "cdktf-cli and pyodide could not be installed: see npm's lines above, then run this again."
            run(INSTALL, failure, cwd=project.root, env=env)
        failure = "cdktf-cli is installed but does not run: see its lines above."
        said = run([str(project.cdktf), "--version"], failure, cwd=project.root, env=env)
        version = said.partition("\n")[0]  # its warnings follow
        if version != wanted:
            raise SetupError(f"package.json wants cdktf-cli {wanted}, but what was installed is {version}.")
        return {"path": str(project.cdktf), "note": f"{version} in node_modules"}

    return Step(name="cdktf", title="cdktf-cli", inputs=inputs, build=build)


def _npm_agrees(project: Project) -> bool:
    """Modules that were there before set-up looked after them are what the lock file says."""
    if not project.cdktf.exists():
        return False
    listing = ["npm", "ls", "--all", "--loglevel=silent"]
    return subprocess.run(listing, env=project.environ, cwd=project.root, capture_output=True).returncode == 0
