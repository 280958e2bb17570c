"""Loads only the AWS bindings that are used: in Python a submodule on demand, in node a service on demand.

The provider package imports all of its 2,100 services at once, in Python and again in the node process behind it.
That costs a synthesis most of its time; `make bench` shows how much. ``DR_ALL_BINDINGS=1`` loads them the stock way;
the output is byte-identical.
"""

import importlib
import importlib.util
import os
import sys
import warnings
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

PROVIDER = "cdktf_cdktf_provider_aws"
PRELOAD = Path(__file__).with_name("bindings_preload.cjs")
STOCK = "DR_ALL_BINDINGS"


class _OnDemand:
    """Stands in for the provider package: a submodule is imported when it is first asked for."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def on_demand(name: str) -> ModuleType:
            wanted = f"{module.__name__}.{name}"
            # Dunders are looked up by the import system itself: they never name a service.
            if not name.startswith("__") and importlib.util.find_spec(wanted) is not None:
                return importlib.import_module(wanted)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = on_demand


def install() -> None:
    """Make the provider's bindings load on demand in this process and in the node process that it will start.

    Does nothing when ``DR_ALL_BINDINGS`` is set, or when the bindings are loaded already.
    """
    if os.environ.get(STOCK) or PROVIDER in sys.modules:
        return
    if "cdktf" in sys.modules:
        warnings.warn("import dr before cdktf: node has started and loads all bindings", ImportWarning, stacklevel=2)
    spec = importlib.util.find_spec(PROVIDER)
    if spec is None:
        raise ModuleNotFoundError(f"{PROVIDER} is not installed: run `make setup`", name=PROVIDER)
    spec.loader = _OnDemand()  # type: ignore[assignment]  # duck-typed: a Loader has no more than these two methods
    module = importlib.util.module_from_spec(spec)
    sys.modules[PROVIDER] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]  # set two lines above
    # Quoted, for node splits the variable at spaces, and a project's folder may have one.
    options = f'{os.environ.get("NODE_OPTIONS", "")} --require="{PRELOAD.as_posix()}"'
    os.environ["NODE_OPTIONS"] = options.strip()
