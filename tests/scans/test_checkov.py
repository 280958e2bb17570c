"""checkov finds nothing in the stacks but what is listed with a reason, and the list holds nothing else."""

import copy

from tests.scans.checkov import scan
from tests.scans.gate import Finding, Skip, faults
from tests.scans.skips import CHECKOV, DEPLOYER, PARLIAMENT, SECRETS
from tests.synthesis import Stacks, resources

import pytest

BROKEN = "broken"
# What a delegated domain and an issuer of tokens change.
CHANGED = ("dns", "us-east-1")
Found = dict[str, list[Finding]]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(stacks: Stacks, delegated: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What checkov finds in the app, in its delegated form, and in a stack whose logs have no key."""
    broken = {"us-west-2": copy.deepcopy(stacks["us-west-2"])}
    for group in resources(broken, "aws_cloudwatch_log_group"):
        del group.arguments["kms_key_id"]
    apps = {"two_regions": stacks, "delegated": {name: delegated[name] for name in CHANGED}, BROKEN: broken}
    return scan(tmp_path_factory.mktemp("checkov"), apps)


def test_nothing_is_found_that_is_not_listed_and_no_entry_is_stale(found: Found) -> None:
    assert sorted(faults(found["two_regions"] + found["delegated"], CHECKOV)) == []


def test_rejects_stacks_whose_logs_have_no_key(found: Found, stacks: Stacks) -> None:
    told = [fault for fault in faults(found[BROKEN], CHECKOV) if "not listed" in fault]
    logs = list(resources({"us-west-2": stacks["us-west-2"]}, "aws_cloudwatch_log_group"))
    assert len([fault for fault in told if "CKV_AWS_158" in fault]) == len(logs) > 0


def test_rejects_an_entry_that_is_about_nothing_any_more(found: Found) -> None:
    stale = Skip("CKV_AWS_144", "us-east-1: aws_s3_bucket.gone", "of a bucket that is gone")
    assert list(faults(found["two_regions"], [*CHECKOV, stale]))[-1].startswith(
        "stale in tests/scans/skips.py: CKV_AWS_144 for 'us-e"
    )


def test_every_entry_has_a_reason() -> None:
    assert all(len(skip.reason.split()) > 4 for skip in (*CHECKOV, *DEPLOYER, *PARLIAMENT, *SECRETS))
