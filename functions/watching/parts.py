"""The parts of an invocation: what fails in them is told and counted in the end."""

from collections.abc import Collection
from typing import Any

from functions.shared.clients import error_code
from functions.watching.metrics import NAMESPACE
from functions.watching.together import Tasks, together

from attrs import define, field
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


class FailedPartsError(Exception):
    """Parts failed for whose sake the invocation is to be repeated; why stands in the log."""


@define
class Parts:
    """Follows the parts of one invocation."""

    _logger: Logger
    _failed: dict[str, Exception] = field(factory=dict, init=False)

    def run(self, tasks: Tasks, seconds: float, *, others: Collection[str] = ()) -> dict[str, Any]:
        """Returns what the tasks returned that were done in time; the others are told in the log.

        Args:
            tasks: what is to be done, by its name in the log.
            seconds: how long all of them together may take.
            others: the tasks whose failure is not this function's, but that of another region, which may be gone.
        """
        done, failed = together(tasks, seconds)
        for name, error in failed.items():
            code = error_code(error)
            tell = self._logger.warning if name in others else self._logger.error
            tell("part failed", part=name, error_type=type(error).__name__, error_code=code)
            if name not in others:
                self._failed[name] = error
        return done

    def close(self, *repeated: type[Exception]) -> None:
        """Counts the failures of its own in the metric that an alarm watches.

        Args:
            repeated: the errors for whose sake Lambda is to repeat the invocation, and to keep its event if that is
                in vain. A run that the schedule makes up for a minute later is neither repeated nor kept.

        Raises:
            FailedPartsError: there was such an error.
        """
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._logger.service)
        metrics.add_metric(name="Failures", unit=MetricUnit.Count, value=len(self._failed))
        metrics.flush_metrics()
        if again := [name for name, error in self._failed.items() if isinstance(error, repeated)]:
            raise FailedPartsError(", ".join(again))
