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
# boto3 would otherwise ask names that a subnet without internet cannot reach: the global STS and S3, and DynamoDB's
# names by account (AWS SDKs reference guide, "STS regional endpoints", "Account-based endpoints").
REGIONAL_NAMES = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
    "AWS_STS_REGIONAL_ENDPOINTS": "regional",
}


class Function(Construct):
    """A function in the private network, with a role that may do what it is given and no more, and an alias.

    Attributes:
        name: The function's name.
        alias: The alias that callers use.
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
        network: Network,
        key: EncryptionKey,
        dead_letters: DeadLetterQueue,
        memory_mb: int,
        log_retention_days: int,
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
            statements: What it may do beyond writing its log and joining the network.
            network: Where it runs.
            key: Encrypts its environment and its log.
            dead_letters: Takes the events that it failed to handle, where it is invoked asynchronously.
            memory_mb: Memory, MB.
            log_retention_days: How long its log is kept.
        """
        super().__init__(scope, id_)
        function_arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        logs = CloudwatchLogGroup(
            self,
            "log-group",
            name=f"/aws/lambda/{name}",
            kms_key_id=key.arn,
            retention_in_days=log_retention_days,
            tags=DataClass.OPERATIONS.tag,
        )
        own = [
            # A late log would otherwise bring the group back after a destroy, without key and retention.
            Statement(
                sid="KeepLogGroup",
                effect="Deny",
                actions=("logs:CreateLogGroup",),
                resources=("*",),  # no group at all
            ),
            Statement(
                sid="LambdaJoinsTheNetwork",
                effect="Deny",
                actions=JOIN_VPC,
                resources=("*",),  # network interfaces have no names to allow
                conditions=(Condition("ArnEquals", "lambda:SourceFunctionArn", (function_arn,)),),
            ),
        ]
        role = Role(
            self,
            "role",
            name=role_name,
            account=account,
            service="lambda",
            statements=[*statements, dead_letters.sending(), *own],
            aws_managed={"vpc-attachment": VPC_ACCESS},
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
            timeout=TIMEOUT_S,
            environment=LambdaFunctionEnvironment(variables={**REGIONAL_NAMES, **environment}),
            kms_key_arn=key.arn,
            dead_letter_config=LambdaFunctionDeadLetterConfig(target_arn=dead_letters.arn),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=network.subnet_ids, security_group_ids=[network.function_group_id]
            ),
            # Its network interfaces live on for up to 20 minutes and would hold the group up.
            replace_security_groups_on_destroy=True,
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
        self.name, self.alias, self.invoke_arn = function.function_name, alias.name, alias.invoke_arn
