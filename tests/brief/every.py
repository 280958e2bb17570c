"""Every rule, of every module here."""

import importlib
from pathlib import Path

from tests.brief.rules import BRIEF, DESIGN, Rule

# A module registers its rules when it is imported.
for module in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    if not module.stem.startswith("test_") and module.stem != Path(__file__).stem:
        importlib.import_module(f"{__package__}.{module.stem}")

RULES: tuple[Rule, ...] = (*BRIEF.rules, *DESIGN.rules)
