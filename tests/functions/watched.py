"""What there is to watch, and what is told: each region's deployed API, its topics with a queue behind each."""

from __future__ import annotations

import json
import time
from typing import Any

from dr.bundle import functions_bundle
from drill.emulator import EmbeddedAws
from tests.functions.gateway import event


def deployed(aws: EmbeddedAws, region: str, kind: str, role: str, environment: dict[str, str]) -> str:
    """Deploys a function from the bundle; returns its ARN."""
    kept = {name: value for name, value in environment.items() if name not in ("AWS_REGION", "AWS_ENDPOINT_URL")}
    arn: str = aws.client("lambda", region).create_function(
        FunctionName=kind,
        Runtime="python3.13",
        Handler=f"functions.{kind}.handler.handler",
        Role=role,
        Code={"ZipFile": functions_bundle().read_bytes()},
        Environment={"Variables": {**kept, "POWERTOOLS_SERVICE_NAME": kind}},
        MemorySize=512,
        Timeout=30,
    )["FunctionArn"]
    return arn


def api_url(aws: EmbeddedAws, region: str, role: str, environment: dict[str, str]) -> str:
    """Deploys the API of a region, of which nothing but its health is asked; returns its own URL."""
    function = deployed(aws, region, "api", role, environment)
    gateway = aws.client("apigatewayv2", region)
    api = gateway.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function,
        PayloadFormatVersion="2.0",
    )
    target = f"integrations/{integration['IntegrationId']}"
    gateway.create_route(ApiId=api, RouteKey="GET /healthz", Target=target)
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"https://{api}.execute-api.{region}.amazonaws.com"


def start(aws: EmbeddedAws, region: str) -> None:
    """The region's API serves: it may have to start, and what it said of a fault it keeps for a second."""
    client, ask, ends = aws.client("lambda", region), json.dumps(event("GET", "/healthz")), time.monotonic() + 30
    while json.load(client.invoke(FunctionName="api", Payload=ask)["Payload"])["statusCode"] != 200:
        assert time.monotonic() < ends
        time.sleep(0.1)


def topic(aws: EmbeddedAws, region: str, name: str) -> str:
    """Makes a topic, and a queue of the same name that takes what is published; returns the topic's ARN."""
    arn: str = aws.client("sns", region).create_topic(Name=name)["TopicArn"]
    sqs = aws.client("sqs", region)
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
    queue = f"arn:aws:sqs:{region}:{aws.account}:{name}"
    aws.client("sns", region).subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return arn


def received(aws: EmbeddedAws, region: str, name: str) -> list[dict[str, Any]]:
    """Takes what was published to a topic since this was last asked: each with its Subject and Message."""
    sqs, found = aws.client("sqs", region), []
    url = f"{aws.endpoint}/{aws.account}/{name}"
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
        entries = [{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def alarm(aws: EmbeddedAws, region: str, topic_arn: str, *, metric: str = "Healthy", about: str) -> None:
    """Makes a region's alarm about another one, which tells the topic when it goes off and when it is over."""
    aws.client("cloudwatch", region).put_metric_alarm(
        AlarmName=f"{metric}-{about}",
        Namespace="HealthcareDr/Failover",
        MetricName=metric,
        Dimensions=[{"Name": "Region", "Value": about}],
        Statistic="Minimum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        AlarmActions=[topic_arn],
        OKActions=[topic_arn],
    )


def gone_off(aws: EmbeddedAws, region: str, name: str, state: str = "ALARM") -> dict[str, Any]:
    """Sets an alarm off, or ends it; returns the event by which SNS brings its message to a function."""
    client = aws.client("cloudwatch", region)
    for value in ("INSUFFICIENT_DATA", state):
        client.set_alarm_state(AlarmName=name, StateValue=value, StateReason="a test")
    body = received(aws, region, "failover")[-1]
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": body}]}
