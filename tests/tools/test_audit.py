"""The audit tells vulnerable packages from a machine without network; the services it asks are on loopback."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.audit import NODE_LOCK, PYTHON_LOCKS, ROOT, SILENT, audit

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


ADVISORY = {
    "id": 1,
    "url": "https://example.test/GHSA-1",
    "title": "It is not true.",
    "severity": "high",
    "vulnerable_versions": "<99",
    "cwe": [],
    "cvss": {"score": 0, "vectorString": None},
}


class Service(BaseHTTPRequestHandler):
    """Knows one vulnerability of one package, and tells it as OSV does or as a registry of Node packages."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        vulnerable: str = self.server.vulnerable  # type: ignore[attr-defined]  # set below
        if "npm" in self.path:
            found: object = {name: [ADVISORY] for name in asked if name == vulnerable}
        else:
            found = {"vulns": [VULNERABILITY] if asked["package"]["name"] == vulnerable else []}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("npm_config_cache", str(tmp_path))  # npm keeps what it is told, whoever told it
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def asking(lock: str, server: ThreadingHTTPServer) -> tuple[str, ...]:
    if lock == NODE_LOCK:
        return ("--registry", f"http://127.0.0.1:{server.server_port}")
    return ("--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}", "--cache-dir", "")


@pytest.mark.parametrize(
    ("lock", "package", "told"),
    [("requirements/bundle.txt", "attrs", "PYSEC-2000-1"), (NODE_LOCK, "pyodide", "GHSA-1")],
)
def test_rejects_a_package_with_a_known_vulnerability(
    lock: str, package: str, told: str, service: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    service.vulnerable = package  # type: ignore[attr-defined]
    assert audit(lock, *asking(lock, service)) == 1
    assert told in capfd.readouterr().out


@pytest.mark.parametrize("lock", [*PYTHON_LOCKS, NODE_LOCK])
def test_says_so_when_nothing_is_known(
    lock: str, service: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    service.vulnerable = None  # type: ignore[attr-defined]
    assert audit(lock, *asking(lock, service)) == 0
    nothing = "found 0 vulnerabilities" if lock == NODE_LOCK else "No known vulnerabilities found"
    assert capfd.readouterr().out == f"{lock}: {nothing}\n"


def test_every_lock_is_audited() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "requirements").glob("*.txt")}
    assert found == set(PYTHON_LOCKS)


@pytest.mark.parametrize("lock", ["requirements/bundle.txt", NODE_LOCK])
def test_says_so_when_the_service_cannot_be_reached(
    lock: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    assert audit(lock) == 2
    assert SILENT.format(lock) in capfd.readouterr().err
