"""Where the demonstration may put its files: it empties the folder first."""

from io import StringIO
from pathlib import Path

from drill.demo import run
from drill.story import DemoError

import pytest
from rich.console import Console


@pytest.mark.parametrize("name", ["folder", "folder/notes.txt"])
def test_rejects_a_folder_that_holds_what_no_demonstration_left(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (notes := folder / "notes.txt").write_text("mine")
    with pytest.raises(DemoError, match="must be new, empty or an earlier demonstration"):
        run(Console(file=StringIO()), tmp_path / name, keep=False)
    assert notes.read_text() == "mine"
