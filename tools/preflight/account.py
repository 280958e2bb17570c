"""An account's quotas, and the buckets of the state."""

from collections.abc import Collection, Iterator
from typing import Any

from tools.preflight.finding import Finding, State, enough

from botocore.exceptions import ClientError

# Service Quotas' codes, with how many a region's stack takes.
VPCS, INTERFACE_ENDPOINTS_A_VPC = "L-F678F1CE", "L-29B6F2EB"
KEYS = "L-C2F1777E"
# AWS raises it for nobody (CloudTrail guide, quotas).
TRAILS_A_REGION = 5
# Lambda's default; a new account begins with less, and with 3,008 MB for a function, which no API tells.
CONCURRENCY = 1000
NEW_ACCOUNT_MEMORY_MB = 3008
# Lambda keeps as many unreserved.
LEAST_CONCURRENCY = 100


def lambda_limits(region: str, client: Any, memory_mb: int) -> Iterator[Finding]:
    """Whether the region's functions can take all the traffic, and may have their memory."""
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    ask = f"ask for {CONCURRENCY} concurrent executions in {region} (Service Quotas, Lambda, L-B99A9384)"
    lacking = State.NOTICE if limit >= LEAST_CONCURRENCY else State.BLOCKED
    yield enough(f"{region}: Lambda concurrency", limit, CONCURRENCY, ask, lacking=lacking)
    # AWS does not tell the limit of memory: an account that was never raised is known by its concurrency.
    fits = memory_mb <= NEW_ACCOUNT_MEMORY_MB or limit >= CONCURRENCY
    todo = "" if fits else "ask AWS Support for more Lambda memory, or set DR_LAMBDA_MEMORY_MB=3008"
    state = State.READY if fits else State.BLOCKED
    found = f"{memory_mb} MB wanted, {NEW_ACCOUNT_MEMORY_MB} MB is what a new account may have"
    yield Finding(f"{region}: Lambda memory", state, found, todo)


def vpc_room(region: str, ec2: Any, quotas: Any, endpoints: int) -> Iterator[Finding]:
    """Whether there is room for one more VPC, and in it for its interface endpoints."""
    have = sum(len(page["Vpcs"]) for page in ec2.get_paginator("describe_vpcs").paginate())
    todo = f"delete a VPC, or ask for more in {region} (Service Quotas, VPC, {VPCS})"
    yield enough(f"{region}: VPCs left", _quota(quotas, "vpc", VPCS) - have, 1, todo)
    todo = f"ask for more in {region} (Service Quotas, VPC, {INTERFACE_ENDPOINTS_A_VPC})"
    limit = _quota(quotas, "vpc", INTERFACE_ENDPOINTS_A_VPC)
    yield enough(f"{region}: interface endpoints in a VPC", limit, endpoints, todo)


def key_room(region: str, kms: Any, quotas: Any) -> Iterator[Finding]:
    """Whether there is room for one more key; those that wait for their deletion still count."""
    have = sum(len(page["Keys"]) for page in kms.get_paginator("list_keys").paginate())
    todo = f"ask for more keys in {region} (Service Quotas, KMS, {KEYS})"
    yield enough(f"{region}: KMS keys left", _quota(quotas, "kms", KEYS) - have, 1, todo)


def trail_room(region: str, client: Any, wanted: Collection[str]) -> Iterator[Finding]:
    """Whether there is room for the trails of all regions: each records every region, and so counts in each."""
    named = {trail["Name"] for trail in client.describe_trails()["trailList"]}
    todo = f"delete a trail that {region} has: {TRAILS_A_REGION} are allowed, and no quota request changes that"
    left = TRAILS_A_REGION - len(named - set(wanted))
    yield enough(f"{region}: CloudTrail trails left", left, len(wanted), todo)


def backup_settings(region: str, client: Any) -> Iterator[Finding]:
    """Whether AWS Backup manages DynamoDB's backups fully: others it copies to no other region."""
    managed = client.describe_region_settings().get("ResourceTypeManagementPreference", {}).get("DynamoDB", False)
    todo = "" if managed else f"AWS Backup, Settings, in {region}: switch on the advanced features for DynamoDB backups"
    found = f"advanced DynamoDB backups are {'on' if managed else 'off: tables are not copied to the other regions'}"
    yield Finding(f"{region}: AWS Backup", State.READY if managed else State.NOTICE, found, todo)


def dns_room(client: Any, health_checks: int, zones: int) -> Iterator[Finding]:
    """Whether Route 53 has room for the health checks and the hosted zones."""
    wanted = {"health checks": ("MAX_HEALTH_CHECKS_BY_OWNER", health_checks)}
    wanted["hosted zones"] = ("MAX_HOSTED_ZONES_BY_OWNER", zones)
    for what, (kind, want) in wanted.items():
        answer = client.get_account_limit(Type=kind)
        todo = f"delete {what}, or ask for more (Service Quotas, Route 53)"
        yield enough(f"Route 53: {what} left", answer["Limit"]["Value"] - answer["Count"], want, todo)


def state_bucket(name: str, client: Any) -> Iterator[Finding]:
    """Whether a bucket for state exists, keeps versions, encrypts, and is closed to the public."""
    subject = f"state bucket {name}"
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        todo = "make it, versioned and encrypted, or set DR_STATE_BUCKET to another" if _missing(error) else "allow it"
        yield Finding(subject, State.BLOCKED, f"HeadBucket: {error.response['Error']['Code']}", todo)
        return
    versions = client.get_bucket_versioning(Bucket=name).get("Status", "never enabled")
    yield _as_wanted(subject, "versions", versions, "Enabled", "enable versioning: a lost state is restored from it")
    rules = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    algorithm = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    yield _as_wanted(subject, "encryption", algorithm, "aws:kms", "encrypt it by a KMS key: a state may hold secrets")
    try:
        block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        block = {"BlockPublicAcls": False}
    closed = "closed" if all(block.values()) else "open"
    yield _as_wanted(subject, "public access", closed, "closed", "block all public access to it")


def _as_wanted(subject: str, what: str, have: str, want: str, todo: str) -> Finding:
    ready = have == want
    state = State.READY if ready else State.BLOCKED
    return Finding(subject, state, f"{what}: {have}", "" if ready else todo)


def _missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("404", "NoSuchBucket")


def _quota(client: Any, service: str, code: str) -> float:
    value: float = client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
    return value
