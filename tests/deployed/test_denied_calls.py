"""Least privilege as it is enforced: every role does what it must, and is denied what it must not do."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.calls import ENCRYPTED, OTHERS, SUFFIX, Call, Place
from tests.deployed.powers import ROLES
from tests.synthesis import Stacks, resources

import pytest
from botocore.exceptions import ClientError

REGIONS = ("us-east-1", "us-west-2")
ACCOUNT = "111111111111"
PLACES = [Place(region=here, peer=there, account=ACCOUNT) for here, there in (REGIONS, REGIONS[::-1])]
TABLES = [(role, place, powers(place)) for role, powers in ROLES.items() for place in PLACES]
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
# Why nothing that a role must do can be tried.
UNTRIED = {
    "backup": "AWS's own policies say what it may do, and the embedded AWS does not know them",
    "trail": "it may write to its own streams, and the embedded AWS asks for the whole log group",
}
# Runs with a role as any function does, and hands out the session that Lambda gave it.
SESSION = """
import os

def handler(event, context):
    names = {"AccessKeyId": "ACCESS_KEY_ID", "SecretAccessKey": "SECRET_ACCESS_KEY", "SessionToken": "SESSION_TOKEN"}
    return {name: os.environ[f"AWS_{variable}"] for name, variable in names.items()}
"""
Session = dict[str, str]
# Whose function assumes the role from the other region, and what it may look at with it.
ASSUMED = {
    "peer": ("api", "documents/read-by-peer"),
    "watch": ("probe", "probe/read-by-watch"),
    "tell": ("failover", None),
}


def session_of_function(aws: EmbeddedAws, place: Place, role: str) -> Session:
    """The session of a function with that role, made for this and gone again."""
    bundle, name = io.BytesIO(), f"lambda-session-{SUFFIX}"
    with zipfile.ZipFile(bundle, "w") as zipped:
        zipped.writestr("app.py", SESSION)
    client = aws.client("lambda", place.region)
    client.create_function(
        FunctionName=name,
        Role=place.role(role, place.region),
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": bundle.getvalue()},
    )
    try:
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        answer: Session = json.loads(client.invoke(FunctionName=name)["Payload"].read())
    finally:
        client.delete_function(FunctionName=name)
        # The embedded AWS makes it as its own, whatever the role may do.
        aws.client("logs", place.region).delete_log_group(logGroupName=f"/aws/lambda/{name}")
    return answer


def assume(aws: EmbeddedAws, place: Place, role: str, credentials: Session) -> Session:
    """The session of a region's role, for who has these credentials in the other region."""
    client = aws.client("sts", place.peer, credentials=credentials)
    found: Session = client.assume_role(RoleArn=place.role(role, place.region), RoleSessionName="tried")["Credentials"]
    return found


@pytest.fixture(scope="module")
def sessions(aws: EmbeddedAws, deployment: Deployment) -> Iterator[dict[tuple[str, str], Session]]:
    """The session of each role in each region; a role that another region's function assumes is that one's."""
    made = {
        # The embedded AWS lends a function any role, also one that only S3 or VPC flow logs may assume on AWS.
        (role, place.region): session_of_function(aws, place, role)
        for role in ROLES
        for place in PLACES
        if role not in ASSUMED
    }
    buckets = [(OTHERS, REGIONS[0]), *((place.restored, place.region) for place in PLACES)]
    for bucket, region in buckets:
        placed = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        aws.client("s3", region).create_bucket(Bucket=bucket, **placed)
    for place in PLACES:
        bucket = place.bucket(place.region)
        for role, (assumer, key) in ASSUMED.items():
            made[role, place.region] = assume(aws, place, role, made[assumer, place.peer])
            if key:
                make(aws, place("s3.put_object", Bucket=bucket, Key=key, Body=b"tried", **ENCRYPTED))
    yield made
    for bucket, region in buckets:
        aws.client("s3", region).delete_bucket(Bucket=bucket)


def tried(kind: str) -> list[Any]:
    """Each call of that kind, as parameters."""
    return [
        pytest.param(role, place, call, id=f"{role}-{place.region}-{call}")
        for role, place, powers in TABLES
        for call in getattr(powers, kind)
    ]


def make(aws: EmbeddedAws, call: Call, session: Session | None = None) -> None:
    """Makes a call as who has the session, or as the account's root user."""
    arguments = dict(call.arguments)
    if "SSEKMSKeyId" in arguments:
        key = aws.client("kms", call.region).describe_key(KeyId=arguments["SSEKMSKeyId"])
        arguments["SSEKMSKeyId"] = key["KeyMetadata"]["Arn"]
    getattr(aws.client(call.service, call.region, credentials=session), call.operation)(**arguments)


@pytest.mark.parametrize(("role", "place", "call"), tried("allowed"))
def test_a_role_does_what_it_must(
    role: str,
    place: Place,
    call: Call,
    aws: EmbeddedAws,
    sessions: dict[tuple[str, str], Session],
    record_property: Any,
) -> None:
    make(aws, call, sessions[role, place.region])
    record_property("call", (role, str(call), "allowed"))


@pytest.mark.parametrize(("role", "place", "call"), tried("denied"))
def test_a_role_is_denied_what_it_must_not_do(
    role: str,
    place: Place,
    call: Call,
    aws: EmbeddedAws,
    sessions: dict[tuple[str, str], Session],
    record_property: Any,
) -> None:
    with pytest.raises(ClientError) as refused:
        make(aws, call, sessions[role, place.region])
    error = refused.value.response["Error"]
    assert error["Code"] in DENIED
    assert f"not authorized to perform: {call.action} " in f"{error['Message']} "
    record_property("call", (role, str(call), error["Code"]))


def test_every_role_of_the_stacks_is_tried(stacks: Stacks) -> None:
    names = {role.arguments["name"] for role in resources(stacks, "aws_iam_role")}
    assert {re.sub(r"role-(.+)-us-(east|west)-[12]-dev", r"\1", name) for name in names} == ROLES.keys()
    assert {role for role, _, powers in TABLES if not powers.allowed} == UNTRIED.keys()


def test_the_roles_of_a_region_are_denied_more_than_thirty_calls_in_all() -> None:
    for place in PLACES:
        assert sum(len(powers.denied) for _, where, powers in TABLES if where == place) > 30


@pytest.fixture(params=["user", "role", "account"])
def stranger(aws: EmbeddedAws, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A user and a role of the account that may assume every role, and another account's root user."""
    iam, name = aws.client("iam", "us-east-1"), f"stranger-{SUFFIX}"
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    root = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    if request.param == "user":
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="assume", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        yield {part: key[part] for part in ("AccessKeyId", "SecretAccessKey")}
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="assume")
        iam.delete_user(UserName=name)
    elif request.param == "role":
        trust = json.dumps({"Version": "2012-10-17", "Statement": [root]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="assume", PolicyDocument=policy)
        yield aws.client("sts", "us-east-1").assume_role(RoleArn=arn, RoleSessionName="tried")["Credentials"]
        iam.delete_role_policy(RoleName=name, PolicyName="assume")
        iam.delete_role(RoleName=name)
    else:
        yield {"AccessKeyId": "222222222222"}


@pytest.mark.parametrize("role", ASSUMED)
@pytest.mark.parametrize("place", [pytest.param(place, id=place.region) for place in PLACES])
def test_rejects_a_stranger_who_wants_the_peer_role(
    place: Place, role: str, stranger: Session, aws: EmbeddedAws, deployment: Deployment
) -> None:
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(aws, place, role, stranger)
