"""How settings are checked: every fault is collected, then all are reported at once."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

# Yields what is wrong with a value, as the rest of a sentence that begins with the field's name.
Check = Callable[[Any], Iterator[str]]
CHECK = "check"


class SettingsError(ValueError):
    """Settings that cannot be deployed.

    Attributes:
        faults: One sentence a fault: the field, the rule and the value that was got.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the settings have faults:", *(f"  - {fault}" for fault in self.faults)]))


def faults(value: Any) -> Iterator[str]:
    """Yield the faults of all checked fields of an attrs value, in the order of its fields."""
    for field in attrs.fields(type(value)):
        check: Check | None = field.metadata.get(CHECK)
        if check is not None:
            got = getattr(value, field.name)
            for rule in check(got):
                yield f"{field.name!r} {rule}, got: {got!r}"


def one_of(*allowed: object) -> Check:
    """Check that a value is one of a few."""

    def check(value: object) -> Iterator[str]:
        if value not in allowed:
            yield f"must be one of {', '.join(map(str, allowed))}"

    return check


def some_of(*allowed: str) -> Check:
    """Check that a tuple holds some of a few texts, each of them once."""

    def check(value: object) -> Iterator[str]:
        if not isinstance(value, tuple) or len(set(value)) != len(value) or not set(value) <= set(allowed):
            yield f"must hold some of {', '.join(allowed)}, each once"

    return check


def between(low: int, high: int, *, optional: bool = False) -> Check:
    """Check that a whole number lies between two others, both included, or, where that is allowed, is left out."""

    def check(value: object) -> Iterator[str]:
        left_out = value is None and optional
        if not left_out and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
            yield f"must be a whole number from {low} to {high}"

    return check


def matches(pattern: str, rule: str, *, optional: bool = True) -> Check:
    """Check that a text has a form, or, where that is allowed, that there is none."""

    def check(value: object) -> Iterator[str]:
        if not (value is None and optional) and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            yield rule

    return check
