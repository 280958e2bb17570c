"""Which listing of AWS would find a resource left over, by its type in Terraform."""

from collections.abc import Iterable, Iterator, Mapping

from drill.leftovers import GLOBAL, REGIONAL

# The service and the key of what it lists.
LISTED: Mapping[str, str] = {
    "aws_acm_certificate": "acm CertificateSummaryList",
    "aws_apigatewayv2_api": "apigatewayv2 Items",
    "aws_apigatewayv2_domain_name": "apigatewayv2 Items",
    "aws_backup_plan": "backup BackupPlansList",
    "aws_backup_vault": "backup BackupVaultList",
    "aws_cloudtrail": "cloudtrail Trails",
    "aws_cloudwatch_composite_alarm": "cloudwatch CompositeAlarms",
    "aws_cloudwatch_dashboard": "cloudwatch DashboardEntries",
    "aws_cloudwatch_event_rule": "events Rules",
    "aws_cloudwatch_log_group": "logs logGroups",
    "aws_cloudwatch_log_resource_policy": "logs resourcePolicies",
    "aws_cloudwatch_metric_alarm": "cloudwatch MetricAlarms",
    "aws_dynamodb_table": "dynamodb TableNames",
    "aws_flow_log": "ec2 FlowLogs",
    "aws_iam_policy": "iam Policies",
    "aws_iam_role": "iam Roles",
    "aws_kms_alias": "kms Aliases",
    "aws_kms_key": "kms Keys",
    "aws_lambda_function": "lambda Functions",
    "aws_route53_health_check": "route53 HealthChecks",
    "aws_route53_zone": "route53 HostedZones",
    "aws_route_table": "ec2 RouteTables",
    "aws_s3_bucket": "s3 Buckets",
    "aws_security_group": "ec2 SecurityGroups",
    "aws_sns_topic": "sns Topics",
    "aws_sns_topic_subscription": "sns Subscriptions",
    "aws_sqs_queue": "sqs QueueUrls",
    "aws_subnet": "ec2 Subnets",
    "aws_vpc": "ec2 Vpcs",
    "aws_vpc_endpoint": "ec2 VpcEndpoints",
    "aws_vpc_peering_connection": "ec2 VpcPeeringConnections",
}
# A part of another resource: AWS has it no longer when that is gone.
PART_OF: Mapping[str, str] = {
    "aws_acm_certificate_validation": "aws_acm_certificate",
    "aws_apigatewayv2_api_mapping": "aws_apigatewayv2_domain_name",
    "aws_apigatewayv2_authorizer": "aws_apigatewayv2_api",
    "aws_apigatewayv2_integration": "aws_apigatewayv2_api",
    "aws_apigatewayv2_route": "aws_apigatewayv2_api",
    "aws_apigatewayv2_stage": "aws_apigatewayv2_api",
    "aws_backup_selection": "aws_backup_plan",
    "aws_backup_vault_notifications": "aws_backup_vault",
    "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
    "aws_cloudwatch_log_metric_filter": "aws_cloudwatch_log_group",
    "aws_default_security_group": "aws_vpc",
    "aws_iam_role_policy_attachment": "aws_iam_role",
    "aws_lambda_alias": "aws_lambda_function",
    "aws_lambda_function_event_invoke_config": "aws_lambda_function",
    "aws_lambda_permission": "aws_lambda_function",
    "aws_route": "aws_route_table",
    "aws_route53_record": "aws_route53_zone",
    "aws_route_table_association": "aws_route_table",
    "aws_s3_bucket_lifecycle_configuration": "aws_s3_bucket",
    "aws_s3_bucket_notification": "aws_s3_bucket",
    "aws_s3_bucket_ownership_controls": "aws_s3_bucket",
    "aws_s3_bucket_policy": "aws_s3_bucket",
    "aws_s3_bucket_public_access_block": "aws_s3_bucket",
    "aws_s3_bucket_replication_configuration": "aws_s3_bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "aws_s3_bucket",
    "aws_s3_bucket_versioning": "aws_s3_bucket",
    "aws_sns_topic_policy": "aws_sns_topic",
    "aws_sqs_queue_policy": "aws_sqs_queue",
    "aws_vpc_peering_connection_accepter": "aws_vpc_peering_connection",
    "aws_vpc_peering_connection_options": "aws_vpc_peering_connection",
    "aws_vpc_security_group_egress_rule": "aws_security_group",
    "aws_vpc_security_group_ingress_rule": "aws_security_group",
}
# Why nobody looks for it.
UNLISTED: Mapping[str, str] = {
    "aws_route53_query_log": "the embedded AWS cannot list them; the zone and the log group that it joins are listed",
    "terraform_data": "it is in Terraform's state alone",
}


def unfound(kinds: Iterable[str], listings: Iterable[tuple[str, str, str]] = (*REGIONAL, *GLOBAL)) -> Iterator[str]:
    """The types of resource that could be left over with nobody seeing it."""
    asked = {f"{service} {key}" for service, _, key in listings}
    for kind in sorted(kinds):
        if kind not in UNLISTED and LISTED.get(PART_OF.get(kind, kind)) not in asked:
            yield kind
