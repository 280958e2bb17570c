"""Callers with tokens, through the deployed APIs: what each role may, and which tokens nobody is let in with."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from drill.client import Answer, ApiClient
from drill.emulator import EmbeddedAws
from tests.deployed.test_serving import EAST, WEST, record
from tests.issuer import HEADER, Issuer, new_key, part, signed
from tools.openapi import PATH

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROLES = ("clinician", "auditor", "operator")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=[EAST, WEST])
def api(request: pytest.FixtureRequest, strangers: dict[str, ApiClient]) -> ApiClient:
    """The API of each region in turn."""
    return strangers[request.param]


def create(api: ApiClient, patient: str, token: str) -> Answer:
    """Writes a record of the patient."""
    path = f"/patients/{patient}/records"
    return api.call("POST", path, record("seen"), content_type="application/json", token=token)


def problem(answer: Answer) -> tuple[int, str, str]:
    """The status, the media type and the kind of a refusal."""
    kind = json.loads(answer.body)["type"].removeprefix("urn:healthcare-dr:problem:")
    return answer.status, answer.headers["Content-Type"], kind


def audit_rows(aws: EmbeddedAws, api: ApiClient, entity: str) -> list[dict[str, str]]:
    """The audit rows of an entity in the API's region, oldest first."""
    rows = aws.client("dynamodb", api.region).query(
        TableName="audit_logs-test",
        KeyConditionExpression="entity_id = :entity",
        ExpressionAttributeValues={":entity": {"S": entity}},
    )["Items"]
    return [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]


def operations() -> Iterator[tuple[str, str, set[str]]]:
    """Every described operation but the health check, and its roles."""
    for path, item in json.loads(PATH.read_text(encoding="utf-8"))["paths"].items():
        for method, operation in item.items():
            if operation["security"]:
                yield method.upper(), path, set(operation["security"][0]["token"])


@pytest.mark.parametrize("role", ROLES)
def test_every_route_serves_tokens_of_its_roles_and_refuses_the_others(
    role: str, api: ApiClient, issuer: Issuer
) -> None:
    token = issuer.token(scope=role)
    for method, path, roles in operations():
        path = path.format(patient_id="of-roles", facility_id="north", record_id=NOBODY, name="a.pdf")
        answer = api.call(method, path, b"{}", content_type="application/json", token=token)
        refused = answer.status == 403 and problem(answer) == (403, "application/problem+json", "no-role")
        assert (answer.status == 403, refused) == (role not in roles, role not in roles), (method, path, answer)
        assert answer.status < 500, (method, path, answer)


def test_a_clinician_writes_what_an_auditor_and_an_operator_see_only_their_part_of(
    api: ApiClient, issuer: Issuer
) -> None:
    patient, clinician = f"of-three-in-{api.region}", issuer.token(scope="openid clinician")
    document = f"/patients/{patient}/documents/scan.pdf"
    assert create(api, patient, clinician).status == 201
    assert api.call("PUT", document, b"%PDF", content_type="application/pdf", token=clinician).status == 201
    operator = issuer.token(sub="auth0|operator", scope=None, groups=["operator"])
    assert json.loads(api.call("GET", f"{document}/status", token=operator).body)["replication"] == "replicated"
    assert problem(api.call("GET", document, token=operator))[0] == 403
    auditor = issuer.token(sub="auth0|auditor", scope=None, **{"cognito:groups": ["auditor"]})
    trail = json.loads(api.call("GET", f"/patients/{patient}/audit", token=auditor).body)
    assert trail["chains"] == {api.region: "intact"}
    assert [(event["actor_id"], event["action"], event["result"]) for event in trail["events"]] == [
        ("clinic-a#auth0|dr-jones", "record.create", "allowed"),
        ("clinic-a#auth0|dr-jones", "document.put", "allowed"),
        ("clinic-a#auth0|operator", "document.status", "allowed"),
        ("clinic-a#auth0|operator", "document.get", "refused"),
    ]


def with_the_public_key_as_secret(issuer: Issuer) -> str:
    content = f"{part({**HEADER, 'alg': 'HS256'})}.{part(issuer.claims())}"
    secret = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{content}.{part(hmac.digest(secret, content.encode(), hashlib.sha256))}"


def with_another_payload(issuer: Issuer) -> str:
    header, _, signature = issuer.token(scope="auditor").split(".")
    return f"{header}.{part(issuer.claims())}.{signature}"


