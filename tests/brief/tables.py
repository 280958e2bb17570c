"""DynamoDB: global tables, each with a replica in every other region."""

from collections.abc import Iterator, Mapping
from itertools import chain

from tests.brief.reading import (
    ALL_TABLES,
    PRIMARY,
    at,
    functions_named,
    granting,
    key_region,
    peers_of,
    referred,
    region_of,
    role_statements,
    suffix_of,
)
from tests.brief.rules import BRIEF, DESIGN, Where, added, changed, dropped, of, removed, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

TABLE = "aws_dynamodb_table"
# By whom or what a row belongs to, then by what tells two of them apart.
KEYS: Mapping[str, tuple[str, str]] = {
    "patient_records": ("patient_id", "record_id"),
    "audit_logs": ("entity_id", "event_id"),
    "failover_state": ("region", "item"),
}
# What else they are asked for: a facility's records in time, an actor's rows in time.
INDEXES: Mapping[str, tuple[str, str]] = {
    "patient_records": ("facility_id", "recorded_at"),
    "audit_logs": ("actor_id", "event_id"),
}
REWRITE = {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"}


def _tables(stacks: Stacks) -> Iterator[Resource]:
    yield from resources(stacks, TABLE)
    if not list(resources(stacks, TABLE)):
        yield Resource("replication", TABLE, "none", {})


def _named(stacks: Stacks, kind: str) -> list[Resource]:
    name = f"{kind}-{suffix_of(stacks)}"
    return [table for table in resources(stacks, TABLE) if table.arguments.get("name") == name]


def _is(kind: str) -> Where:
    return lambda table: str(table.arguments["name"]).startswith(kind)


@BRIEF.rule(
    "1.1",
    "1.2",
    "1.3",
    "T.2",
    "W.2",
    breaks=[
        removed(TABLE),
        changed(TABLE, "name", to="patient-records"),
        changed(TABLE, "provider", to="aws.us-west-2"),
        changed(TABLE, "replica", to=[]),
        dropped(TABLE, "replica"),
        changed(TABLE, "replica.0.region_name", to="eu-central-1"),
        changed(TABLE, "stream_enabled", to=False),
        changed(TABLE, "stream_view_type", to="KEYS_ONLY"),
    ],
)
def all_tables_are_global_with_a_replica_in_every_other_region(stacks: Stacks) -> Iterator[str]:
    """Those of patients, of audit rows and of failover have their home in us-east-1 and a replica everywhere else."""
    for kind in ALL_TABLES:
        if len(_named(stacks, kind)) != 1:
            yield f"there is not one table {kind}-<suffix>"
    for table in _tables(stacks):
        home = region_of(stacks, table)
        replicas = [replica["region_name"] for replica in table.arguments.get("replica", [])]
        if home != PRIMARY:
            yield f"{table.address}: its home is {home!r}"
        if sorted(replicas) != sorted(peers_of(stacks, home)):
            yield f"{table.address}: has replicas in {replicas}"
        # Replication reads the stream (DynamoDB developer guide, global tables): with both images, and no other kind.
        if (at(table.arguments, "stream_enabled"), at(table.arguments, "stream_view_type")) != (
            True,
            "NEW_AND_OLD_IMAGES",
        ):
            yield f"{table.address}: lacks the stream that replication needs"


def _schema(stacks: Stacks, kind: str) -> Iterator[str]:
    for table in _named(stacks, kind) or [Resource("replication", TABLE, kind, {})]:
        given = table.arguments
        indexes = given.get("global_secondary_index", [])
        keys = [(given.get("hash_key"), given.get("range_key"))]
        keys += [(index.get("hash_key"), index.get("range_key")) for index in indexes]
        index = [INDEXES[kind]] if kind in INDEXES else []
        if keys != [KEYS[kind], *index]:
            yield f"{table.address}: has the keys {keys}"
        attributes = {each["name"]: each["type"] for each in given.get("attribute", [])}
        # DynamoDB refuses a table that declares other attributes than those of its keys.
        if attributes != dict.fromkeys({*KEYS[kind], *chain(*index)}, "S"):
            yield f"{table.address}: declares {attributes}"
        if any(index.get("projection_type") != "ALL" for index in indexes):
            yield f"{table.address}: has an index that does not answer by itself"


RECORDS = of(TABLE, where=_is("patient_records"))


@BRIEF.rule(
    "1.2",
    breaks=[
        removed(TABLE, _is("patient_records")),
        changed(RECORDS, "hash_key", to="id"),
        dropped(RECORDS, "range_key"),
        changed(RECORDS, "attribute.0.name", to="unused"),
        dropped(RECORDS, "global_secondary_index"),
        changed(RECORDS, "global_secondary_index.0.projection_type", to="KEYS_ONLY"),
    ],
)
def patient_records_are_found_by_patient_and_by_facility_and_time(stacks: Stacks) -> Iterator[str]:
    """The schema: partition patient_id, sort record_id, an index by care facility and time."""
    yield from _schema(stacks, "patient_records")


AUDIT = of(TABLE, where=_is("audit_logs"))


@BRIEF.rule(
    "1.3",
    breaks=[
        removed(TABLE, _is("audit_logs")),
        changed(AUDIT, "range_key", to="actor_id"),
        dropped(AUDIT, "global_secondary_index"),
        changed(AUDIT, "attribute.2.type", to="N"),
    ],
)
def audit_logs_are_found_by_entity_and_by_actor_in_time(stacks: Stacks) -> Iterator[str]:
    """The schema: partition the audited entity, sort the event's time and id, an index by actor."""
    yield from _schema(stacks, "audit_logs")


STATE = of(TABLE, where=_is("failover_state"))


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(TABLE, _is("failover_state")),
        changed(STATE, "hash_key", to="item"),
        dropped(STATE, "range_key"),
        changed(STATE, "attribute.1.type", to="N"),
        changed(STATE, "global_secondary_index", to=[{"name": "index", "hash_key": "item", "range_key": "region"}]),
    ],
)
def failover_state_is_found_by_region_and_item(stacks: Stacks) -> Iterator[str]:
    """The schema: partition the region that a row is about, sort the item; no index."""
    yield from _schema(stacks, "failover_state")


