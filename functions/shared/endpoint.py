"""Asks a region's API whether it serves, as a client does."""

import contextlib
import http.client
from http import HTTPStatus
from urllib.parse import urlsplit

from attrs import frozen

PATH = "/healthz"
# What a healthy region answers; Route 53 looks for it in as many bytes.
SERVING = "serving"
LOOKED_AT_BYTES = 5_120
# The complaint about a region that was given up.
SILENT = "does not answer in time"


@frozen
class Endpoint:
    """Where a region's API answers."""

    url: str
    """As its clients know it."""
    way: str
    """Where the request goes instead, if anywhere; the header Host names the API."""
    connect_seconds: float
    answer_seconds: float

    def complaint(self) -> str:
        """Returns what is wrong with the region in a few words, nothing if it serves."""
        name, place = urlsplit(self.url), urlsplit(self.way or self.url)
        kind = http.client.HTTPConnection if place.scheme == "http" else http.client.HTTPSConnection
        connection, step = kind(place.netloc, timeout=self.connect_seconds), "cannot be reached"
        try:
            with contextlib.closing(connection):
                connection.connect()
                step = "does not answer"
                connection.sock.settimeout(self.answer_seconds)
                connection.request("GET", PATH, headers={"Host": name.netloc})
                answer = connection.getresponse()
                status, text = answer.status, answer.read(LOOKED_AT_BYTES).decode(errors="replace")
        except TimeoutError:
            return f"{step} in time"
        except (OSError, http.client.HTTPException) as error:
            return f"{step} ({type(error).__name__})"
        return "" if status == HTTPStatus.OK and SERVING in text else f"answers with status {status}"
