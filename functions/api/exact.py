"""JSON in which each number keeps the text that it was sent as: no digit of a clinical value changes on the way."""

import json
import uuid
from typing import Any, NoReturn

from attrs import frozen


@frozen
class Verbatim:
    """JSON that stands in an answer as it is: a number, or a whole value."""

    text: str


def read(text: bytes) -> Any:
    """Returns the value that JSON says, in which every number is :class:`Verbatim`.

    Raises:
        ValueError, RecursionError: it is no JSON, or has an object that holds a name twice, of which one would be lost.
    """
    return json.loads(
        text.decode(errors="surrogatepass"),  # UTF-8 and nothing else: of bytes json guesses the encoding
        parse_float=Verbatim,
        parse_int=Verbatim,
        parse_constant=_refuse_constant,
        object_pairs_hook=_unique,
    )


def written(value: object) -> str:
    """Returns a value as JSON."""
    kept, mark = list[str](), uuid.uuid4().hex  # a mark that no text of the value can hold

    def marked(verbatim: Verbatim) -> str:
        kept.append(verbatim.text)
        return mark

    first, *rest = json.dumps(value, separators=(",", ":"), default=marked).split(f'"{mark}"')
    return first + "".join(text + after for text, after in zip(kept, rest, strict=True))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name must not stand twice in an object")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")
