"""The global tables: one home, and a replica in every other region."""

from collections.abc import Mapping, Sequence

from dr.resources.data_class import DataClass
from dr.resources.naming import AUDIT_LOGS, FAILOVER_STATE, PATIENT_RECORDS
from dr.resources.policy import Condition, Statement

import attrs
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableReplica,
    DynamodbTableServerSideEncryption,
    DynamodbTableTimeouts,
)
from constructs import Construct

READ_AND_APPEND = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query")
APPEND = ("dynamodb:PutItem",)
READ = ("dynamodb:Query",)
# An audit row is never changed, whatever another statement may allow.
CHANGE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)


@attrs.frozen(kw_only=True)
class Index:
    """An index of a table: its name and its keys, which are strings."""

    name: str
    partition: str
    sort: str


@attrs.frozen(kw_only=True)
class Schema:
    """The keys of a table and of its index; all are strings.

    Attributes:
        kind: What the table is named for.
        partition, sort: Its own keys.
        index: Its index, None where it is asked by its own keys only.
        data_class: What it holds.
    """

    kind: str
    partition: str
    sort: str
    index: Index | None = None
    data_class: DataClass = DataClass.PHI

    @property
    def attributes(self) -> Sequence[str]:
        """The attributes that are part of any key."""
        of_index = {self.index.partition, self.index.sort} if self.index else set()
        return sorted({self.partition, self.sort} | of_index)


# Patients' records by patient; by care facility and time through the index.
PATIENT_RECORDS_SCHEMA = Schema(
    kind=PATIENT_RECORDS,
    partition="patient_id",
    sort="record_id",
    index=Index(name="facility-time-index", partition="facility_id", sort="recorded_at"),
)
# Audit rows by the audited entity, in the order of time; by actor through the index.
AUDIT_LOGS_SCHEMA = Schema(
    kind=AUDIT_LOGS,
    partition="entity_id",
    sort="event_id",
    index=Index(name="actor-time-index", partition="actor_id", sort="event_id"),
    data_class=DataClass.AUDIT,
)
# Heartbeats and evacuations by the region that they are about; no patient is in it.
FAILOVER_STATE_SCHEMA = Schema(kind=FAILOVER_STATE, partition="region", sort="item", data_class=DataClass.OPERATIONS)


def read_and_append_records(table: str) -> Statement:
    """What a role needs to read records and add versions, by the ARN of their table."""
    return Statement(sid="ReadAndAppendRecords", actions=READ_AND_APPEND, resources=(table, f"{table}/index/*"))


def append_audit_rows(table: str, *, reading: bool = False) -> list[Statement]:
    """What a role needs to add audit rows, and to read them, and what keeps it from changing one.

    Args:
        table: The ARN of their table.
        reading: Whether it may read them.
    """
    resources = (table, f"{table}/index/*")
    return [
        Statement(sid="AppendAuditRows", actions=(*APPEND, *READ) if reading else APPEND, resources=resources),
        Statement(sid="ChangeNoAuditRow", effect="Deny", actions=CHANGE, resources=resources),
    ]


def read_and_append_state(table: str) -> Statement:
    """What a role needs to read and write the failover state, by the ARN of its table."""
    return Statement(sid="ReadAndAppendState", actions=READ_AND_APPEND, resources=(table,))


def read_state_and_write_own(table: str, region: str) -> list[Statement]:
    """What a role needs to read the failover state and to write what is said of its own region.

    Args:
        table: The ARN of the state's table.
        region: The role's region, which is the partition that it may write.
    """
    own = Condition("ForAllValues:StringEquals", "dynamodb:LeadingKeys", (region,))
    return [
        Statement(sid="ReadState", actions=("dynamodb:GetItem", "dynamodb:Query"), resources=(table,)),
        Statement(sid="WriteOwnState", actions=APPEND, resources=(table,), conditions=(own,)),
    ]


class GlobalTable(DynamodbTable):
    """A table that is written in every region and replicated to every other, usually within a second.

    On demand, with streams, point-in-time recovery and a customer key of its own region in the home and in every
    replica. Of two writes of one item the later one wins everywhere.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, schema: Schema, key_arns: Mapping[str, str]) -> None:
        """Make the table.

        Args:
            scope: The stack, whose first provider is the home's.
            id_: Its id there.
            name: Its name in every region.
            schema: Its keys, and its index if it has one.
            key_arns: The key of each region, the home first.
        """
        (_, home_key), *replicas = key_arns.items()
        super().__init__(
            scope,
            id_,
            name=name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=schema.partition,
            range_key=schema.sort,
            attribute=[DynamodbTableAttribute(name=attribute, type="S") for attribute in schema.attributes],
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(
                    name=schema.index.name,
                    hash_key=schema.index.partition,
                    range_key=schema.index.sort,
                    projection_type="ALL",
                )
            ]
            if schema.index
            else None,
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True, kms_key_arn=home_key),
            replica=[
                DynamodbTableReplica(
                    region_name=region, kms_key_arn=key_arn, point_in_time_recovery=True, propagate_tags=True
                )
                for region, key_arn in replicas
            ],
            deletion_protection_enabled=False,
            tags={"Name": name, **schema.data_class.tag},
            # A replica that is being removed holds the table for many minutes.
            timeouts=DynamodbTableTimeouts(create="60m", update="60m", delete="60m"),
        )
