"""A machine to set the project up on: what its programs and folders hold."""

import json
from collections.abc import Callable
from pathlib import Path

from tools.steps import Project
from tools.terraform import PROVIDER, PROVIDER_VERSION

# A project in an environment of these variables.
MakeProject = Callable[..., Project]
LINUX = {"path": "terraform", "platform": "linux_amd64"}


def terraform(directory: Path, version: str, *, init: str = "exit 1") -> Path:
    """A program that says it is Terraform of this version, after a warning, and whose init does as told."""
    said = json.dumps({"terraform_version": version, "platform": "linux_amd64"})
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "terraform"
    program.write_text(
        f"#!/bin/sh\ncase $1 in\nversion) echo 'Warning: odd'; echo '{said}' ;;\ninit) {init} ;;\nesac\n"
    )
    program.chmod(0o755)
    return program


def provider(mirror: Path, target: str = "linux_amd64", version: str = PROVIDER_VERSION) -> Path:
    """The mirror holds the provider, unpacked."""
    held = mirror / PROVIDER / version / target / f"terraform-provider-aws_v{version}_x5"
    held.parent.mkdir(parents=True)
    held.touch()
    return mirror
