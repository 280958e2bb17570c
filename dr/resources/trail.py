"""The record of who did what in the account, and alarms on what nobody should do there or at the API."""

from collections.abc import Mapping, Sequence

from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.monitoring import Alarm, Metric, Threshold
from dr.resources.naming import Names, bucket_arn
from dr.resources.policy import Condition, Principals, Statement
from dr.resources.role import Role
from dr.resources.storage import Bucket

import attrs
from cdktf_cdktf_provider_aws.cloudtrail import (
    Cloudtrail,
    CloudtrailEventSelector,
    CloudtrailEventSelectorDataResource,
)
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from constructs import Construct

NAMESPACE = "HealthcareDr/Security"


def _any_of(*events: str) -> str:
    return "{ " + " || ".join(f"($.eventName = {event})" for event in events) + " }"


@attrs.frozen(kw_only=True)
class Watch:
    """What is looked for in a log, how often a minute is too often, and what it means."""

    pattern: str
    limit: int = 0
    meaning: str


# After the CIS AWS Foundations Benchmark, section 4, as far as it is about what patients' data here depend on.
WATCHES: Mapping[str, Watch] = {
    "denied-calls": Watch(
        pattern='{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
        limit=5,
        meaning="AWS denied more than 5 calls in a minute: someone tries what they may not, or a role lacks a right.",
    ),
    "root-use": Watch(
        pattern='{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && '
        '$.eventType != "AwsServiceEvent" }',
        meaning="The account's root user was used: nothing here needs it.",
    ),
    "key-use-denied": Watch(
        pattern='{ ($.eventSource = kms.amazonaws.com) && (($.errorCode = "AccessDenied*") || '
        '($.errorCode = "Disabled*") || ($.errorCode = "KMSInvalidState*")) }',
        meaning="A key's use was refused: data cannot be read or written, or someone tries to who may not.",
    ),
    "key-changes": Watch(
        pattern="{ ($.eventSource = kms.amazonaws.com) && (($.eventName = DisableKey) || "
        "($.eventName = ScheduleKeyDeletion) || ($.eventName = PutKeyPolicy)) }",
        meaning="A key was disabled, scheduled for deletion, or its policy changed: its data can become unreadable.",
    ),
    "trail-changes": Watch(
        pattern=_any_of(
            "CreateTrail", "DeleteTrail", "PutEventSelectors", "StartLogging", "StopLogging", "UpdateTrail"
        ),
        meaning="The trail itself was changed or stopped.",
    ),
    "access-changes": Watch(
        pattern=_any_of(
            *("AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy"),
            *("CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion"),
            *("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketReplication", "DeleteBucketReplication"),
        ),
        meaning="Who may do what was changed: expected while deploying, and at no other time.",
    ),
}


# Lines of the API's access log. Tokens and signatures that are no good do not reach the function, nor its audit rows.
REFUSED_REQUESTS = Watch(
    pattern='{ ($.status = "401") || ($.status = "403") }',
    limit=50,
    meaning="The API refused more than 50 requests in a minute: someone guesses tokens, or a client's are no good.",
)


# What the API's function says in its log (functions/api/guard.py) when a call's audit row could not be written.
MISSING_ROWS = Watch(
    pattern='{ $.message = "audit row missing" }',
    meaning="A call's audit row could not be written: it was refused or failed, or what it read was withheld.",
)


