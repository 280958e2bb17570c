"""The function's configuration, read once from its environment."""

from collections.abc import Mapping
from typing import Self

from attrs import fields, frozen


@frozen(kw_only=True)
class Configuration:
    """What the infrastructure tells the function: each field is the environment variable of its name in capitals."""

    aws_region: str
    patient_records_table: str
    audit_logs_table: str
    documents_bucket: str
    documents_key_arn: str
    powertools_service_name: str
    log_level: str
    peers: str
    """JSON: where the other regions' documents are, and by which role to read them."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Returns the configuration held by ``environment``.

        Raises:
            RuntimeError: variables are missing or empty; the message names all of them.
        """
        values = {field.name: environment.get(field.name.upper(), "") for field in fields(cls)}
        if missing := sorted(name.upper() for name, value in values.items() if not value):
            raise RuntimeError(f"environment variables are not set: {', '.join(missing)}")
        return cls(**values)
