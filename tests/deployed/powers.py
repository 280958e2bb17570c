"""What each role of a region must be able to do, and what it must not: one table a role, one line a call."""

from collections.abc import Callable, Mapping

from tests.deployed import powers_of_services as services
from tests.deployed import powers_of_watching as watching
from tests.deployed.calls import (
    ADMINISTRATOR,
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
    Place,
    Powers,
    trail_log,
)


def api(here: Place) -> Powers:
    """The API's function appends records and audit rows, keeps documents, and assumes the other region's peer role."""
    mine, bucket, theirs = here.role("api", here.region), here.bucket(here.region), here.bucket(here.peer)
    function = f"lambda-api-{SUFFIX}"
    log = f"/aws/lambda/{function}"
    put: Arguments = {"TableName": AUDIT, "Item": ROW}
    select: Arguments = {"KeyConditionExpression": "#k = :k", "ExpressionAttributeValues": {":k": {"S": "tried"}}}
    by_patient: Arguments = {**select, "ExpressionAttributeNames": {"#k": "patient_id"}}
    by_entity: Arguments = {**select, "ExpressionAttributeNames": {"#k": "entity_id"}}
    change: Arguments = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "forged"}}}
    return Powers(
        allowed=[
            here("dynamodb.put_item", TableName=RECORDS, Item=RECORD),
            here("dynamodb.get_item", TableName=RECORDS, Key=RECORD),
            here("dynamodb.query", TableName=RECORDS, **by_patient),
            here("dynamodb.put_item", **put),
            here("dynamodb.query", TableName=AUDIT, **by_entity),
            here("dynamodb.transact_write_items", "dynamodb:PutItem", TransactItems=[{"Put": put}]),
            here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"tried", **ENCRYPTED),
            here("s3.get_object", Bucket=bucket, Key="documents/tried"),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket),
            here("sts.assume_role", RoleArn=here.role("peer", here.peer), RoleSessionName="tried"),
            here("logs.create_log_stream", logGroupName=log, logStreamName=f"tried-{here.region}"),
        ],
        denied=[
            # Audit rows stay as they are, by whatever call.
            here("dynamodb.update_item", TableName=AUDIT, Key=ROW, **change),
            here("dynamodb.delete_item", TableName=AUDIT, Key=ROW),
            here("dynamodb.batch_write_item", RequestItems={AUDIT: [{"PutRequest": {"Item": ROW}}]}),
            here("dynamodb.execute_statement", "dynamodb:PartiQLInsert", Statement=_partiql("INSERT INTO", ROW)),
            here("dynamodb.execute_statement", "dynamodb:PartiQLUpdate", Statement=_partiql("UPDATE", ROW)),
            here("dynamodb.execute_statement", "dynamodb:PartiQLDelete", Statement=_partiql("DELETE FROM", ROW)),
            here(
                "dynamodb.transact_write_items",
                "dynamodb:DeleteItem",
                TransactItems=[{"Delete": {"TableName": AUDIT, "Key": ROW}}],
            ),
            here("dynamodb.scan", TableName=AUDIT),
            # Records are appended, not changed, and not read wholesale.
            here("dynamodb.update_item", TableName=RECORDS, Key=RECORD, **change),
            here("dynamodb.delete_item", TableName=RECORDS, Key=RECORD),
            here("dynamodb.batch_write_item", RequestItems={RECORDS: [{"DeleteRequest": {"Key": RECORD}}]}),
            here("dynamodb.scan", TableName=RECORDS),
            here("dynamodb.delete_table", TableName=RECORDS),
            here("dynamodb.update_continuous_backups", TableName=RECORDS, **_no_recovery()),
            here("dynamodb.get_item", TableName=OTHERS, Key={"id": {"S": "1"}}),
            here("dynamodb.put_item", TableName=OTHERS, Item={"id": {"S": "1"}}),
            here("dynamodb.list_tables"),
            # Its own region's replica alone, and the other region's documents only by the role there.
            here("dynamodb.put_item", region=here.peer, TableName=RECORDS, Item=RECORD),
            here("dynamodb.get_item", region=here.peer, TableName=RECORDS, Key=RECORD),
            here("s3.get_object", region=here.peer, Bucket=theirs, Key="documents/tried"),
            here("s3.put_object", region=here.peer, Bucket=theirs, Key="documents/tried", Body=b"forged"),
            # Documents and their versions are not deleted, and the bucket stays as it is.
            here("s3.delete_object", Bucket=bucket, Key="documents/tried"),
            here(
                "s3.delete_object",
                "s3:DeleteObjectVersion",
                Bucket=bucket,
                Key="documents/tried",
                VersionId="00000000-0000-0000-0000-000000000000",
            ),
            here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"under no key of the region's"),
            here("s3.put_bucket_policy", Bucket=bucket, Policy=ANYTHING),
            here("s3.put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
            here("s3.delete_bucket_replication", "s3:PutReplicationConfiguration", Bucket=bucket),
            here("s3.delete_bucket", Bucket=bucket),
            here("s3.get_object", Bucket=OTHERS, Key="any"),
            here("s3.list_buckets", "s3:ListAllMyBuckets"),
            # Keys work through the services that hold the data, and are nobody's to administer.
            here("kms.encrypt", KeyId=KEY, Plaintext=b"tried"),
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("kms.encrypt", region=here.peer, KeyId=KEY, Plaintext=b"tried"),
            here("kms.schedule_key_deletion", KeyId=KEY),
            here("kms.disable_key", KeyId=KEY),
            here("kms.put_key_policy", KeyId=KEY, PolicyName="default", Policy=ANYTHING),
            here("kms.create_grant", KeyId=KEY, GranteePrincipal=mine, Operations=["Decrypt"]),
            # Other roles, and more power for its own.
            here("sts.assume_role", RoleArn=mine, RoleSessionName="tried"),
            here("sts.assume_role", RoleArn=here.role("api", here.peer), RoleSessionName="tried"),
            here("sts.assume_role", RoleArn=here.role("peer", here.region), RoleSessionName="tried"),
            here("sts.assume_role", RoleArn=here.role("replication", here.region), RoleSessionName="tried"),
            here("iam.attach_role_policy", RoleName=mine.rpartition("/")[2], PolicyArn=ADMINISTRATOR),
            here("iam.put_role_policy", RoleName=mine.rpartition("/")[2], PolicyName="all", PolicyDocument=ANYTHING),
            here(
                "iam.create_policy_version",
                PolicyArn=mine.replace(":role/role-", ":policy/policy-role-"),
                PolicyDocument=ANYTHING,
                SetAsDefault=True,
            ),
            here("iam.create_user", UserName="tried"),
            here("iam.create_access_key", UserName="tried"),
            # Its own log and no other: least of all the trail's.
            here("logs.create_log_stream", logGroupName=trail_log(here.region), logStreamName="forged"),
            here("logs.put_log_events", logGroupName=trail_log(here.region), logStreamName="forged", logEvents=FORGED),
            # Nobody is told anything in the platform's name.
            here("sns.publish", TopicArn=here.topic(OTHERS), Message="tried"),
            here("sns.publish", TopicArn=here.topic(f"topic-alerts-{SUFFIX}"), Message="tried"),
            here("sns.subscribe", TopicArn=here.topic(f"topic-alerts-{SUFFIX}"), Protocol="email", Endpoint="a@b.org"),
            # Nor is the platform changed, watched less, or led elsewhere.
            here("ec2.describe_instances"),
            here("ec2.run_instances", ImageId="ami-1", MinCount=1, MaxCount=1),
            here("ec2.create_internet_gateway"),
            here("lambda.update_function_code", FunctionName=function, ZipFile=b"tried"),
            here("lambda.invoke", "lambda:InvokeFunction", FunctionName=function),
            here("logs.delete_log_group", logGroupName=log),
            here("logs.create_log_group", logGroupName=f"{log}-tried"),
            here("cloudwatch.delete_alarms", AlarmNames=[f"alarm-{SUFFIX}"]),
            here("route53.list_hosted_zones"),
            here("secretsmanager.list_secrets"),
        ],
    )


