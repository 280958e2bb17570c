"""Sealed tokens: what a caller brings back later unread and unchanged, for the same purpose only.

The keys are random rows of the table of records, so a token of one region is opened in every other, also after a
failover; each region makes a new one every month. No patient is called as their partition is: it holds no '#'.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from functions.shared.table import ConflictError, Table, pause

from attrs import field, frozen

_PARTITION = "seals"
_NONCE_BYTES = 16
_MAC_BYTES = 32
_ROUNDS = 5


@frozen
class Seals:
    """Makes and opens tokens in one region."""

    _table: Table
    _region: str
    _keys: dict[str, bytes] = field(factory=dict, init=False)

    def seal(self, purpose: str, content: object, seconds: int) -> str:
        """Returns a token that :meth:`open` takes for ``purpose`` during so many seconds."""
        name = f"{self._region}.{time.strftime('%Y%m', time.gmtime())}"
        key, nonce = self._key(name) or self._made(name), secrets.token_bytes(_NONCE_BYTES)
        text = json.dumps([int(time.time()) + seconds, content]).encode()
        body = nonce + _masked(key, nonce, text)
        sealed = base64.urlsafe_b64encode(body + _mac(key, name, purpose, body)).decode().rstrip("=")
        return f"{name}.{sealed}"

    def open(self, purpose: str, token: str) -> Any:
        """Returns the content of a token, or None if it is not one of this purpose, or too old."""
        name, _, sealed = token.rpartition(".")
        try:
            body = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, mac = body[:-_MAC_BYTES], body[-_MAC_BYTES:]
        # No look-up of names that no key has.
        key = self._key(name) if len(name) <= 64 and name.isascii() and name.isprintable() and name else None
        if key is None or not hmac.compare_digest(mac, _mac(key, name, purpose, body)):
            return None
        until, content = json.loads(_masked(key, body[:_NONCE_BYTES], body[_NONCE_BYTES:]))
        return content if time.time() < until else None

    def _key(self, name: str) -> bytes | None:
        if name not in self._keys and (row := self._table.get(_PARTITION, name)):
            self._keys[name] = bytes.fromhex(row["secret"])
        return self._keys.get(name)

    def _made(self, name: str) -> bytes:
        """Makes the region's key of the month; of two functions that do, one wins and both use that one.

        Raises:
            ConflictError: none could be made, and a key that nobody has seals nothing.
        """
        row = {"patient_id": _PARTITION, "record_id": name, "secret": secrets.token_hex(32)}
        for attempt in range(_ROUNDS):
            try:
                self._table.transact(self._table.addition(row))
            except ConflictError:
                if key := self._key(name):
                    return key
                pause(attempt)  # the other function's may still be on its way
            else:
                return self._keys.setdefault(name, bytes.fromhex(row["secret"]))
        raise ConflictError


def _masked(key: bytes, nonce: bytes, text: bytes) -> bytes:
    """Hides or shows ``text``: a key of its own for each token, stretched by SHAKE-256 to the text's length."""
    stream = hashlib.shake_256(hmac.digest(key, b"mask" + nonce, "sha256")).digest(len(text))
    return bytes(a ^ b for a, b in zip(text, stream, strict=True))


def _mac(key: bytes, name: str, purpose: str, body: bytes) -> bytes:
    bound = json.dumps([name, purpose]).encode()
    return hmac.digest(key, b"seal" + hashlib.sha256(bound).digest() + body, "sha256")
