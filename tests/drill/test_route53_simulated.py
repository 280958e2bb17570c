"""The simulated Route 53 beside an embedded AWS in which a zone, checks and two regions' APIs are deployed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from drill.emulator import EmbeddedAws
from drill.route53 import Observation, ResolutionError, Resolver, Route53Error, SimulatedRoute53
from tests.emulator.test_faults import create_api
from tests.emulator.test_process import holds_within

import attrs
import pytest
from dns import flags, message, opcode, query, rcode

pytestmark = pytest.mark.emulator

SCALE = 0.1  # probes every second, a figure of a metric every 6
EAST, WEST = "us-east-1", "us-west-2"
NAME = "failover-test.dr-test.org"
EVACUATED = {"Namespace": "DrTest", "MetricName": "Evacuated", "Dimensions": [{"Name": "Region", "Value": EAST}]}


@attrs.frozen
class Deployed:
    """What the tests deployed: each region's API host and its calculated check."""

    aws: EmbeddedAws
    hosts: dict[str, str]
    checks: dict[str, str]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with EmbeddedAws(log=tmp_path_factory.mktemp("route53") / "emulator.log") as aws:
        aws.client("cloudwatch", WEST).put_metric_alarm(
            AlarmName="evacuated",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            **EVACUATED,
        )
        evacuated = create_check(
            aws,
            "evacuated",
            Type="CLOUDWATCH_METRIC",
            AlarmIdentifier={"Name": "evacuated", "Region": WEST},
            InsufficientDataHealthStatus="Healthy",
        )
        hosts, checks = {}, {}
        for region in (EAST, WEST):
            hosts[region] = create_api(aws, region)
            endpoint = create_check(
                aws,
                f"endpoint-{region}",
                Type="HTTPS_STR_MATCH",
                FullyQualifiedDomainName=hosts[region],
                ResourcePath="/",
                SearchString=region,
                RequestInterval=10,
                FailureThreshold=2,
            )
            children = [endpoint, evacuated] if region == EAST else [endpoint]
            checks[region] = create_check(
                aws, f"both-{region}", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=len(children)
            )
        records = [
            {
                "Name": name,
                "Type": kind,
                "SetIdentifier": region,
                "Weight": weight,
                "HealthCheckId": checks[region],
                **leads,
            }
            for region, weight in ((EAST, 70), (WEST, 30))
            for name, kind, leads in (
                (NAME, "CNAME", {"TTL": 60, "ResourceRecords": [{"Value": hosts[region]}]}),
                ("api.dr-test.org", "A", alias(f"d-{region}.execute-api.{region}.amazonaws.com")),
            )
        ]
        create_zone(aws, "dr-test.org", *records)
        yield Deployed(aws, hosts, checks)


def alias(target: str) -> dict[str, Any]:
    return {"AliasTarget": {"HostedZoneId": "Z2OJLYMUO9EFXC", "DNSName": target, "EvaluateTargetHealth": False}}


def create_check(aws: EmbeddedAws, name: str, **config: object) -> str:
    client = aws.client("route53", EAST)
    made = client.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]["Id"]
    client.change_tags_for_resource(
        ResourceType="healthcheck", ResourceId=made, AddTags=[{"Key": "Name", "Value": name}]
    )
    return str(made)


def create_zone(aws: EmbeddedAws, name: str, *records: dict[str, Any]) -> None:
    client = aws.client("route53", EAST)
    zone = client.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    if changes:
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


@pytest.fixture(scope="module")
def seen() -> list[Observation]:
    return []


@pytest.fixture(scope="module")
def simulated(deployed: Deployed, seen: list[Observation]) -> Iterator[SimulatedRoute53]:
    with SimulatedRoute53(
        deployed.aws, "dr-test.org", scale=SCALE, least_timeout_s=1.0, seed=3, listen=seen.append, locations=3
    ) as route53:
        yield route53


@pytest.fixture
def route53(deployed: Deployed, simulated: SimulatedRoute53, seen: list[Observation]) -> Iterator[SimulatedRoute53]:
    """The simulation, with both regions healthy and nothing broken."""
    deployed.aws.heal()
    assert holds_within(20, lambda: all(up for _, up, _ in simulated.status()))
    seen.clear()
    yield simulated
    deployed.aws.heal()


