"""An OIDC issuer on loopback, whose tokens a JWT authorizer in the embedded AWS takes."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

AUDIENCE = "patients-api"
HEADER = {"alg": "RS256", "kid": "current"}


def new_key() -> RSAPrivateKey:
    """A key to sign tokens with."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def part(content: object) -> str:
    """One of a token's three parts: bytes, or anything that becomes JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def signed(key: RSAPrivateKey, header: object, claims: object) -> str:
    """A token with an RS256 signature, whatever its header says (RFC 7515)."""
    content = f"{part(header)}.{part(claims)}"
    return f"{content}.{part(key.sign(content.encode(), PKCS1v15(), SHA256()))}"


class Issuer:
    """Publishes its discovery document and its one public key, and signs tokens.

    Attributes:
        url: What its tokens and the settings call it.
        key: Signs the tokens.
    """

    def __init__(self) -> None:
        """Take a free port; nothing is answered before the issuer is entered."""
        self.key = new_key()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        numbers = self.key.public_key().public_numbers()
        modulus, exponent = (part(n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (numbers.n, numbers.e))
        published = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}keys"},
            "/keys": {"keys": [{**HEADER, "kty": "RSA", "use": "sig", "n": modulus, "e": exponent}]},
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = published.get(self.path)
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_: object) -> None:
                """Leave no line of a request."""

        self._server.RequestHandlerClass = Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def claims(self, **changes: object) -> dict[str, object]:
        """What a clinician's token says, with changes; a claim that is changed to None is left out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "auth0|dr-jones", "iat": now, "exp": now + 3600}
        ours = {"org_id": "clinic-a", "scope": "openid healthcare-dr/clinician"}
        return {name: value for name, value in {**usual, **ours, **changes}.items() if value is not None}

    def token(self, **changes: object) -> str:
        """A clinician's token, with changes of its claims."""
        return signed(self.key, HEADER, self.claims(**changes))
