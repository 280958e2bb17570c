"""Writes what the functions' bundle and the infrastructure are made of, as CycloneDX: ``python -m tools.sbom``.

From the lock files alone, and the same bytes every time: without a date or a serial number.
"""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.terraform import PINNED, PROVIDER_VERSION

ROOT = Path(__file__).resolve().parent.parent
SCHEMA_VERSION = "1.6"
GENERATOR = ROOT / ".tools" / "supply" / "bin" / "cyclonedx-py"
OPTIONS = ("--pyproject", "pyproject.toml", "--output-reproducible", "--spec-version", SCHEMA_VERSION)

Component = dict[str, Any]
Bill = dict[str, Any]


def write_bills(folder: Path) -> list[Path]:
    """`bundle.cdx.json` and `infrastructure.cdx.json` are in the folder."""
    infrastructure = python_packages("infra")
    infrastructure["components"] += [*npm_packages(ROOT / "package-lock.json"), *terraform()]
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, bill in {"bundle": python_packages("bundle"), "infrastructure": infrastructure}.items():
        path = folder / f"{name}.cdx.json"
        path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        written.append(path)
    return written


def python_packages(lock: str) -> Bill:
    """The bill of what `requirements/<lock>.txt` locks.

    Raises:
        FileNotFoundError: When the generator has not been installed.
    """
    if not GENERATOR.exists():
        raise FileNotFoundError(f"the generator of bills of materials is missing, run `make scanners`: {GENERATOR}")
    command = [str(GENERATOR), "requirements", f"requirements/{lock}.txt", *OPTIONS]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    bill: Bill = json.loads(done.stdout)
    return bill


def npm_packages(lock: Path) -> list[Component]:
    """Each package that a package-lock.json locks, once a version."""
    found: dict[str, Component] = {}
    for path, package in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        name = path.rpartition("node_modules/")[2]
        if not name:
            continue  # the project itself
        component = _component("library", name, package["version"], f"pkg:npm/{quote(name)}@{package['version']}")
        if integrity := package.get("integrity", ""):  # those that a package brings inside itself have none
            algorithm, _, digest = integrity.partition("-")
            content = base64.b64decode(digest).hex()
            component["hashes"] = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": content}]
        found.setdefault(component["purl"], component)
    return list(found.values())


def terraform() -> list[Component]:
    """Terraform, as it is fetched where there is none, and its AWS provider."""
    named = {"terraform": PINNED, "terraform-provider-aws": PROVIDER_VERSION}
    return [_component("application", name, v, f"pkg:github/hashicorp/{name}@v{v}") for name, v in named.items()]


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    for bill_of_materials in write_bills(ROOT / "build"):
        print(bill_of_materials.relative_to(ROOT))  # noqa: T201 - what this command is for