@BRIEF.rule(
    "1.4",
    "C.6",
    breaks=[
        removed(TABLE),
        changed(TABLE, "point_in_time_recovery.enabled", to=False),
        dropped(TABLE, "point_in_time_recovery"),
        changed(TABLE, "replica.0.point_in_time_recovery", to=False),
        dropped(TABLE, "replica.0.point_in_time_recovery"),
        changed(TABLE, "replica", to=[]),
    ],
)
def every_table_and_every_replica_recovers_to_a_point_in_time(stacks: Stacks) -> Iterator[str]:
    """Point-in-time recovery is on in the home, and in each replica by itself: it is not inherited."""
    for table in _tables(stacks):
        if at(table.arguments, "point_in_time_recovery.enabled") is not True:
            yield f"{table.address}: has no point-in-time recovery"
        replicas = {each["region_name"]: each for each in table.arguments.get("replica", [])}
        for region in peers_of(stacks, PRIMARY):
            if at(replicas.get(region), "point_in_time_recovery") is not True:
                yield f"{table.address}: its replica in {region} has no point-in-time recovery"
    for kind in ALL_TABLES:
        if not _named(stacks, kind):
            yield f"there is no table {kind}-<suffix> to recover"


@BRIEF.rule(
    "C.4",
    breaks=[
        removed(TABLE),
        dropped(TABLE, "server_side_encryption"),
        dropped(TABLE, "server_side_encryption.kms_key_arn"),
        changed(TABLE, "server_side_encryption.enabled", to=False),
        dropped(TABLE, "replica.0.kms_key_arn"),
        changed(TABLE, "replica.0.kms_key_arn", to="${aws_kms_key.key.arn}"),
        changed(TABLE, "replica", to=[]),
    ],
)
def every_table_and_every_replica_has_the_key_of_its_own_region(stacks: Stacks) -> Iterator[str]:
    """Rows at rest are encrypted by a customer key, in each region by that region's."""
    for table in _tables(stacks):
        encryption = at(table.arguments, "server_side_encryption") or {}
        home = key_region(stacks, table.stack, encryption.get("kms_key_arn"))
        if encryption.get("enabled") is not True or home != region_of(stacks, table):
            yield f"{table.address}: the home is not encrypted by its region's key"
        replicas = {each["region_name"]: each for each in table.arguments.get("replica", [])}
        for region in peers_of(stacks, PRIMARY):
            if key_region(stacks, table.stack, at(replicas.get(region), "kms_key_arn")) != region:
                yield f"{table.address}: the replica in {region} is not encrypted by its region's key"
    for kind in ALL_TABLES:
        if not _named(stacks, kind):
            yield f"there is no table {kind}-<suffix> to encrypt"


