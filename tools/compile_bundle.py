"""Run by `tools/pyodide.mjs`, in a Python 3.13, as Lambda has: compiles each module of the first folder to the second.

Prints that Python's name for its bytecode. Without docstrings, which nobody reads there, and without assertions, which
only typing-extensions makes, it is a quarter smaller. Python compiles a module anew whose source is not the one that
was compiled.
"""

import marshal
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

SOURCES, COMPILED = Path("/0"), Path("/1")

for source in sorted(SOURCES.rglob("*.py")):
    name = source.relative_to(SOURCES).as_posix()
    target = COMPILED / cache_from_source(name, optimization="")
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(source), str(target), name, doraise=True, optimize=2, invalidation_mode=checked)
    marshal.loads(target.read_bytes()[16:])  # noqa: S302 - written in the line above, perhaps not as a whole
print(sys.implementation.cache_tag)  # noqa: T201 - read by the set-up
