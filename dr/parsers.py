"""How the text of a setting becomes its value. Each raises ValueError with the rest of a sentence about the field."""

import json
import re
from typing import Any


def text(value: Any) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def flag(value: Any) -> bool:
    """Read true or false."""
    flags = {"true": True, "false": False}
    if str(value).lower() not in flags:
        raise ValueError("must be true or false")
    return flags[str(value).lower()]


def number(value: Any) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        raise ValueError("must be a whole number")
    return int(value)


def listing(value: Any) -> tuple[str, ...]:
    """Read a list, or a text with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("must be a list, or a text with commas")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def overrides(value: Any) -> dict[str, Any]:
    """Read an object of objects, or JSON of one."""
    rule = 'must be JSON such as {"us-east-1": {"cidr": "10.10.0.0/16"}}'
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(rule) from error
    if not isinstance(parsed, dict) or not all(isinstance(override, dict) for override in parsed.values()):
        raise ValueError(rule)
    return dict(parsed)
