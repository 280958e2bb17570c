"""Rules about the synthesized stacks, and the mutants that each of them must catch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from tests.synthesis import Resource, Stacks, resources

import attrs

# Yields what is wrong; nothing when all is well.
Check = Callable[[Stacks], Iterator[str]]
Edit = Callable[[], object]
# Finds the JSON objects that a mutant changes, each in a copy of its own.
Target = Callable[[Stacks], Iterator[dict[str, Any]]]
Where = Callable[[Resource], bool]

TWO_REGIONS = "stacks"
THREE_REGIONS = "three_regions"
DELEGATED = "delegated"
THREE_DELEGATED = "three_regions_delegated"
APPS = (TWO_REGIONS, THREE_REGIONS, DELEGATED, THREE_DELEGATED)


@attrs.frozen
class Mutant:
    """A way to break the stacks: one place at a time, wherever it applies.

    Attributes:
        name: What it does.
        edits: Finds the places in the stacks, and what to do to each.
    """

    name: str
    edits: Callable[[Stacks], Iterable[Edit]]

    def breaks(self, copy: "Copy") -> Iterator[Stacks]:
        """The copy, broken in one place after the other."""
        edits = list(self.edits(copy.mended()))
        for place in range(len(edits)):
            # What is found in a copy breaks that copy only.
            edits = list(self.edits(copy.mended())) if place else edits
            edits[place]()
            yield copy.stacks


class Copy:
    """A copy of the stacks, of which only what is broken is copied anew: the mutants are thousands."""

    def __init__(self, stacks: Stacks) -> None:
        self._whole = stacks
        self.stacks: Stacks = {}

    def mended(self) -> Stacks:
        """The copy, as the stacks are."""
        self.stacks = _mended(self.stacks, self._whole)
        return self.stacks


def _mended(broken: Any, whole: Any) -> Any:
    if broken == whole:
        return broken
    if isinstance(broken, dict) and isinstance(whole, dict):
        return {key: _mended(broken.get(key, _NOTHING), part) for key, part in whole.items()}
    return deepcopy(whole)


@attrs.frozen
class Rule:
    """What must hold for the stacks.

    Attributes:
        sources: What it is from: keys of the sentences, or pages of the design.
        check: Tells what is wrong.
        mutants: What it must catch.
        apps: Fixtures for which it must hold; mutants are made of the first.
        needs: Kinds of resources that it looks at: it does not hold where there is none of one.
    """

    sources: tuple[str, ...]
    check: Check
    mutants: tuple[Mutant, ...]
    apps: tuple[str, ...] = APPS
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule as a sentence."""
        return self.check.__name__.replace("_", "-")

    def faults(self, stacks: Stacks) -> Iterator[str]:
        """Everything that is wrong."""
        yield from (f"there is no {kind}" for kind in self.needs if not any(resources(stacks, kind)))
        yield from self.check(stacks)


@attrs.frozen
class Registry:
    """The rules of one origin, in the order of their modules."""

    rules: list[Rule] = attrs.field(factory=list)

    def rule(
        self,
        *sources: str,
        breaks: Iterable[Mutant | Callable[[Stacks], object]],
        apps: tuple[str, ...] = APPS,
        needs: tuple[str, ...] = (),
    ) -> Callable[[Check], Check]:
        """Register a check, with the ways to break what it looks at."""

        def register(check: Check) -> Check:
            mutants = tuple(each if isinstance(each, Mutant) else _by_function(each) for each in breaks)
            self.rules.append(Rule(sources, check, mutants, apps, needs))
            return check

        return register


BRIEF = Registry()
DESIGN = Registry()


def of(*kinds: str, where: Where = lambda _: True) -> Target:
    """The arguments of the resources of these kinds."""
    return lambda stacks: (each.arguments for each in resources(stacks, *kinds) if where(each))


def statement(sid: str) -> Target:
    """The statements of that id, in all policies of opened stacks."""

    def find(stacks: Stacks) -> Iterator[dict[str, Any]]:
        for document in _documents(stacks):
            yield from (each for each in document["statement"] if each["sid"] == sid)

    return find


