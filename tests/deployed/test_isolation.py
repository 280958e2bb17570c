"""A region is deployed, planned and destroyed while every other region is down."""

from pathlib import Path

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from drill.leftovers import leftovers


def test_a_region_deploys_plans_and_is_destroyed_while_the_other_refuses_everything(tmp_path: Path) -> None:
    with EmbeddedAws(log=tmp_path / "aws.log") as aws:
        aws.fault(region="us-east-1")
        alone = Deployment(tmp_path, aws.isolated(), ENVIRONMENT_SUFFIX="alone")
        alone.deploy("us-west-2")
        assert alone.changes("us-west-2") == ""
        alone.destroy("us-west-2")
        assert {count.region for count in aws.requests()} <= {"us-west-2", "global"}
        aws.heal()
        assert leftovers(aws) == []
