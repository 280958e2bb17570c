"""Who is let in to an API: as by AWS, with the mends that ministack needs for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

from drill.client import ApiClient
from drill.emulator import EmbeddedAws
from drill.story import session
from tests.issuer import AUDIENCE, HEADER, Issuer, signed

import pytest


def jwt_authorizer(client: Any, api: str, issuer: str, audience: str) -> str:
    """The id of a new authorizer of that API."""
    made = client.create_authorizer(
        ApiId=api,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": [audience]},
    )
    return str(made["AuthorizerId"])


def test_a_jwt_authorizer_has_no_payload_version(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("apigatewayv2", "us-east-1")
    api = client.create_api(Name="jwt", ProtocolType="HTTP")["ApiId"]
    made = jwt_authorizer(client, api, "https://issuer.org", "api")
    shown = client.get_authorizer(ApiId=api, AuthorizerId=made)
    assert "AuthorizerPayloadFormatVersion" not in shown


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as answering:
        yield answering


@pytest.fixture(scope="module")
def ask(embedded_aws: EmbeddedAws, issuer: Issuer) -> Callable[[str], int]:
    """Calls a route behind a JWT authorizer and nothing behind it: 500 says that the token was taken."""
    client = embedded_aws.client("apigatewayv2", "us-east-1")
    api = client.create_api(Name="tokens", ProtocolType="HTTP")["ApiId"]
    authorizer = jwt_authorizer(client, api, issuer.url, AUDIENCE)
    client.create_route(ApiId=api, RouteKey="GET /", AuthorizationType="JWT", AuthorizerId=authorizer)
    client.create_stage(ApiId=api, StageName="$default")

    def status(token: str) -> int:
        with closing(HTTPConnection("127.0.0.1", embedded_aws.port)) as connection:
            headers = {"Host": f"{api}.execute-api.us-east-1.amazonaws.com", "Authorization": f"Bearer {token}"}
            connection.request("GET", "/", headers=headers)
            return connection.getresponse().status

    assert status(issuer.token()) == 500
    return status


def test_a_jwt_authorizer_refuses_a_token_that_names_another_algorithm(
    ask: Callable[[str], int], issuer: Issuer
) -> None:
    assert ask(signed(issuer.key, {**HEADER, "alg": "HS256"}, issuer.claims())) == 401


def test_a_jwt_authorizer_refuses_tokens_that_cannot_be_read(ask: Callable[[str], int], issuer: Issuer) -> None:
    assert ask(issuer.token(exp="never")) == 401
    assert ask(signed(issuer.key, [], issuer.claims())) == 401


@pytest.mark.parametrize(("route", "status"), [("GET/audit", 500), ("GET/records", 403)])
def test_a_signature_of_a_role_holds_at_the_host_of_the_api_and_its_policy_decides(
    route: str, status: int, embedded_aws: EmbeddedAws
) -> None:
    region = "us-west-2"
    client = embedded_aws.client("apigatewayv2", region)
    api = client.create_api(Name=route, ProtocolType="HTTP")["ApiId"]
    client.create_route(ApiId=api, RouteKey="GET /audit", AuthorizationType="AWS_IAM")
    client.create_stage(ApiId=api, StageName="$default")
    allowed = f"arn:aws:execute-api:*:{embedded_aws.account}:{api}/$default/{route}"
    with (
        session(embedded_aws, "ward-auditor", allowed) as role,
        closing(
            ApiClient(
                region=region,
                api_url=f"https://{api}.execute-api.{region}.amazonaws.com",
                endpoint=embedded_aws.endpoint,
                account=embedded_aws.account,
                role=role,
            )
        ) as caller,
    ):
        assert caller.call("GET", "/audit").status == status
