"""Broken regions: what is refused, and what goes on."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.emulator.listeners import Address
from tests.emulator.test_process import create_function, holds_within

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError


def get(address: Address, path: str, host: str | None = None) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")


def test_a_dropped_region_refuses_while_the_other_serves(healed: EmbeddedAws) -> None:
    healed.fault(region="us-west-2")
    with pytest.raises(ConnectionClosedError):
        healed.client("dynamodb", "us-west-2").list_tables()
    healed.client("dynamodb", "us-east-1").list_tables()
    healed.heal()
    healed.client("dynamodb", "us-west-2").list_tables()


def test_one_service_of_a_region_breaks_alone(healed: EmbeddedAws) -> None:
    healed.fault(region="us-west-2", service="sns", mode="error")
    with pytest.raises(ClientError) as refused:
        healed.client("sns", "us-west-2").list_topics()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    healed.client("dynamodb", "us-west-2").list_tables()


def test_a_throttled_table_answers_as_dynamodb_does(healed: EmbeddedAws) -> None:
    healed.fault(region="us-west-2", service="dynamodb", mode="throttle")
    dynamodb = healed.client("dynamodb", "us-west-2")
    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException):
        dynamodb.list_tables()


def test_global_services_break_as_a_region_of_their_own(healed: EmbeddedAws) -> None:
    healed.fault(region="us-east-1")
    healed.client("iam", "us-east-1").list_roles()
    healed.heal()
    healed.fault(region="global")
    for region in healed.regions:
        with pytest.raises(ConnectionClosedError):
            healed.client("iam", region).list_roles()
    healed.client("dynamodb", "us-east-1").list_tables()


@pytest.mark.parametrize(("mode", "status"), [("error", 503), ("throttle", 400)])
def test_a_refusal_waits_for_the_whole_request_and_keeps_its_connection(
    healed: EmbeddedAws, mode: str, status: int
) -> None:
    healed.fault(region="us-east-1", mode=mode)
    with closing(http.client.HTTPConnection(*healed.addresses["us-east-1"], timeout=10)) as connection:
        for _ in range(2):
            connection.putrequest("POST", "/")
            connection.putheader("Content-Length", "2")
            connection.endheaders()
            socket = connection.sock
            time.sleep(0.1)
            connection.send(b"{}")
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, connection.sock) == (status, socket)


def test_the_same_share_of_the_requests_fails_each_time(healed: EmbeddedAws) -> None:
    rounds = []
    for _ in range(2):
        fault = healed.fault(region="us-east-1", service="sns", mode="error", share=0.5)
        rounds.append([serves(healed, "sns") for _ in range(30)])
        healed.heal(fault)
    assert 5 < rounds[0].count(False) < 25
    assert rounds[0] == rounds[1]


def test_one_fault_is_lifted_while_another_stays(healed: EmbeddedAws) -> None:
    topics = healed.fault(region="us-east-1", service="sns", mode="error")
    healed.fault(region="us-east-1", service="sqs", mode="error")
    healed.heal(topics)
    assert [each["service"] for each in healed.faults()] == ["sqs"]
    assert (serves(healed, "sns"), serves(healed, "sqs")) == (True, False)
    with pytest.raises(EmbeddedAwsError, match=f"refused DELETE /_drill/faults/{topics}"):
        healed.heal(topics)


def test_a_hanging_request_is_cut_when_its_own_fault_is_lifted(healed: EmbeddedAws) -> None:
    fault = healed.fault(region="us-east-1", service="sns", mode="hang")
    other = healed.fault(region="us-east-1", service="sqs", mode="hang", seconds=0.5)
    with ThreadPoolExecutor(1) as caller:
        hanging = caller.submit(healed.client("sns", "us-east-1").list_topics)
        assert holds_within(10, lambda: any(r.outcome == "hang" for r in healed.requests() if r.service == "sns"))
        healed.heal(other)
        assert not hanging.done()
        healed.heal(fault)
        with pytest.raises(ConnectionClosedError):
            hanging.result(10)


def test_one_path_of_an_api_breaks_alone(healed: EmbeddedAws) -> None:
    host, control = create_api(healed, "us-west-2"), Address("127.0.0.1", healed.port)
    healed.fault(region="us-west-2", service="execute-api", mode="error", path="/healthz")
    assert get(control, "/", host) == (200, {"in": "us-west-2"})
    with closing(http.client.HTTPConnection(*control, timeout=10)) as connection:
        connection.request("GET", "/healthz", headers={"Host": host})
        assert connection.getresponse().status == 503


def test_a_slow_region_answers_late(healed: EmbeddedAws) -> None:
    healed.fault(region="us-east-1", service="sns", mode="slow", seconds=0.4)
    began = time.monotonic()
    healed.client("sns", "us-east-1").list_topics()
    assert 0.4 <= time.monotonic() - began < 3


def test_an_answer_that_trickles_is_whole_when_its_last_byte_has_come(healed: EmbeddedAws) -> None:
    began = time.monotonic()
    healed.client("sns", "us-east-1").list_topics()
    soon, whole = time.monotonic() - began, healed.client("sns", "us-east-1").list_topics()["Topics"]
    healed.fault(region="us-east-1", service="sns", mode="trickle", seconds=0.002)
    began = time.monotonic()
    assert healed.client("sns", "us-east-1").list_topics()["Topics"] == whole
    assert time.monotonic() - began > soon + 0.2  # over a hundred bytes


def test_an_answer_that_trickles_ends_at_once_when_its_fault_is_lifted(healed: EmbeddedAws) -> None:
    fault = healed.fault(region="us-east-1", service="sns", mode="trickle", seconds=3)
    with ThreadPoolExecutor(1) as caller:
        trickling = caller.submit(healed.client("sns", "us-east-1").list_topics)
        assert holds_within(10, lambda: any(r.outcome == "trickle" for r in healed.requests() if r.service == "sns"))
        healed.heal(fault)
        assert trickling.result(10)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_hanging_request_is_cut_after_its_time(healed: EmbeddedAws) -> None:
    healed.fault(region="us-east-1", service="sns", mode="hang", seconds=0.4)
    began = time.monotonic()
    with pytest.raises(ConnectionClosedError):
        healed.client("sns", "us-east-1").list_topics()
    assert 0.4 <= time.monotonic() - began < 3


def test_requests_are_counted_by_what_became_of_them(healed: EmbeddedAws) -> None:
    healed.fault(region="us-east-1", service="kms", mode="error")
    with pytest.raises(ClientError):
        healed.client("kms", "us-east-1").list_keys()
    seen = [r for r in healed.requests() if r.service == "kms" and r.outcome == "error"]
    assert [(r.region, r.caller, r.times) for r in seen] == [("us-east-1", "Boto3", 1)]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"mode": "melt"}, "'mode' must be one of drop, error, hang, slow, throttle, trickle, got: 'melt'"),
        ({"share": 0.0}, "'share' must be more than 0 and at most 1, got: 0.0"),
        ({"seconds": -1.0}, "'seconds' must not be negative, got: -1.0"),
    ],
)
def test_rejects_faults_that_make_no_sense(embedded_aws: EmbeddedAws, fault: dict[str, Any], message: str) -> None:
    with pytest.raises(EmbeddedAwsError, match=message):
        embedded_aws.fault(region="us-east-1", **fault)


def test_rejects_orders_that_do_not_come_to_the_control_address(embedded_aws: EmbeddedAws) -> None:
    control = Address("127.0.0.1", embedded_aws.port)
    assert get(control, "/_drill")[0] == 200
    assert get(control, "/_drill", host="evil.org")[0] == 403
    for address in embedded_aws.addresses.values():
        assert get(address, "/_drill")[0] == 403
        assert get(address, "/_ministack/health")[0] == 403


def test_no_function_starts_in_a_dead_region(healed: EmbeddedAws) -> None:
    arn = create_function(healed, "listener", "def handler(event, context):\n    print('called')\n", "us-west-2")
    topic = healed.client("sns", "us-west-2").create_topic(Name="calls")["TopicArn"]
    healed.client("sns", "us-west-2").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    logs = healed.client("logs", "us-west-2")
    healed.fault(region="us-west-2", service="lambda")
    healed.client("sns", "us-west-2").publish(TopicArn=topic, Message="now")
    time.sleep(0.5)
    assert not logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/listener")["logGroups"]
    healed.heal()
    healed.client("sns", "us-west-2").publish(TopicArn=topic, Message="now")
    deadline = time.monotonic() + 8
    while not logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/listener")["logGroups"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_api_answers_by_its_host_name_and_breaks_with_its_region(healed: EmbeddedAws) -> None:
    host = create_api(healed, "us-west-2")
    control = Address("127.0.0.1", healed.port)
    assert get(control, "/", host) == (200, {"in": "us-west-2"})
    healed.fault(region="us-west-2", service="execute-api")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        get(control, "/", host)


def test_a_custom_domain_of_two_regions_answers_where_it_is_reached(healed: EmbeddedAws) -> None:
    for region in healed.regions:
        api, gateway = create_api(healed, region).split(".")[0], healed.client("apigatewayv2", region)
        certificate = healed.client("acm", region).request_certificate(DomainName="api.two.org")["CertificateArn"]
        settings = {"CertificateArn": certificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
        gateway.create_domain_name(DomainName="api.two.org", DomainNameConfigurations=[settings])
        gateway.create_api_mapping(ApiId=api, DomainName="api.two.org", Stage="$default")
    for region, address in healed.addresses.items():
        assert get(address, "/", "api.two.org") == (200, {"in": region})
    healed.fault(region="us-east-1")
    assert get(healed.addresses["us-west-2"], "/", "api.two.org") == (200, {"in": "us-west-2"})
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        get(healed.addresses["us-east-1"], "/", "api.two.org")


def serves(aws: EmbeddedAws, service: str) -> bool:
    """Whether one call of us-east-1 is answered."""
    client = aws.client(service, "us-east-1")
    try:
        client.list_topics() if service == "sns" else client.list_queues()
    except ClientError:
        return False
    return True


def create_api(aws: EmbeddedAws, region: str) -> str:
    """An HTTP API that answers with its region; returns its host name."""
    code = "import os\ndef handler(event, context):\n    return {'in': os.environ['AWS_REGION']}\n"
    client, name = aws.client("apigatewayv2", region), f"api-{time.monotonic_ns()}"
    arn = create_function(aws, name, code, region)
    api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{api}.execute-api.{region}.amazonaws.com"
