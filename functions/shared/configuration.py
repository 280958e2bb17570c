"""The functions' configurations, each read once from its function's environment."""

from collections.abc import Mapping
from typing import Self

from attrs import NOTHING, fields, frozen


@frozen(kw_only=True)
class Environment:
    """What every function is told: each field is the environment variable of its name in capitals."""

    aws_region: str
    powertools_service_name: str
    log_level: str
    peers: str
    """JSON: of each other region what this function needs to know."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Returns the configuration held by ``environment``.

        Raises:
            RuntimeError: variables are missing or empty; the message names all of them.
        """
        given = {field.name: environment.get(field.name.upper(), "") for field in fields(cls)}
        needed = [field.name for field in fields(cls) if field.default is NOTHING]
        if missing := sorted(name.upper() for name in needed if not given[name]):
            raise RuntimeError(f"environment variables are not set: {', '.join(missing)}")
        return cls(**given)


@frozen(kw_only=True)
class Configuration(Environment):
    """What the infrastructure tells the API's function."""

    patient_records_table: str
    audit_logs_table: str
    documents_bucket: str
    documents_key_arn: str
