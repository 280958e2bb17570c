"""Copies of all data in every region: global tables, and documents from each region's bucket to every other's."""

from collections.abc import Sequence

from dr.links.link import Link
from dr.objectives import DOCUMENT_REPLICATION_S
from dr.regions.region import Region
from dr.resources.measures import replication_rule
from dr.resources.policy import Condition, Statement
from dr.resources.role import Role
from dr.resources.tables import AUDIT_LOGS_SCHEMA, FAILOVER_STATE_SCHEMA, PATIENT_RECORDS_SCHEMA, GlobalTable

from cdktf import TerraformResource
from cdktf_cdktf_provider_aws.s3_bucket_replication_configuration import (
    S3BucketReplicationConfigurationA,
    S3BucketReplicationConfigurationRule,
    S3BucketReplicationConfigurationRuleDeleteMarkerReplication,
    S3BucketReplicationConfigurationRuleDestination,
    S3BucketReplicationConfigurationRuleDestinationEncryptionConfiguration,
    S3BucketReplicationConfigurationRuleDestinationMetrics,
    S3BucketReplicationConfigurationRuleDestinationMetricsEventThreshold,
    S3BucketReplicationConfigurationRuleDestinationReplicationTime,
    S3BucketReplicationConfigurationRuleDestinationReplicationTimeTime,
    S3BucketReplicationConfigurationRuleFilter,
    S3BucketReplicationConfigurationRuleSourceSelectionCriteria,
    S3BucketReplicationConfigurationRuleSourceSelectionCriteriaReplicaModifications,
    S3BucketReplicationConfigurationRuleSourceSelectionCriteriaSseKmsEncryptedObjects,
)
from constructs import Construct

# The one value that S3 has (S3 user guide, "Replication Time Control").
REPLICATION_TIME_MINUTES = DOCUMENT_REPLICATION_S // 60
READ_SOURCE = ("s3:GetReplicationConfiguration", "s3:ListBucket")
READ_VERSIONS = ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging")
WRITE_REPLICAS = ("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags")


class Replication(Link):
    """The global tables with their home in the primary, and document replication for every ordered pair of regions."""

    def __init__(self, scope: Construct, regions: Sequence[Region]) -> None:
        """Link the regions, of which the first is the primary."""
        super().__init__(scope, "replication", regions)
        for schema in (PATIENT_RECORDS_SCHEMA, AUDIT_LOGS_SCHEMA, FAILOVER_STATE_SCHEMA):
            GlobalTable(
                self,
                schema.kind.replace("_", "-"),
                name=self.names.regional(schema.kind),
                schema=schema,
                key_arns={region.name: region.key.arn for region in regions},
            )
        # A dependency cannot cross stacks: reading the versioning of a bucket here is what replication depends on.
        versionings = {region.name: self._read_versioning(region) for region in regions}
        for source in regions:
            self._replicate(source, [region for region in regions if region is not source], versionings)

    def _read_versioning(self, region: Region) -> TerraformResource:
        # cdktf's own DataResource runs Terraform in every synthesis, only to learn its version.
        data = TerraformResource(self, f"versioning-{region.name}", terraform_resource_type="terraform_data")
        data.add_override("input", {"bucket": region.bucket.name, "status": region.bucket.versioning_status})
        return data

    def _replicate(self, source: Region, targets: Sequence[Region], versionings: dict[str, TerraformResource]) -> None:
        role = self._create_role(source, targets)
        source_versioning = versionings[source.name]
        destination_versionings = [versionings[target.name] for target in targets]
        S3BucketReplicationConfigurationA(
            self,
            f"documents-{source.name}",
            bucket=source.bucket.name,
            role=role.arn,
            rule=[self._rule(target, priority) for priority, target in enumerate(targets, start=1)],
            provider=self.providers[source.name],
            depends_on=[source_versioning, *destination_versionings, *role.attachments],
        )

    @staticmethod
    def _rule(target: Region, priority: int) -> S3BucketReplicationConfigurationRule:
        return S3BucketReplicationConfigurationRule(
            id=replication_rule(target.name),
            status="Enabled",
            priority=priority,
            filter=S3BucketReplicationConfigurationRuleFilter(prefix=""),
            delete_marker_replication=S3BucketReplicationConfigurationRuleDeleteMarkerReplication(status="Enabled"),
            source_selection_criteria=S3BucketReplicationConfigurationRuleSourceSelectionCriteria(
                sse_kms_encrypted_objects=(
                    S3BucketReplicationConfigurationRuleSourceSelectionCriteriaSseKmsEncryptedObjects(status="Enabled")
                ),
                # Both ways: a change of a replica's metadata goes back to where the object came from.
                replica_modifications=(
                    S3BucketReplicationConfigurationRuleSourceSelectionCriteriaReplicaModifications(status="Enabled")
                ),
            ),
            destination=S3BucketReplicationConfigurationRuleDestination(
                bucket=target.bucket.arn,
                storage_class="STANDARD",
                encryption_configuration=S3BucketReplicationConfigurationRuleDestinationEncryptionConfiguration(
                    replica_kms_key_id=target.key.arn
                ),
                metrics=S3BucketReplicationConfigurationRuleDestinationMetrics(
                    status="Enabled",
                    event_threshold=S3BucketReplicationConfigurationRuleDestinationMetricsEventThreshold(
                        minutes=REPLICATION_TIME_MINUTES
                    ),
                ),
                replication_time=S3BucketReplicationConfigurationRuleDestinationReplicationTime(
                    status="Enabled",
                    time=S3BucketReplicationConfigurationRuleDestinationReplicationTimeTime(
                        minutes=REPLICATION_TIME_MINUTES
                    ),
                ),
            ),
        )

    def _create_role(self, source: Region, targets: Sequence[Region]) -> Role:
        via_targets = tuple(f"s3.{target.name}.amazonaws.com" for target in targets)
        return Role(
            self,
            f"role-{source.name}",
            name=self.names.worldwide("role-replication", source.name),
            account=self.account,
            service="s3",
            statements=[
                Statement(sid="ReadSource", actions=READ_SOURCE, resources=(source.bucket.arn,)),
                Statement(sid="ReadVersions", actions=READ_VERSIONS, resources=(f"{source.bucket.arn}/*",)),
                Statement(
                    sid="WriteReplicas",
                    actions=WRITE_REPLICAS,
                    resources=tuple(f"{target.bucket.arn}/*" for target in targets),
                ),
                Statement(
                    sid="DecryptAtTheSource",
                    actions=("kms:Decrypt",),
                    resources=(source.key.arn,),
                    conditions=(Condition("StringEquals", "kms:ViaService", (f"s3.{source.name}.amazonaws.com",)),),
                ),
                Statement(
                    sid="EncryptAtTheDestinations",
                    actions=("kms:Encrypt", "kms:GenerateDataKey"),
                    resources=tuple(target.key.arn for target in targets),
                    conditions=(Condition("StringEquals", "kms:ViaService", via_targets),),
                ),
            ],
        )
