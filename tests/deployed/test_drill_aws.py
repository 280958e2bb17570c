"""A drill's view of AWS, of the session's deployment: all that the embedded AWS can answer, it answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dr.settings import Settings
from drill.aws import AwsTarget
from drill.client import ApiClient
from drill.deployment import Deployment
from drill.embedded import LEAST_TIMEOUT_S
from drill.emulator import EmbeddedAws
from drill.holdings import content, text
from drill.route53 import SimulatedRoute53
from drill.run import Run
from drill.scenarios import SCENARIOS
from drill.target import DrillError
from main import REGIONS
from tests.deployed.test_serving import EAST, WEST, record
from tests.drill.test_aws import SETTINGS, SUCCESS, Recorded

import pytest

(EVACUATION,) = (scenario for scenario in SCENARIOS if scenario.name == "evacuated-in-health")


@pytest.fixture
def client(aws: EmbeddedAws) -> Callable[[str, str], Any]:
    def make(service: str, region: str) -> Any:
        return Recorded(aws, [SUCCESS] * 16) if service == "route53" else aws.client(service, region)

    return make


@pytest.fixture
def scale() -> float:
    return 1.0


@pytest.fixture
def target(
    aws: EmbeddedAws, deployment: Deployment, client: Callable[[str, str], Any], scale: float
) -> Iterator[AwsTarget]:
    with SimulatedRoute53(aws, SETTINGS.domain, scale=scale, least_timeout_s=LEAST_TIMEOUT_S) as route53:
        yield AwsTarget(
            client=client,
            credentials={"AccessKeyId": aws.account, "SecretAccessKey": "test", "SessionToken": None},
            settings=SETTINGS,
            regions=[EAST, WEST],
            server=route53.address,
            endpoint=aws.endpoint,
            scale=scale,
        )


def test_a_target_reads_what_is_deployed(target: AwsTarget) -> None:
    assert target.weights == {EAST: 70, WEST: 30}
    assert (target.budget.recovery_s, target.budget.evacuation_s) == (98, 240)
    assert target.client_name == "failover-test.healthcare-dr-test.com"


def test_clients_resolve_by_the_zones_name_server_and_call_the_regions_own_host(target: AwsTarget) -> None:
    (resolver,) = target.resolvers(1)
    api = target.connect(resolver.resolve(target.client_name))
    assert api.region in (EAST, WEST)
    assert api.host.endswith(f".execute-api.{api.region}.amazonaws.com")


def test_to_evacuate_publishes_the_metric_that_the_health_check_follows(target: AwsTarget, aws: EmbeddedAws) -> None:
    target.begin(EVACUATION.disturbances[0])

    def published(region: str) -> Mapping[str, Any]:
        now = datetime.now(UTC)
        answer: Mapping[str, Any] = aws.client("cloudwatch", region).get_metric_statistics(
            Namespace="HealthcareDr/Failover",
            MetricName="Evacuated",
            Dimensions=[{"Name": "Region", "Value": EAST}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum"],
        )
        return answer

    assert [point["Maximum"] for point in published(WEST)["Datapoints"]][-1:] == [1.0]
    assert published(EAST)["Datapoints"] == []


def test_holdings_are_what_was_written_by_the_names_that_the_naming_rule_gives(
    target: AwsTarget, clients: dict[str, ApiClient], aws: EmbeddedAws, deployment: Deployment
) -> None:
    api, path = clients[EAST], "/patients/of-the-drill"
    written = {}
    for mark, found in (("m1", content("m1")), ("m2", {**content("m2"), "text": "other"})):
        body = {**json.loads(record("")), "content": found}
        answer = api.call("POST", f"{path}/records", json.dumps(body).encode(), content_type="application/json")
        written[mark] = answer.headers["ETag"].strip('"')
    answer = api.call("PUT", f"{path}/documents/m3.txt", text("m3"), content_type="text/plain")
    written["m3"] = answer.headers["ETag"].strip('"')
    held = target.holdings(EAST, ["of-the-drill"])
    assert held.versions == {written["m1"]: "m1", written["m2"]: "", written["m3"]: "m3"}
    assert answer.headers["X-Correlation-Id"] in held.audited
    (key,) = held.objects.values()
    assert key in held.stored
    bucket = deployment.outputs(EAST)["document_bucket"]
    own = aws.client("kms", EAST).describe_key(KeyId="alias/kms-test")["KeyMetadata"]["Arn"]
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": own}
    aws.client("s3", EAST).put_object(Bucket=bucket, Key=key, Body=b"other", **encrypted)
    assert key not in target.holdings(EAST, ["of-the-drill"]).stored


@pytest.mark.parametrize("scale", [0.2])
def test_an_evacuation_is_drilled_with_real_answers_of_all_but_the_checkers(target: AwsTarget, scale: float) -> None:
    result = Run(target, EVACUATION, scale, 5, []).run("of-aws")
    assert [check for check in result.checks if not check.passed] == []
    assert result.measures.corrected > 0
    assert {(event.kind, event.text) for event in result.events} >= {
        ("failover", f"DNS answers with {EAST} no more"),
        ("failover", f"DNS answers with {EAST} again"),
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"DR_DOMAIN_DELEGATED": "true", "DR_PARENT_ZONE_ID": "Z0123456789ABC"},
        {"DR_OIDC_ISSUER": "https://login.hospital.org/", "DR_OIDC_AUDIENCE": "patients-api"},
    ],
)
def test_rejects_a_deployment_whose_clients_it_cannot_be(
    settings: dict[str, str], client: Callable[[str, str], Any]
) -> None:
    loaded = Settings.load(settings, {}, [region.settings for region in REGIONS])
    with pytest.raises(DrillError, match="not delegated, and no OIDC issuer"):
        AwsTarget(client=client, credentials={}, settings=loaded, regions=[EAST, WEST])
