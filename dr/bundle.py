"""The zip of the Lambda functions, the same bytes on every machine."""

import functools
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
# The pinned pure-Python dependencies, put there by the set-up.
DEPENDENCIES = ROOT / ".tools" / "bundle"
# The same, compiled for the runtime's Python: a function's code is read-only, so that each start would compile it anew.
COMPILED = ROOT / ".tools" / "bytecode"
BUNDLE = ROOT / "build" / "functions.zip"

# The first date that a zip can hold.
DATE = (1980, 1, 1, 0, 0, 0)
# What installers write about the machine that they ran on, what its Python compiled, and a page for browsers.
_LEFT_OUT = {"__pycache__", "bin", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
_LEFT_OUT_SUFFIXES = {".pyc", ".js", ".css"}


def build_bundle(
    target: Path = BUNDLE,
    *,
    functions: Path = FUNCTIONS,
    dependencies: Path = DEPENDENCIES,
    compiled: Path = COMPILED,
) -> Path:
    """Write the functions, their dependencies and these compiled to `target`: sorted, dated alike, stored.

    Stored and not deflated, for compressors differ from machine to machine and the bytes would too.

    Raises:
        FileNotFoundError: When the dependencies have not been installed.
    """
    for folder in (dependencies, compiled):
        if not folder.is_dir():
            raise FileNotFoundError(f"of the functions' dependencies this is missing, run `make setup`: {folder}")
    sources = [*_shipped(functions, functions.parent), *_shipped(dependencies, dependencies)]
    entries = dict(sorted([*sources, *_files(compiled, compiled)]))
    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as bundle:
        for name, path in entries.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            bundle.writestr(entry, path.read_bytes())
    # In a file of its own until it is whole: a synthesis beside this one never sees half a bundle.
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as unfinished:
        unfinished.write(content.getbuffer())
    return Path(unfinished.name).replace(target)


@functools.cache
def functions_bundle() -> Path:
    """The bundle of this project's functions, written once a process."""
    return build_bundle()


def _shipped(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _files(folder, root):
        if path.suffix not in _LEFT_OUT_SUFFIXES and _LEFT_OUT.isdisjoint(name.split("/")):
            yield name, path


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    return ((path.relative_to(root).as_posix(), path) for path in folder.rglob("*") if path.is_file())
