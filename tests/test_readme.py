"""The README says what the code does."""

from pathlib import Path

from dr.objectives import recovery_time_s
from dr.settings import Settings, camel, variable_of

import attrs
import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Settings)])
def test_every_setting_is_in_the_table(field: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{variable_of(field)}` |")]
    assert f"`{camel(field)}`" in row
    default = getattr(attrs.fields(Settings), field).default
    if isinstance(default, str | int):
        assert f"| `{str(default).lower()}` |" in row


def test_worst_case_of_the_default_settings_is_the_one_in_the_text() -> None:
    worst = recovery_time_s(interval_s=10, failure_threshold=3, ttl_s=60)
    assert f"about {worst} s at the worst" in README
