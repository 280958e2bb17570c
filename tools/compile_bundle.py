"""Run by `tools/bytecode.mjs`, in the Python that Lambda has: every module under `/bundle` is compiled to `/bytecode`.

Prints that Python's name for its bytecode. Without docstrings, which nobody reads there, and without assertions, which
only typing-extensions makes, it is a quarter smaller. A module whose source is another than the one that was compiled
is compiled again by the Python that imports it.
"""

import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

SOURCES, BYTECODE = Path("/bundle"), Path("/bytecode")

for source in sorted(SOURCES.rglob("*.py")):
    name = source.relative_to(SOURCES).as_posix()
    target = BYTECODE / cache_from_source(name, optimization="")
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(source), str(target), name, doraise=True, optimize=2, invalidation_mode=checked)
print(sys.implementation.cache_tag)  # noqa: T201 - read by the set-up
