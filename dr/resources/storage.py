"""A region's buckets: private, versioned, encrypted."""

from collections.abc import Sequence

from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.messaging import Topic
from dr.resources.naming import bucket_arn
from dr.resources.policy import Condition, Principals, Statement, deny_plain_http, document

from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification, S3BucketNotificationTopic
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct

# What is superseded or deleted stays recoverable for as long as audit rows do: six years, as HIPAA asks.
NONCURRENT_DAYS = 2192
INCOMPLETE_UPLOAD_DAYS = 7
# Where each region's probe puts one object a minute, of which the others see whether copies come.
PROBES = "probe/"
REPLICATION_TROUBLE = ("s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold")


class Bucket(Construct):
    """A versioned, private bucket whose objects a customer key encrypts; destroying it deletes what it holds.

    Attributes:
        name: The bucket's name.
        arn: Its ARN.
        policy: Its policy: what writes to the bucket as a service must wait for it.
        versioning_status: Its versioning's status, known once it is in force: who reads it waits for it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        key: EncryptionKey,
        statements: Sequence[Statement] = (),
        data_class: DataClass = DataClass.PHI,
        expires_after_days: int | None = None,
        short_lived: str | None = None,
        bucket_key: bool = True,
    ) -> None:
        """Make the bucket.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name, unique over all accounts.
            key: Encrypts every object.
            statements: What its policy says beyond refusing plain HTTP.
            data_class: What it holds.
            expires_after_days: How long its objects are kept, before they are superseded; for good when left out.
            short_lived: Prefix of objects that are of no use any more a day after they are superseded.
            bucket_key: Whether S3 asks KMS once for many objects, in the bucket's name instead of the writer's.
        """
        super().__init__(scope, id_)
        bucket = S3Bucket(self, "bucket", bucket=name, force_destroy=True, tags={"Name": name, **data_class.tag})
        self.name, self.arn = bucket.id, bucket.arn
        # One after the other: S3 refuses changes to one bucket that meet (OperationAborted).
        versioning = S3BucketVersioningA(
            self,
            "versioning",
            bucket=self.name,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        self.versioning_status = versioning.versioning_configuration.status
        encryption = S3BucketServerSideEncryptionConfigurationA(
            self,
            "encryption",
            bucket=self.name,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    bucket_key_enabled=bucket_key,
                    apply_server_side_encryption_by_default=(
                        S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                            sse_algorithm="aws:kms", kms_master_key_id=key.arn
                        )
                    ),
                )
            ],
            depends_on=[versioning],
        )
        block = S3BucketPublicAccessBlock(
            self,
            "public-access-block",
            bucket=self.name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            depends_on=[encryption],
        )
        ownership = S3BucketOwnershipControls(
            self,
            "ownership",
            bucket=self.name,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
            depends_on=[block],
        )
        self.policy = S3BucketPolicy(
            self,
            "policy",
            bucket=self.name,
            policy=document([deny_plain_http(self.arn, f"{self.arn}/*", actions="s3:*"), *statements]),
            depends_on=[ownership],
        )
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.name,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="superseded",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=expires_after_days)]
                    if expires_after_days
                    else None,
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=NONCURRENT_DAYS)
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=INCOMPLETE_UPLOAD_DAYS
                        )
                    ],
                ),
                *([_forget(short_lived)] if short_lived else []),
            ],
            depends_on=[self.policy],
        )


def _forget(prefix: str) -> S3BucketLifecycleConfigurationRule:
    return S3BucketLifecycleConfigurationRule(
        id="short-lived",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix=prefix)],
        noncurrent_version_expiration=[
            S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=1)
        ],
    )


class DocumentBucket(Bucket):
    """The bucket of medical documents: every upload names the region's key, and trouble with copies is told."""

    def __init__(self, scope: Construct, id_: str, *, name: str, key: EncryptionKey, topic: Topic) -> None:
        """Make the bucket.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name, unique over all accounts.
            key: Encrypts every object; an upload that names none or another is refused.
            topic: Is told of documents that could not be replicated, or not within S3's 15 minutes.
        """
        own_key = Statement(
            sid="DenyOtherKeys",
            effect="Deny",
            principals=Principals.anybody(),
            actions=("s3:PutObject",),
            resources=(f"{bucket_arn(name)}/*",),
            # It holds for an upload without the header as well.
            conditions=(Condition("StringNotEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", (key.arn,)),),
        )
        super().__init__(scope, id_, name=name, key=key, statements=[own_key], short_lived=PROBES)
        S3BucketNotification(
            self,
            "notification",
            bucket=self.name,
            # AWS Backup follows a bucket by EventBridge and switches it on: every plan would then switch it off.
            eventbridge=True,
            topic=[S3BucketNotificationTopic(id="replication", topic_arn=topic.arn, events=list(REPLICATION_TROUBLE))],
            # S3 tries whether it may publish.
            depends_on=[topic.policy, self.policy],
        )

    def listing(self) -> Statement:
        """Learn that a document is not there yet: without it S3 answers "forbidden" instead of "not found"."""
        return Statement(sid="ListDocuments", actions=("s3:ListBucket",), resources=(self.arn,))

    def read_write(self) -> Statement:
        """Store and fetch documents; delete none of their versions."""
        return Statement(
            sid="ReadAndWriteDocuments",
            actions=("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
            resources=(f"{self.arn}/documents/*",),
        )

    def read(self) -> Statement:
        """Fetch documents."""
        return Statement(
            sid="ReadDocuments",
            actions=("s3:GetObject", "s3:GetObjectVersion"),
            resources=(f"{self.arn}/documents/*",),
        )

    def put_probe(self) -> Statement:
        """Put the probe's object, and no document."""
        return Statement(sid="PutProbe", actions=("s3:PutObject",), resources=(f"{self.arn}/{PROBES}*",))

    def see_probes(self) -> Sequence[Statement]:
        """See the probes' objects, and no document; and whether there are any, or S3 would call them forbidden."""
        return (
            Statement(sid="SeeProbes", actions=("s3:GetObject",), resources=(f"{self.arn}/{PROBES}*",)),
            Statement(
                sid="FindProbes",
                actions=("s3:ListBucket",),
                resources=(self.arn,),
                conditions=(Condition("StringLike", "s3:prefix", (f"{PROBES}*",)),),
            ),
        )
