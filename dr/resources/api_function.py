"""The function that answers a region's API."""

import json
from collections.abc import Sequence
from pathlib import Path

from dr.resources.encryption import EncryptionKey
from dr.resources.function import Function
from dr.resources.messaging import DeadLetterQueue
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS, Names, document_bucket, role_arn, table_arns
from dr.resources.network import Network
from dr.resources.policy import Statement
from dr.resources.storage import DocumentBucket
from dr.resources.tables import append_audit_rows, read_and_append_records
from dr.settings import Settings

from constructs import Construct


class ApiFunction(Function):
    """In the region's network; it reads and adds records and documents, and reads the other regions' documents."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        region: str,
        account: str,
        peers: Sequence[str],
        bundle: Path,
        config: Settings,
        bucket: DocumentBucket,
        key: EncryptionKey,
        network: Network,
        dead_letters: DeadLetterQueue,
    ) -> None:
        """Make the function.

        Args:
            scope: The region's stack.
            id_: Its id there.
            names: The naming rule.
            region: The region.
            account: The id of the account.
            peers: The other regions.
            bundle: The zip of the functions' code.
            config: Memory, concurrency, retention, and which endpoints there are.
            bucket: The region's documents.
            key: Encrypts what it holds, writes and says.
            network: Where it runs.
            dead_letters: Takes what it failed to handle.
        """
        records, audit = table_arns(names, region, account)
        peer_roles = {peer: role_arn(names, "peer", peer, account) for peer in peers}
        # The other regions, where their documents are, and the role to read these by: known without asking them.
        # Nowhere without the endpoints by which they are read: a function would wait for what it cannot reach.
        reachable = {"s3", "sts"} <= set(config.interface_endpoints)
        documents = {
            peer: {"bucket": document_bucket(names, peer, account), "role_arn": role} if reachable else {}
            for peer, role in peer_roles.items()
        }
        super().__init__(
            scope,
            id_,
            name=names.regional("lambda-api"),
            role_name=names.worldwide("role-api", region),
            region=region,
            account=account,
            bundle=bundle,
            handler="functions.api.handler.handler",
            environment={
                "AUDIT_LOGS_TABLE": names.regional(AUDIT_LOGS),
                "DOCUMENTS_BUCKET": bucket.name,
                "DOCUMENTS_KEY_ARN": key.arn,
                "LOG_LEVEL": "INFO",
                "PATIENT_RECORDS_TABLE": names.regional(PATIENT_RECORDS),
                "PEERS": json.dumps(documents),
                "POWERTOOLS_SERVICE_NAME": "api",
            },
            statements=[
                read_and_append_records(records),
                *append_audit_rows(audit, reading=True),
                bucket.listing(),
                bucket.read_write(),
                key.usage("dynamodb", "lambda", "s3", "sqs"),
                Statement(sid="AssumePeerAccess", actions=("sts:AssumeRole",), resources=tuple(peer_roles.values())),
            ],
            network=network,
            key=key,
            dead_letters=dead_letters,
            memory_mb=config.lambda_memory_mb,
            reserved_concurrency=config.lambda_reserved_concurrency,
            log_retention_days=config.log_retention_days,
        )
