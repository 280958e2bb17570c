"""The functions' bundle has the same bytes everywhere."""

import _imp
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dr.bundle import COMPILED, DEPENDENCIES, FUNCTIONS, ROOT, build_bundle
from dr.resources.function import RUNTIME

import pytest

TAG = RUNTIME.replace("python", "cpython-").replace(".", "")
# How all bytecode of CPython 3.13 begins: 3571, and an end of line that no transfer of text leaves alone.
MAGIC = (3571).to_bytes(2, "little") + b"\r\n"


def test_bundle_has_the_same_bytes_in_another_folder_and_with_caches(tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    shutil.copytree(FUNCTIONS, elsewhere / "functions")
    shutil.copytree(DEPENDENCIES, elsewhere / "dependencies")
    cache = elsewhere / "functions" / "api" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "handler.cpython-313.pyc").write_bytes(b"cached")
    (elsewhere / "dependencies" / "attrs-0.dist-info").mkdir()
    (elsewhere / "dependencies" / "attrs-0.dist-info" / "RECORD").write_text("of this machine")
    shutil.copytree(COMPILED, elsewhere / "compiled")
    for path in sorted(elsewhere.rglob("*"), reverse=True):
        path.touch()
    one = build_bundle(tmp_path / "one.zip")
    other = build_bundle(
        tmp_path / "other.zip",
        functions=elsewhere / "functions",
        dependencies=elsewhere / "dependencies",
        compiled=elsewhere / "compiled",
    )
    assert one.read_bytes() == other.read_bytes()


def test_bundle_changes_with_the_code(tmp_path: Path) -> None:
    shutil.copytree(FUNCTIONS, tmp_path / "functions")
    before = build_bundle(tmp_path / "before.zip", functions=tmp_path / "functions").read_bytes()
    (tmp_path / "functions" / "new.py").write_text("")
    assert build_bundle(tmp_path / "after.zip", functions=tmp_path / "functions").read_bytes() != before


def test_bundle_holds_the_handler_and_runs_on_any_architecture(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_bundle(tmp_path / "functions.zip")) as bundle:
        names = bundle.namelist()
    assert {"functions/api/handler.py", "attrs/__init__.py", "aws_lambda_powertools/__init__.py"} <= set(names)
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]


def test_every_package_is_compiled_for_the_runtime_by_its_header(modules: dict[str, bytes]) -> None:
    assert compiled_otherwise(modules) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("attr/_make.py", b"changed"),
        ("attr/new.py", b""),
        (f"attr/__pycache__/_make.{TAG}.pyc", b"\xa7\r\r\n" + b"\0" * 12),
        (f"attr/__pycache__/_make.{TAG}.pyc", b""),
    ],
)
def test_a_header_of_another_source_or_python_is_noticed(name: str, content: bytes, modules: dict[str, bytes]) -> None:
    assert compiled_otherwise({**modules, name: content}) == [
        name.replace("__pycache__/", "").replace(f"{TAG}.pyc", "py")
    ]


def test_bundle_stays_under_five_megabytes(tmp_path: Path) -> None:
    assert build_bundle(tmp_path / "functions.zip").stat().st_size < 5_000_000


@pytest.mark.parametrize("missing", ["dependencies", "compiled"])
def test_rejects_dependencies_that_are_not_installed(missing: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"this is missing, run `make setup`: .*nothing$"):
        build_bundle(tmp_path / "functions.zip", **{missing: tmp_path / "nothing"})


def test_bundles_written_at_once_are_all_whole(tmp_path: Path) -> None:
    target = tmp_path / "functions.zip"
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: is_whole(build_bundle(target)), range(8)))
    assert written == [True] * 8
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
def test_the_runtimes_python_imports_the_packages_without_compiling_any(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_bundle(tmp_path / "functions.zip")) as bundle:
        bundle.extractall(tmp_path / "unpacked")
    command = ["node", "tools/pyodide.mjs", "tests/import_bundle.py", str(tmp_path / "unpacked")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{TAG} attrs aws_lambda_powertools jmespath\n", "")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The Python modules of the bundle, sources and bytecode, by their names."""
    with zipfile.ZipFile(build_bundle(tmp_path_factory.mktemp("bundle") / "functions.zip")) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist() if name.endswith((".py", ".pyc"))}


def compiled_otherwise(modules: dict[str, bytes]) -> list[str]:
    """The sources of packages whose bytecode the runtime's Python would not take: it compares versions and hashes."""
    packages = [name for name in modules if name.endswith(".py") and not name.startswith("functions/")]
    return [name for name in packages if modules.get(bytecode_of(name), b"")[:16] != header(modules[name])]


def bytecode_of(name: str) -> str:
    """Where Python looks for the bytecode of a module."""
    return str(Path(name).parent / "__pycache__" / f"{Path(name).stem}.{TAG}.pyc")


def header(source: bytes) -> bytes:
    """How bytecode begins that Python compares with its source: the version, a flag, and the source's hash."""
    return MAGIC + (0b11).to_bytes(4, "little") + _imp.source_hash(int.from_bytes(MAGIC, "little"), source)


def is_whole(path: Path) -> bool:
    """Whether every file of a zip has the checksum that it says."""
    with zipfile.ZipFile(path) as bundle:
        return bundle.testzip() is None
