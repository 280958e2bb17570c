import base64
import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

from dr.bundle import COMPILED, DEPENDENCIES, ROOT
from tools.node import cdktf_step, node_step
from tools.packages import (
    bundle_step,
    bytecode_step,
    forget_machine,
    python_step,
    require_pure,
    require_unconditional,
    scanner_step,
)
from tools.steps import Project, SetupError, bring_up_to_date

import pytest


def wheel(directory: Path, tag: str) -> str:
    """A wheel of one module for the tag is in the directory; the line that locks it is returned."""
    info = "tiny-1.0.dist-info"
    contents = {
        "tiny.py": "ANSWER = 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
    }
    sums = {name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for name, text in contents.items()}
    record = [f"{name},sha256={value.decode().rstrip('=')},{len(contents[name])}" for name, value in sums.items()]
    path = directory / f"tiny-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return f"tiny==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose packages come from its own folder and whose Python is the one that runs the tests."""
    root = tmp_path / "the project"
    (root / "requirements").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": root.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    # A link into a virtual environment is not one: the packages have to be found by name.
    return Project(root=root, environ={"PATH": os.environ["PATH"], "PYTHONPATH": "/astray", **pip})


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.slow
def test_the_virtual_environment_is_made_anew_after_an_interrupted_install(project: Project) -> None:
    (project.root / "requirements" / "dev.txt").write_text(wheel(project.root, "py3-none-any"))
    stamp = project.tools / "stamps" / "python.json"
    stamp.parent.mkdir(parents=True)
    stamp.write_text("")
    half_done = project.venv / "half-done"
    half_done.touch()

    bring_up_to_date(project, python_step(project))

    assert (project.venv / "bin" / "tiny").exists()
    assert not half_done.exists()


@pytest.mark.slow
def test_a_scanner_has_an_environment_of_its_own(project: Project) -> None:
    (project.root / "requirements" / "checkov.txt").write_text(wheel(project.root, "py3-none-any"))
    bring_up_to_date(project, scanner_step(project, "checkov"))
    assert (project.tools / "checkov" / "bin" / "tiny").exists()
    assert not (project.venv / "bin" / "tiny").exists()


def test_bundle_holds_the_package_and_nothing_of_this_machine(project: Project) -> None:
    (project.root / "requirements" / "bundle.txt").write_text(wheel(project.root, "py3-none-any"))
    bundle = Path(bring_up_to_date(project, bundle_step(project))["path"])
    held = sorted(str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file())
    assert held == [
        "tiny-1.0.dist-info/METADATA",
        "tiny-1.0.dist-info/WHEEL",
        "tiny-1.0.dist-info/entry_points.txt",
        "tiny.py",
    ]


def test_rejects_a_compiler_of_another_python_and_leaves_nothing_that_was_compiled_before(project: Project) -> None:
    (project.root / "requirements" / "bundle.txt").write_text(wheel(project.root, "py3-none-any"))
    (project.root / "package-lock.json").write_text("{}")
    (project.tools / "bytecode").mkdir(parents=True)
    program(project.root / "node", "echo cpython-314")
    with pytest.raises(
        SetupError, match=r"^package\.json must pin a pyodide with Python 3\.13, got .*: 'cpython-314'$"
    ):
        bring_up_to_date(project, bytecode_step(project, str(project.root / "node")))
    assert not (project.tools / "bytecode").exists()


def test_packages_that_are_installed_anew_are_compiled_anew(project: Project) -> None:
    lock = project.root / "requirements" / "bundle.txt"
    lock.write_text(wheel(project.root, "py3-none-any"))
    (project.root / "package-lock.json").write_text("{}")
    program(project.root / "node", "echo compiled >> times; echo cpython-313")

    def compiled() -> int:
        bring_up_to_date(project, bundle_step(project))
        bring_up_to_date(project, bytecode_step(project, str(project.root / "node")))
        return len((project.root / "times").read_text().splitlines())

    assert (compiled(), compiled()) == (1, 1)
    lock.write_text(f"# another\n{lock.read_text()}")
    assert compiled() == 2
    (project.root / "package-lock.json").write_text('{"another": 1}')
    assert compiled() == 3


@pytest.mark.slow
def test_packages_compile_to_the_same_bytes_again(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/bundle.txt", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(DEPENDENCIES, tmp_path / ".tools" / "bundle")
    project = Project(root=tmp_path, environ=os.environ)
    again = Path(bring_up_to_date(project, bytecode_step(project, "node"))["path"])
    assert held(again) == held(COMPILED)


def held(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rejects_a_bundle_package_for_one_architecture(project: Project) -> None:
    (project.root / "requirements" / "bundle.txt").write_text(wheel(project.root, "cp313-cp313-manylinux2014_aarch64"))
    with pytest.raises(SetupError, match=r"Only wheels for any platform are taken"):
        bring_up_to_date(project, bundle_step(project))
    assert not (project.tools / "bundle").exists()


def test_rejects_a_bundle_package_with_another_hash(project: Project) -> None:
    line = wheel(project.root, "py3-none-any")
    (project.root / "requirements" / "bundle.txt").write_text(line[:-65] + "0" * 64 + "\n")
    with pytest.raises(SetupError, match=r"(?s)DO NOT MATCH THE HASHES.*could not be installed"):
        bring_up_to_date(project, bundle_step(project))


def test_rejects_a_compiled_wheel_that_got_in(tmp_path: Path) -> None:
    about = tmp_path / "tiny-1.0.dist-info" / "WHEEL"
    about.parent.mkdir()
    about.write_text("Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n")
    require_pure(tmp_path)
    about.write_text("Wheel-Version: 1.0\nTag: cp313-cp313-macosx_11_0_arm64\n")
    with pytest.raises(SetupError, match=r"'tiny-1\.0\.dist-info' must be a wheel for any platform, got: 'cp313-"):
        require_pure(tmp_path)


def test_rejects_a_bundle_package_for_some_pythons_only(tmp_path: Path) -> None:
    lock = tmp_path / "bundle.txt"
    lock.write_text("tiny==1.0 \\\n    --hash=sha256:00 # a comment; with a semicolon\n")
    require_unconditional(lock)
    lock.write_text("tiny==1.0 ; python_full_version < '3.13' \\\n    --hash=sha256:00\n")
    with pytest.raises(
        SetupError, match=r"^'bundle\.txt' must lock .*, got: 'tiny==1\.0 ; python_full_version < '3\.13''$"
    ):
        require_unconditional(lock)


def test_scripts_and_installation_notes_are_forgotten(tmp_path: Path) -> None:
    for name in ("bin/tiny", "tiny-1.0.dist-info/RECORD", "tiny-1.0.dist-info/METADATA"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    forget_machine(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["METADATA"]


@pytest.fixture
def node_project(tmp_path: Path) -> Project:
    """A project with a Node.js and an npm of its own on PATH, which installs a cdktf-cli 0.21.0."""
    programs = tmp_path / "programs"
    program(programs / "node", "echo v20.1.0")
    program(tmp_path / "cdktf", 'echo 0.21.0; echo "a warning about something else"')
    install = f"rm -rf node_modules && mkdir -p node_modules/.bin && cp '{tmp_path}/cdktf' node_modules/.bin/cdktf"
    program(programs / "npm", f'echo "$@" >> npm.log; case "$1" in ci) {install} ;; ls) test ! -e broken ;; esac')
    (tmp_path / "package.json").write_text('{"devDependencies": {"cdktf-cli": "0.21.0"}}')
    (tmp_path / "package-lock.json").write_text("{}")
    return Project(root=tmp_path, environ={"PATH": f"{programs}{os.pathsep}{os.defpath}"})


def test_node_is_taken_from_path(node_project: Project) -> None:
    assert bring_up_to_date(node_project, node_step(node_project))["note"] == "20.1.0 on PATH"


def test_rejects_a_node_that_is_too_old(node_project: Project) -> None:
    program(node_project.root / "programs" / "node", "echo v18.19.1")
    with pytest.raises(SetupError, match=r"^Node\.js 20 or newer is needed, with npm: .*node is 18\.19\.1\.$"):
        bring_up_to_date(node_project, node_step(node_project))


def test_rejects_a_machine_without_node(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"^Node\.js 20 or newer is needed, with npm: node is not on PATH\.$"):
        node_step(Project(root=tmp_path, environ={"PATH": str(tmp_path)}))


def test_cdktf_is_installed_without_install_scripts(node_project: Project) -> None:
    bring_up_to_date(node_project, cdktf_step(node_project))
    assert "ci --ignore-scripts" in (node_project.root / "npm.log").read_text()


def test_modules_that_agree_with_the_lock_are_adopted(node_project: Project) -> None:
    program(node_project.cdktf, "echo 0.21.0")
    bring_up_to_date(node_project, cdktf_step(node_project))
    assert "ci" not in (node_project.root / "npm.log").read_text()


def test_modules_that_disagree_with_the_lock_are_installed_again(node_project: Project) -> None:
    program(node_project.cdktf, "echo 0.21.0")
    (node_project.root / "broken").touch()
    bring_up_to_date(node_project, cdktf_step(node_project))
    assert "ci" in (node_project.root / "npm.log").read_text()


def test_rejects_another_cdktf_than_package_json_pins(node_project: Project) -> None:
    program(node_project.root / "cdktf", "echo 0.20.0")
    with pytest.raises(SetupError, match=r"wants cdktf-cli 0\.21\.0, but what was installed is 0\.20\.0"):
        bring_up_to_date(node_project, cdktf_step(node_project))
