"""Writes docs/hipaa.md, the control matrix, from docs/hipaa.toml: ``python -m tools.hipaa``."""

import ast
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import cattrs

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE, PATH = DOCS / "hipaa.toml", DOCS / "hipaa.md"
# Stands for the stack of each region.
REGION = "region"
HEAD = """\
# HIPAA Security Rule: which control is proven by what

Written by `make hipaa` from [hipaa.toml](hipaa.toml). A row whose resource or proof is gone fails the build. R is
required, A addressable (45 CFR part 164, subpart C). What no code can show is not here: a business associate agreement
with AWS, the use of eligible services only, people and their training.

| citation | | asks for | satisfied by | proven by |
|---|---|---|---|---|
"""


@attrs.frozen(kw_only=True)
class Control:
    """One row.

    Attributes:
        citation: Section of 45 CFR.
        kind: R for required, A for addressable.
        asks: What the section asks for.
        answer: What satisfies it.
        proofs: Tests and rules, `<file>::<function>`.
        resources: What has to be deployed, `<stack>: <kind>` or `<stack>: <kind>.<start of its name>`.
        documents: Pages in `docs`.
    """

    citation: str
    kind: str
    asks: str
    answer: str
    proofs: Sequence[str]
    resources: Sequence[str] = ()
    documents: Sequence[str] = ()


def load(path: Path = SOURCE) -> list[Control]:
    """The rows of the matrix; a key that no row has is refused."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    return converter.structure(tomllib.loads(path.read_text(encoding="utf-8"))["controls"], list[Control])


def render(controls: Sequence[Control]) -> str:
    """The matrix as a page."""
    return HEAD + "".join(f"{_row(control)}\n" for control in controls)


def _row(control: Control) -> str:
    kinds = sorted({resource.partition(": ")[2].partition(".")[0] for resource in control.resources})
    answer = [control.answer, *(f"`{kind}`" for kind in kinds), *(f"[{each}]({each})" for each in control.documents)]
    proofs = [f"[{name}](../{file})" for file, _, name in (proof.partition("::") for proof in control.proofs)]
    cells = (control.citation, control.kind, control.asks, "<br>".join(answer), "<br>".join(proofs))
    return f"| {' | '.join(cells)} |"


def faults(control: Control, stacks: Mapping[str, Any], links: Collection[str]) -> Iterator[str]:
    """What a row names and is not there.

    Args:
        control: The row.
        stacks: The synthesized JSON of all stacks by name.
        links: The stacks that are no region's.
    """
    for resource in control.resources:
        name, _, address = resource.partition(": ")
        kind, _, start = address.partition(".")
        for stack in [each for each in stacks if each not in links] if name == REGION else [name]:
            named = stacks.get(stack, {}).get("resource", {}).get(kind, {})
            if not any(each.startswith(start) for each in named):
                yield f"{control.citation}: '{stack}' must have a resource '{address}': deploy one, or change the row"
    for proof in control.proofs:
        file, _, function = proof.partition("::")
        if function not in _functions(ROOT / file):
            yield f"{control.citation}: '{proof}' must be a test or a rule: write it, or change the row"
    for document in control.documents:
        if not (DOCS / document).is_file():
            yield f"{control.citation}: 'docs/{document}' must be a page: write it, or change the row"
    if control.kind not in ("R", "A") or not control.proofs:
        yield f"{control.citation}: a row must be R or A and have a proof, got: '{control.kind}', {control.proofs}"


def _functions(file: Path) -> set[str]:
    """The names of a module's functions; none where there is no such module."""
    if not file.is_file():
        return set()
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


if __name__ == "__main__":
    PATH.write_text(render(load()), encoding="utf-8")
