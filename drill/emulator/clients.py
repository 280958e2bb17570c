"""How Terraform, boto3 and the AWS CLI are pointed at the emulator, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

_MAKING = Lock()

UNSET = frozenset(
    {
        "AWS_CA_BUNDLE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_PROFILE",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "MINISTACK_ACCOUNT_ID",
    }
)
"""Variables that must not be set beside `environment()`; nor may any that begins with AWS_ENDPOINT_URL_."""


def environment(endpoint: str, account: str, region: str) -> dict[str, str]:
    """The variables that send every AWS client to the emulator, as the root user, whose access key is the account."""
    return {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_PAGER": "",
        "AWS_REGION": region,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def isolated(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A process's whole environment: `base` without what could lead a client elsewhere, a proxy included, and `own`."""
    kept = {
        name: value for name, value in base.items() if name not in UNSET and not name.startswith("AWS_ENDPOINT_URL")
    }
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), "127.0.0.1,localhost")))
    return {**kept, **own}


def make_client(service: str, region: str, endpoint: str, credentials: Mapping[str, Any]) -> Any:
    """A boto3 client that reads no configuration of the user's."""
    from botocore.config import Config

    with _MAKING:  # a session makes one client at a time
        return _session().client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials.get("SecretAccessKey", "test"),  # the root user's is not verified
            aws_session_token=credentials.get("SessionToken"),
            config=Config(
                connect_timeout=5,
                read_timeout=120,  # longer than any function may take
                retries={"total_max_attempts": 1},
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )


@cache
def _session() -> Any:
    """One for all clients: it reads AWS's models once, which takes longer than all else about a client."""
    import boto3
    import botocore.session

    nothing: Any = (None, None, None, None)
    session = botocore.session.Session(
        {
            "profile": nothing,
            "ca_bundle": nothing,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(botocore_session=session)


def emulator_settings(port: int, account: str) -> dict[str, str]:
    """The variables that ministack itself is started with."""
    return {
        "AUTH": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",  # for the functions, which inherit it
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",  # no containers of the user's are looked at
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": account,
        "PYTHONUNBUFFERED": "1",
        "SFTP_ENABLED": "0",
    }
