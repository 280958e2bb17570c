"""Roles come from the token or the signature, and each route is for some of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.functions.cloud import Cloud
from tests.functions.gateway import AUDITOR, OPERATOR, Api, clinician

import pytest

ARN = "arn:aws:sts::111111111111:assumed-role"


def token(**claims: Any) -> dict[str, Any]:
    return {"jwt": {"claims": {"sub": "s", "org_id": "clinic-a", **claims}}}


def signed(arn: str) -> dict[str, Any]:
    return {"iam": {"userArn": arn, "accountId": "111111111111"}}


def routes() -> Iterator[tuple[str, str, set[str]]]:
    from functions.api.routes import ROUTES

    for route in (route for routes in ROUTES.values() for route in routes):
        path = route.path.replace("{record_id}", "0" * 8 + "-0000-4000-8000-" + "0" * 12)
        yield route.method, path.replace("{name}", "a.pdf").replace("{facility_id}", "w"), set(route.roles)


@pytest.mark.parametrize(
    ("caller", "roles"),
    [
        (token(scope="openid clinician"), {"clinician"}),
        (token(scope="healthcare-dr/auditor openid"), {"auditor"}),
        (token(scope="other-api/auditor"), set()),
        (token(scope="clinician,auditor"), set()),
        (token(scope="[clinician]"), set()),
        (token(scope="former\u00a0auditor former\tauditor"), set()),
        (token(scope=["clinician", "healthcare-dr/operator"]), {"clinician", "operator"}),
        (token(scp="openid clinician"), {"clinician"}),
        (token(scp="[healthcare-dr/auditor clinician]"), {"auditor", "clinician"}),
        (token(scp=["clinician", "former auditor"]), {"clinician"}),
        (token(groups="auditor"), {"auditor"}),
        (token(groups="[healthcare-dr/auditor]"), {"auditor"}),
        (token(groups=["clinician", "former auditor"]), {"clinician"}),
        (token(groups="[former auditor]"), set()),
        (token(groups="[former,auditor]"), set()),
        (token(groups="[former\u00a0auditor]"), set()),
        (token(groups="[ auditor]"), set()),
        (token(groups="[clinician auditor]"), set()),
        (token(groups="[staff healthcare-dr/clinician healthcare-dr/auditor]"), {"clinician", "auditor"}),
        (token(scope="openid clinician", **{"cognito:groups": "[operator]"}), {"clinician", "operator"}),
        (token(groups=None, scope={"auditor": 1}), set()),
        (token(scope="clinicians", groups="[Clinician]", roles="clinician"), set()),
        (token(), set()),
        (signed(f"{ARN}/ward/jones"), {"clinician"}),
        (signed(f"{ARN}/hospital-auditor/jones"), {"auditor"}),
        (signed(f"{ARN}/operator/jones"), {"operator"}),
        (signed(f"{ARN}/healthcare-dr-auditor/jones"), {"auditor"}),
        (signed(f"{ARN}/my-ops-operator/jones"), {"operator"}),
        (signed(f"{ARN}/former_auditor/jones"), {"clinician"}),
        (signed(f"{ARN}/auditor-trainee/jones"), {"clinician"}),
        (signed(f"{ARN}/AWSReservedSSO_auditor_0123456789abcdef/jones@example.org"), {"auditor"}),
        (signed(f"{ARN}/AWSReservedSSO_my-ops-operator_0123456789abcdef/jones"), {"operator"}),
        (signed(f"{ARN}/AWSReservedSSO_former_auditor_0123456789abcdef/jones"), {"clinician"}),
        (signed(f"{ARN}/AWSReservedSSO_auditor_trainee/jones"), {"clinician"}),
        (signed(f"{ARN}/ward-auditor_0123456789abcdef/jones"), {"clinician"}),
        (signed(f"{ARN}/ward/my-auditor"), {"clinician"}),
        (signed("arn:aws:iam::111111111111:user/auditor"), {"clinician"}),
    ],
)
def test_roles_are_those_of_the_token_or_of_the_signing_role(
    cloud: Cloud, caller: dict[str, Any], roles: set[str]
) -> None:
    from functions.shared.callers import Caller

    assert set(Caller.of(caller).roles) == roles


@pytest.mark.parametrize(
    ("caller", "role"),
    [(clinician(), "clinician"), (AUDITOR, "auditor"), (OPERATOR, "operator"), (clinician(groups="[]"), "")],
)
def test_every_route_serves_its_roles_and_refuses_the_others(
    cloud: Cloud, api: Api, patient: str, caller: dict[str, Any], role: str
) -> None:
    for method, path, roles in routes():
        reply = api(method, path.replace("{patient_id}", patient), caller=caller)
        refused = reply.status == 403 and reply.json["type"].endswith(":no-role")
        assert refused == (role not in roles), (method, path)
        assert reply.status < 500, (method, path)
