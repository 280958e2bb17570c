"""S3: a bucket in every region, replicated to every other one."""

from collections.abc import Iterator

from tests.brief.reading import (
    at,
    granting,
    key_region,
    missing,
    of_documents,
    peers_of,
    principals_of,
    refer,
    referred,
    region_of,
    role_statements,
    statements,
)
from tests.brief.rules import BRIEF, changed, dropped, emptied, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

BUCKET = "aws_s3_bucket"
VERSIONING = "aws_s3_bucket_versioning"
ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"
REPLICATION = "aws_s3_bucket_replication_configuration"
DATA = "terraform_data"


def _replications(stacks: Stacks) -> Iterator[tuple[str, Resource, Resource]]:
    """The replication of every region's bucket: the region, its configuration, the bucket."""
    found = {}
    for replication in resources(stacks, REPLICATION):
        bucket = referred(stacks, replication.stack, replication.arguments["bucket"], BUCKET)
        if bucket:
            found[region_of(stacks, bucket)] = (replication, bucket)
    for region in regions_of(stacks):
        if region in found:
            yield region, *found[region]


def _without_replication(stacks: Stacks) -> Iterator[str]:
    replicated = {region for region, *_ in _replications(stacks)}
    yield from (f"{region}: its bucket is not replicated" for region in regions_of(stacks) if region not in replicated)


def _targets(stacks: Stacks, replication: Resource) -> Iterator[tuple[str, Resource, dict[str, object]]]:
    """The rules of a replication that are in force: the region they lead to, the bucket, the rule."""
    for rule in replication.arguments["rule"]:
        bucket = referred(stacks, replication.stack, at(rule, "destination.bucket"), BUCKET)
        if bucket and rule.get("status") == "Enabled":
            yield region_of(stacks, bucket), bucket, rule


@BRIEF.rule(
    "3.1",
    "T.4",
    "W.4",
    breaks=[
        emptied(BUCKET),
        removed(REPLICATION),
        changed(REPLICATION, "rule", to=[]),
        changed(REPLICATION, "rule.0.status", to="Disabled"),
        changed(REPLICATION, "rule.0.destination.bucket", to="arn:aws:s3:::other"),
        changed(REPLICATION, "rule.0.filter.prefix", to="archive/"),
        dropped(REPLICATION, "rule.0.source_selection_criteria"),
        changed(REPLICATION, "provider", to="aws.elsewhere"),
    ],
)
def every_bucket_of_documents_is_replicated_to_every_other_region(stacks: Stacks) -> Iterator[str]:
    """For each ordered pair of regions there is a rule in force for all objects, those encrypted by a key too."""
    yield from missing(stacks, BUCKET)
    yield from _without_replication(stacks)
    for region, replication, _ in _replications(stacks):
        if region_of(stacks, replication) != region:
            yield f"{replication.address}: is not configured from {region}"
        targets = {target: rule for target, _, rule in _targets(stacks, replication)}
        if sorted(targets) != sorted(peers_of(stacks, region)):
            yield f"{replication.address}: leads to {sorted(targets)}"
        for target, rule in targets.items():
            # Without this S3 leaves out exactly the objects that a customer key encrypts.
            if at(rule, "source_selection_criteria.sse_kms_encrypted_objects.status") != "Enabled":
                yield f"{replication.address}: leaves out encrypted documents towards {target}"
            if at(rule, "filter.prefix"):
                yield f"{replication.address}: leaves out documents towards {target}"


