"""Which module may import which: the design's rules, read from the source."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
# Values that stand beside the layers: any layer may use them, and they use nothing but each other.
LEAVES = ("dr.checks", "dr.context", "dr.formats", "dr.objectives", "dr.parsers", "dr.regions.settings", "dr.settings")
# Each layer with what it may import of the project, itself apart.
LAYERS = {
    "main": ("dr.topology", "dr.regions", "dr.node", *LEAVES),
    "dr.topology": ("dr.links", "dr.regions", "dr.resources", *LEAVES),
    "dr.links": ("dr.links.link", "dr.regions", "dr.resources", *LEAVES),
    "dr.regions": ("dr.regions.region", "dr.resources", "dr.bundle", *LEAVES),
    "dr.resources": ("dr.resources", *LEAVES),
    "dr.node": ("dr.runtime",),
    "dr.runtime": ("dr.bindings",),
}
PROJECT = ("dr", "drill", "functions", "main", "tests", "tools")
INFRASTRUCTURE = ("attrs", "cdktf", "cdktf_cdktf_provider_aws", "constructs")
BINDINGS = "cdktf_cdktf_provider_aws"


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages, or in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def top(name: str) -> str:
    return name.partition(".")[0]


@attrs.frozen
class Source:
    """A module's source text."""

    name: str
    text: str
    package: bool = False

    def imports(self) -> Iterator[str]:
        """What it imports, wherever that stands; what is imported from a module as a part of it."""
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                parents = self.name.split(".") if self.package else self.name.split(".")[:-1]
                start = parents[: len(parents) - node.level + 1] if node.level else []
                module = ".".join([*start, *([node.module] if node.module else [])])
                yield from (f"{module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
                # What is only known when it runs cannot be followed.
                yield from (str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant))


def sources() -> list[Source]:
    """The project's own modules, but the tests."""
    found = []
    for top_level in ("dr", "drill", "functions", "main.py"):
        path = ROOT / top_level
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            package = parts[-1] == "__init__"
            found.append(Source(".".join(parts[:-1] if package else parts), file.read_text("utf-8"), package))
    return found


Allowed = Callable[[Source, str], bool]


@attrs.frozen
class Rule:
    """What modules of some packages may import, and sources that break it."""

    sentence: str
    of: tuple[str, ...]
    allowed: Allowed
    bad: tuple[tuple[str, str], ...]

    def faults(self, source: Source) -> list[str]:
        """The imports that the rule forbids to this module."""
        if not within(source.name, *self.of):
            return []
        return [name for name in source.imports() if not self.allowed(source, name)]


def _downwards(source: Source, name: str) -> bool:
    if not within(name, *PROJECT):
        return True
    if within(source.name, *LEAVES):
        return within(name, *LEAVES)
    # The package itself only installs the bindings; bundle and bindings stand alone.
    layers = [layer for layer in LAYERS if within(source.name, layer)]
    return within(name, *LAYERS[layers[0]]) if layers else (source.name, top(name)) == ("dr", "dr")


def _by_name(source: Source, name: str) -> bool:
    shared = ("dr.regions.region", "dr.regions.settings")
    return not within(name, "dr.regions") or source.name in shared or within(name, *shared)


def _region(source: Source, name: str) -> bool:
    if source.name in ("dr.regions", "dr.regions.region", "dr.regions.settings"):
        return True
    allowed = ("dr.regions.region", "dr.regions.settings", "dr.resources")
    return within(name, *allowed) or not within(name, *PROJECT)


def _binding(_: Source, name: str) -> bool:
    # package.submodule.Name at the least.
    return not within(name, BINDINGS) or name.count(".") >= 2


