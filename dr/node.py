"""Asks node without waiting for its answers: the two processes of a synthesis work at the same time.

Node needs longer than Python, so main.py imports this first. ``DR_ALL_BINDINGS=1`` leaves all as it is in jsii.
"""

import atexit
import json
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from dr.runtime import NODE

from jsii import kernel
from jsii._kernel.providers import process
from jsii._kernel.types import CreateRequest, KernelRequest, LoadRequest, ObjRef
from jsii.errors import ErrorType, JavaScriptError, JSIIError

# So few that their answers, errors too, fit into a pipe: node never waits until they are read.
AHEAD = 16
# Node numbers objects in the order in which it meets them.
FIRST = 10_000
NUMBER = re.compile(rb'"\$jsii\.byref":"[^"]*@(\d+)"')
BINDINGS = re.compile(rf"(jsii|constructs|cdktf|cdktf_cdktf_provider_aws|{re.escape(__name__)})(\.|$)")


class Pipelined(process._NodeProcess):
    """Gives an answer before node does where it is known: for a package to load, and for the name of a new object.

    Node's own answers are read before the next request of another kind. An error among them is raised then, with a note
    of where its object was made. Nothing is asked after it, for the objects made since may have wrong names.
    """

    def __init__(self, node: "subprocess.Popen[bytes]") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # published without types
        self._node = node
        self._unread: deque[Callable[[], None]] = deque()
        self._given: Any = None
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
            raise RuntimeError("node has refused to make an object: nothing more can be made")
        # Node calls Python back for what Python overrides, in the middle of any later request.
        self._overridden = self._overridden or bool(getattr(request, "overrides", None))
        ahead = isinstance(request, LoadRequest) or (isinstance(request, CreateRequest) and not self._overridden)
        while len(self._unread) > (AHEAD - 1 if ahead else 0):
            self._unread.popleft()()
        self._given = self._foretold(request) if ahead else None
        return super().send(request, response_type)

    def _foretold(self, request: Any) -> Any:
        if isinstance(request, LoadRequest):
            return {"assembly": request.name, "types": 0}
        return ObjRef(f"{request.fqn}@{self._number}")

    def _next_message(self) -> Any:
        if self._given is None:
            line = self._process.stdout.readline()  # type: ignore[union-attr]  # a pipe
            self._number = max([self._number, *(int(number) + 1 for number in NUMBER.findall(line))])
            return json.loads(line, object_hook=process.ohook)
        given, self._given = self._given, None
        self._number += isinstance(given, ObjRef)
        self._unread.append(partial(self._read, given, _caller()))
        return {"ok": given}

    def _read(self, given: Any, caller: str) -> None:
        answer = self._next_message()
        if "ok" in answer and _name(answer["ok"]) == _name(given):
            return
        self._failed = True
        kind = JSIIError if answer.get("name") == ErrorType.JSII_FAULT.value else RuntimeError
        error = kind(answer.get("error", f"node must answer {_name(given)!r}, got: {answer!r}"))
        error.add_note(f"for the object made at {caller}")
        raise error from JavaScriptError(answer.get("stack", ""))  # type: ignore[no-untyped-call]  # a stack's text


def _name(answer: Any) -> Any:
    return answer.ref if isinstance(answer, ObjRef) else answer["assembly"]


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
