"""The parts of an invocation: what fails in them is told, counted and raised in the end."""

from typing import Any

from functions.shared.metrics import NAMESPACE
from functions.shared.together import Tasks, together

from attrs import define, field
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import ClientError


class FailedPartsError(Exception):
    """Parts of the function's own work failed; why stands in the log."""


@define
class Parts:
    """Follows the parts of one invocation."""

    _logger: Logger
    _failed: list[str] = field(factory=list, init=False)

    def run(self, tasks: Tasks, seconds: float, *, own: bool = True) -> dict[str, Any]:
        """Returns what the tasks returned that were done in time; the others are told in the log.

        Args:
            tasks: what is to be done, by its name in the log.
            seconds: how long all of them together may take.
            own: whether one that fails is this function's failure, not that of another region, which may be gone.
        """
        done, failed = together(tasks, seconds)
        for name, error in failed.items():
            code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
            tell = self._logger.error if own else self._logger.warning
            tell("part failed", part=name, error_type=type(error).__name__, error_code=code)
        if own:
            self._failed += failed
        return done

    def close(self) -> None:
        """Counts the failures of its own.

        Raises:
            FailedPartsError: there are any: Lambda's metric Errors tells.
        """
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._logger.service)
        metrics.add_metric(name="Failures", unit=MetricUnit.Count, value=len(self._failed))
        metrics.flush_metrics()
        if self._failed:
            raise FailedPartsError(", ".join(self._failed))
