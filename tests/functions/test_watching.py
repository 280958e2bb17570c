"""Probe and failover as deployed functions: from the bundle, with no right that they do not need, started by AWS."""

from __future__ import annotations

import json
import time

from tests.functions.cloud import ALERTS, AUDIT, HOME, OTHER, STATE, Cloud, bucket, let, peer_role, role_of
from tests.functions.conftest import Decide
from tests.functions.watched import deployed, gone_off, received

import pytest

ACCOUNT = "111111111111"


def table(region: str, name: str) -> str:
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}"


OWN_STATE = [(f"dynamodb:{action}", table(HOME, STATE)) for action in ("GetItem", "PutItem", "Query")]
ASSUME = ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{peer_role(OTHER)}")
RIGHTS = {
    "probe": [
        *OWN_STATE,
        ASSUME,
        ("dynamodb:GetItem", table(OTHER, STATE)),
        ("s3:PutObject", f"arn:aws:s3:::{bucket(HOME)}/probe/*"),
        ("cloudwatch:PutMetricData", "*"),
    ],
    "failover": [
        *OWN_STATE,
        ASSUME,
        ("dynamodb:PutItem", table(HOME, AUDIT)),
        ("sns:Publish", f"arn:aws:sns:{HOME}:{ACCOUNT}:{ALERTS}"),
    ],
}


@pytest.fixture(scope="module")
def functions(cloud: Cloud) -> dict[str, str]:
    """The ARNs of both functions in us-east-1."""
    arns = {}
    for kind, rights in RIGHTS.items():
        role = role_of(cloud.aws, kind, trusts={"Service": "lambda.amazonaws.com"})
        let(cloud.aws, kind, *rights)
        arns[kind] = deployed(cloud.aws, HOME, kind, role, cloud.environment(HOME))
    return arns


def invoke(cloud: Cloud, function: str, event: dict[str, object]) -> str:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return str(answer["Payload"].read().decode()) if "FunctionError" in answer else ""


def test_the_probe_needs_no_more_than_its_rights(cloud: Cloud, functions: dict[str, str], decide: Decide) -> None:
    from functions.shared.state import state_of

    state = state_of(cloud.client("dynamodb"), STATE, HOME)
    assert invoke(cloud, functions["probe"], {"source": "aws.events"}) == ""
    row = state.heartbeat(HOME)
    assert row
    assert row["api_url"] == cloud.api_urls[HOME]
    assert invoke(cloud, functions["probe"], {"source": "aws.events"}) == ""
    later = state.heartbeat(HOME)
    assert later
    assert later["written_at"] > row["written_at"]


def test_an_alarm_reaches_the_failover_and_evacuates_the_region(
    cloud: Cloud, functions: dict[str, str], decide: Decide
) -> None:
    from functions.shared.state import Sight, state_of
    from functions.shared.table import now

    arn = functions["failover"]
    cloud.client("lambda").add_permission(
        FunctionName=arn, StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    topic = f"arn:aws:sns:{HOME}:{ACCOUNT}:failover"
    subscription = cloud.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]
    state_of(cloud.client("dynamodb", OTHER), STATE, OTHER).beat(now(), cloud.api_urls[OTHER])
    state = state_of(cloud.client("dynamodb"), STATE, HOME)
    state.look({OTHER: Sight(healthy_since=now())})
    received(cloud.aws, HOME, ALERTS)
    cloud.aws.fault(region=OTHER)
    gone_off(cloud.aws, HOME, f"Healthy-{OTHER}")
    ends = time.monotonic() + 30
    while not state.evacuation(OTHER):
        assert time.monotonic() < ends
        time.sleep(0.1)
    while not (messages := received(cloud.aws, HOME, ALERTS)):
        assert time.monotonic() < ends
        time.sleep(0.1)
    cloud.client("sns").unsubscribe(SubscriptionArn=subscription)
    assert [message["Subject"] for message in messages] == [f"{OTHER} was evacuated, {HOME} takes its traffic"]
    assert invoke(cloud, arn, {"source": "aws.events", "time": now()}) == ""