@BRIEF.rule(
    "3.1",
    breaks=[
        unstated("ReadSource"),
        unstated("ReadVersions"),
        unstated("WriteReplicas"),
        unstated("DecryptAtTheSource"),
        unstated("EncryptAtTheDestinations"),
        changed(statement("WriteReplicas"), "resources", to=["arn:aws:s3:::other/*"]),
        changed(statement("DecryptAtTheSource"), "resources", to=["arn:aws:kms:::key/other"]),
        changed(statement("EncryptAtTheDestinations"), "resources", to=[]),
        replaced(REPLICATION, "role", "aws_iam_role", "aws_iam_policy"),
        replaced(statement("AssumedByService"), "principals", "s3.amazonaws", "ec2.amazonaws"),
        removed(REPLICATION),
    ],
)
def the_role_that_replicates_reads_and_decrypts_here_and_writes_and_encrypts_there(stacks: Stacks) -> Iterator[str]:
    """S3 may assume the role, and the role may do just what a copy takes, at both ends."""
    yield from _without_replication(stacks)
    for region, replication, source in _replications(stacks):
        role = referred(stacks, replication.stack, replication.arguments["role"], "aws_iam_role")
        if role is None:
            yield f"{replication.address}: has no role"
            continue
        trust = statements(role.arguments["assume_role_policy"])
        if "s3.amazonaws.com" not in [who for each in granting(trust, "sts:AssumeRole") for who in principals_of(each)]:
            yield f"{role.address}: is not assumed by S3"
        peers = peers_of(stacks, region)
        wanted = [
            *(("s3:GetReplicationConfiguration", BUCKET, [region]), ("s3:ListBucket", BUCKET, [region])),
            ("s3:GetObjectVersionForReplication", BUCKET, [region]),
            *(("s3:ReplicateObject", BUCKET, peers), ("s3:ReplicateDelete", BUCKET, peers)),
            *(("kms:Decrypt", "aws_kms_key", [region]), ("kms:Encrypt", "aws_kms_key", peers)),
        ]
        for action, kind, regions in wanted:
            if _reached(stacks, role, action, kind) != sorted(regions):
                yield f"{role.address}: may not {action} in {regions}, for {source.address}"


def _reached(stacks: Stacks, role: Resource, action: str, kind: str) -> list[str]:
    """The regions in which a role may do something to a resource of that kind."""
    found = set()
    for each in granting(role_statements(stacks, role), action):
        for resource in each.get("resources", []):
            on = referred(stacks, role.stack, resource.removesuffix("/*"), kind)
            found.add(region_of(stacks, on) if on else "elsewhere")
    return sorted(found)


@BRIEF.rule(
    "3.2",
    "D.5.3",
    breaks=[
        removed(VERSIONING),
        changed(VERSIONING, "versioning_configuration.status", to="Suspended"),
        changed(VERSIONING, "bucket", to="other"),
        emptied(BUCKET),
    ],
)
def source_and_destination_buckets_are_versioned(stacks: Stacks) -> Iterator[str]:
    """Versioning is on for every bucket that documents come from or go to."""
    yield from missing(stacks, BUCKET)
    versioned = set()
    for versioning in resources(stacks, VERSIONING):
        reference = refer(stacks, versioning.stack, versioning.arguments["bucket"])
        if reference and at(versioning.arguments, "versioning_configuration.status") == "Enabled":
            versioned.add((reference.stack, reference.name))
    for bucket in resources(stacks, BUCKET):
        if (bucket.stack, bucket.name) not in versioned:
            yield f"{bucket.address}: is not versioned"


def _waited_for(stacks: Stacks, replication: Resource) -> set[str]:
    """The regions whose versioning a replication depends on, by data that read its status."""
    regions = set()
    for address in replication.arguments.get("depends_on", []):
        kind, _, name = address.partition(".")
        data = stacks[replication.stack]["resource"].get(DATA, {}).get(name, {}) if kind == DATA else {}
        # The status, as the versioning's own resource reports it: reading the bucket alone would wait for nothing.
        status = refer(stacks, replication.stack, at(data, "input.status"))
        if status and status.kind == VERSIONING and status.attribute.endswith(".status"):
            versioning = stacks[status.stack]["resource"].get(VERSIONING, {}).get(status.name)
            bucket = versioning and referred(stacks, status.stack, versioning["bucket"], BUCKET)
            if bucket:
                regions.add(region_of(stacks, bucket))
    return regions


