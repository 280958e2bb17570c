"""The audit tells vulnerable packages from a machine without network; the service it asks is one on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tools.audit import LOCKS, ROOT, SILENT, audit

import pytest

pytestmark = pytest.mark.slow
VULNERABILITY = {
    "id": "PYSEC-2000-1",
    "summary": "It is not true.",
    "affected": [
        {
            "package": {"name": "attrs", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    """Knows one vulnerability, of attrs."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = [VULNERABILITY] if asked["package"]["name"] == self.server.vulnerable else []  # type: ignore[attr-defined]  # set below
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"vulns": found}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def asking(server: ThreadingHTTPServer) -> tuple[str, ...]:
    return ("--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}", "--cache-dir", "")


def test_rejects_a_package_with_a_known_vulnerability(
    service: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    service.vulnerable = "attrs"  # type: ignore[attr-defined]
    assert audit("bundle", *asking(service)) == 1
    assert "PYSEC-2000-1" in capfd.readouterr().out


@pytest.mark.parametrize("lock", LOCKS)
def test_says_so_when_nothing_is_known(
    lock: str, service: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    service.vulnerable = None  # type: ignore[attr-defined]
    assert audit(lock, *asking(service)) == 0
    assert capfd.readouterr().out == f"requirements/{lock}.txt: No known vulnerabilities found\n"


def test_every_lock_is_audited() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == set(LOCKS)


def test_says_so_when_the_service_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert audit("bundle") == 2
    assert SILENT.format("bundle") in capfd.readouterr().err
