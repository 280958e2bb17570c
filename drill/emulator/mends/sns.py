"""SNS: subscriptions over https."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ministack.services import sns

LOOPBACK = ("127.", "localhost", "[::1]")


def return_arns_of_pending_subscriptions() -> None:
    """A subscription over https cannot be created: the provider asks for its ARN and gets `pending confirmation`."""
    original = sns._subscribe

    def subscribe(params: Any) -> Any:
        status, headers, body = original(params)
        if sns._p(params, "ReturnSubscriptionArn") == "true" and b"pending confirmation" in body:
            topic, _ = sns._get_topic(sns._p(params, "TopicArn"), "sns:Subscribe")
            body = body.replace(b"pending confirmation", topic["subscriptions"][-1]["arn"].encode())
        return status, headers, body

    sns._subscribe = subscribe


def keep_notifications_on_this_machine() -> None:
    """Notifications over http are really sent: a drill would alert the on-call service that the settings name."""
    original = sns._http_post_sync

    def http_post_sync(endpoint: str, *rest: Any) -> Any:
        if not urlsplit(endpoint).netloc.startswith(LOOPBACK):
            raise OSError("the embedded AWS sends nothing to other machines")
        return original(endpoint, *rest)

    sns._http_post_sync = http_post_sync
