"""The embedded AWS as its user sees it: started, talked to, broken, healed and stopped."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from drill.emulator import clients
from drill.emulator.errors import EmbeddedAwsError
from drill.emulator.listeners import Address, listen

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0
ANSWERED_WITHIN = 30.0
STOPPED_WITHIN = 8.0
KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "PATH", "TZ")


class RequestCount(NamedTuple):
    """How often a kind of request came: `outcome` is `ok` or the mode of the fault it met."""

    region: str
    service: str
    outcome: str
    caller: str
    times: int


class EmbeddedAws:
    """An AWS account in a process of its own, for as long as the `with` block lasts.

    Every start is an empty account. The process ends with the one that started it, even if that is killed.

    Attributes:
        regions: Names of the regions that have an address of their own. Others exist all the same.
        account: The account's id, which is also its root user's access key.
        log: What the emulator says, and what its functions print.
        port: The port, on every address.
        endpoint: Where all services of all regions answer.
        addresses: Each region's own address, for requests that say nothing else of their region: a custom domain's.
    """

    def __init__(
        self,
        *,
        log: Path,
        regions: Sequence[str] = ("us-east-1", "us-west-2"),
        port: int | None = None,
        account: str = "111111111111",
    ) -> None:
        if not regions or len(set(regions)) != len(regions):
            raise EmbeddedAwsError(f"'regions' must be one or more different names, got: {list(regions)!r}")
        if not re.fullmatch(r"\d{12}", account):
            raise EmbeddedAwsError(f"'account' must have 12 digits, got: {account!r}")
        if port is not None and not 1 <= port <= 65535:
            raise EmbeddedAwsError(f"'port' must be from 1 to 65535, got: {port!r}")
        self.regions = tuple(regions)
        self.account = account
        self.log = log
        self.port = port or 0
        self.addresses: dict[str, Address] = {}
        self._scratch = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._detached = 0  # the id of a process that is not this object's to stop
        self._clients: dict[tuple[str, str, str], Any] = {}

    @classmethod
    def attach(cls, state: Path) -> Self:
        """The emulator that `detach` left running. It stays when this object is stopped, or its `with` block ends.

        Args:
            state: The file that `detach` wrote.

        Raises:
            EmbeddedAwsError: There is no such file, or what it is about does not run any more.
        """
        try:
            content = json.loads(state.read_text())
            log, account, addresses = state.with_name(content["log"]), content["account"], content["addresses"]
            aws = cls(log=log, regions=list(addresses), port=content["port"], account=account)
            aws.addresses = {region: Address(*address) for region, address in addresses.items()}
            aws._detached = content["pid"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EmbeddedAwsError(f"no embedded AWS was left running: {state} is missing or cannot be read") from error
        with suppress(OSError, http.client.HTTPException, ValueError, KeyError):
            if aws._ask("GET", "/_drill")["pid"] == aws._detached:  # the port may be another's by now
                return aws
        raise EmbeddedAwsError(f"the embedded AWS of {state} does not run any more, or does not answer")

    @property
    def endpoint(self) -> str:
        """The value of AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self if self._detached else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *, detached: bool = False) -> Self:
        """The emulator serves. A detached one stays until it is told to stop: see `detach`.

        Raises:
            EmbeddedAwsError: The port is taken, or the process did not come up.
        """
        if self._process is not None or self._detached:
            raise EmbeddedAwsError(f"the embedded AWS runs already, at {self.endpoint}: stop it first")
        try:
            self._spawn()
            self._wait_until_ready()
            if detached:
                self.detach()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Nothing of the emulator runs any more; one that is detached stays, and this object lets go of it."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._detached = 0
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process)
        finally:
            if self._scratch:  # the process removes it, unless it was killed
                shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = ""

    def detach(self) -> Path:
        """The emulator outlives this process; `python -m drill.emulator stop FILE` ends it.

        Returns:
            The file that says how to reach and stop it, beside the log: for `attach` too.
        """
        process = self._running()
        state = self.log.with_suffix(".json")
        content = {
            "pid": process.pid,
            "port": self.port,
            "account": self.account,
            "addresses": self.addresses,
            "log": self.log.name,
        }
        state.write_text(json.dumps(content, indent=2) + "\n")
        process.stdin.write(b"detach\n")  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]
        self._process, self._scratch, self._detached = None, "", process.pid
        process.returncode = 0  # it is nobody's to wait for now: without this, Popen warns that it still runs
        return state

    @property
    def pid(self) -> int:
        """The id of its process, and of the process group that its functions run in; 0 when it is not running."""
        return self._process.pid if self._process else self._detached

    @property
    def alive(self) -> bool:
        """Whether the emulator runs and is this object's to stop."""
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Does nothing while the emulator runs.

        Raises:
            EmbeddedAwsError: It ended, with the last lines of its log.
        """
        if not self._detached:
            self._running()
        elif not lives(self._detached):
            raise EmbeddedAwsError(f"the embedded AWS ended; {self._last_words()}")

    def environment(self) -> dict[str, str]:
        """Variables that point Terraform, boto3 and the AWS CLI here. Unset `clients.UNSET`, or use `isolated`."""
        return clients.environment(self.endpoint, self.account, self.regions[0])

    def isolated(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """A whole environment for a subprocess: `base` with `environment()`, and nothing that leads elsewhere."""
        return clients.isolated(base, self.environment())

    def client(self, service: str, region: str, *, credentials: Mapping[str, Any] | None = None) -> Any:
        """A boto3 client without retries, closed with the emulator: the root user's, or of STS `Credentials`."""
        access_key = (credentials or {}).get("AccessKeyId", self.account)
        made = self._clients.get((service, region, access_key))
        if made is None:
            made = clients.make_client(service, region, self.endpoint, credentials or {"AccessKeyId": self.account})
            self._clients[service, region, access_key] = made
        return made

    def fault(
        self,
        *,
        region: str,
        service: str = "*",
        mode: str = "drop",
        seconds: float = 0.0,
        share: float = 1.0,
        path: str = "*",
    ) -> int:
        """Breaks one thing more, and returns its number for `heal`: see `drill.emulator.faults.Fault`."""
        fault = {
            "region": region,
            "service": service,
            "mode": mode,
            "seconds": seconds,
            "share": share,
            "path": path,
        }
        return int(self._order("POST", "/_drill/faults", fault)["number"])

    def heal(self, fault: int | None = None) -> None:
        """One fault is lifted, or all are."""
        self._order("DELETE", "/_drill/faults" if fault is None else f"/_drill/faults/{fault}")

    def faults(self) -> list[dict[str, Any]]:
        """What is broken now: of each fault its number and what it was made of."""
        found: list[dict[str, Any]] = self._order("GET", "/_drill")["faults"]
        return found

    def delay_replication(self, *, source: str, target: str, seconds: float | None) -> None:
        """Copies from source to target take so many seconds; with None they wait until another order."""
        order = {"source": source, "target": target, "seconds": "hold" if seconds is None else seconds}
        self._order("POST", "/_drill/replication", order)

    def replication(self) -> dict[str, Any]:
        """Lag and queue of every direction (`ways`), and how many copies were made, lost to later writes, or failed.

        Of a queue its length (`queued`), and how long its oldest copy has waited, seconds (`oldest_s`).
        """
        state: dict[str, Any] = self._order("GET", "/_drill")["replication"]
        return state

    def requests(self) -> list[RequestCount]:
        """What was asked so far, most frequent first."""
        return [RequestCount(*row) for row in self._order("GET", "/_drill")["requests"]]

    def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        with ExitStack() as opened:
            listeners = [opened.enter_context(found) for found in listen(self.port, len(self.regions))]
            self.port = listeners[0].getsockname()[1]
            own = [Address(*listener.getsockname()) for listener in listeners[1:]]
            self.addresses = dict(zip(self.regions, own, strict=True))
            output = opened.enter_context(self.log.open("wb"))
            self._scratch = tempfile.mkdtemp(prefix="embedded-aws-")
            command = [sys.executable, "-m", "drill.emulator.server"]
            for region, listener in zip(("", *self.regions), listeners, strict=True):
                command.append(f"--listen={region}={listener.fileno()}")
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**kept, **clients.emulator_settings(self.port, self.account), "TMPDIR": self._scratch},
                pass_fds=[listener.fileno() for listener in listeners],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which stops the emulator when it has cleaned up
            )

    def _wait_until_ready(self) -> None:
        process, deadline = self._running(), time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                if self._ask("GET", "/_drill")["pid"] == process.pid:
                    return
            self._running()
            time.sleep(0.05)
        raise EmbeddedAwsError(f"the embedded AWS did not answer within {READY_WITHIN:.0f} s; {self._last_words()}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedAwsError("the embedded AWS is not running: start it first")
        if (code := self._process.poll()) is not None:
            raise EmbeddedAwsError(f"the embedded AWS ended by itself (exit status {code}); {self._last_words()}")
        return self._process

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()[-12:]
        return f"its log {self.log} ends:\n" + "\n".join(lines) if lines else f"its log {self.log} is empty"

    def _order(self, method: str, path: str, content: object = None) -> Any:
        self.check()
        try:
            return self._ask(method, path, content)
        except (OSError, http.client.HTTPException) as error:
            self.check()
            raise EmbeddedAwsError(f"the embedded AWS does not answer ({error!r}); {self._last_words()}") from error

    def _ask(self, method: str, path: str, content: object = None) -> Any:
        body = None if content is None else json.dumps(content)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWERED_WITHIN)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            data = json.loads(answer.read())
        if answer.status != 200:
            raise EmbeddedAwsError(f"the embedded AWS refused {method} {path}: {data['message']}")
        return data


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and was this process's own is waited for."""
    with suppress(ChildProcessError):  # which says that it is no child of this process's
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Lets a process end in order, then whatever is left of its group, in which its Lambda workers are."""
    try:
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPED_WITHIN)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
