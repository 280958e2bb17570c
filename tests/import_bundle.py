"""Run by `tools/pyodide.mjs` in Lambda's Python: imports what the functions do of the bundle's packages.

Only bytecode can be imported here: whatever would have to be compiled is told as an error.
"""

import sys
from importlib.machinery import SourceFileLoader


def compile_nothing(_: SourceFileLoader, __: bytes, path: str) -> None:
    raise ImportError(f"had to be compiled: {path}")


SourceFileLoader.source_to_code = compile_nothing  # type: ignore[method-assign, assignment]  # it has nothing to return
sys.path.insert(0, "/0")

# Only now, when nothing can be compiled any more and the bundle is found.
import attrs  # noqa: E402
import aws_lambda_powertools  # noqa: E402
import aws_lambda_powertools.event_handler  # noqa: E402
import aws_lambda_powertools.metrics  # noqa: E402
import jmespath  # noqa: E402

packages = (attrs, aws_lambda_powertools, jmespath)
print(sys.implementation.cache_tag, *(package.__name__ for package in packages))  # noqa: T201 - read by the test