def answered(route53: SimulatedRoute53, times: int = 60) -> set[str]:
    resolver = Resolver(route53.address, scale=0)
    return {resolver.resolve(NAME) for _ in range(times)}


@pytest.mark.parametrize("mode", ["drop", "error", "hang"])
def test_a_broken_region_leaves_dns_and_comes_back(
    deployed: Deployed, route53: SimulatedRoute53, seen: list[Observation], mode: str
) -> None:
    assert answered(route53) == set(deployed.hosts.values())
    deployed.aws.fault(region=EAST, mode=mode)
    broken = time.monotonic()
    assert holds_within(15, lambda: not route53.healthy(deployed.checks[EAST]))
    took = time.monotonic() - broken
    # Two probes in a row of every location, a second apart, must fail: never less than one interval.
    assert took >= SCALE * 10
    assert answered(route53) == {deployed.hosts[WEST]}
    assert (EAST, False, 70) in route53.status()
    time.sleep(2)
    probes = [each for each in seen if each.kind == "checker" and each.subject == "endpoint-us-west-2"]
    assert len([each for each in probes if each.healthy]) >= 3 * (time.monotonic() - broken - 1), "slowed by the other"
    deployed.aws.heal()
    assert holds_within(15, lambda: route53.healthy(deployed.checks[EAST]))
    assert answered(route53) == set(deployed.hosts.values())
    turned = [(each.kind, each.subject, each.healthy) for each in seen if each.kind in ("endpoint", "check")]
    of_east = [("endpoint", "endpoint-us-east-1"), ("check", "endpoint-us-east-1"), ("check", "both-us-east-1")]
    assert turned == [(*each, False) for each in of_east] + [(*each, True) for each in of_east]


def test_a_metric_in_the_other_region_evacuates_and_the_alarms_state_does_not(
    deployed: Deployed, route53: SimulatedRoute53, seen: list[Observation]
) -> None:
    cloudwatch = deployed.aws.client("cloudwatch", WEST)
    cloudwatch.set_alarm_state(AlarmName="evacuated", StateValue="ALARM", StateReason="a test")
    time.sleep(3)
    assert route53.healthy(deployed.checks[EAST])
    done = threading.Event()

    def publish() -> None:
        datum = {key: EVACUATED[key] for key in ("MetricName", "Dimensions")}
        while not done.wait(1):
            cloudwatch.put_metric_data(Namespace=EVACUATED["Namespace"], MetricData=[{**datum, "Value": 1.0}])

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        assert holds_within(20, lambda: not route53.healthy(deployed.checks[EAST]))
        assert answered(route53) == {deployed.hosts[WEST]}
    finally:
        done.set()
        publisher.join()
    assert holds_within(20, lambda: route53.healthy(deployed.checks[EAST]))
    assert not [each for each in seen if each.kind == "endpoint"]


def test_a_dead_metrics_region_is_no_evacuation(deployed: Deployed, route53: SimulatedRoute53) -> None:
    deployed.aws.fault(region=WEST, service="monitoring")
    time.sleep(3)
    assert route53.healthy(deployed.checks[EAST])


def test_weights_hold_over_real_queries(deployed: Deployed, route53: SimulatedRoute53) -> None:
    resolver = Resolver(route53.address, scale=0)
    counts = Counter(resolver.resolve(NAME) for _ in range(400))
    assert 0.6 < counts[deployed.hosts[EAST]] / 400 < 0.8


def test_an_alias_resolves_to_its_target_and_to_its_regions_address(
    deployed: Deployed, route53: SimulatedRoute53
) -> None:
    deployed.aws.fault(region=EAST)
    assert holds_within(15, lambda: not route53.healthy(deployed.checks[EAST]))
    assert Resolver(route53.address).resolve("api.dr-test.org") == f"d-{WEST}.execute-api.{WEST}.amazonaws.com"
    found = ask(route53, "api.dr-test.org")
    assert [each.to_text() for each in found.answer] == [
        f"api.dr-test.org. 60 IN A {deployed.aws.addresses[WEST].host}"
    ]


def ask(route53: SimulatedRoute53, name: str, kind: str = "A", *, tcp: bool = False) -> message.Message:
    host, port = route53.address
    send: Callable[..., message.Message] = query.tcp if tcp else query.udp
    return send(message.make_query(name, kind, use_edns=True), host, port=port, timeout=3)


