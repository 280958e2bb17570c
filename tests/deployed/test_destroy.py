"""Everything can be destroyed, and then nothing is left."""

from drill.emulator import EmbeddedAws
from drill.leftovers import leftovers, legitimate


def test_destroy_leaves_nothing(destroyed_account: EmbeddedAws) -> None:
    assert leftovers(destroyed_account) == []


def test_destroy_leaves_only_keys_that_wait_for_their_deletion_and_what_every_account_has(
    destroyed_account: EmbeddedAws,
) -> None:
    kinds = {line.split(": ")[0].split(" ", 1)[1] for line in legitimate(destroyed_account)}
    assert kinds <= {"kms Keys", "ec2 Vpcs", "ec2 VpcPeeringConnections", "iam Roles"}
    assert "kms Keys" in kinds
