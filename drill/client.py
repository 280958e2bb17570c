"""A caller of a region's API: signs each request as AWS_IAM asks, and reaches the API in the embedded AWS."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session


@attrs.frozen
class Answer:
    """What the API said."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class ApiClient:
    """Calls one region's API as an identity of the account."""

    def __init__(self, *, region: str, api_url: str, endpoint: str, account: str, timeout_s: float = 30) -> None:
        """Make the client.

        Args:
            region: The API's region, which the signature is for.
            api_url: The address that the region's stack has as an output.
            endpoint: Where the embedded AWS listens: the address itself is AWS's.
            account: The account, whose root identity signs.
            timeout_s: How long an answer may take, seconds.
        """
        self.region, self._url, self._endpoint = region, api_url, endpoint
        self._signer = SigV4Auth(Credentials(account, "test"), "execute-api", region)
        self._session = URLLib3Session(timeout=timeout_s)

    def call(
        self, method: str, path: str, body: bytes = b"", *, content_type: str | None = None, signed: bool = True
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Raises:
            botocore.exceptions.HTTPClientError: There was no answer.
        """
        headers = {"Content-Type": content_type} if content_type else {}
        asked = AWSRequest(method, f"{self._url}{path}", headers=headers, data=body)
        if signed:
            self._signer.add_auth(asked)
        sent = AWSRequest(method, f"{self._endpoint}{path}", headers=dict(asked.headers.items()), data=body)
        sent.headers["Host"] = urlsplit(self._url).netloc
        answer = self._session.send(sent.prepare())
        return Answer(answer.status_code, answer.content, answer.headers)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
