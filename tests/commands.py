"""The commands that pages tell people to run, and what is wrong with them.

Calls of AWS are held against botocore's models, which the AWS CLI is made from; those of the project's own programs
against their usage, and targets of make against the Makefile.
"""

import contextlib
import functools
import importlib
import inspect
import io
import itertools
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from main import REGIONS
from tests.synthesis import LINKS

import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.session import Session
from botocore.validate import ParamValidator
from jmespath.exceptions import JMESPathError

MAKEFILE = (Path(__file__).resolve().parent.parent / "Makefile").read_text(encoding="utf-8")
STACKS = (*(region.settings.name for region in REGIONS), *LINKS)
# Of every call (AWS CLI command reference, "Global options" and "Pagination").
GLOBALS = frozenset(
    (
        *("--cli-input-json", "--debug", "--endpoint-url", "--max-items", "--no-cli-pager", "--no-paginate"),
        *("--output", "--page-size", "--profile", "--query", "--region", "--starting-token"),
    )
)
# What the AWS CLI has of its own.
OF_THE_CLI: Mapping[tuple[str, str], frozenset[str]] = {
    ("logs", "tail"): frozenset(("--filter-pattern", "--follow", "--format", "--log-stream-names", "--since")),
    ("s3", "cp"): frozenset(("--recursive", "--sse", "--sse-kms-key-id")),
    ("s3", "ls"): frozenset(("--recursive",)),
    ("s3", "sync"): frozenset(("--delete", "--sse", "--sse-kms-key-id")),
}
# By verb, the options that it takes; all but `synth` must be told of which stacks.
CDKTF: Mapping[str, frozenset[str]] = {
    "deploy": frozenset(("--auto-approve",)),
    "destroy": frozenset(("--auto-approve",)),
    "diff": frozenset(),
    "synth": frozenset(),
}
# Programs that every machine has, or that the shell is; nothing is known of their options here.
OTHERS = frozenset((".", "curl", "dig", "echo", "export"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
ASSIGNMENT = re.compile(r"\w+=")
Faults = Iterator[str]


def commands(page: str) -> Iterator[str]:
    """Every command of a page: those of its shell blocks, and those that its sentences name."""
    for language, block in FENCE.findall(page):
        if language == "sh":
            yield from _lines(block)
    for span in re.findall(r"`([^`]+)`", FENCE.sub("", page)):
        if re.match(r"(\w+=\S+\s)*(aws|cdktf|make|python)\s", span):
            yield " ".join(span.split())


def _lines(block: str) -> Iterator[str]:
    """The commands of a shell block, each in one line and without comments."""
    held = ""
    for line in re.sub(r"(^|\s+)#\s.*$", "", block, flags=re.MULTILINE).splitlines():
        held += line.removesuffix("\\")
        if line.endswith("\\") or not _is_closed(held):
            held += " "
        elif held.strip():
            yield held
            held = ""
    if held.strip():
        yield held


def _is_closed(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:
        return False
    return True


def faults(command: str) -> Faults:
    """What is wrong with a command, one sentence each."""
    if not _is_closed(command):
        yield f"a quotation must be closed, got: {command!r}"
        return
    for words in _parts(command):
        run = list(itertools.dropwhile(ASSIGNMENT.match, words))
        program, arguments = run[0] if run else "export", run[1:]
        if program == "make":
            yield from _make(arguments)
        elif program in CHECKS:
            yield from CHECKS[program](arguments)
        elif program not in OTHERS:
            yield f"the program must be one of {', '.join((*CHECKS, 'make', *sorted(OTHERS)))}, got: {program!r}"


def _parts(command: str) -> Iterator[list[str]]:
    """The words of each program that a command runs; where its output goes is nobody's."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    part: list[str] = []
    is_program = True
    for word in lexer:
        if word and set(word) <= set("|;&<>"):
            if part and is_program:
                yield part
            part, is_program = [], not set(word) & set("<>")
        else:
            part.append(word)
    if part and is_program:
        yield part


def _options(words: Sequence[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """What comes before the first option, and each option with what follows it."""
    first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    found: list[tuple[str, list[str]]] = []
    for word in words[first:]:
        if word.startswith("-"):
            found.append((word, []))
        else:
            found[-1][1].append(word)
    return list(words[:first]), found


def _unknown(what: str, given: Iterable[str], known: Iterable[str]) -> Faults:
    yield from (f"{what} must have known options only, got: {option!r}" for option in given if option not in {*known})


@functools.cache
def _model(service: str) -> Any:
    return Session().get_service_model(service)


def _aws(words: Sequence[str]) -> Faults:
    before, options = _options(words)
    service, operation, *stray = before if len(before) > 1 else (*before, "", "")
    what, given = f"'aws {service} {operation}'", [option for option, _ in options]
    if (service, operation) in OF_THE_CLI:
        yield from _unknown(what, given, GLOBALS | OF_THE_CLI[service, operation])
        return
    try:
        names = {xform_name(name, "-"): name for name in _model(service).operation_names}
    except UnknownServiceError:
        yield f"{what} must be of a service of AWS"
        return
    if operation not in names:
        yield f"{what} must be a call of the service"
        return
    if stray:
        yield f"{what} must have options only, got: {stray!r}"
    shape = _model(service).operation_model(names[operation]).input_shape
    members = {f"--{xform_name(name, '-')}": member for name, member in (shape.members if shape else {}).items()}
    switches = {f"--no-{name[2:]}" for name, member in members.items() if member.type_name == "boolean"}
    yield from _unknown(what, given, GLOBALS | members.keys() | switches)
    for option, values in options:
        if option == "--query":
            yield from (f"{what}: {option} {fault}" for fault in _queries(values))
        if option in members:
            yield from (f"{what}: {option} {fault}" for fault in _values(members[option], values))
    # One that is named without any option is told of, not told to be run.
    needed = {f"--{xform_name(name, '-')}" for name in (shape.required_members if shape and options else ())}
    for option in sorted(needed - set(given)):
        if not members[option].metadata.get("idempotencyToken"):
            yield f"{what} must have {option}"


def _queries(values: Sequence[str]) -> Faults:
    for value in values:
        try:
            jmespath.compile(value)
        except JMESPathError as error:
            yield f"must be a JMESPath expression, got: {value!r} ({type(error).__name__})"


def _values(shape: Any, values: Sequence[str]) -> Faults:
    """What is wrong with the values of an option; what the shell or a person puts in is not known."""
    several = shape.type_name == "list"
    if shape.type_name != "boolean" and (not values or (len(values) > 1 and not several)):
        yield f"must have {'a value' if not several else 'values'}, got: {values!r}"
    for value in values:
        if value[:1] in ("{", "["):
            try:
                report = ParamValidator().validate(json.loads(value), shape)
            except json.JSONDecodeError:
                yield f"must be JSON, got: {value!r}"
            else:
                yield from report.generate_report().splitlines()
        elif (allowed := _enumerated(shape)) and value not in allowed and "$" not in value:
            yield f"must be one of {', '.join(allowed)}, got: {value!r}"


def _enumerated(shape: Any) -> Sequence[str]:
    each = shape.member if shape.type_name == "list" else shape
    return each.enum if each.type_name == "string" else ()


def _cdktf(words: Sequence[str]) -> Faults:
    before, options = _options(words)
    verb = before[0] if before else ""
    if verb not in CDKTF:
        yield f"cdktf must be told to {', '.join(CDKTF)}, got: {verb!r}"
        return
    yield from _unknown(f"'cdktf {verb}'", (option for option, _ in options), CDKTF[verb])
    if verb != "synth" and len(before) < 2:
        yield f"'cdktf {verb}' must name a stack, for there are several"
    for stack in before[1:]:
        if stack not in (*STACKS, "*") and not stack.startswith("$"):
            yield f"'cdktf {verb}' must name some of {', '.join(STACKS)}, got: {stack!r}"


def _make(words: Sequence[str]) -> Faults:
    variables = dict(word.split("=", 1) for word in words if ASSIGNMENT.match(word))
    for target in (word for word in words if not ASSIGNMENT.match(word)):
        recipe = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n?)*)", MAKEFILE, re.MULTILINE)
        if recipe is None:
            yield f"make must have a target in the Makefile, got: {target!r}"
        elif "ARGS" in variables:
            module = re.search(r"python -m (\S+) \$\(ARGS\)", recipe[1])
            if module is None:
                yield f"'make {target}' must take ARGS"
            else:
                yield from _python(["-m", module[1], *shlex.split(variables["ARGS"])])


def _python(words: Sequence[str]) -> Faults:
    if words[:1] != ["-m"] or len(words) < 2:
        yield f"python must run a module, got: {words!r}"
        return
    _, name, *rest = words
    what = f"'python -m {name}'"
    try:
        spec = find_spec(name)
        module = f"{name}.__main__" if spec and spec.submodule_search_locations else name
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        yield f"{what} must be a module that is there"
    elif rest:
        yield from _used(what, module, rest)


def _used(what: str, module: str, words: Sequence[str]) -> Faults:
    usage, (before, options) = _usage(module), _options(words)
    if verbs := re.search(r"([a-z]+(?:\|[a-z]+)+) \.\.\.", usage):
        if not before or before[0] not in verbs[1].split("|"):
            yield f"{what} must be told to {verbs[1]}, got: {before[:1]!r}"
            return
        usage = _usage(module, before[0])
    given = {option for option, _ in options}
    yield from _unknown(what, sorted(given), {"--help", *re.findall(r"--[a-z-]+", usage)})
    if "--help" not in given:
        needed = set(re.findall(r"--[a-z-]+", re.sub(r"\[[^\]]*\]", "", usage)))
        yield from (f"{what} must have {option}" for option in sorted(needed - given))


@functools.cache
def _usage(module: str, *verbs: str) -> str:
    """How a program is used, as it says itself; nothing where it takes no options."""
    found = importlib.import_module(module)
    if "argparse" not in inspect.getsource(found):
        return ""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        found.main([*verbs, "--help"])
    return told.getvalue().partition("\n\n")[0]


CHECKS: Mapping[str, Callable[[Sequence[str]], Faults]] = {"aws": _aws, "cdktf": _cdktf, "python": _python}