def peer(here: Place) -> Powers:
    """The other region's function, by the role it may assume here, reads documents and does nothing else."""
    bucket = here.bucket(here.region)
    return Powers(
        allowed=[
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket),
            here("s3.get_object", Bucket=bucket, Key="documents/read-by-peer"),
        ],
        denied=[
            here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"forged"),
            here("s3.delete_object", Bucket=bucket, Key="documents/read-by-peer"),
            here("s3.get_object", region=here.peer, Bucket=here.bucket(here.peer), Key="documents/tried"),
            here("dynamodb.get_item", TableName=RECORDS, Key=RECORD),
            here("dynamodb.put_item", TableName=AUDIT, Item=ROW),
            here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256"),
            here("sns.publish", TopicArn=here.topic(f"topic-alerts-{SUFFIX}"), Message="tried"),
            here("sns.publish", TopicArn=here.topic(OTHERS), Message="tried"),
            here("sts.assume_role", RoleArn=here.role("peer", here.peer), RoleSessionName="tried"),
            here("iam.create_user", UserName="tried"),
        ],
    )


# By role; one of a new function is a line here and its table above.
ROLES: Mapping[str, Callable[[Place], Powers]] = {
    "api": api,
    "peer": peer,
    "replication": services.replication,
    "flow-log": services.flow_log,
    "backup": services.backup,
    "restore": services.restore,
    "trail": services.trail,
    "probe": watching.probe,
    "failover": watching.failover,
    "watch": watching.watch,
    "tell": watching.tell,
}


def _partiql(verb: str, key: Mapping[str, Mapping[str, str]]) -> str:
    named = {name: value["S"] for name, value in key.items()}
    if verb == "INSERT INTO":
        return f'{verb} "{AUDIT}" VALUE {named}'
    where = " AND ".join(f"{name} = '{value}'" for name, value in named.items())
    return f'{verb} "{AUDIT}" {"SET a = 1 " if verb == "UPDATE" else ""}WHERE {where}'


def _no_recovery() -> Arguments:
    return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
