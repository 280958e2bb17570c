"""Where the settings are that are no environment variables: in cdktf.json, or in another file like it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dr.checks import SettingsError

# The key of cdktf.json's context that holds the settings.
CONTEXT = "healthcareDr"
VARIABLE = "DR_CONTEXT_FILE"


def context_of(environment: Mapping[str, str], cdktf_json: Path) -> Mapping[str, Any]:
    """The settings that the file holds which DR_CONTEXT_FILE names, else this one; none when it has none.

    Raises:
        SettingsError: The file is not there, or is not like a cdktf.json. Without it no other setting is judged.
    """
    given = environment.get(VARIABLE)
    name, file = (VARIABLE, Path(given)) if given else ("cdktf.json", cdktf_json)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{name!r} must be a file that can be read, got: '{file}' ({error.strerror})"]) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{name!r} must be JSON, got: '{file}' ({error})"]) from error
    if not isinstance(content, dict):
        raise SettingsError([f"{name!r} must be a JSON object, got: '{file}' with {content!r}"])
    context = content.get("context", {})
    if not isinstance(context, dict):
        raise SettingsError([f"{name!r} must have an object as its 'context', got: '{file}' with {context!r}"])
    found: Mapping[str, Any] = context.get(CONTEXT, {})
    return found
