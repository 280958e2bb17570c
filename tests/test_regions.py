"""Regions are added by subclassing, and changed by overriding one factory method."""

from pathlib import Path
from typing import Any

from dr.checks import SettingsError
from dr.regions.region import Region
from dr.regions.us_east_1 import UsEast1
from dr.regions.us_west_2 import UsWest2
from dr.resources.encryption import EncryptionKey
from dr.topology import Topology
from tests.brief.dns import weighted
from tests.brief.reading import of_the_api
from tests.synthesis import EuWest1, Stacks, load, resources, synthesize

import pytest
from cdktf import App


class LongKeyedWest(UsWest2):
    """Oregon, with a key that outlives a mistaken destroy by a month."""

    def create_key(self) -> EncryptionKey:
        """The key, with a longer deletion window."""
        return EncryptionKey(self, "key", name=self.named("kms"), access=self.key_access, deletion_window_days=30)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The app with settings that each show in a place of its own."""
    return synthesize(
        tmp_path_factory.mktemp("changed"),
        DR_REGIONS='{"us-west-2": {"cidr": "10.99.0.0/20", "weight": 50}}',
        DR_STATE_BUCKET="hospital-state",
        DR_INTERFACE_ENDPOINTS="kms, sns, s3",
        DR_LAMBDA_RESERVED_CONCURRENCY="400",
    )


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths at which two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [found for key in keys for found in differences(before.get(key), after.get(key), f"{path}/{key}")]
    return [] if before == after else [path]


def test_overriding_one_factory_method_changes_one_thing(tmp_path: Path, stacks: Stacks) -> None:
    (path,) = differences(stacks, synthesize(tmp_path, UsEast1, LongKeyedWest))
    assert path.startswith("/us-west-2/resource/aws_kms_key/")
    assert path.endswith("/deletion_window_in_days")


def test_a_third_region_leaves_the_names_of_the_others_alone(stacks: Stacks, three_regions: Stacks) -> None:
    before = {resource.address for resource in resources(stacks)}
    assert before <= {resource.address for resource in resources(three_regions)}


def test_a_third_region_is_linked_to_both_others(three_regions: Stacks) -> None:
    assert len(list(resources(three_regions, "aws_vpc_peering_connection"))) == 3
    assert len(list(resources(three_regions, "aws_route"))) == 6
    replicated = list(resources(three_regions, "aws_s3_bucket_replication_configuration"))
    assert [len(resource.arguments["rule"]) for resource in replicated] == [2, 2, 2]
    for table in resources(three_regions, "aws_dynamodb_table"):
        assert [replica["region_name"] for replica in table.arguments["replica"]] == ["us-west-2", "eu-west-1"]
    assert len(list(filter(weighted, resources(three_regions, "aws_route53_record")))) == 3


def test_settings_of_the_environment_override_a_regions_own(changed: Stacks) -> None:
    (vpc,) = resources({"us-west-2": changed["us-west-2"]}, "aws_vpc")
    assert vpc.arguments["cidr_block"] == "10.99.0.0/20"
    records = filter(weighted, resources(changed, "aws_route53_record"))
    assert [record.arguments["weighted_routing_policy"]["weight"] for record in records] == [70, 50]


def test_rejects_a_region_without_settings() -> None:
    with pytest.raises(TypeError, match="Nowhere must have a class attribute 'settings' of type RegionSettings"):
        type("Nowhere", (Region,), {"settings": None})


def test_rejects_a_region_that_the_settings_do_not_know() -> None:
    with pytest.raises(SettingsError, match=r"'regions' must hold 'eu-west-1', got: \['us-east-1', 'us-west-2'\]"):
        EuWest1(App(), load())


def test_rejects_a_topology_that_lacks_a_region_of_the_settings(tmp_path: Path) -> None:
    app, settings = App(outdir=str(tmp_path)), load()
    with pytest.raises(SettingsError, match="the topology must have the regions"):
        Topology(primary=UsEast1(app, settings), secondaries=())


def test_state_lies_in_the_regions_own_bucket_when_there_is_one(changed: Stacks) -> None:
    backends = {name: stack["terraform"]["backend"]["s3"] for name, stack in changed.items()}
    assert {name: (backend["bucket"], backend["region"]) for name, backend in backends.items()} == {
        "us-east-1": ("hospital-state-us-east-1", "us-east-1"),
        "us-west-2": ("hospital-state-us-west-2", "us-west-2"),
        "peering": ("hospital-state-us-west-2", "us-west-2"),
        "replication": ("hospital-state-us-west-2", "us-west-2"),
        "dns": ("hospital-state-us-west-2", "us-west-2"),
    }
    assert all(backend["use_lockfile"] for backend in backends.values())
    # Asked for encryption without a key, Terraform would have S3 use its own in place of the bucket's.
    assert not any("encrypt" in backend for backend in backends.values())


def test_services_without_an_endpoint_have_no_name_in_the_other_regions_and_no_document_is_read_there(
    changed: Stacks,
) -> None:
    endpoints = {each.arguments["service_name"] for each in resources(changed, "aws_vpc_endpoint")}
    assert {name.rsplit(".", 1)[1] for name in endpoints} == {"dynamodb", "s3", "kms", "sns"}
    zones = [each for each in resources(changed, "aws_route53_zone") if each.stack == "peering"]
    assert {zone.arguments["name"].partition(".")[0] for zone in zones} == {"kms", "s3", "sns"}
    functions = filter(of_the_api, resources(changed, "aws_lambda_function"))
    (function,) = [each for each in functions if each.stack == "us-east-1"]
    assert function.arguments["environment"]["variables"]["PEERS"] == '{"us-west-2": {}}'


def test_executions_are_reserved_for_the_api_where_that_is_asked_for_and_for_nothing_else(changed: Stacks) -> None:
    reserved = {
        each.arguments["function_name"]: each.arguments.get("reserved_concurrent_executions")
        for each in resources(changed, "aws_lambda_function")
    }
    assert reserved == {"lambda-api-dev": 400, "lambda-failover-dev": None, "lambda-probe-dev": None}