@pytest.mark.parametrize("tcp", [False, True])
def test_dns_is_answered_with_authority(route53: SimulatedRoute53, tcp: bool) -> None:
    found = ask(route53, NAME.replace("test.", "TEST."), tcp=tcp)
    assert found.flags & flags.AA
    assert not found.flags & flags.RA
    assert [(len(each), each.ttl) for each in found.answer] == [(1, 60)]
    assert len(ask(route53, "dr-test.org", "NS", tcp=tcp).answer[0]) == 4
    assert ask(route53, "no.dr-test.org", tcp=tcp).rcode() == rcode.NXDOMAIN
    assert ask(route53, "elsewhere.org", tcp=tcp).rcode() == rcode.REFUSED
    nothing = ask(route53, "api.dr-test.org", "AAAA", tcp=tcp)
    assert (nothing.rcode(), nothing.answer, nothing.authority[0].ttl) == (rcode.NOERROR, [], 900)


def test_what_is_no_query_is_survived(route53: SimulatedRoute53) -> None:

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for wire in (b"", b"nonsense", ask(route53, NAME).to_wire()):
            sender.sendto(wire, route53.address)
    notify = message.make_query(NAME, "SOA")
    notify.set_opcode(opcode.NOTIFY)
    assert query.udp(notify, route53.address[0], port=route53.address[1], timeout=3).rcode() == rcode.NOTIMP
    assert ask(route53, NAME).answer


@pytest.mark.skipif(not shutil.which("dig"), reason="needs dig, of the package bind9-dnsutils")
def test_dig_understands_the_answers(deployed: Deployed, route53: SimulatedRoute53) -> None:
    def dig(*question: str) -> str:
        server = [f"@{route53.address[0]}", "-p", str(route53.address[1]), "+timeout=3", "+tries=1"]
        return subprocess.run(["dig", *server, *question], capture_output=True, text=True, check=True).stdout

    assert dig("+short", NAME).strip().rstrip(".") in deployed.hosts.values()
    assert dig("+short", "+tcp", NAME, "CNAME").strip().rstrip(".") in deployed.hosts.values()
    assert "status: NXDOMAIN" in dig("no.dr-test.org")
    assert "status: REFUSED" in dig("elsewhere.org")
    for answer in (dig(NAME), dig("api.dr-test.org"), dig("dr-test.org", "SOA")):
        assert "status: NOERROR" in answer
        assert "WARNING: Message" not in answer
        assert "malformed" not in answer


def test_a_resolver_keeps_an_answer_for_its_ttl_and_some_for_longer(
    route53: SimulatedRoute53, seen: list[Observation]
) -> None:
    now = 0.0
    usual = Resolver(route53.address, scale=SCALE, clock=lambda: now)
    stale = Resolver(route53.address, scale=SCALE, overstay_s=30, clock=lambda: now)
    shared = Resolver(route53.address, scale=SCALE, age_s=45, clock=lambda: now)

    def queries(resolver: Resolver, at: float) -> int:
        nonlocal now
        now = at
        before = len([each for each in seen if each.kind == "answer"])
        resolver.resolve(NAME)
        return len([each for each in seen if each.kind == "answer"]) - before

    assert [queries(usual, at) for at in (0, 5.9, 6.0, 11.9)] == [1, 0, 1, 0]
    assert [queries(stale, at) for at in (0, 6.1, 8.9, 9.0)] == [1, 0, 0, 1]
    assert [queries(shared, at) for at in (0, 1.4, 1.5, 7.4, 7.5)] == [1, 0, 1, 0, 1]


