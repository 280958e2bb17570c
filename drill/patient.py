"""One client of the API: it resolves, connects, writes what it can tell again, reads it back, and logs it."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from threading import Event
from typing import Any

from drill.client import Answer, ApiClient
from drill.holdings import content, text
from drill.log import Acknowledgement, Request
from drill.route53 import ResolutionError

import attrs
from botocore.exceptions import BotoCoreError

# Of so many writes one is a new record, one in `_DOCUMENT_EVERY` a document, and the others correct that record.
_RECORD_EVERY, _DOCUMENT_EVERY = 12, 4
# Instead of one in so many an older record or document is read again, which should be everywhere by then.
_AGAIN_EVERY = 5


@attrs.define
class _Record:
    """A client's own record.

    Attributes:
        path: Where it is.
        tag: The entity tag that the next correction is based on.
        seen: The region that gave it.
        marks: Of all attempts to write it, in their order; some came to nothing.
        last: The last one that was acknowledged.
        refused: The region that last refused what is based on the tag that it gave itself, and that tag.
    """

    path: str
    tag: str
    seen: str
    marks: list[str]
    last: Acknowledgement
    refused: tuple[str, str] | None = None


@attrs.define(kw_only=True, eq=False)
class Client:
    """One client, who keeps one patient's data.

    Attributes:
        name: The patient's.
        requests: Gets every attempt.
        acknowledgements: Gets every write that was taken.
        resolve: Says where the API is.
        connect: Makes a caller of the API at a host.
        pace_s: Between two requests.
        stopped: Ends it.
    """

    name: str
    requests: list[Request]
    acknowledgements: list[Acknowledgement]
    resolve: Callable[[], str]
    connect: Callable[[str], ApiClient]
    pace_s: float
    stopped: Event
    _opened: ExitStack = attrs.field(init=False)
    _apis: dict[str, ApiClient] = attrs.field(factory=dict, init=False)
    _record: _Record | None = attrs.field(default=None, init=False)
    _reads: deque[Callable[[], None]] = attrs.field(factory=deque, init=False)

    def run(self, phase: float) -> None:
        """Write and read back until stopped; what is not served is tried again under the same idempotency key.

        Args:
            phase: How many paces the client waits first: it keeps all from writing at once, and then all reading.
        """
        number = 0
        self.stopped.wait(phase * self.pace_s)
        with ExitStack() as self._opened:
            while not self.stopped.is_set():
                number += 1
                mark = f"{self.name}-{number}"
                if number % _AGAIN_EVERY == 0 and self._reads:
                    self._reads[0]()
                    self._reads.rotate(-1)
                elif number % _DOCUMENT_EVERY == 0:
                    self._keep_document(mark)
                elif self._record and number % _RECORD_EVERY != 1:
                    self._correct(self._record, mark)
                else:
                    self._make_record(mark)

    def _make_record(self, mark: str) -> None:
        written, answer = self._write("record", "POST", "records", mark, _record(mark), "application/json")
        if written and answer:
            self._record = _Record(answer.headers["Location"], answer.headers["ETag"], written.region, [mark], written)
            self._read_first(partial(self._read_record, self._record))

    def _read_first(self, read: Callable[[], None]) -> None:
        self._reads.append(read)
        read()

    def _correct(self, record: _Record, mark: str) -> None:
        """Add a version that is based on what the client knows, and read what there is then: perhaps two heads."""
        record.marks.append(mark)
        path = record.path.removeprefix(f"/patients/{self.name}/")
        written, answer = self._write(
            "correction", "PUT", path, mark, _record(mark), "application/json", corrects=record
        )
        if written and answer:
            record.last, record.tag, record.seen = written, answer.headers["ETag"], written.region
        if not self.stopped.is_set():
            self._read_record(record)

    def _read_record(self, record: _Record) -> None:
        def known(region: str, answer: Answer) -> bool | None:
            body = json.loads(answer.body)
            heads = (body.get("divergence") or {}).get("heads") or [body]
            found = [head["content"] for head in heads]
            tag = answer.headers["ETag"]
            if any(each != content(each["mark"]) for each in found) or record.refused == (region, tag):
                return None
            newest = max(record.marks.index(each["mark"]) for each in found)
            record.tag, record.seen = tag, region
            return newest >= record.marks.index(record.last.mark)

        self._read("read record", record.path, record.last, known)

    def _keep_document(self, mark: str) -> None:
        written, _ = self._write("document", "PUT", f"documents/{mark}.txt", mark, text(mark), "text/plain")
        if written:
            path = f"/patients/{self.name}/documents/{mark}.txt"

            def known(_: str, answer: Answer) -> bool | None:
                return True if answer.body == text(mark) else None

            self._read_first(partial(self._read, "read document", path, written, known))

    def _write(
        self,
        kind: str,
        method: str,
        path: str,
        mark: str,
        body: bytes,
        content_type: str,
        *,
        corrects: _Record | None = None,
    ) -> tuple[Acknowledgement | None, Answer | None]:
        """The acknowledgement and the answer; none if the end came first, or what was to be corrected is not there."""
        taken: list[Acknowledgement] = []

        def judge(region: str, answer: Answer) -> str:
            if answer.status in (200, 201):
                taken.append(
                    Acknowledgement(
                        mark=mark,
                        patient=self.name,
                        region=region,
                        at=time.monotonic(),
                        version=answer.headers["ETag"].strip('"'),
                        correlation=answer.headers["X-Correlation-Id"],
                        replication=json.loads(answer.body).get("replication"),
                    )
                )
                return "served"
            if corrects and answer.status == 404:
                return "wrong" if region == corrects.last.region else "stale"
            if corrects and answer.status == 412:
                if region == corrects.seen:
                    corrects.refused = region, corrects.tag
                return "stale"
            return _refusal(answer)

        def call(api: ApiClient) -> Answer:
            place = f"/patients/{self.name}/{path}"
            tag = corrects.tag if corrects else None
            return api.call(method, place, body, content_type=content_type, idempotency_key=mark, if_match=tag)

        while True:
            answer = self._ask(kind, judge, call, corrects.last if corrects else None)
            self.acknowledgements += taken
            if self.stopped.wait(self.pace_s):
                return None, None
            if taken or (corrects and answer and answer.status in (404, 412)):
                return next(iter(taken), None), answer

    def _read(
        self, kind: str, path: str, written: Acknowledgement, known: Callable[[str, Answer], bool | None]
    ) -> None:
        """Read once, wherever the name leads: what is read is known to be as new as what was written, older, or wrong.

        Another region may not have it yet. Of a document that is said to be replicated it has the bytes; the row that
        names it comes as records do.
        """

        def judge(region: str, answer: Answer) -> str:
            right = known(region, answer) if answer.status == 200 else False
            if right is not False:
                return "served" if right else "wrong"
            missing = answer.status in (200, 404) or b"problem:not-replicated" in answer.body
            if missing and region != written.region:
                return "wrong" if written.replication == "replicated" and answer.status != 404 else "stale"
            return "wrong" if answer.status == 200 else _refusal(answer)

        self._ask(kind, judge, lambda api: api.call("GET", path), written)
        self.stopped.wait(self.pace_s)

    def _ask(
        self,
        kind: str,
        judge: Callable[[str, Answer], str],
        call: Callable[[ApiClient], Answer],
        written: Acknowledgement | None = None,
    ) -> Answer | None:
        """The answer to one attempt, which is logged."""
        began, region, answer, told = time.monotonic(), None, None, ""
        try:
            host = self.resolve()
            if host not in self._apis:
                self._apis[host] = self._opened.enter_context(closing(self.connect(host)))
            region = self._apis[host].region
            answer = call(self._apis[host])
            told = f"{answer.status} {answer.body[:200]!r}"
            outcome = judge(region, answer)
        except (ResolutionError, BotoCoreError) as error:
            outcome, told = "failed", f"{type(error).__name__}: {error}"
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            if answer is None:
                raise
            outcome, told = "wrong", f"{type(error).__name__}: {told}"
        self.requests.append(
            Request(
                client=self.name,
                began=began,
                ended=time.monotonic(),
                region=region,
                kind=kind,
                outcome=outcome,
                text="" if outcome == "served" else told,
                written=written,
            )
        )
        return answer


def _record(mark: str) -> bytes:
    record: dict[str, Any] = {
        "record_type": "observation",
        "facility_id": "drill",
        "recorded_at": "2026-01-05T09:30:00Z",
        "content": content(mark),
    }
    return json.dumps(record).encode()


def _refusal(answer: Answer) -> str:
    """What an answer is that is none of the expected: the server's fault is a failure, all else must not be."""
    return "failed" if answer.status >= 500 or answer.status == 429 else "wrong"