def trail_arn(names: Names, region: str, account: str) -> str:
    """The ARN of a region's trail, whether it exists yet or not."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{names.worldwide('trail', region)}"


class Trail(Construct):
    """A trail of all regions' management events and of every access to this region's data, kept in this region.

    Each region has one, so that the record goes on when another region is lost; management events are thus recorded
    once in each. The files are validated by digests, and the events go to a log group whose filters set off alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        region: str,
        account: str,
        key: EncryptionKey,
        tables: Sequence[str],
        buckets: Sequence[str],
        topic_arn: str,
        log_retention_days: int,
    ) -> None:
        """Make the trail.

        Args:
            scope: The region's stack.
            id_: Its id there.
            names: The naming rule.
            region: Its home.
            account: The id of the account.
            key: Encrypts files and log group.
            tables: ARNs of the tables whose reads and writes are recorded.
            buckets: ARNs of the buckets whose objects' reads and writes are recorded.
            topic_arn: Is told by the alarms.
            log_retention_days: How long files and log are kept at least.
        """
        super().__init__(scope, id_)
        name, arn = names.worldwide("trail", region), trail_arn(names, region, account)
        bucket = _create_bucket(self, names.bucket("trail", region, account), account, arn, key, log_retention_days)
        group = CloudwatchLogGroup(
            self,
            "log-group",
            name=f"/aws/cloudtrail/{name}",
            kms_key_id=key.arn,
            retention_in_days=log_retention_days,
            tags=DataClass.AUDIT.tag,
        )
        stream = f"{group.arn}:log-stream:{account}_CloudTrail_{region}*"
        role = Role(
            self,
            "role",
            name=names.worldwide("role-trail", region),
            account=account,
            service="cloudtrail",
            statements=[
                Statement(sid="WriteTrail", actions=("logs:CreateLogStream", "logs:PutLogEvents"), resources=(stream,))
            ],
        )
        Cloudtrail(
            self,
            "trail",
            name=name,
            s3_bucket_name=bucket.name,
            kms_key_id=key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            cloud_watch_logs_group_arn=f"{group.arn}:*",
            cloud_watch_logs_role_arn=role.arn,
            event_selector=[
                CloudtrailEventSelector(
                    read_write_type="All",
                    include_management_events=True,
                    data_resource=[
                        CloudtrailEventSelectorDataResource(type="AWS::DynamoDB::Table", values=list(tables)),
                        CloudtrailEventSelectorDataResource(
                            type="AWS::S3::Object", values=[f"{each}/" for each in buckets]
                        ),
                    ],
                )
            ],
            tags={"Name": name},
            depends_on=[bucket.policy, *role.attachments],
        )
        for kind, watch in WATCHES.items():
            watch_log(self, kind, watch, names=names, log_group=group.name, topic_arn=topic_arn)


def watch_log(scope: Construct, kind: str, watch: Watch, *, names: Names, log_group: str, topic_arn: str) -> None:
    """Count the lines of a log group that a watch looks for, with an alarm on too many."""
    CloudwatchLogMetricFilter(
        scope,
        f"filter-{kind}",
        name=names.regional(f"filter-{kind}"),
        log_group_name=log_group,
        pattern=watch.pattern,
        metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
            namespace=NAMESPACE, name=names.regional(kind), value="1", default_value="0"
        ),
    )
    Alarm(
        scope,
        f"alarm-{kind}",
        name=names.regional(f"alarm-{kind}"),
        threshold=Threshold(
            metric=Metric(namespace=NAMESPACE, name=names.regional(kind), dimensions={}),
            limit=watch.limit,
            meaning=watch.meaning,
        ),
        topic_arns=[topic_arn],
    )


def _create_bucket(scope: Construct, name: str, account: str, trail: str, key: EncryptionKey, keep_days: int) -> Bucket:
    """The trail's files. CloudTrail names the key itself, so the policy does not ask for one."""
    arn, service = bucket_arn(name), Principals.service("cloudtrail")
    own_trail = Condition("StringEquals", "aws:SourceArn", (trail,))
    return Bucket(
        scope,
        "files",
        name=name,
        key=key,
        data_class=DataClass.AUDIT,
        expires_after_days=keep_days,
        # Each file's key is asked for in the trail's name, by which the key's policy lets readers in.
        bucket_key=False,
        statements=[
            Statement(
                sid="ReadAccessList",
                principals=service,
                actions=("s3:GetBucketAcl",),
                resources=(arn,),
                conditions=(own_trail,),
            ),
            Statement(
                sid="WriteTrailFiles",
                principals=service,
                actions=("s3:PutObject",),
                resources=(f"{arn}/AWSLogs/{account}/*",),
                conditions=(own_trail, Condition("StringEquals", "s3:x-amz-acl", ("bucket-owner-full-control",))),
            ),
        ],
    )
