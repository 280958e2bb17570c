"""The functions' bundle has the same bytes everywhere."""

import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dr.bundle import DEPENDENCIES, FUNCTIONS, build_bundle

import pytest


def test_bundle_has_the_same_bytes_in_another_folder_and_with_caches(tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    shutil.copytree(FUNCTIONS, elsewhere / "functions")
    shutil.copytree(DEPENDENCIES, elsewhere / "dependencies")
    cache = elsewhere / "functions" / "api" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "handler.cpython-313.pyc").write_bytes(b"cached")
    (elsewhere / "dependencies" / "attrs-0.dist-info").mkdir()
    (elsewhere / "dependencies" / "attrs-0.dist-info" / "RECORD").write_text("of this machine")
    for path in sorted(elsewhere.rglob("*"), reverse=True):
        path.touch()
    one = build_bundle(tmp_path / "one.zip")
    other = build_bundle(
        tmp_path / "other.zip", functions=elsewhere / "functions", dependencies=elsewhere / "dependencies"
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
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib", ".pyc"))]


def test_bundle_stays_under_five_megabytes(tmp_path: Path) -> None:
    assert build_bundle(tmp_path / "functions.zip").stat().st_size < 5_000_000


def test_rejects_dependencies_that_are_not_installed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `make setup`"):
        build_bundle(tmp_path / "functions.zip", dependencies=tmp_path / "nothing")


def test_bundles_written_at_once_are_all_whole(tmp_path: Path) -> None:
    target = tmp_path / "functions.zip"
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: is_whole(build_bundle(target)), range(8)))
    assert written == [True] * 8
    assert list(tmp_path.iterdir()) == [target]


def is_whole(path: Path) -> bool:
    """Whether every file of a zip has the checksum that it says."""
    with zipfile.ZipFile(path) as bundle:
        return bundle.testzip() is None
