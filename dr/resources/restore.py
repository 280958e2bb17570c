"""What a restore may do: make new tables and a new bucket of a region's backups, and touch nothing that is in use."""

from dr.resources.encryption import EncryptionKey
from dr.resources.naming import TABLES, Names, bucket_arn, table_arn
from dr.resources.policy import Statement
from dr.resources.role import Role

from constructs import Construct

# After AWS's own policies AWSBackupServiceRolePolicyForRestores and ...ForS3Restore, which name no resource.
FILL_TABLE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:RestoreTableFromAwsBackup",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
MAKE_BUCKET = (
    "s3:CreateBucket",
    "s3:GetBucketLocation",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketVersioning",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketVersioning",
)
FILL_BUCKET = (
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
)


class RestoreRole(Role):
    """The role that AWS Backup restores with: into names that begin with ``restored-``, which nothing here uses.

    What was restored is looked at, and then taken over by hand: a restore by mistake, or by malice, overwrites no
    record, no audit row and no document. Who may start one is a matter of docs/operator/restore.json.
    """

    def __init__(
        self, scope: Construct, id_: str, *, names: Names, region: str, account: str, key: EncryptionKey
    ) -> None:
        """Make the role.

        Args:
            scope: The construct it is for.
            id_: Its id there.
            names: The naming rule.
            region: Whose vault is restored from, and where to.
            account: The id of the account.
            key: Encrypts the vault and what is restored.
        """
        tables = f"arn:aws:dynamodb:{region}:{account}:table"
        restored = tuple(f"{tables}/{names.regional(f'restored-{table}')}" for table in TABLES)
        bucket = bucket_arn(names.bucket("restored-documents", region, account))
        super().__init__(
            scope,
            id_,
            name=names.worldwide("role-restore", region),
            account=account,
            service="backup",
            statements=[
                Statement(sid="FillRestoredTables", actions=FILL_TABLE, resources=restored),
                # Backups from before AWS Backup's advanced features are DynamoDB's own.
                Statement(
                    sid="ReadTableBackups",
                    actions=("dynamodb:RestoreTableFromBackup",),
                    resources=tuple(f"{table_arn(names, table, region, account)}/backup/*" for table in TABLES),
                ),
                Statement(sid="MakeRestoredBucket", actions=MAKE_BUCKET, resources=(bucket,)),
                Statement(sid="FillRestoredBucket", actions=FILL_BUCKET, resources=(f"{bucket}/*",)),
                key.usage("backup", "dynamodb", "s3"),
                key.grants(),
            ],
        )