@DESIGN.rule(
    "DESIGN, Data",
    needs=(TABLE, "aws_lambda_function"),
    breaks=[
        unstated("ChangeNoAuditRow"),
        changed(statement("ChangeNoAuditRow"), "effect", to="Allow"),
        changed(statement("ChangeNoAuditRow"), "actions", to=["dynamodb:DeleteItem"]),
        changed(statement("ChangeNoAuditRow"), "resources", to=["arn:aws:dynamodb:::table/other"]),
        changed(statement("AppendAuditRows"), "actions", to=["dynamodb:*"]),
        unstated("AppendAuditRows"),
    ],
)
def functions_append_audit_rows_and_never_change_one(stacks: Stacks) -> Iterator[str]:
    """Audit rows are never updated or deleted by the application: it is allowed to put, and denied the rest."""
    for region in regions_of(stacks):
        for function in (each for kind in ("api", "failover") for each in functions_named(stacks, region, kind)):
            role = referred(stacks, region, function.arguments["role"], "aws_iam_role")
            given = role_statements(stacks, role) if role else []
            audit = [each for each in given if f"table/audit_logs-{suffix_of(stacks)}" in str(each.get("resources"))]
            denied = {action for each in audit if each["effect"] == "Deny" for action in each["actions"]}
            allowed = {action for each in audit if each["effect"] == "Allow" for action in each["actions"]}
            if not denied >= REWRITE or not granting(audit, "dynamodb:PutItem"):
                yield f"{function.address}: is denied {sorted(denied)} and allowed {sorted(allowed)} on audit rows"
            if allowed & REWRITE or any("*" in action for action in allowed):
                yield f"{function.address}: may change audit rows by {sorted(allowed)}"


@DESIGN.rule("AWS, KMS and DynamoDB", breaks=[added("replication", "aws_dynamodb_table_replica", region_name="x")])
def replicas_are_blocks_of_their_table(stacks: Stacks) -> Iterator[str]:
    """The provider's separate replica resource and the table's own blocks undo each other (TPA#38968)."""
    for replica in resources(stacks, "aws_dynamodb_table_replica"):
        yield f"{replica.address}: is not a block of its table"
    if not all(table.arguments.get("replica") for table in _tables(stacks)):
        yield "a table has no replica block"


@DESIGN.rule("AWS, KMS and DynamoDB", breaks=[dropped(TABLE, "timeouts"), changed(TABLE, "timeouts.delete", to="10m")])
def tables_get_an_hour_to_let_go_of_their_replicas(stacks: Stacks) -> Iterator[str]:
    """A replica that is being removed holds its table for many minutes."""
    for table in _tables(stacks):
        if at(table.arguments, "timeouts.delete") != "60m":
            yield f"{table.address}: has {at(table.arguments, 'timeouts.delete')} to be deleted"
