import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from tools.setup import alone
from tools.steps import Project, SetupError, Step, bring_up_to_date, digest, run

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(root=tmp_path, environ={"PATH": os.defpath})


def recorded(project: Project, builds: list[bool]) -> Callable[[bool], dict[str, str]]:
    """A build that makes a file and notes whether it was told to start from nothing."""

    def build(again: bool) -> dict[str, str]:
        builds.append(again)
        made = project.root / "made"
        made.touch()
        return {"path": str(made)}

    return build


def test_a_second_run_builds_nothing_and_says_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    builds: list[bool] = []
    step = Step(name="step", title="A step", inputs=["a"], build=recorded(project, builds))

    first = bring_up_to_date(project, step)
    assert capsys.readouterr().err.startswith("A step: installed (")
    assert bring_up_to_date(project, step) == first
    assert capsys.readouterr().err == ""
    assert builds == [False]


def test_a_changed_input_builds_again_from_nothing(project: Project) -> None:
    builds: list[bool] = []
    for inputs in ("a", "b"):
        bring_up_to_date(project, Step(name="step", title="", inputs=[inputs], build=recorded(project, builds)))
    assert builds == [False, True]


def test_what_was_removed_is_built_again(project: Project) -> None:
    builds: list[bool] = []
    step = Step(name="step", title="", inputs=[], build=recorded(project, builds))
    Path(bring_up_to_date(project, step)["path"]).unlink()
    bring_up_to_date(project, step)
    assert builds == [False, True]


def test_an_interrupted_build_is_begun_again_from_nothing(project: Project) -> None:
    def interrupted(again: bool) -> dict[str, str]:
        raise KeyboardInterrupt

    builds: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(project, Step(name="step", title="", inputs=[], build=interrupted))
    bring_up_to_date(project, Step(name="step", title="", inputs=[], build=recorded(project, builds)))
    assert builds == [True]


def test_a_stamp_cut_short_counts_as_an_interrupted_build(project: Project) -> None:
    builds: list[bool] = []
    step = Step(name="step", title="", inputs=[], build=recorded(project, builds))
    bring_up_to_date(project, step)
    (stamp,) = project.tools.glob("stamps/*")
    stamp.write_text(stamp.read_text()[:20])
    bring_up_to_date(project, step)
    assert builds == [False, True]


def test_a_project_that_was_moved_is_built_again(project: Project, tmp_path: Path) -> None:
    builds: list[bool] = []
    bring_up_to_date(project, Step(name="step", title="", inputs=[], build=recorded(project, builds)))
    moved = Project(root=tmp_path / "moved", environ={})
    moved.root.mkdir()
    (project.tools).rename(moved.tools)
    bring_up_to_date(moved, Step(name="step", title="", inputs=[], build=recorded(moved, builds)))
    assert builds == [False, True]


def test_rejects_a_failing_command_with_its_last_lines_and_then_one_sentence(project: Project) -> None:
    command = ["sh", "-c", "seq 100; echo the reason >&2; exit 3"]
    with pytest.raises(SetupError) as refused:
        run(command, "It could not be done.", cwd=project.root, env=project.environ)
    lines = str(refused.value).splitlines()
    assert lines[-2:] == ["the reason", "It could not be done."]
    assert "1" not in lines


def test_rejects_a_command_that_is_not_there(project: Project) -> None:
    with pytest.raises(SetupError, match=r"\nIt could not be done\.$"):
        run(["no-such-command"], "It could not be done.", cwd=project.root, env=project.environ)


def test_rejects_a_missing_lock_file_by_its_name(project: Project) -> None:
    with pytest.raises(SetupError, match=r"dev\.txt' is missing"):
        digest(project.root / "dev.txt")


def test_a_stamp_holds_no_setting_of_the_environment(project: Project) -> None:
    secretive = Project(root=project.root, environ={"AWS_SECRET_ACCESS_KEY": "not-to-be-kept"})
    bring_up_to_date(secretive, Step(name="step", title="", inputs=[], build=recorded(project, [])))
    (stamp,) = project.tools.glob("stamps/*")
    assert json.loads(stamp.read_text())[1] == {"path": str(project.root / "made")}


def test_a_second_set_up_waits_for_the_first(project: Project) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(project):
            order.append("second")

    with alone(project):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
        order.append("first")
    waiting.join(timeout=10)
    assert order == ["first", "second"]
