"""Every check of the scanners that fails and may: where, and why. Whatever is not listed fails the build."""

from tests.scans.gate import Skip

OUTSIDE = "*: resource.failover_*"
BUCKET = "*: aws_s3_bucket.documents_*"
TRAIL_FILES = "*: aws_s3_bucket.trail_files_*"

CHECKOV = (
    Skip("CKV2_AWS_38", "dns: aws_route53_zone.zone", "DNSSEC needs the registrar; a signed zone does not destroy"),
    Skip(
        "CKV_AWS_18", BUCKET, "CloudTrail's data events are the record of access; access logs come late and incomplete"
    ),
    Skip(
        "CKV_AWS_18", TRAIL_FILES, "only CloudTrail writes there, and its digests show what was changed or is missing"
    ),
    Skip(
        "CKV_AWS_144",
        TRAIL_FILES,
        "every region has a trail of all regions' calls of its own: there is nothing to copy",
    ),
    Skip("CKV2_AWS_62", TRAIL_FILES, "the same events go to a log group, whose filters set off the alarms"),
    Skip(
        "CKV_AWS_252",
        "*: resource.trail_*",
        "filters of the trail's log group set off alarms; a topic would tell each file",
    ),
    Skip(
        "CKV_AWS_115", "*: resource.function_*", "a cap would throttle the region that takes the other's traffic over"
    ),
    Skip(
        "CKV_AWS_144",
        BUCKET,
        "the stack 'replication' does it, where the check does not look; tests/brief/documents.py",
    ),
    Skip("CKV_AWS_272", "*: resource.function_*", "the zip's hash is in the plan, its packages are locked by hash"),
    Skip("CKV_AWS_272", OUTSIDE, "the zip's hash is in the plan, its packages are locked by hash"),
    Skip("CKV_AWS_115", OUTSIDE, "they run once a minute; a cap would only take concurrency from the API"),
    Skip("CKV_AWS_117", OUTSIDE, "they ask the public APIs as clients do, and reach no data of patients"),
    Skip("CKV_AWS_50", OUTSIDE, "traces would tell nothing that the log of one run a minute does not"),
    Skip("CKV_AWS_309", "*: resource.api_route-healthz_*", "health checkers cannot sign; the answer is one fixed word"),
    Skip(
        "CKV_AWS_50", "*: resource.function_*", "traces would need one more endpoint; the log has id, route and latency"
    ),
)

KNOWN_TO_KMS = "KMS knows it for every call that names a key (KMS developer guide, kms:ResourceAliases)"
PARLIAMENT = (
    Skip(
        "UNKNOWN_CONDITION_FOR_ACTION",
        "*: aws_iam_policy.function_role_policy_*",
        "Lambda sets it for every call from a function's code (Lambda developer guide, source function ARN)",
        "*lambda:SourceFunctionArn*",
    ),
    Skip(
        "UNKNOWN_CONDITION_FOR_ACTION",
        "*: aws_iam_policy.failover_probe_role_policy_*",
        KNOWN_TO_KMS,
        "*kms:ResourceAliases*",
    ),
    Skip(
        "RESOURCE_MISMATCH",
        "*: aws_iam_policy.network_flow-log-role_policy_*",
        "CloudWatch Logs takes log groups as its resource (service authorization reference)",
        "*'logs:DescribeLogGroups'*",
    ),
)

ANY_WORD = "the embedded AWS verifies no secret, any word will do"
SECRETS = (
    Skip("Secret Keyword", "drill/embedded.py", ANY_WORD),
    Skip("Secret Keyword", "drill/emulator/clients.py", ANY_WORD),
    Skip("Secret Keyword", "tests/deployed/test_drill_aws.py", ANY_WORD),
    Skip(
        "Hex High Entropy String", "tests/test_naming.py", "an account id and a digest that the naming rule is tried on"
    ),
    Skip("Hex High Entropy String", "tools/terraform.py", "checksums of the pinned Terraform"),
)

OPERATOR = (Skip("UNKNOWN_CONDITION_FOR_ACTION", "evacuate", KNOWN_TO_KMS, "*kms:ResourceAliases*"),)

NAMED_BY_AWS = "ids of these resources are AWS's own: there is no name to limit them to"
DEPLOYER = (
    Skip("RESOURCE_STAR", "data", NAMED_BY_AWS, "*'backup:*"),
    Skip("RESOURCE_STAR", "services", NAMED_BY_AWS, "*'ec2:*"),
    Skip("RESOURCE_STAR", "services", NAMED_BY_AWS, "*'route53:*"),
    Skip("RESOURCE_STAR", "services", NAMED_BY_AWS, "*'acm:*"),
    Skip("RESOURCE_MISMATCH", "services", "CloudWatch Logs takes log groups as its resource", "*DescribeLogGroups*"),
)
