"""What the roles that only services of AWS assume must be able to do, and what they must not."""

from collections.abc import Iterator

from tests.deployed.calls import (
    ANYTHING,
    AUDIT,
    ENCRYPTED,
    FORGED,
    KEY,
    OTHERS,
    RECORD,
    RECORDS,
    ROW,
    SUFFIX,
    Arguments,
    Call,
    Place,
    Powers,
    trail_log,
)


def replication(here: Place) -> Powers:
    """S3 copies versions of documents, and does nothing else with them."""
    bucket, theirs = here.bucket(here.region), here.bucket(here.peer)
    return Powers(
        allowed=[
            here("s3.get_bucket_replication", "s3:GetReplicationConfiguration", Bucket=bucket),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket),
        ],
        denied=[
            here("s3.get_object", Bucket=bucket, Key="documents/tried"),
            here("s3.delete_object", Bucket=bucket, Key="documents/tried"),
            here("s3.put_object", region=here.peer, Bucket=theirs, Key="documents/tried", Body=b"forged"),
            here("s3.put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
            here("dynamodb.get_item", TableName=RECORDS, Key=RECORD),
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("sts.assume_role", RoleArn=here.role("peer", here.peer), RoleSessionName="tried"),
        ],
    )


def flow_log(here: Place) -> Powers:
    """VPC flow logs are written to their own log group."""
    own, other = f"/aws/vpc/flow-log-{SUFFIX}", f"/aws/lambda/lambda-api-{SUFFIX}"
    return Powers(
        allowed=[
            here("logs.create_log_stream", logGroupName=own, logStreamName="tried"),
            here("logs.describe_log_groups"),
        ],
        denied=[
            here("logs.create_log_stream", logGroupName=other, logStreamName="tried"),
            here("logs.create_log_group", logGroupName=f"{own}-tried"),
            here("logs.delete_log_group", logGroupName=own),
            here("logs.delete_log_stream", logGroupName=own, logStreamName="tried"),
            here("logs.put_retention_policy", logGroupName=own, retentionInDays=1),
            here("ec2.describe_flow_logs"),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=here.bucket(here.region)),
            here("dynamodb.get_item", TableName=RECORDS, Key=RECORD),
        ],
    )


def restore(here: Place) -> Powers:
    """AWS Backup restores into tables and a bucket named `restored-`, and overwrites nothing that is in use."""
    bucket, new = here.bucket(here.region), here.restored
    restored: Arguments = {"Bucket": new, "Key": "documents/tried"}
    return Powers(
        allowed=[
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=new),
            here("s3.put_object", **restored, Body=b"restored", **ENCRYPTED),
            here("s3.get_object", **restored),
            here("s3.delete_object", **restored),
        ],
        denied=[
            *_rows(here),
            here("dynamodb.delete_table", TableName=f"restored-{RECORDS}"),
            here("dynamodb.put_item", region=here.peer, TableName=f"restored-{RECORDS}", Item=RECORD),
            here("s3.get_object", Bucket=bucket, Key="documents/tried"),
            here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"forged"),
            here("s3.delete_object", Bucket=bucket, Key="documents/tried"),
            here("s3.put_bucket_policy", Bucket=new, Policy=ANYTHING),
            here("s3.put_object", Bucket=OTHERS, Key="any", Body=b"restored"),
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("sts.assume_role", RoleArn=here.role("peer", here.peer), RoleSessionName="tried"),
            here("iam.create_user", UserName="tried"),
        ],
    )


def backup(here: Place) -> Powers:
    """AWS Backup reads for its backups, and neither reads row by row nor writes or deletes what it backs up."""
    bucket, mine = here.bucket(here.region), here.role("backup", here.region)
    return Powers(
        allowed=[],
        denied=[
            *_rows(here),
            here("dynamodb.scan", TableName=RECORDS),
            here("dynamodb.scan", TableName=AUDIT),
            here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"forged"),
            here("s3.delete_object", Bucket=bucket, Key="documents/tried"),
            here("s3.put_bucket_policy", Bucket=bucket, Policy=ANYTHING),
            here("s3.put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
            # Its key serves AWS Backup's calls, not the role's own.
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("kms.schedule_key_deletion", KeyId=KEY),
            here("sns.publish", TopicArn=here.topic(f"topic-alerts-{SUFFIX}"), Message="tried"),
            here("sts.assume_role", RoleArn=here.role("restore", here.region), RoleSessionName="tried"),
            here("iam.put_role_policy", RoleName=mine.rpartition("/")[2], PolicyName="all", PolicyDocument=ANYTHING),
            here("iam.create_user", UserName="tried"),
        ],
    )


def trail(here: Place) -> Powers:
    """CloudTrail writes to no other streams than its own, in its own log group, and changes nothing of the trail."""
    own, stream = trail_log(here.region), f"{here.account}_CloudTrail_{here.region}_tried"
    return Powers(
        allowed=[],
        denied=[
            here("logs.create_log_stream", logGroupName=own, logStreamName="forged"),
            here("logs.put_log_events", logGroupName=own, logStreamName="forged", logEvents=FORGED),
            here("logs.create_log_stream", logGroupName=f"/aws/vpc/flow-log-{SUFFIX}", logStreamName=stream),
            here("logs.delete_log_stream", logGroupName=own, logStreamName=stream),
            here("logs.delete_log_group", logGroupName=own),
            here("logs.put_retention_policy", logGroupName=own, retentionInDays=1),
            here("cloudtrail.stop_logging", Name=f"trail-{here.region}-{SUFFIX}"),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=here.bucket(here.region)),
            here("dynamodb.get_item", TableName=RECORDS, Key=RECORD),
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("iam.create_user", UserName="tried"),
        ],
    )


def _rows(here: Place) -> Iterator[Call]:
    """The rows of patients and of their trail, and the tables themselves."""
    for table, row in ((RECORDS, RECORD), (AUDIT, ROW)):
        yield here("dynamodb.get_item", TableName=table, Key=row)
        yield here("dynamodb.put_item", TableName=table, Item=row)
        yield here("dynamodb.delete_item", TableName=table, Key=row)
        yield here("dynamodb.delete_table", TableName=table)
