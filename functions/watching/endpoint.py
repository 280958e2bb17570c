"""Asks a region's API whether it serves, as a client does."""

import contextlib
import http.client
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from functions.shared.healthz import LOOKED_AT_BYTES, PATH, SERVING
from functions.watching.together import together

from attrs import frozen

# Complaints about a region of which no answer came: it is gone, or the way there is.
UNREACHED = ("cannot be reached", "does not answer")
# Of these the one about a region that was given up.
SILENT = "does not answer in time"


@frozen(kw_only=True)
class Patience:
    """Seconds that regions are given."""

    connect: float = 4.0
    answer: float = 2.0
    """To be reached, then to answer; a checker of Route 53 waits as long."""
    asking: float = 9.0
    """All regions together, whatever hangs."""


@frozen
class Endpoint:
    """Where a region's API answers."""

    url: str
    """As its clients know it."""
    way: str
    """Where the request goes instead, if anywhere; the header Host names the API."""
    patience: Patience

    def complaint(self) -> str:
        """Returns what is wrong with the region in a few words, nothing if it serves."""
        name, place = urlsplit(self.url), urlsplit(self.way or self.url)
        kind = http.client.HTTPConnection if place.scheme == "http" else http.client.HTTPSConnection
        connection, step = kind(place.netloc, timeout=self.patience.connect), UNREACHED[0]
        try:
            with contextlib.closing(connection):
                connection.connect()
                step = UNREACHED[1]
                connection.sock.settimeout(self.patience.answer)
                connection.request("GET", PATH, headers={"Host": name.netloc})
                answer = connection.getresponse()
                status, text = answer.status, answer.read(LOOKED_AT_BYTES).decode(errors="replace")
        except TimeoutError:
            return f"{step} in time"
        except (OSError, http.client.HTTPException) as error:
            return f"{step} ({type(error).__name__})"
        return "" if status == HTTPStatus.OK and SERVING in text else f"answers with status {status}"


def complaints(urls: Mapping[str, str], way: str, patience: Patience) -> dict[str, str]:
    """Asks all regions at the same time, and returns what is wrong with each."""
    asks = {region: Endpoint(url, way, patience).complaint for region, url in urls.items()}
    answers, _ = together(asks, patience.asking)
    return {region: answers.get(region, SILENT) for region in urls}
