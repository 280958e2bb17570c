"""What the roles by which the regions watch each other must be able to do, and what not: they see no patient."""

from collections.abc import Iterator

from tests.deployed.calls import (
    ADMINISTRATOR,
    ANYTHING,
    AUDIT,
    ENCRYPTED,
    KEY,
    OTHERS,
    RECORD,
    RECORDS,
    ROW,
    STATE,
    SUFFIX,
    Arguments,
    Call,
    Place,
    Powers,
    said_of,
)

ALERTS, FAILOVER = f"topic-alerts-{SUFFIX}", f"topic-failover-{SUFFIX}"
CHANGE: Arguments = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "forged"}}}
SELECT: Arguments = {"KeyConditionExpression": "#k = :k", "ExpressionAttributeValues": {":k": {"S": "tried"}}}
BY_REGION: Arguments = {**SELECT, "ExpressionAttributeNames": {"#k": "region"}}
BY_ENTITY: Arguments = {**SELECT, "ExpressionAttributeNames": {"#k": "entity_id"}}
TRIED = said_of("tried")
SEEN = [{"MetricName": "Tried", "Value": 1.0}]
PROBED = "probe/read-by-watch"


def probe(here: Place) -> Powers:
    """The probe writes its heartbeat and its object, looks for both in the other region, and publishes what it sees."""
    bucket, other = here.bucket(here.region), here.bucket(here.peer)
    theirs: Arguments = {"TableName": STATE, "Item": said_of(here.peer)}
    return Powers(
        allowed=[
            *_decides(here, "probe"),
            here("dynamodb.put_item", TableName=STATE, Item=said_of(here.region)),
            here("dynamodb.get_item", region=here.peer, TableName=STATE, Key=TRIED),
            here("s3.put_object", Bucket=bucket, Key="probe/tried", Body=b"", **ENCRYPTED),
            here("cloudwatch.put_metric_data", Namespace="HealthcareDr/Failover", MetricData=SEEN),
        ],
        denied=[
            *_seeing_patients(here),
            *_changing_state(here),
            *_keeping_quiet(here),
            *_rising(here, "probe"),
            # The other region's rows and objects are looked at, not written: neither there nor here.
            here("dynamodb.put_item", TableName=STATE, Item=said_of(here.peer)),
            here("dynamodb.transact_write_items", "dynamodb:PutItem", TransactItems=[{"Put": theirs}]),
            here("dynamodb.put_item", region=here.peer, TableName=STATE, Item=said_of(here.region)),
            here("dynamodb.query", region=here.peer, TableName=STATE, **BY_REGION),
            here("s3.put_object", region=here.peer, Bucket=other, Key="probe/tried", Body=b"forged"),
            here("s3.get_object", region=here.peer, Bucket=other, Key=PROBED),
            here("s3.delete_object", Bucket=bucket, Key="probe/tried"),
            # It measures, and neither decides nor tells, here or there.
            here("sts.assume_role", RoleArn=here.role("tell", here.peer), RoleSessionName="tried"),
            here("dynamodb.put_item", TableName=AUDIT, Item=ROW),
            here("sns.publish", TopicArn=here.topic(ALERTS), Message="tried"),
            here("cloudwatch.put_metric_data", Namespace="Others", MetricData=SEEN),
        ],
    )


def failover(here: Place) -> Powers:
    """The failover function adds its decisions and their audit rows, and tells the operations team."""
    put: Arguments = {"TableName": AUDIT, "Item": ROW}
    both = [{"Put": put}, {"Put": {"TableName": STATE, "Item": TRIED}}]
    return Powers(
        allowed=[
            *_decides(here, "failover"),
            here("dynamodb.put_item", TableName=STATE, Item=said_of(here.peer)),
            here("dynamodb.put_item", **put),
            here("dynamodb.transact_write_items", "dynamodb:PutItem", TransactItems=both),
            here("sns.publish", TopicArn=here.topic(ALERTS), Message="tried"),
            here("cloudwatch.put_metric_data", Namespace="HealthcareDr/Failover", MetricData=SEEN),
        ],
        denied=[
            *_seeing_patients(here),
            *_changing_state(here),
            *_keeping_quiet(here),
            *_rising(here, "failover"),
            here("dynamodb.get_item", region=here.peer, TableName=STATE, Key=TRIED),
            here("s3.put_object", Bucket=here.bucket(here.region), Key="probe/tried", Body=b"forged"),
            here("cloudwatch.put_metric_data", Namespace="Others", MetricData=SEEN),
        ],
    )


def watch(here: Place) -> Powers:
    """The other region's probe, by the role it assumes here, sees the probes' objects."""
    bucket = here.bucket(here.region)
    return Powers(
        allowed=[
            here("s3.get_object", Bucket=bucket, Key=PROBED),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket, Prefix="probe/"),
        ],
        denied=[
            *_seeing_patients(here),
            *_changing_state(here),
            *_keeping_quiet(here),
            *_rising(here, "watch"),
            here("dynamodb.get_item", TableName=STATE, Key=TRIED),
            here("dynamodb.put_item", TableName=STATE, Item=TRIED),
            here("dynamodb.put_item", TableName=AUDIT, Item=ROW),
            here("s3.put_object", Bucket=bucket, Key="probe/tried", Body=b"forged"),
            here("s3.delete_object", Bucket=bucket, Key=PROBED),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket),
            here("s3.get_object", region=here.peer, Bucket=here.bucket(here.peer), Key=PROBED),
            here("cloudwatch.put_metric_data", Namespace="HealthcareDr/Failover", MetricData=SEEN),
            here("sts.assume_role", RoleArn=here.role("watch", here.peer), RoleSessionName="tried"),
            here("sns.publish", TopicArn=here.topic(ALERTS), Message="tried"),
        ],
    )


