"""Terraform under faults: what was made half-way is kept, and the next run completes it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from drill.deployment import Deployment, DeploymentError
from drill.embedded import unwatched
from drill.emulator import EmbeddedAws
from drill.leftovers import leftovers

import pytest

EAST, WEST = "us-east-1", "us-west-2"
LONGER_THAN_ANY_TEST_S = 3600


def test_an_apply_that_was_killed_half_way_is_completed_while_the_other_region_is_dead(tmp_path: Path) -> None:
    with EmbeddedAws(log=tmp_path / "aws.log") as aws:
        aws.fault(region=WEST)
        alone = Deployment(tmp_path, aws.isolated(), ENVIRONMENT_SUFFIX="killed")
        with ThreadPoolExecutor(1) as pool:
            applied = pool.submit(alone.deploy, EAST)
            orphan = wait_for_a_key(aws, applied)
            # The key is there, and Terraform asks whether it is when it is killed: what depends on the key is not
            # begun, all else is done in time.
            aws.fault(region=EAST, service="kms", mode="hang", seconds=LONGER_THAN_ANY_TEST_S)
            wait_until_only_the_key_is_left(tmp_path / "deploy.log", applied)
            kill_terraform()
            with pytest.raises(DeploymentError):
                applied.result()
        half = state_of(alone, EAST)
        assert 10 < len(ids(half)) < alone.size(EAST) / 2
        assert orphan not in ids(half).values()
        aws.heal()
        aws.fault(region=WEST)
        # Killed a moment later, it would have made a role as well that its state does not know of, and whose name is
        # taken now: README.md says what to do.
        role = next(address for address in ids(half) if address.startswith("aws_iam_role."))
        alone.terraform(EAST, "state", "rm", role)
        with pytest.raises(DeploymentError) as refused:
            alone.deploy(EAST)
        assert all(told in str(refused.value) for told in (role, ids(half)[role], "EntityAlreadyExists"))
        alone.terraform(EAST, "import", role, ids(half)[role])
        alone.deploy(EAST)
        whole = state_of(alone, EAST)
        assert len(ids(whole)) == alone.size(EAST)
        assert ids(half).items() <= ids(whole).items()
        assert half["lineage"] == whole["lineage"]
        assert orphan not in ids(whole).values()
        assert alone.changes(EAST) == ""
        alone.destroy(EAST)
        assert {count.region for count in aws.requests()} <= {EAST, "global"}
        aws.heal()
        # Nobody knows of the key that was being made but AWS's own listing.
        assert leftovers(aws) == [f"{EAST} kms Keys: {orphan}"]


def lose_a_route(aws: EmbeddedAws, deployment: Deployment) -> None:
    """Somebody deletes a route to the other region."""
    route = next(each for each in deployment.instances() if (each.stack, each.kind) == ("peering", "aws_route"))
    about = {name: route.attributes[name] for name in ("route_table_id", "destination_cidr_block")}
    region = region_with(aws, about["route_table_id"])
    aws.client("ec2", region).delete_route(
        RouteTableId=about["route_table_id"], DestinationCidrBlock=about["destination_cidr_block"]
    )


def lose_a_rule(aws: EmbeddedAws, deployment: Deployment) -> None:
    """Somebody ends the replication of documents out of the first region."""
    aws.client("s3", EAST).delete_bucket_replication(Bucket=deployment.outputs(EAST)["document_bucket"])


@pytest.mark.parametrize(("stack", "lose"), [("peering", lose_a_route), ("replication", lose_a_rule)])
def test_an_apply_of_a_link_while_a_region_is_dead_changes_nothing_and_is_done_later(
    stack: str, lose: Callable[[EmbeddedAws, Deployment], None], aws: EmbeddedAws, deployment: Deployment
) -> None:
    lose(aws, deployment)
    assert "1 to add" in deployment.changes(stack)
    before = state_of(deployment, stack)
    with unwatched(aws):  # or the region is evacuated, if this takes two minutes
        aws.fault(region=WEST)
        try:
            with pytest.raises(DeploymentError, match="Error"):
                deployment.deploy(stack)
        finally:
            aws.heal()
    after = state_of(deployment, stack)
    assert (after["resources"], after["outputs"]) == (before["resources"], before["outputs"])
    assert "1 to add" in deployment.changes(stack)
    deployment.deploy(stack)
    assert deployment.changes(stack) == ""


def region_with(aws: EmbeddedAws, route_table: str) -> str:
    """The region of a route table."""
    return next(
        region
        for region in (EAST, WEST)
        for table in aws.client("ec2", region).describe_route_tables()["RouteTables"]
        if table["RouteTableId"] == route_table
    )


def wait_for_a_key(aws: EmbeddedAws, applied: Future[None]) -> str:
    """Wait until Terraform has made the region's key; its id."""
    deadline = time.monotonic() + 600
    while not (keys := aws.client("kms", EAST).list_keys()["Keys"]):
        assert not applied.done(), applied.exception()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(keys[0]["KeyId"])


def state_of(deployment: Deployment, stack: str) -> dict[str, Any]:
    """A stack's state file, whole."""
    state: dict[str, Any] = json.loads((deployment.folder / f"terraform.{stack}.tfstate").read_text(encoding="utf-8"))
    return state


def ids(state: dict[str, Any]) -> dict[str, str]:
    """The id of every resource in a state, by its address."""
    return {
        f"{resource['type']}.{resource['name']}": str(instance["attributes"]["id"])
        for resource in state["resources"]
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }


def wait_until_only_the_key_is_left(log: Path, applied: Future[None]) -> None:
    """Wait until Terraform, which tells every ten seconds what it waits for, tells twice in a row of the key alone."""
    deadline = time.monotonic() + 600
    while True:
        lines = log.read_text(encoding="utf-8").split("\n") if log.exists() else []
        last = [line for line in lines if line.strip()][-2:]
        if len(last) == 2 and all("aws_kms_key" in line and "Still creating" in line for line in last):
            return
        assert not applied.done(), applied.exception()
        assert time.monotonic() < deadline, last
        time.sleep(0.5)


def kill_terraform() -> None:
    """Terraform and its provider, which this process began, are gone without a chance to write anything."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    processes = [line.split(maxsplit=2) for line in listed.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, _ in processes}
    named = [int(pid) for pid, _, command in processes if command.rpartition("/")[2].startswith("terraform")]
    own = [pid for pid in named if is_below(pid, os.getpid(), parents)]
    assert own
    for each in own:
        os.kill(each, signal.SIGKILL)


def is_below(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    """Whether a process was begun by another one, or by one that it began."""
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False
