"""A caller of a region's API: signs each request as AWS_IAM asks, or shows a token, and reaches the embedded AWS."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws

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
    """Calls one region's API as an identity of the account, or as whom a token names.

    Attributes:
        region: The API's region.
        host: The API's own name.
    """

    def __init__(
        self,
        *,
        region: str,
        api_url: str,
        endpoint: str,
        account: str,
        role: Mapping[str, Any] | None = None,
        timeout_s: float = 30,
    ) -> None:
        """Make the client.

        Args:
            region: The API's region, which the signature is for.
            api_url: The address that the region's stack has as an output.
            endpoint: Where the embedded AWS listens: the address itself is AWS's.
            account: The account, whose root identity signs unless there is a role.
            role: The credentials of a role's session, as STS returns them.
            timeout_s: How long an answer may take, seconds.
        """
        self.region, self._url, self._endpoint = region, api_url, endpoint
        self.host = urlsplit(api_url).netloc
        keys = Credentials(account, "test")
        if role:
            keys = Credentials(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
        self._signer = SigV4Auth(keys, "execute-api", region)
        self._session = URLLib3Session(timeout=timeout_s)

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        signed: bool = True,
        token: str | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Args:
            method: Its method.
            path: Its path, and its query.
            body: Its body.
            content_type: The body's media type.
            if_match: The ETag of what the request changes.
            idempotency_key: What a retry of the request is known by.
            signed: Whether it is signed; never together with a token.
            token: A token of the API's issuer.

        Raises:
            botocore.exceptions.HTTPClientError: There was no answer.
        """
        bearer = token and f"Bearer {token}"
        given = {
            "Authorization": bearer,
            "Content-Type": content_type,
            "Idempotency-Key": idempotency_key,
            "If-Match": if_match,
        }
        headers = {name: value for name, value in given.items() if value}
        asked = AWSRequest(method, f"{self._url}{path}", headers=headers, data=body)
        if signed and not token:
            self._signer.add_auth(asked)
        sent = AWSRequest(method, f"{self._endpoint}{path}", headers=dict(asked.headers.items()), data=body)
        sent.headers["Host"] = self.host
        answer = self._session.send(sent.prepare())
        return Answer(answer.status_code, answer.content, answer.headers)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


@contextmanager
def api_clients(
    aws: EmbeddedAws, deployment: Deployment, role: Mapping[str, Any] | None = None
) -> Iterator[dict[str, ApiClient]]:
    """A client of each region's API, closed in the end: the account's root user, or a role's session."""
    with ExitStack() as opened:
        yield {
            region: opened.enter_context(
                closing(
                    ApiClient(
                        region=region,
                        api_url=str(deployment.outputs(region)["api_url"]),
                        endpoint=aws.endpoint,
                        account=aws.account,
                        role=role,
                    )
                )
            )
            for region in aws.regions
        }