BAD: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 1),
    "not yet valid": lambda issuer: issuer.token(nbf=int(time.time()) + 600),
    "issued in the future": lambda issuer: issuer.token(iat=int(time.time()) + 600),
    "with a word for its expiry": lambda issuer: issuer.token(exp="never"),
    "for another audience": lambda issuer: issuer.token(aud="billing-api"),
    "for no audience": lambda issuer: issuer.token(aud=None),
    "of another issuer": lambda issuer: issuer.token(iss="https://login.elsewhere.org/"),
    "of no issuer": lambda issuer: issuer.token(iss=None),
    "of the issuer without its last slash": lambda issuer: issuer.token(iss=issuer.url.rstrip("/")),
    "signed with another key": lambda issuer: signed(new_key(), HEADER, issuer.claims()),
    "naming another key": lambda issuer: signed(issuer.key, {**HEADER, "kid": "older"}, issuer.claims()),
    "naming another algorithm": lambda issuer: signed(issuer.key, {**HEADER, "alg": "HS256"}, issuer.claims()),
    "signed with the public key as a secret": with_the_public_key_as_secret,
    "with another payload": with_another_payload,
    "not signed": lambda issuer: f"{part({**HEADER, 'alg': 'none'})}.{part(issuer.claims())}.",
    "with a list for its header": lambda issuer: signed(issuer.key, [], issuer.claims()),
    "cut off": lambda issuer: issuer.token().rpartition(".")[0],
    "no token at all": lambda issuer: "clinician",
}


@pytest.mark.parametrize("kind", BAD)
def test_rejects_tokens_that_are_bad(kind: str, api: ApiClient, issuer: Issuer, aws: EmbeddedAws) -> None:
    patient = f"of-the-bad-{kind.replace(' ', '-')}"
    assert create(api, patient, BAD[kind](issuer)).status == 401
    assert audit_rows(aws, api, f"clinic-a#{patient}") == [], "the function was reached"


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({"scope": None}, "no-role"),
        ({"scope": "openid healthcare-dr/nurse clinicians other-api/clinician"}, "no-role"),
        ({"org_id": None}, "no-organisation"),
        ({"org_id": "clinic-a#"}, "no-organisation"),
        ({"org_id": ["clinic-a"]}, "no-organisation"),
        ({"sub": None}, "no-organisation"),
    ],
)
def test_rejects_tokens_without_a_role_or_an_organisation(
    claims: dict[str, Any], kind: str, api: ApiClient, issuer: Issuer
) -> None:
    answer = create(api, "of-nobody", issuer.token(**claims))
    assert problem(answer) == (403, "application/problem+json", kind)


@pytest.mark.parametrize(
    ("claims", "entity", "actor"),
    [
        ({"scope": None}, "clinic-a#{}", "clinic-a#auth0|dr-jones"),
        ({"scope": "auditor"}, "clinic-a#{}", "clinic-a#auth0|dr-jones"),
        ({"org_id": None}, "#{}", "#auth0|dr-jones"),
    ],
)
def test_a_refusal_leaves_an_audit_row(
    claims: dict[str, Any], entity: str, actor: str, api: ApiClient, issuer: Issuer, aws: EmbeddedAws
) -> None:
    patient = f"P-{uuid4().hex}"
    refusal = json.loads(create(api, patient, issuer.token(**claims)).body)
    (row,) = audit_rows(aws, api, entity.format(patient))
    told = {name: row[name] for name in ("actor_id", "action", "region", "result", "status", "correlation_id")}
    assert told == {
        "actor_id": actor,
        "action": "record.create",
        "region": api.region,
        "result": "refused",
        "status": "403",
        "correlation_id": refusal["correlation_id"],
    }


def test_another_organisation_cannot_tell_a_record_from_none(api: ApiClient, issuer: Issuer) -> None:
    patient = f"of-clinic-a-in-{api.region}"
    made = json.loads(create(api, patient, issuer.token(org_id="clinic-a")).body)
    path, theirs = f"/patients/{patient}/records", issuer.token(org_id="clinic-b")
    assert api.call("GET", f"{path}/{made['record_id']}", token=issuer.token()).status == 200
    for method, tag in (("GET", None), ("PUT", made["etag"]), ("DELETE", made["etag"])):
        answers = [
            api.call(
                method,
                f"{path}/{identity}?reason=duplicate" if method == "DELETE" else f"{path}/{identity}",
                record("changed") if method == "PUT" else b"",
                content_type="application/json",
                if_match=tag,
                token=theirs,
            )
            for identity in (made["record_id"], NOBODY)
        ]
        told = [{**json.loads(answer.body), "correlation_id": ""} for answer in answers]
        assert told[0] == told[1]
        assert problem(answers[0]) == (404, "application/problem+json", "no-such-record")
    assert json.loads(api.call("GET", path, token=theirs).body)["records"] == []
    assert json.loads(api.call("GET", "/facilities/north/records", token=theirs).body)["records"] == []


def test_one_token_reads_in_one_region_what_it_wrote_in_the_other(
    strangers: dict[str, ApiClient], issuer: Issuer
) -> None:
    token = issuer.token()
    assert create(strangers[EAST], "of-both-regions", token).status == 201
    found = json.loads(strangers[WEST].call("GET", "/patients/of-both-regions/records", token=token).body)["records"]
    assert [(one["region"], one["created_by"]) for one in found] == [(EAST, "auth0|dr-jones")]
