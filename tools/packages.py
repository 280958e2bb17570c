"""Python packages, locked by their hashes: the virtual environments, and what the Lambda bundle is made from."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.steps import Project, SetupError, Step, digest, run

LAMBDA_PYTHON = "3.13"
LAMBDA_TAG = f"cpython-{LAMBDA_PYTHON.replace('.', '')}"
# `--no-compile`: compiling every module of the AWS bindings takes a minute, for the few that are ever imported.
INSTALL = (
    *("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"),
    *("install", "--require-hashes", "--no-compile"),
)
# Resolved for the Lambda runtime, not for the Python that runs pip, and from wheels for any platform only.
FOR_LAMBDA = (
    *("--python-version", LAMBDA_PYTHON, "--implementation", "py", "--abi", "none", "--platform", "any"),
    *("--only-binary", ":all:", "--no-deps"),
)
# What pip notes about the installation itself.
NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# Settings that would make pip or venv install anywhere else.
ASTRAY = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}


def python_step(project: Project) -> Step:
    """`.venv` holds what requirements/dev.txt locks."""
    return _environment(project, project.venv, "Python packages", "dev")


def scanner_step(project: Project, name: str) -> Step:
    """`.tools/<name>` is a virtual environment of its own with what requirements/<name>.txt locks."""
    return _environment(project, project.tools / name, f"Packages of {name}", name)


def bundle_step(project: Project) -> Step:
    """`.tools/bundle` holds the packages of the Lambda bundle: pure Python, and the same bytes on every machine."""
    lock = project.root / "requirements" / "bundle.txt"
    bundle = project.tools / "bundle"

    def build(again: bool) -> dict[str, str]:
        require_unconditional(lock)
        partial = bundle.with_name("bundle.partial")
        shutil.rmtree(partial, ignore_errors=True)
        failure = (
            "The Lambda bundle's packages could not be installed: see pip's lines above. Only wheels for any platform "
            "are taken, because the bundle runs on every architecture."
        )
        _python(
            project, [str(project.python), *INSTALL, *FOR_LAMBDA, "--target", str(partial), "-r", str(lock)], failure
        )
        require_pure(partial)
        forget_machine(partial)
        shutil.rmtree(bundle, ignore_errors=True)
        shutil.rmtree(project.tools / "bytecode", ignore_errors=True)  # of other packages, perhaps
        partial.rename(bundle)
        return {"path": str(bundle), "note": f"{_locked(lock)} in .tools/bundle"}

    return Step(name="bundle", title="Lambda packages", inputs=[digest(lock), FOR_LAMBDA], build=build)


def bytecode_step(project: Project, node: str) -> Step:
    """`.tools/bytecode` holds the bundle's packages compiled, by the Python in `node_modules`, for that of Lambda."""
    bundle, bytecode = project.tools / "bundle", project.tools / "bytecode"
    compiler = [Path(__file__).with_name(name) for name in ("pyodide.mjs", "compile_bundle.py")]

    def build(again: bool) -> dict[str, str]:
        partial = bytecode.with_name("bytecode.partial")
        for stale in (bytecode, partial):
            shutil.rmtree(stale, ignore_errors=True)
        partial.mkdir()
        failure = (
            "The Lambda bundle's packages could not be compiled: see the lines above. If pyodide is missing, remove "
            "node_modules and run this again."
        )
        command = [node, *map(str, [*compiler, bundle, partial])]
        said = run(command, failure, cwd=project.root, env=project.environ).strip()
        if said != LAMBDA_TAG:
            raise SetupError(f"package.json must pin a pyodide with Python {LAMBDA_PYTHON}, got one with: '{said}'")
        partial.rename(bytecode)
        return {"path": str(bytecode), "note": f"compiled for Python {LAMBDA_PYTHON}, in .tools/bytecode"}

    inputs = [bundle_step(project).inputs, *map(digest, [project.root / "package-lock.json", *compiler])]
    return Step(name="bytecode", title="Lambda packages", inputs=inputs, build=build)


def require_unconditional(lock: Path) -> None:
    """Every package of the lock file is for every platform and every Python.

    pip would answer a condition for the Python that runs it, and the bundle would differ from machine to machine.

    Raises:
        SetupError: one is not.
    """
    for line in lock.read_text().splitlines():
        requirement = line.partition("#")[0].rstrip(" \\")
        if ";" in requirement:
            raise SetupError(f"'{lock.name}' must lock packages for every platform, got: '{requirement}'")


def require_pure(bundle: Path) -> None:
    """Every package in the directory is pure Python.

    Raises:
        SetupError: one is not.
    """
    for wheel in sorted(bundle.glob("*.dist-info/WHEEL")):
        tags = [line.partition(":")[2].strip() for line in wheel.read_text().splitlines() if line.startswith("Tag:")]
        if not any(tag.endswith("-none-any") for tag in tags):
            raise SetupError(f"'{wheel.parent.name}' must be a wheel for any platform, got: '{', '.join(tags)}'")


def forget_machine(bundle: Path) -> None:
    """Nothing in the directory tells where it was installed, or by which pip."""
    shutil.rmtree(bundle / "bin", ignore_errors=True)  # scripts that begin with the path of this machine's Python
    for name in NOTES:
        for note in bundle.glob(f"*.dist-info/{name}"):
            note.unlink()


def _environment(project: Project, venv: Path, title: str, locked: str) -> Step:
    """The virtual environment holds what a lock file names."""
    lock = project.root / "requirements" / f"{locked}.txt"
    python = venv / "bin" / "python"

    def build(again: bool) -> dict[str, str]:
        if again or not _is_ours(venv):
            # From inside the virtual environment that is about to go, this is the Python it was made with.
            maker = getattr(sys, "_base_executable", sys.executable)
            failure = f"No virtual environment could be made with {maker}: see its lines above."
            _python(project, [maker, "-m", "venv", "--clear", str(venv)], failure)
        failure = "The Python packages could not be installed: see pip's lines above, then run this again."
        _python(project, [str(python), *INSTALL, "-r", str(lock)], failure)
        return {"path": str(python), "note": f"{_locked(lock)} in {venv.relative_to(project.root)}"}

    inputs = [sys.version, sys.base_prefix, digest(lock)]
    name = "python" if venv == project.venv else venv.name
    return Step(name=name, title=title, inputs=inputs, build=build)


def _python(project: Project, command: list[str], failure: str) -> None:
    env = {name: value for name, value in project.environ.items() if name not in ASTRAY}
    run(command, failure, cwd=project.root, env=env)


def _is_ours(venv: Path) -> bool:
    """The virtual environment was made in this place, by the Python that is running, and runs."""
    try:
        about = dict(line.partition(" = ")[::2] for line in (venv / "pyvenv.cfg").read_text().splitlines())
        ask = subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], capture_output=True)
    except OSError:
        return False
    version = ".".join(map(str, sys.version_info[:3]))
    return ask.returncode == 0 and about.get("version") == version and about.get("command", "").endswith(f" {venv}")


def _locked(lock: Path) -> int:
    """How many packages a lock file names."""
    return sum("==" in line for line in lock.read_text().splitlines() if not line.startswith((" ", "#")))