@BRIEF.rule(
    "3.2",
    "D.5.1",
    "D.5.2",
    "D.5.3",
    "W.4",
    breaks=[
        removed(REPLICATION),
        removed(DATA),
        removed(VERSIONING, of_documents),
        dropped(REPLICATION, "depends_on"),
        changed(REPLICATION, "depends_on.0", to="terraform_data.other"),
        changed(REPLICATION, "depends_on.1", to="terraform_data.other"),
        dropped(DATA, "input.status"),
        changed(DATA, "input.status", to="Enabled"),
        replaced(DATA, "input.status", "aws_s3_bucket_versioning", "aws_s3_bucket_other"),
    ],
)
def replication_waits_for_the_versioning_of_source_and_destinations(stacks: Stacks) -> Iterator[str]:
    """depends_on=[destination_versioning]: the data it depends on read the versioning's status in each region."""
    yield from _without_replication(stacks)
    for region, replication, _ in _replications(stacks):
        waited = _waited_for(stacks, replication)
        for other in [region, *peers_of(stacks, region)]:
            if other not in waited:
                yield f"{replication.address}: does not wait for the versioning in {other}"


@BRIEF.rule(
    "3.3",
    "C.4",
    breaks=[
        emptied(BUCKET),
        removed(ENCRYPTION),
        changed(ENCRYPTION, "bucket", to="other"),
        changed(ENCRYPTION, "rule.0.apply_server_side_encryption_by_default.sse_algorithm", to="AES256"),
        dropped(ENCRYPTION, "rule.0.apply_server_side_encryption_by_default.kms_master_key_id"),
        changed(ENCRYPTION, "rule.0.apply_server_side_encryption_by_default.kms_master_key_id", to="alias/aws/s3"),
    ],
)
def every_bucket_is_encrypted_by_its_regions_key(stacks: Stacks) -> Iterator[str]:
    """A bucket encrypts by a customer key of its own region by default."""
    yield from missing(stacks, BUCKET)
    encrypted = {}
    for encryption in resources(stacks, ENCRYPTION):
        reference = refer(stacks, encryption.stack, encryption.arguments["bucket"])
        default = at(encryption.arguments, "rule.0.apply_server_side_encryption_by_default") or {}
        if reference and default.get("sse_algorithm") in ("aws:kms", "aws:kms:dsse"):
            key = key_region(stacks, encryption.stack, default.get("kms_master_key_id"))
            encrypted[reference.stack, reference.name] = key
    for bucket in resources(stacks, BUCKET):
        if encrypted.get((bucket.stack, bucket.name)) != region_of(stacks, bucket):
            yield f"{bucket.address}: is not encrypted by its region's key"


@BRIEF.rule(
    "3.3",
    breaks=[
        removed(REPLICATION),
        dropped(REPLICATION, "rule.0.destination.encryption_configuration"),
        changed(
            REPLICATION, "rule.0.destination.encryption_configuration.replica_kms_key_id", to="${aws_kms_key.x.arn}"
        ),
    ],
)
def every_replica_of_a_document_is_encrypted_by_the_key_over_there(stacks: Stacks) -> Iterator[str]:
    """A copy is readable by its own region's key, with the source's region gone."""
    yield from _without_replication(stacks)
    for _, replication, _ in _replications(stacks):
        for target, _, rule in _targets(stacks, replication):
            key = at(rule, "destination.encryption_configuration.replica_kms_key_id")
            if key_region(stacks, replication.stack, key) != target:
                yield f"{replication.address}: its copies in {target} are not encrypted by the key there"


@BRIEF.rule(
    "3.4",
    "D.6.1",
    breaks=[
        emptied(BUCKET),
        changed(BUCKET, "force_destroy", to=False),
        dropped(BUCKET, "force_destroy"),
    ],
)
def every_bucket_is_destroyed_with_what_it_holds(stacks: Stacks) -> Iterator[str]:
    """force_destroy=True on all buckets."""
    yield from missing(stacks, BUCKET)
    for bucket in resources(stacks, BUCKET):
        if bucket.arguments.get("force_destroy") is not True:
            yield f"{bucket.address}: is not destroyed with what it holds"
