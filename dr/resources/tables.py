"""The global tables: one home, and a replica in every other region."""

from collections.abc import Mapping, Sequence

from dr.resources.data_class import DataClass
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS

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


@attrs.frozen(kw_only=True)
class Schema:
    """The keys of a table and of its index; all are strings.

    Attributes:
        kind: What the table is named for.
        partition, sort: Its own keys.
        index: The name of its index.
        index_partition, index_sort: The keys of the index.
        data_class: What it holds.
    """

    kind: str
    partition: str
    sort: str
    index: str
    index_partition: str
    index_sort: str
    data_class: DataClass = DataClass.PHI

    @property
    def attributes(self) -> Sequence[str]:
        """The attributes that are part of any key."""
        return sorted({self.partition, self.sort, self.index_partition, self.index_sort})


# Patients' records by patient; by care facility and time through the index.
PATIENT_RECORDS_SCHEMA = Schema(
    kind=PATIENT_RECORDS,
    partition="patient_id",
    sort="record_id",
    index="facility-time-index",
    index_partition="facility_id",
    index_sort="recorded_at",
)
# Audit rows by the audited entity, in the order of time; by actor through the index.
AUDIT_LOGS_SCHEMA = Schema(
    kind=AUDIT_LOGS,
    partition="entity_id",
    sort="event_id",
    index="actor-time-index",
    index_partition="actor_id",
    index_sort="event_id",
    data_class=DataClass.AUDIT,
)


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
            schema: Its keys and its index.
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
                    name=schema.index,
                    hash_key=schema.index_partition,
                    range_key=schema.index_sort,
                    projection_type="ALL",
                )
            ],
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