RULES = (
    Rule(
        "imports run one way, from main to resources",
        ("main", "dr"),
        _downwards,
        (
            ("dr.resources.storage", "from dr.regions.region import Region"),
            ("dr.resources.storage", "import dr.topology"),
            ("dr.resources.storage", "from ..links.dns import Dns"),
            ("dr.resources.storage", "def late():\n    from dr.links import dns"),
            ("dr.resources.storage", "import importlib\nimportlib.import_module('dr.topology')"),
            ("dr.regions.region", "from dr.links.dns import Dns"),
            ("dr.regions.region", "from dr import topology"),
            ("dr.regions.region", "import main"),
            ("dr.links.dns", "from dr.topology import Topology"),
            ("dr.links.dns", "from dr.links import peering"),
            ("dr.topology", "from main import REGIONS"),
            ("main", "from dr.resources.network import Network"),
            ("dr.settings", "from dr.resources.naming import Names"),
            ("dr.checks", "from dr.topology import Topology"),
            ("dr.bundle", "from dr.settings import Settings"),
            ("dr.regions.region", "import dr.node"),
            ("dr.node", "from dr.settings import Settings"),
        ),
    ),
    Rule(
        "region modules never import each other",
        ("dr.regions",),
        _by_name,
        (
            ("dr.regions.us_west_2", "from dr.regions.us_east_1 import UsEast1"),
            ("dr.regions.us_west_2", "from dr.regions import us_east_1"),
            ("dr.regions.us_west_2", "from .us_east_1 import UsEast1"),
            ("dr.regions.us_west_2", "from . import us_east_1"),
            ("dr.regions.us_west_2", "import dr.regions.us_east_1"),
        ),
    ),
    Rule(
        "the base of all regions knows none of them",
        ("dr.regions.region", "dr.regions.settings"),
        lambda _, name: not within(name, "dr.regions") or within(name, "dr.regions.region", "dr.regions.settings"),
        (
            ("dr.regions.region", "from dr.regions.us_east_1 import UsEast1"),
            ("dr.regions.settings", "from . import us_west_2"),
        ),
    ),
    Rule(
        "a region module imports the base, its settings and resources only",
        ("dr.regions",),
        _region,
        (
            ("dr.regions.eu_west_1", "from dr.settings import Settings"),
            ("dr.regions.eu_west_1", "from dr.bundle import build_bundle"),
            ("dr.regions.eu_west_1", "from dr.links.dns import Dns"),
            ("dr.regions.eu_west_1", "from functions.api import handler"),
        ),
    ),
    Rule(
        "infrastructure never imports functions, the drill, tools or tests",
        ("dr", "main"),
        lambda _, name: not within(name, "functions", "drill", "tools", "tests"),
        (
            ("dr.bundle", "import functions"),
            ("dr.resources.api", "from functions.api.handler import handler"),
            ("dr.topology", "from drill.emulator import clients"),
            ("dr.topology", "if False:\n    import drill"),
            ("main", "import drill.demo"),
            ("dr.checks", "from tests.synthesis import load"),
        ),
    ),
    Rule(
        "functions import nothing else of the project",
        ("functions",),
        lambda _, name: not within(name, "dr", "drill", "main", "tests", "tools"),
        (
            ("functions.api.handler", "from dr.resources.naming import Names"),
            ("functions.api.handler", "import dr"),
            ("functions.shared", "from drill import emulator"),
            ("functions.shared", "from main import build"),
        ),
    ),
    Rule(
        "the API knows nothing of what watches the regions",
        ("functions.api", "functions.shared"),
        lambda _, name: within(name, "functions.api", "functions.shared") or not within(name, "functions"),
        (
            ("functions.api.health", "from functions.watching.endpoint import PATH"),
            ("functions.shared.audit", "from functions.failover import notices"),
        ),
    ),
    Rule(
        "infrastructure needs the standard library, attrs, constructs, cdktf and its bindings",
        ("dr", "main"),
        lambda source, name: (
            top(name) in {*sys.stdlib_module_names, *PROJECT, *INFRASTRUCTURE}
            or (source.name, top(name)) == ("dr.node", "jsii")
        ),
        (
            ("dr.resources.api", "import boto3"),
            ("dr.resources.api", "import jsii"),
            ("dr.settings", "from cattrs import structure"),
        ),
    ),
    Rule(
        "values need no cdktf",
        LEAVES,
        lambda _, name: not within(name, "cdktf", BINDINGS, "constructs"),
        (("dr.settings", "from cdktf import App"), ("dr.regions.settings", "from constructs import Construct")),
    ),
    Rule(
        "bindings are imported by submodule",
        ("dr", "drill", "main"),
        _binding,
        (
            ("dr.resources.api", f"import {BINDINGS}"),
            ("dr.resources.api", f"from {BINDINGS} import kms_key"),
            ("dr.resources.api", f"from {BINDINGS} import *"),
        ),
    ),
)


@pytest.mark.parametrize("source", [pytest.param(source, id=source.name) for source in sources()])
def test_every_module_keeps_the_rules(source: Source) -> None:
    assert {rule.sentence: rule.faults(source) for rule in RULES if rule.faults(source)} == {}


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [pytest.param(rule, *bad, id=f"{rule.sentence}: {bad[0]}") for rule in RULES for bad in rule.bad],
)
def test_rejects_a_bad_import(rule: Rule, name: str, text: str) -> None:
    assert rule.faults(Source(name, text)) != []


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.sentence) for rule in RULES])
def test_every_rule_has_modules_to_look_at(rule: Rule) -> None:
    assert rule.bad
    for package in rule.of:
        assert any(within(source.name, package) for source in sources())


def test_every_layer_of_the_design_is_there() -> None:
    names = {source.name for source in sources()}
    assert {*LAYERS, *LEAVES} <= names
    assert any(within(name, "functions") for name in names)