def test_rejects_a_name_that_is_not_there_and_a_server_that_does_not_answer(
    route53: SimulatedRoute53, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResolutionError, match="NXDOMAIN"):
        Resolver(route53.address).resolve("no.dr-test.org")

    monkeypatch.setattr("drill.route53.resolver.ANSWERED_WITHIN_S", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(ResolutionError, match="did not answer"):
            Resolver(silent.getsockname()).resolve(NAME)


def test_rejects_checks_that_no_record_needs(route53: SimulatedRoute53) -> None:
    with pytest.raises(Route53Error, match="no record needs the check 'other'"):
        route53.healthy("other")


def test_an_inverted_check_starts_unhealthy_and_a_disabled_one_is_never_probed(deployed: Deployed) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        dead = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": port, "RequestInterval": 10, "FailureThreshold": 1}
        checks = {
            name: create_check(deployed.aws, name, **dead, **flag)
            for name, flag in (("usual", {}), ("inverted", {"Inverted": True}), ("disabled", {"Disabled": True}))
        }
        calculated = {"Type": "CALCULATED", "ChildHealthChecks": [checks["usual"]], "HealthThreshold": 1}
        checks["paused"] = create_check(deployed.aws, "paused", **calculated, Disabled=True)
        records = [
            {
                "Name": f"{name}.flags.org",
                "Type": "TXT",
                "TTL": 60,
                "ResourceRecords": [{"Value": '"x"'}],
                "HealthCheckId": check,
            }
            for name, check in checks.items()
        ]
        create_zone(deployed.aws, "flags.org", *records)
        seen: list[Observation] = []
        with SimulatedRoute53(deployed.aws, "flags.org", scale=SCALE, listen=seen.append, locations=1) as route53:
            assert [route53.healthy(check) for check in checks.values()] == [True, False, True, True]
            assert holds_within(5, lambda: not route53.healthy(checks["usual"]) and route53.healthy(checks["inverted"]))
            time.sleep(1.1)
            assert route53.healthy(checks["disabled"])
            assert route53.healthy(checks["paused"])
    assert {each.subject for each in seen} == {"usual", "inverted"}


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"Type": "HTTPS", "FullyQualifiedDomainName": "example.org"}, "loopback addresses only, got: 'example.org'"),
        ({"Type": "HTTP", "IPAddress": "192.0.2.1"}, "loopback addresses only, got: '192.0.2.1'"),
        ({"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Name": "gone", "Region": WEST}}, "'gone' of us-west-2"),
        ({"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Name": "m-of-n", "Region": WEST}}, "no M of N"),
        ({"Type": "CALCULATED", "ChildHealthChecks": ["gone"], "HealthThreshold": 1}, "gone, which is not there"),
        (
            {"Type": "CALCULATED", "ChildHealthChecks": ["both"], "HealthThreshold": 1},
            "must not be the child of another",
        ),
        ({"Type": "RECOVERY_CONTROL"}, "type RECOVERY_CONTROL cannot be simulated"),
    ],
)
def test_rejects_what_it_cannot_simulate(
    deployed: Deployed, request: pytest.FixtureRequest, config: dict[str, Any], why: str
) -> None:
    deployed.aws.client("cloudwatch", WEST).put_metric_alarm(
        AlarmName="m-of-n",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        **EVACUATED,
    )
    children = [deployed.checks[EAST] if each == "both" else each for each in config.get("ChildHealthChecks", ())]
    given = {**config, "ChildHealthChecks": children} if children else config
    check = create_check(deployed.aws, request.node.name, **given)
    zone = f"rejected-{check}.org"
    record = {"Name": f"x.{zone}", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
    create_zone(deployed.aws, zone, {**record, "HealthCheckId": check})
    with pytest.raises(Route53Error, match=why), SimulatedRoute53(deployed.aws, zone):
        pass


def test_rejects_a_zone_that_is_not_there_and_settings_out_of_range(deployed: Deployed) -> None:
    with (
        pytest.raises(Route53Error, match=r"one public hosted zone 'gone.org.', got 0"),
        SimulatedRoute53(deployed.aws, "gone.org"),
    ):
        pass
    with pytest.raises(Route53Error, match="'scale' must be more than 0, got: 0"):
        SimulatedRoute53(deployed.aws, "dr-test.org", scale=0)
    with pytest.raises(Route53Error, match="'locations' must be at least 1, got: 0"):
        SimulatedRoute53(deployed.aws, "dr-test.org", locations=0)


def test_a_listener_that_fails_ends_the_checks_and_is_not_hidden(deployed: Deployed) -> None:
    def listen(_: Observation) -> None:
        raise OSError("the listener's disk is full")

    with (
        pytest.RaisesGroup(OSError),
        SimulatedRoute53(deployed.aws, "dr-test.org", scale=SCALE, listen=listen) as route53,
    ):

        def ended() -> bool:
            try:
                route53.status()
            except Route53Error:
                return True
            return False

        assert holds_within(5, ended)
