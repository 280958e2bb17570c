"""Clients that answer as AWS does, without AWS.

Each answer is written down in the shape that AWS's API reference gives it, and botocore's Stubber holds it to the
service's model: a field that does not exist or has another type is refused. None was taken from a live account.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

__all__ = ["ANY", "Answer", "Refusal", "client"]

Answer = tuple[str, Mapping[str, Any]]
# An operation, and the code of the error that it ends with.
Refusal = tuple[str, str]


def client(service: str, answers: Sequence[Answer | Refusal], region: str = "us-east-1") -> Any:
    """A client that gives these answers, in this order."""
    made = boto3.client(service, region_name=region, aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106  # never sent: a stubber answers
    stubber = Stubber(made)
    for operation, answer in answers:
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer)
        else:
            stubber.add_response(operation, dict(answer))
    stubber.activate()
    return made
