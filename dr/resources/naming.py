"""The naming rule: ``kind-suffix``, and ``kind-region-suffix`` where the namespace is not a region's own."""

import hashlib

import attrs

# The shortest limit among what is named by this rule: buckets (63); roles and functions take 64.
LONGEST = 63

PATIENT_RECORDS = "patient_records"
AUDIT_LOGS = "audit_logs"
FAILOVER_STATE = "failover_state"
TABLES = (PATIENT_RECORDS, AUDIT_LOGS, FAILOVER_STATE)
ALERT_TOPIC = "topic-alerts"
FAILOVER_TOPIC = "topic-failover"


@attrs.frozen
class Names:
    """The names of one environment's resources.

    Every stack builds them from this rule alone, so that a region can refer to another one's resources without
    reading anything of it.
    """

    suffix: str

    def regional(self, kind: str) -> str:
        """``kind-suffix``: unique within one region of an account."""
        return _fit(f"{kind}-{self.suffix}")

    def worldwide(self, kind: str, region: str) -> str:
        """``kind-region-suffix``: unique over all regions of an account, as IAM needs it."""
        return _fit(f"{kind}-{region}-{self.suffix}")

    def bucket(self, kind: str, region: str, account: str) -> str:
        """``kind-region-suffix-account``: unique over all accounts.

        The account's id is often known at deployment only; it counts with its 12 digits.
        """
        return f"{_fit(f'{kind}-{region}-{self.suffix}', LONGEST - 13)}-{account}"


def bucket_arn(name: str) -> str:
    """The ARN of the bucket of that name, whether it exists yet or not."""
    return f"arn:aws:s3:::{name}"


def document_bucket(names: Names, region: str, account: str) -> str:
    """The name of a region's document bucket."""
    return names.bucket("documents", region, account)


def table_arn(names: Names, table: str, region: str, account: str) -> str:
    """The ARN of a region's replica of a table, which another stack makes."""
    return f"arn:aws:dynamodb:{region}:{account}:table/{names.regional(table)}"


def table_arns(names: Names, region: str, account: str) -> tuple[str, str]:
    """The ARNs of a region's replicas of the tables that the API's function uses: records and audit rows."""
    return table_arn(names, PATIENT_RECORDS, region, account), table_arn(names, AUDIT_LOGS, region, account)


def topic_arn(names: Names, topic: str, region: str, account: str) -> str:
    """The ARN of a region's topic, whether it exists yet or not."""
    return f"arn:aws:sns:{region}:{account}:{names.regional(topic)}"


def role_arn(names: Names, kind: str, region: str, account: str) -> str:
    """The ARN of a region's role of that kind, whether it exists yet or not."""
    return f"arn:aws:iam::{account}:role/{names.worldwide(f'role-{kind}', region)}"


def _fit(name: str, longest: int = LONGEST) -> str:
    """Cut a name that is too long and end it in a hash of the whole, so that two long names stay different."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
