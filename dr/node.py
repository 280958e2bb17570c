"""Asks node without waiting for its answers: the two processes of a synthesis work at the same time.

Node needs longer than Python, so main.py imports this first. ``DR_ALL_BINDINGS=1`` leaves all as it is in jsii.
"""

import atexit
import json
import os
import re
import select
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

from dr.runtime import NODE

import attrs
from jsii import kernel
from jsii._kernel.providers import process
from jsii._kernel.types import (
    CreateRequest,
    GetRequest,
    GetResponse,
    KernelRequest,
    LoadRequest,
    LoadResponse,
    ObjRef,
)
from jsii._reference_map import _types
from jsii.errors import ErrorType, JavaScriptError, JSIIError

# So few that what node refuses is told before much more is made.
AHEAD = 16
# Node numbers objects in the order in which it meets them.
FIRST = 10_000
NUMBER = re.compile(rb'"\$jsii\.byref":"[^"]*@(\d+)"')
# What is a token in every resource, data source and block that has it as a text.
ATTRIBUTES = {"accountId", "alarmName", "arn", "dnsName", "functionName", "id", "invokeArn", "name", "zoneId"}
RESOURCES = "@cdktf/provider-aws."
TOKEN = re.compile(r"\$\{TfToken\[TOKEN\.\d+\]\}")
BINDINGS = re.compile(rf"(jsii|constructs|cdktf|cdktf_cdktf_provider_aws|{re.escape(__name__)})(\.|$)")


class Pipelined(process._NodeProcess):
    """Gives an answer before node does where it is known: a package to load, the name of a new object, its attributes.

    Node's own answers are read before the next request of another kind. An error among them is raised then, with a note
    of what was asked where. Nothing is asked after it, for the objects made since may have wrong names. An attribute is
    not the text that node gives for it, and node replaces it: Python sees node's where it reads an argument back.
    """

    def __init__(self, node: "subprocess.Popen[bytes]") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # published without types
        self._node = node
        self._unread: deque[Callable[[], None]] = deque()
        self._number = FIRST
        self._overridden = self._failed = False

    def start(self) -> None:
        """Take the node that has started, as jsii does with the one that it starts."""
        self._process = self._node
        self.sink_thread = threading.Thread(target=process.stderr_sink, args=(self._node.stderr,), daemon=True)
        self.sink_thread.start()
        atexit.register(self.stop)
        self.handshake()

    def handshake(self) -> None:
        """Leave the greeting until an answer is needed: node is still starting."""
        self._unread.append(super().handshake)

    def send(self, request: KernelRequest, response_type: Any) -> Any:
        """Make a request and return its answer, be it node's or what that will be."""
        if self._failed:
            raise RuntimeError("node has refused to make an object, or ended: nothing more can be made")
        # Node calls Python back for what Python overrides, in the middle of any later request.
        self._overridden = self._overridden or bool(getattr(request, "overrides", None))
        foretold = self._foretold(request)
        while len(self._unread) > (AHEAD - 1 if foretold else 0):
            self._unread.popleft()()
        try:
            if foretold is None:
                return super().send(request, response_type)
            asked, given = foretold
            self._write(json.dumps(asked, default=process.jdefault).encode() + b"\n")
        except BrokenPipeError:
            raise self._ended() from None
        self._number += isinstance(given, ObjRef)
        self._unread.append(partial(self._read, given, _caller()))
        return given

    def stop(self) -> None:
        """Tell what node has refused since it was last asked, and end it."""
        try:
            while self._unread and not self._failed:
                self._unread.popleft()()
        finally:
            with suppress(BrokenPipeError):  # node has ended by itself
                super().stop()

    def _ended(self) -> RuntimeError:
        self._failed = True
        return RuntimeError(f"node ended with exit code {self._process.wait()} before it had answered")

    def _write(self, line: bytes) -> None:
        """Write a request; while node waits until its answers are read, read them."""
        pipe = self._node.stdin.fileno()  # type: ignore[union-attr]  # a pipe
        os.set_blocking(pipe, False)
        try:
            while line:
                try:
                    line = line[os.write(pipe, line) :]
                except BlockingIOError:
                    if self._unread:
                        self._unread.popleft()()
                    else:
                        select.select((), (pipe,), ())
        finally:
            os.set_blocking(pipe, True)

    def _foretold(self, request: Any) -> tuple[dict[str, Any], Any] | None:
        """A request as node reads it, with what the answer will be; nothing where that is not known."""
        if isinstance(request, LoadRequest):
            return {"api": "load", **attrs.asdict(request)}, LoadResponse(assembly=request.name, types=0)
        if self._overridden:
            return None
        if isinstance(request, CreateRequest):
            # What is not JSON in the arguments is left to json.
            asked = {"api": "create", **attrs.asdict(request, recurse=False)}
            return asked, ObjRef(f"{request.fqn}@{self._number}")
        if isinstance(request, GetRequest) and request.property in ATTRIBUTES:
            kind, _, number = request.objref.ref.rpartition("@")
            if _is_text(kind, request.property):
                token = f"${{TfToken[TOKEN.{number}.{request.property}]}}"
                by_reference = {"$jsii.byref": request.objref.ref}
                return {"api": "get", "objref": by_reference, "property": request.property}, GetResponse(token)
        return None

    def _next_message(self) -> Any:
        line = self._process.stdout.readline()  # type: ignore[union-attr]  # a pipe
        if not line:
            raise self._ended()
        self._number = max([self._number, *(int(number) + 1 for number in NUMBER.findall(line))])
        return json.loads(line, object_hook=process.ohook)

    def _read(self, given: Any, caller: str) -> None:
        answer = self._next_message()
        if "ok" in answer and _told(answer["ok"]) == _told(given):
            return
        self._failed = True
        kind = JSIIError if answer.get("name") == ErrorType.JSII_FAULT.value else RuntimeError
        error = kind(answer.get("error", f"node must answer {_told(given)!r}, got: {answer!r}"))
        error.add_note(f"for what was asked at {caller}")
        raise error from JavaScriptError(answer.get("stack", ""))  # type: ignore[no-untyped-call]  # a stack's text


@cache
def _is_text(kind: str, attribute: str) -> bool:
    """Whether a kind of resource, or of block in one, has that attribute, and as a text."""
    getter = getattr(_types.get(kind), re.sub("(?=[A-Z])", "_", attribute).lower(), None)
    returned = getattr(getattr(getter, "fget", None), "__annotations__", {}).get("return")
    return kind.startswith(RESOURCES) and returned == "builtins.str"


def _told(answer: Any) -> str:
    """What matters of an answer, be it the one given ahead or node's own."""
    if isinstance(answer, ObjRef):
        return answer.ref
    if isinstance(answer, GetResponse):
        return "a token"
    if isinstance(answer, LoadResponse):
        return answer.assembly
    return answer.get("assembly") or TOKEN.sub("a token", str(answer.get("value")))


def _caller() -> str:
    """The line that makes an object, past those of the bindings."""
    frame = sys._getframe()
    while frame.f_back and BINDINGS.match(frame.f_globals["__name__"]):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


if NODE is not None:
    process._NodeProcess = partial(Pipelined, NODE)  # type: ignore[assignment,misc]  # what makes jsii's one process
    # What jsii does at its first request.
    process.ProcessProvider._process.__get__(kernel.provider)
