"""Loads only the AWS bindings that are used: in Python a submodule on demand, in node a service on demand.

The provider package imports all of its 2,100 services at once, in Python and again in the node process behind it.
That costs a synthesis most of its time; `make bench` shows how much. What else it does without is said below and in
``bindings_preload.cjs``. ``DR_ALL_BINDINGS=1`` loads everything the stock way; the output is byte-identical.
"""

import __future__

import importlib
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PROVIDER = "cdktf_cdktf_provider_aws"
PRELOAD = Path(__file__).with_name("bindings_preload.cjs")
STOCK = "DR_ALL_BINDINGS"
POSTPONED = __future__.annotations
# Packages that check the types of every argument, in Python and again in node.
CHECKED = ("cdktf", "constructs", PROVIDER)
# What only those checks use; every module asks the checker's metadata for its version anew.
CHECKER = re.compile(
    rb"^(?:import typeguard|from importlib\.metadata import .+|TYPEGUARD_MAJOR_VERSION = .+)$", re.MULTILINE
)


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


class _Unchecked(SourceFileLoader):
    """Compiles a module as ``python -O`` does: without its checks of arguments' types, which node makes as well."""

    def get_data(self, path: str) -> bytes:
        return super().get_data(_unchecked(path))

    def set_data(self, path: str, data: bytes, *, _mode: int = 0o666) -> None:  # type: ignore[override]  # any buffer
        super().set_data(_unchecked(path), data, _mode=_mode)

    def source_to_code(self, data: bytes, path: str) -> CodeType:  # type: ignore[override]  # what get_code gives
        code: CodeType = compile(
            CHECKER.sub(b"", data), path, "exec", POSTPONED.compiler_flag, dont_inherit=True, optimize=1
        )
        return code


def _unchecked(path: str) -> str:
    """Bytecode of its own, never taken for the other kind; another name when CHECKER changes, for dates do not tell."""
    return f"{path.removesuffix('.pyc')}.opt-untyped.pyc" if path.endswith(".pyc") else path


class _Finder:
    """Finds the bindings' modules where the import system does."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in CHECKED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Unchecked(name, spec.origin)
        return spec


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
    sys.meta_path.insert(0, _Finder)
    spec.loader = _OnDemand()  # type: ignore[assignment]  # duck-typed: a Loader has no more than these two methods
    module = importlib.util.module_from_spec(spec)
    sys.modules[PROVIDER] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]  # set two lines above
    # Quoted, for node splits the variable at spaces, and a project's folder may have one.
    options = f'{os.environ.get("NODE_OPTIONS", "")} --preserve-symlinks --require="{PRELOAD.as_posix()}"'
    os.environ["NODE_OPTIONS"] = options.strip()
