"""The secondary is deployed, planned and destroyed while the primary is down.

So is the primary while the secondary is, in test_terraform_faults.py, where its apply is killed as well.
"""

from pathlib import Path

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from drill.leftovers import leftovers


def test_the_secondary_deploys_plans_and_is_destroyed_while_the_primary_refuses_everything(tmp_path: Path) -> None:
    with EmbeddedAws(log=tmp_path / "aws.log") as aws:
        aws.fault(region="us-east-1")
        alone = Deployment(tmp_path, aws.isolated(), ENVIRONMENT_SUFFIX="alone")
        alone.deploy("us-west-2")
        assert alone.changes("us-west-2") == ""
        alone.destroy("us-west-2")
        assert {count.region for count in aws.requests()} <= {"us-west-2", "global"}
        aws.heal()
        assert leftovers(aws) == []
