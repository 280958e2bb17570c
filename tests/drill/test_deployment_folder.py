"""Where the demonstration and the drill put what they deploy: they empty the folder first."""

from pathlib import Path

from drill.deployment import DeploymentError, emptied

import pytest


@pytest.mark.parametrize("name", ["folder", "folder/notes.txt", "link", "link/notes.txt"])
def test_rejects_a_folder_that_holds_what_no_run_left(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    (notes := folder / "notes.txt").write_text("mine")
    with pytest.raises(
        DeploymentError, match="it must be new, empty or of an earlier run: name another or remove it, got: "
    ):
        emptied(tmp_path / name)
    assert notes.read_text() == "mine"


def test_a_folder_is_made_once_and_emptied_of_what_a_run_left_there(tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    folder = emptied(tmp_path / "some" / "folder")
    for _ in range(2):
        (folder / "state").mkdir()
        (folder / "state" / "terraform.tfstate").write_text("{}")
        (folder / "link").symlink_to(other)
        assert emptied(folder) == folder
        assert [each.name for each in folder.iterdir()] == [".drill"]
    assert other.exists()


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    assert emptied(tmp_path) == tmp_path.resolve()