def provider(stacks: Stacks) -> Iterator[dict[str, Any]]:
    """The provider blocks of all stacks."""
    for content in stacks.values():
        yield from content["provider"]["aws"]


def terraform(stacks: Stacks) -> Iterator[dict[str, Any]]:
    """The terraform blocks of all stacks."""
    for content in stacks.values():
        yield content["terraform"]


def changed(target: str | Target, path: str, to: object) -> Mutant:
    """Put something else under a dotted path."""
    return _mutant(target, path, f"{path}={to}", lambda _: to)


def replaced(target: str | Target, path: str, old: str, new: str) -> Mutant:
    """Put another text for a part of the one under a dotted path."""
    return _mutant(target, path, f"{path}:{old}->{new}", lambda value: _replace(value, old, new))


def dropped(target: str | Target, path: str) -> Mutant:
    """Leave out what lies under a dotted path."""
    return _mutant(target, path, f"no {path}", lambda _: _NOTHING)


def removed(kind: str, where: Where = lambda _: True) -> Mutant:
    """Take away each of these resources, and then all of them."""

    def edits(stacks: Stacks) -> Iterator[Edit]:
        found = [each for each in resources(stacks, kind) if where(each)]
        for each in found:
            yield partial(_take_away, stacks, each)
        if len(found) > 1:
            yield partial(_take_away, stacks, *found)

    return Mutant(f"without {kind}", edits)


def emptied(kind: str) -> Mutant:
    """Take away all resources of a kind."""
    return Mutant(
        f"without any {kind}",
        lambda stacks: [partial(_take_away, stacks, *resources(stacks, kind))],
    )


def unstated(sid: str) -> Mutant:
    """Take away a statement, wherever it is made."""

    def edits(stacks: Stacks) -> Iterator[Edit]:
        for document in _documents(stacks):
            for each in document["statement"]:
                if each["sid"] == sid:
                    yield partial(document["statement"].remove, each)

    return Mutant(f"without statement {sid}", edits)


def added(stack: str, kind: str, **arguments: object) -> Mutant:
    """Add a resource to a stack."""

    def edit(stacks: Stacks) -> None:
        stacks[stack]["resource"].setdefault(kind, {})["added"] = dict(arguments)

    return Mutant(f"with {kind} {' '.join(arguments)}", lambda stacks: [partial(edit, stacks)])


def _by_function(function: Callable[[Stacks], object]) -> Mutant:
    return Mutant(function.__name__.replace("_", "-"), lambda stacks: [partial(function, stacks)])


_NOTHING = object()


def _mutant(target: str | Target, path: str, name: str, change: Callable[[Any], object]) -> Mutant:
    steps = path.split(".")
    find = of(target) if isinstance(target, str) else target

    def edits(stacks: Stacks) -> Iterator[Edit]:
        for found in find(stacks):
            old = _get(found, steps)
            new = change(old)
            if new != old:
                yield partial(_put, found, steps, new)

    return Mutant(f"{target} {name}" if isinstance(target, str) else name, edits)


def _step(holder: Any, step: str) -> Any:
    return int(step) if isinstance(holder, list) else step


def _get(holder: Any, steps: Sequence[str]) -> Any:
    try:
        for step in steps:
            holder = holder[_step(holder, step)]
    except (KeyError, IndexError):
        return _NOTHING
    return holder


def _put(holder: Any, steps: Sequence[str], new: object) -> None:
    """Put the new value there, with the blocks that lead there where they are missing."""
    *way, last = steps
    for step in way:
        holder = holder[_step(holder, step)] if isinstance(holder, list) else holder.setdefault(step, {})
    if new is _NOTHING:
        del holder[_step(holder, last)]
    else:
        holder[_step(holder, last)] = new


def _replace(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [_replace(each, old, new) for each in value]
    return {key: _replace(each, old, new) for key, each in value.items()} if isinstance(value, dict) else value


def _take_away(stacks: Stacks, *found: Resource) -> None:
    for each in found:
        del stacks[each.stack]["resource"][each.kind][each.name]


def _documents(stacks: Stacks) -> Iterator[Mapping[str, Any]]:
    for each in resources(stacks):
        for value in each.arguments.values():
            if isinstance(value, dict) and value.keys() == {"statement"}:
                yield value