def tell(here: Place) -> Powers:
    """The other region's failover function, by the role it assumes here, tells the team here, and that is all."""
    bucket = here.bucket(here.region)
    return Powers(
        allowed=[here("sns.publish", TopicArn=here.topic(ALERTS), Message="tried")],
        denied=[
            *_seeing_patients(here),
            *_changing_state(here),
            *_keeping_quiet(here),
            *_rising(here, "tell"),
            here("dynamodb.get_item", TableName=STATE, Key=TRIED),
            here("dynamodb.put_item", TableName=STATE, Item=TRIED),
            here("s3.get_object", Bucket=bucket, Key=PROBED),
            here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket, Prefix="probe/"),
            here("cloudwatch.put_metric_data", Namespace="HealthcareDr/Failover", MetricData=SEEN),
            here("sts.assume_role", RoleArn=here.role("tell", here.peer), RoleSessionName="tried"),
        ],
    )


def _decides(here: Place, kind: str) -> Iterator[Call]:
    """What both functions do: read the region's state, and look into the other region or tell there."""
    yield here("dynamodb.get_item", TableName=STATE, Key=TRIED)
    yield here("dynamodb.query", TableName=STATE, **BY_REGION)
    assumed = {"probe": "watch", "failover": "tell"}[kind]
    yield here("sts.assume_role", RoleArn=here.role(assumed, here.peer), RoleSessionName="tried")
    log = f"/aws/lambda/lambda-{kind}-{SUFFIX}"
    yield here("logs.create_log_stream", logGroupName=log, logStreamName=f"tried-{here.region}")


def _seeing_patients(here: Place) -> Iterator[Call]:
    """Patients' records and documents, who looked at them, and the key they are under."""
    bucket = here.bucket(here.region)
    yield here("dynamodb.get_item", TableName=RECORDS, Key=RECORD)
    yield here("dynamodb.put_item", TableName=RECORDS, Item=RECORD)
    yield here("dynamodb.scan", TableName=RECORDS)
    yield here("dynamodb.query", TableName=AUDIT, **BY_ENTITY)
    yield here("dynamodb.update_item", TableName=AUDIT, Key=ROW, **CHANGE)
    yield here("dynamodb.delete_item", TableName=AUDIT, Key=ROW)
    yield here("s3.get_object", Bucket=bucket, Key="documents/tried")
    yield here("s3.put_object", Bucket=bucket, Key="documents/tried", Body=b"forged")
    yield here("s3.list_objects_v2", "s3:ListBucket", Bucket=bucket, Prefix="documents/")
    yield here("kms.generate_data_key", KeyId=KEY, KeySpec="AES_256")
    yield here("kms.encrypt", region=here.peer, KeyId=KEY, Plaintext=b"tried")
    yield here("kms.schedule_key_deletion", KeyId=KEY)


def _changing_state(here: Place) -> Iterator[Call]:
    """Decisions are added, not changed."""
    yield here("dynamodb.update_item", TableName=STATE, Key=TRIED, **CHANGE)
    yield here("dynamodb.delete_item", TableName=STATE, Key=TRIED)
    yield here("dynamodb.batch_write_item", RequestItems={STATE: [{"DeleteRequest": {"Key": TRIED}}]})
    yield here("dynamodb.scan", TableName=STATE)
    yield here("dynamodb.delete_table", TableName=STATE)


def _keeping_quiet(here: Place) -> Iterator[Call]:
    """Nobody stops the watch, sounds an alarm that is none, or tells and hears in the platform's name."""
    alarm = f"alarm-peer-{here.peer}-{SUFFIX}"
    yield here("cloudwatch.delete_alarms", AlarmNames=[alarm])
    yield here("cloudwatch.disable_alarm_actions", AlarmNames=[alarm])
    yield here("cloudwatch.set_alarm_state", AlarmName=alarm, StateValue="OK", StateReason="tried")
    yield here(
        "cloudwatch.put_metric_alarm",
        AlarmName=alarm,
        EvaluationPeriods=1,
        ComparisonOperator="LessThanThreshold",
    )
    yield here("events.disable_rule", Name=f"rule-probe-{SUFFIX}")
    yield here("sns.publish", TopicArn=here.topic(OTHERS), Message="tried")
    yield here("sns.publish", TopicArn=here.topic(FAILOVER), Message="tried")
    yield here("sns.subscribe", TopicArn=here.topic(ALERTS), Protocol="email", Endpoint="a@b.org")
    yield here("lambda.invoke", "lambda:InvokeFunction", FunctionName=f"lambda-failover-{SUFFIX}")
    yield here("lambda.update_function_configuration", FunctionName=f"lambda-failover-{SUFFIX}", Timeout=1)
    yield here("route53.list_hosted_zones")


def _rising(here: Place, kind: str) -> Iterator[Call]:
    """Other roles than the other region's of the watch, and more power for its own."""
    mine = here.role(kind, here.region)
    for other in ("watch", "tell", "peer", "api"):
        yield here("sts.assume_role", RoleArn=here.role(other, here.region), RoleSessionName="tried")
    yield here("sts.assume_role", RoleArn=here.role("peer", here.peer), RoleSessionName="tried")
    yield here("iam.attach_role_policy", RoleName=mine.rpartition("/")[2], PolicyArn=ADMINISTRATOR)
    yield here("iam.put_role_policy", RoleName=mine.rpartition("/")[2], PolicyName="all", PolicyDocument=ANYTHING)
