"""Policies as the rules read and break them: each text that is a policy, opened into its statements."""

import json
from typing import Any

KEYS = {"Sid", "Effect", "Action", "Resource", "NotResource", "Principal", "Condition"}
NEEDED = {"Sid", "Effect", "Action"}


def opened(value: Any) -> Any:
    """The stacks, or a part of them, with `{"statement": [...]}` in the place of each policy.

    Raises:
        ValueError: For a policy with something that no rule reads.
    """
    if isinstance(value, dict):
        return {key: opened(part) for key, part in value.items()}
    if isinstance(value, list):
        return [opened(part) for part in value]
    if isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        policy = json.loads(value)
        if policy.keys() != {"Version", "Statement"} or policy["Version"] != "2012-10-17":
            raise ValueError(f"a policy must hold statements of version 2012-10-17, got: {value}")
        return {"statement": [_statement(each) for each in policy["Statement"]]}
    return value


def _statement(given: dict[str, Any]) -> dict[str, Any]:
    if not given.keys() >= NEEDED or not given.keys() <= KEYS:
        raise ValueError(f"a statement must have {sorted(NEEDED)}, and nothing but {sorted(KEYS)}, got: {given!r}")
    read = {"sid": given["Sid"], "effect": given["Effect"], "actions": _values(given["Action"])}
    if "NotResource" in given and given["Effect"] != "Deny":
        raise ValueError(f"a statement must have Effect Deny to have NotResource, got: {given!r}")
    read |= {
        name: _values(given[key])
        for key, name in (("Resource", "resources"), ("NotResource", "not_resources"))
        if key in given
    }
    if "Principal" in given:
        who = {"*": "*"} if given["Principal"] == "*" else given["Principal"]
        read["principals"] = [{"type": kind, "identifiers": _values(ids)} for kind, ids in who.items()]
    if "Condition" in given:
        read["condition"] = [
            {"test": test, "variable": variable, "values": _values(values)}
            for test, tested in given["Condition"].items()
            for variable, values in tested.items()
        ]
    return read


def _values(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given
