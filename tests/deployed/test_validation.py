"""Terraform and the AWS provider accept what is synthesized."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drill.deployment import Deployment, DeploymentError
from main import REGIONS
from tests.synthesis import DELEGATION, EuWest1, synthesize

import pytest


@pytest.mark.parametrize("settings", [{}, DELEGATION], ids=["default", "delegated"])
def test_terraform_validates_every_stack_of_three_regions(settings: dict[str, str], tmp_path: Path) -> None:
    stacks = synthesize(tmp_path / "cdktf.out", *REGIONS, EuWest1, **settings)
    checked = Deployment(tmp_path, os.environ)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(checked.validate, stacks)) == [None] * 6


def test_rejects_an_argument_that_the_provider_does_not_have(tmp_path: Path) -> None:
    synthesize(tmp_path / "cdktf.out")
    broken = tmp_path / "cdktf.out/stacks/peering/cdk.tf.json"
    broken.write_text(broken.read_text().replace("destination_cidr_block", "destination_of_a_kind"))
    with pytest.raises(DeploymentError, match="destination_of_a_kind"):
        Deployment(tmp_path, os.environ).validate("peering")
