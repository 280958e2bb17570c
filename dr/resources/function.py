"""A Lambda function: its code, its role, its log group, its alias."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.messaging import DeadLetterQueue
from dr.resources.network import Network
from dr.resources.policy import Condition, Statement
from dr.resources.role import Role

import attrs
from cdktf import AssetType, TerraformAsset, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.lambda_alias import LambdaAlias
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionDeadLetterConfig,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionVpcConfig,
)
from cdktf_cdktf_provider_aws.lambda_function_event_invoke_config import LambdaFunctionEventInvokeConfig
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
TIMEOUT_S = 30
ALIAS = "live"
VPC_ACCESS = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
# What Lambda may do with the function's role to join the VPC, and the function's own code may not.
JOIN_VPC = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
WRITE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
# boto3 would otherwise ask names that a subnet without internet cannot reach: the global STS and S3, and DynamoDB's
# names by account (AWS SDKs reference guide, "STS regional endpoints", "Account-based endpoints").
REGIONAL_NAMES = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
    "AWS_STS_REGIONAL_ENDPOINTS": "regional",
}


@attrs.frozen(kw_only=True)
class Events:
    """How long Lambda tries with an event that a function did not handle, before it is a dead letter.

    Attributes:
        age_s: Seconds that an event is of use, 60 to 21,600.
        retries: How often it is tried again, 0 to 2.
    """

    age_s: int
    retries: int


class Function(Construct):
    """A function with a role that may do what it is given and no more, and an alias.

    It runs in the private network; without one it reaches what is public, and nothing in a network.

    Attributes:
        name: The function's name.
        alias: The alias that callers use.
        arn: The alias's ARN.
        log: The name of its log group.
        identity: What replaces the function when it changes, and so all that hangs on it.
        invoke_arn: What API Gateway calls to invoke the alias.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        role_name: str,
        region: str,
        account: str,
        bundle: Path,
        handler: str,
        environment: Mapping[str, str],
        statements: Sequence[Statement],
        network: Network | None,
        key: EncryptionKey,
        dead_letters: DeadLetterQueue,
        memory_mb: int,
        log_retention_days: int,
        timeout_s: int = TIMEOUT_S,
        reserved_concurrency: int | None = None,
        events: Events | None = None,
    ) -> None:
        """Make the function.

        Args:
            scope: The construct it serves.
            id_: Its id there.
            name: Its name, unique within the region.
            role_name: Its role's name, unique over all regions.
            region: Its region.
            account: The id of the account.
            bundle: The zip of its code.
            handler: The handler's dotted name in the bundle.
            environment: Its own environment variables; AWS sets its region itself.
            statements: What it may do beyond writing its log and joining its network.
            network: Where it runs, None for outside of any.
            key: Encrypts its environment and its log.
            dead_letters: Takes the events that it failed to handle, where it is invoked asynchronously.
            memory_mb: Memory, MB.
            log_retention_days: How long its log is kept.
            timeout_s: How long it may take.
            reserved_concurrency: How many executions at once are kept for it, and are the most that it gets.
            events: How it is tried with events, where it is invoked asynchronously.
        """
        super().__init__(scope, id_)
        log_group = f"/aws/lambda/{name}"
        logs = CloudwatchLogGroup(
            self,
            "log-group",
            name=log_group,
            kms_key_id=key.arn,
            retention_in_days=log_retention_days,
            tags=DataClass.OPERATIONS.tag,
        )
        # A late log would otherwise bring the group back after a destroy, without key and retention.
        keep_log_group = Statement(
            sid="KeepLogGroup",
            effect="Deny",
            actions=("logs:CreateLogGroup",),
            resources=("*",),  # no group at all
        )
        group_arn = f"arn:aws:logs:{region}:{account}:log-group:{log_group}"
        own = (
            [_join_network(f"arn:aws:lambda:{region}:{account}:function:{name}"), _write_no_other_log(group_arn)]
            if network
            else [_write_log(group_arn)]
        )
        role = Role(
            self,
            "role",
            name=role_name,
            account=account,
            service="lambda",
            statements=[*statements, dead_letters.sending(), keep_log_group, *own],
            aws_managed={"vpc-attachment": VPC_ACCESS} if network else {},
        )
        code = TerraformAsset(self, "code", path=str(bundle), type=AssetType.FILE)
        function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=handler,
            filename=code.path,
            # As Lambda reports it, or every plan would see a change.
            source_code_hash=base64.b64encode(hashlib.sha256(bundle.read_bytes()).digest()).decode(),
            memory_size=memory_mb,
            timeout=timeout_s,
            reserved_concurrent_executions=reserved_concurrency,
            environment=LambdaFunctionEnvironment(variables={**REGIONAL_NAMES, **environment}),
            kms_key_arn=key.arn,
            dead_letter_config=LambdaFunctionDeadLetterConfig(target_arn=dead_letters.arn),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=network.subnet_ids, security_group_ids=[network.function_group_id]
            )
            if network
            else None,
            # Its network interfaces live on for up to 20 minutes and would hold the group up.
            replace_security_groups_on_destroy=True if network else None,
            logging_config=LambdaFunctionLoggingConfig(log_format="JSON", log_group=logs.name),
            publish=True,
            tags={"Name": name},
            depends_on=[*role.attachments, logs],
            # The grant by which Lambda decrypts the environment names the role's identity, not its name.
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[role.identity]),
        )
        alias = LambdaAlias(
            self,
            "alias",
            name=ALIAS,
            function_name=function.function_name,
            function_version=function.version,
            # A function that is replaced takes its aliases along.
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[role.identity]),
        )
        self.identity = role.identity
        self.name, self.alias, self.log = function.function_name, alias.name, logs.name
        self.arn, self.invoke_arn = alias.arn, alias.invoke_arn
        if events is not None:
            LambdaFunctionEventInvokeConfig(
                self,
                "events",
                function_name=self.name,
                qualifier=self.alias,
                maximum_event_age_in_seconds=events.age_s,
                maximum_retry_attempts=events.retries,
                lifecycle=TerraformResourceLifecycle(replace_triggered_by=[role.identity]),
            )

    def allow(self, scope: Construct, id_: str, *, service: str, source_arn: str) -> LambdaPermission:
        """Let one resource of an AWS service invoke the alias.

        Args:
            scope: The construct that invokes it.
            id_: The permission's id there.
            service: The service, without ``.amazonaws.com``.
            source_arn: The ARN of its resource.
        """
        return LambdaPermission(
            scope,
            id_,
            action="lambda:InvokeFunction",
            function_name=self.name,
            qualifier=self.alias,
            principal=f"{service}.amazonaws.com",
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[self.identity]),
            source_arn=source_arn,
        )


def _join_network(function_arn: str) -> Statement:
    """AWS's own policy lets Lambda join the network with the role; the function's code may not."""
    return Statement(
        sid="LambdaJoinsTheNetwork",
        effect="Deny",
        actions=JOIN_VPC,
        resources=("*",),  # network interfaces have no names to allow
        conditions=(Condition("ArnEquals", "lambda:SourceFunctionArn", (function_arn,)),),
    )


def _write_log(group_arn: str) -> Statement:
    return Statement(sid="WriteLog", actions=WRITE_LOG, resources=(f"{group_arn}:*",))


def _write_no_other_log(group_arn: str) -> Statement:
    """AWS's own policy lets the role write to every log group of the account: the trail's, for one."""
    return Statement(sid="WriteNoOtherLog", effect="Deny", actions=WRITE_LOG, not_resources=(f"{group_arn}:*",))
