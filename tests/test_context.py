"""The settings' file: where it is, and what is refused of it before anything is made."""

from pathlib import Path

import main
from dr.checks import SettingsError
from dr.context import context_of
from dr.regions.settings import RegionSettings
from dr.regions.us_east_1 import UsEast1
from dr.regions.us_west_2 import UsWest2
from tests.test_settings import MESSAGE

import pytest

SETTINGS = '{"context": {"healthcareDr": {"environmentSuffix": "qa"}, "excludeStackIdFromLogicalIds": "true"}}'
REFUSED: list[tuple[bytes | None, str]] = [
    (None, "must be a file that can be read, got: '{file}' (No such file or directory)"),
    (b"", "must be JSON, got: '{file}' (Expecting value"),
    (b"{", "must be JSON, got: '{file}' (Expecting property name"),
    (b'"\xff"', "must be JSON, got: '{file}' ('utf-8' codec can't decode"),
    (b"[" * 100_000, "must be JSON, got: '{file}' (maximum recursion depth"),
    (b'["dev"]', "must be a JSON object, got: '{file}' with ['dev']"),
    (b'{"context": []}', "must have an object as its 'context', got: '{file}' with []"),
    (b'{"context": null}', "must have an object as its 'context', got: '{file}' with None"),
]


def test_the_context_is_read_from_cdktf_json(tmp_path: Path) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(SETTINGS)
    assert context_of({}, file) == {"environmentSuffix": "qa"}
    file.write_text("{}")
    assert context_of({"DR_CONTEXT_FILE": ""}, file) == {}


def test_the_context_is_read_from_the_file_that_the_variable_names(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(SETTINGS)
    assert context_of({"DR_CONTEXT_FILE": str(file)}, tmp_path / "cdktf.json") == {"environmentSuffix": "qa"}


@pytest.mark.parametrize("named", [True, False], ids=["named", "default"])
@pytest.mark.parametrize(("content", "rule"), REFUSED)
def test_rejects_a_file_that_is_not_there_or_not_like_cdktf_json(
    content: bytes | None, rule: str, named: bool, tmp_path: Path
) -> None:
    file = tmp_path / "cdktf.json"
    if content is not None:
        file.write_bytes(content)
    environment, default = ({"DR_CONTEXT_FILE": str(file)}, tmp_path) if named else ({}, file)
    with pytest.raises(SettingsError) as caught:
        context_of(environment, default)
    (fault,) = caught.value.faults
    assert MESSAGE.fullmatch(fault)
    assert fault.startswith(f"{'DR_CONTEXT_FILE' if named else 'cdktf.json'!r} {rule.format(file=file)}")


def test_rejects_a_directory(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"must be a file that can be read, got: .* \(Is a directory\)"):
        context_of({"DR_CONTEXT_FILE": str(tmp_path)}, tmp_path)


def test_the_command_says_what_is_wrong_with_a_region_and_with_all_else_before_it_makes_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Oregon(UsWest2):
        settings = RegionSettings(name="us-west-2", cidr="8.8.0.0/16", zones=("usw2-az1",), weight=300)

    monkeypatch.setattr(main, "REGIONS", (UsEast1, Oregon))
    monkeypatch.setattr(main, "App", lambda: pytest.fail("something was made"))
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "Prod")
    with pytest.raises(SystemExit) as ended:
        main.main()
    told = [line.split(" must")[0].removeprefix("  - ") for line in str(ended.value).splitlines()[1:]]
    assert told[:3] == [f"region 'us-west-2': {name!r}" for name in ("cidr", "zones", "weight")]
    assert told[3] == "'environment_suffix'"


def test_the_command_says_what_is_wrong_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_CONTEXT_FILE", "no-such.json")
    with pytest.raises(SystemExit, match=r"- 'DR_CONTEXT_FILE' must be a file that can be read, got: 'no-such\.json'"):
        main.main()
