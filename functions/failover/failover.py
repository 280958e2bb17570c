"""Decides, from one region, that another one gets no traffic until it is well again."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from functions.failover.alarm import Alarm
from functions.failover.notices import Notices
from functions.shared.clients import WATCHING, Bounds, Clients
from functions.shared.sessions import Sessions
from functions.shared.table import ConflictError, Values
from functions.watching.configuration import Watch
from functions.watching.decisions import Decisions, decisions_of
from functions.watching.endpoint import SILENT, UNREACHED, Patience, complaints
from functions.watching.metrics import NAMESPACE, evacuation
from functions.watching.parts import Parts
from functions.watching.state import (
    ALONE,
    DISPUTED,
    EVACUATED,
    FAILOVER,
    RELEASED,
    SWITCHED_OFF,
    Sight,
    State,
    age_s,
    moment,
)

from attrs import define, evolve, field, frozen
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

_WRITING = Bounds(1.5, 3.0, attempts=2)
_EVACUATED = "is evacuated"


@frozen(kw_only=True)
class Configuration(Watch):
    """What the infrastructure tells the function; of each peer its ``topic_arn``, and the ``role_arn`` to publish."""

    audit_logs_table: str
    alert_topic_arn: str
    automatic_evacuation: str
    """``true`` or ``false``."""
    evacuate_after_s: str
    """For how long the probe must have seen a region ill, where no alarm says so."""
    release_after_s: str
    lag_objective_s: str
    runbook_url: str

    def __attrs_post_init__(self) -> None:
        if self.automatic_evacuation not in ("true", "false"):
            raise RuntimeError(f"AUTOMATIC_EVACUATION must be true or false, got: {self.automatic_evacuation!r}")


@frozen(kw_only=True)
class Limits(Patience):
    """Seconds that the function waits."""

    all: float = 27.0
    """The whole invocation, which Lambda ends after 30 s."""
    telling: float = 45.0
    """How old a decision is that nobody was told of, unless the invocation that made it still does so."""


class NobodyToldError(Exception):
    """What was decided holds, but no topic took the message."""


@frozen
class Cause:
    """Why an invocation decides: the moment that it is about, the same in every invocation, and the invocation's id.

    Of two invocations one decides, and tells people. What it could not tell, the next scheduled run does.
    """

    at: str
    request_id: str


@define
class Failover:
    """One region's part in the failover of the others."""

    _configuration: Configuration
    _clients: Clients
    _peers: Mapping[str, Mapping[str, str]]
    _logger: Logger
    _limits: Limits
    _region: str = field(init=False)
    _decisions: Decisions = field(init=False)
    _state: State = field(init=False)
    _notices: Notices = field(init=False)
    _sns: Any = field(init=False)
    _cloudwatch: Any = field(init=False)
    _sessions: Sessions = field(init=False)

    def __attrs_post_init__(self) -> None:
        told, self._region = self._configuration, self._configuration.aws_region
        client = self._clients.client("dynamodb", _WRITING)
        self._decisions = decisions_of(client, told.state_table, told.audit_logs_table, self._region)
        self._state = self._decisions.state
        self._notices = Notices(
            runbook_url=told.runbook_url,
            suffix=told.state_table.partition("-")[2],
            release_after_s=int(told.release_after_s),
            lag_objective_s=int(told.lag_objective_s),
        )
        self._sns, self._cloudwatch = (self._clients.client(service, WATCHING) for service in ("sns", "cloudwatch"))
        self._sessions = Sessions(self._clients, "failover", WATCHING)

    def run(self, event: Mapping[str, Any], request_id: str) -> None:
        """Takes the alarms that SNS brings; or looks, on schedule, whether a region is to be evacuated or released.

        Raises:
            FailedPartsError: an alarm could not be heeded: Lambda is to repeat the invocation. For what fails in a
                scheduled run the next one makes up.
        """
        parts, tasks = Parts(self._logger), dict[str, Any]()
        if "Records" in event:
            for number, record in enumerate(event["Records"]):
                tasks[f"alarm {number}"] = partial(self._heed, record, request_id)
        else:
            for region in (*self._peers, self._region):
                tasks[f"look at {region}"] = partial(self._look, region, moment(event["time"]), request_id)
        parts.run(tasks, self._limits.all)
        repeated = (Exception,) if "Records" in event else ()
        parts.close(*repeated)

    def _heed(self, record: Mapping[str, Any], request_id: str) -> None:
        """Judges the region that an alarm is about."""
        alarm = Alarm.of(record["Sns"]["Message"])
        if alarm is None or alarm.region not in self._peers:
            self._logger.info("alarm of nothing that could be evacuated")
            return
        since = self._illness(alarm.region, self._state.decision(alarm.region))
        self._judge(alarm.region, Cause(since or alarm.since, request_id))

    def _look(self, region: str, at: str, request_id: str) -> None:
        """Decides about a region, and then tells what nobody was told: topics that fail hold up no decision."""
        try:
            self._settle(region, at, request_id)
        finally:
            for row in self._state.untold(region, self._limits.telling):
                self._tell(region, row)

    def _settle(self, region: str, at: str, request_id: str) -> None:
        """Releases a region if that is due, or judges it: the alarm tells once, and its message may have been lost."""
        last = self._state.decision(region)
        if last and last["state"] == EVACUATED:
            self._release(region, last, Cause(at, request_id))
            return
        since = self._illness(region, last)
        if region in self._peers and since and age_s(since, at) >= float(self._configuration.evacuate_after_s):
            self._judge(region, Cause(since, request_id))

    def _illness(self, region: str, last: Values | None) -> str:
        """Returns since when a region is ill, or comes and goes unless that was decided about; empty if it is well."""
        sight = self._state.sights(self._region).get(region, Sight())
        return sight.ill_since if last and last["occurred_at"] >= sight.unsteady_since else sight.unsteady_since

    def _judge(self, region: str, cause: Cause) -> None:
        """Evacuates a region if it is ill as is said, does not deny it, and another one can take its traffic."""
        last = self._state.decision(region)
        if last and (last["state"] == EVACUATED or last["occurred_at"] >= cause.at):
            self._logger.info("decided before", peer=region, state=last["state"], by=last["by"])
            return
        faults = self._complaints(region)
        complaint = faults.pop(region, "")
        if not complaint:
            self._logger.info("not confirmed", peer=region)
            return
        serving = [other for other, fault in faults.items() if not fault]
        if not serving:
            self._cry(region, cause, complaint, faults)
        elif complaint.startswith(UNREACHED) and self._state.says_well(region, cause.at):
            notice = self._notices.disputed(region, cause.at, complaint, self._region)
            self._decide(region, DISPUTED, cause, complaint, notice)
        elif self._configuration.automatic_evacuation == "false":
            notice = self._notices.switched_off(region, cause.at, complaint, self._region, serving)
            self._decide(region, SWITCHED_OFF, cause, complaint, notice)
        else:
            notice = self._notices.evacuated(region, cause.at, complaint, serving)
            self._decide(region, EVACUATED, cause, complaint, notice)

    def _cry(self, region: str, cause: Cause, complaint: str, faults: Mapping[str, str]) -> None:
        """Tells people that a region has failed and no other one can take over."""
        unfit = [f"{other} {fault}" for other, fault in faults.items()]
        self._decide(region, ALONE, cause, complaint, self._notices.alone(region, cause.at, complaint, unfit))

    def _release(self, region: str, row: Values, cause: Cause) -> None:
        """Releases a region that a failover function evacuated, once it is well; at once if nothing else serves.

        The latter is up to the region itself as well: who evacuated it may be gone. If it cannot serve either, or is an
        operator's to release, people are called.
        """
        mine, reason = row["writer"] == self._region, "healthy and in step"
        if row["by"] != FAILOVER:
            hindrance = "evacuated by an operator"
        else:
            hindrance = self._hindrance(region, row["occurred_at"], cause.at) if mine else "evacuated elsewhere"
        if hindrance and (mine or region == self._region):
            faults, sights = self._complaints(region), self._state.sights(self._region)
            silent = faults.pop(region, SILENT)
            if _none_serves(faults, sights):
                if row["by"] == FAILOVER and not silent:
                    hindrance, reason = "", "no other region serves"
                # Where that region's own function lives, it judges this one, and calls them.
                elif mine and not self._state.sights(region) and (own := faults.pop(self._region)) != _EVACUATED:
                    since = evolve(cause, at=sights[self._region].unsteady_since)
                    self._cry(self._region, since, own, {**faults, region: silent or _EVACUATED})
        if hindrance:
            self._logger.info("not released yet", peer=region, hindrance=hindrance)
        elif self._state.evacuation(region):  # still: the region itself may have been quicker
            notice = self._notices.released(region, cause.at, row["occurred_at"], reason)
            self._decide(region, RELEASED, cause, reason, notice)

    def _complaints(self, judged: str) -> dict[str, str]:
        """Returns of every region that ever lived why it can take no traffic, nothing if it can.

        Of the judged one it is just whether it answers.
        """
        urls = {self._region: self._configuration.api_url}
        for peer in self._peers:
            if beat := self._state.heartbeat(peer):
                urls[peer] = beat["api_url"]
        found = complaints(urls, self._configuration.aws_endpoint_url, self._limits)
        evacuated = (region for region in urls if region != judged and self._state.evacuation(region))
        return found | dict.fromkeys(evacuated, _EVACUATED)

    def _hindrance(self, region: str, evacuated_at: str, at: str) -> str:
        """Returns why a region cannot be released yet, nothing if it can."""
        here = self._state.sights(self._region).get(region, Sight())
        there = self._state.sights(region).get(self._region, Sight())
        since = here.healthy_since and max(here.healthy_since, evacuated_at)
        if not since or age_s(since, at) < self._notices.release_after_s:
            return "not healthy for long enough"
        for source, sight in ((self._region, here), (region, there)):
            if sight.lag_s is None or sight.lag_s >= self._notices.lag_objective_s:
                return f"what is written in {source} is copied late or not at all"
        return ""

    def _decide(self, region: str, state: str, cause: Cause, reason: str, notice: str) -> None:
        """Adds the row of a decision together with its audit row, and tells people."""
        more = {"correlation_id": cause.request_id, "notice": notice}
        if self._state.added(region, state, cause.at):
            return
        try:
            row = self._decisions.add(region, state, at=cause.at, by=FAILOVER, reason=reason, **more)
        except ConflictError:
            if not self._state.added(region, state, cause.at):
                raise
            return
        self._logger.info("decided", peer=region, state=state, reason=reason)
        if state == EVACUATED:
            self._hasten(region)
        self._tell(region, row)

    def _hasten(self, region: str) -> None:
        """Publishes an evacuation without waiting for the probe, which goes on doing so."""
        try:
            self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=evacuation(region, True))
        except (BotoCoreError, ClientError) as error:
            self._logger.warning("metric failed", error_type=type(error).__name__)

    def _tell(self, region: str, row: Values) -> None:
        """Publishes a decision in its own region, or where that fails in another, the one it is about last.

        Raises:
            NobodyToldError: no region took it.
        """
        ways = [partial(self._publish, self._sns, self._configuration.alert_topic_arn)]
        ways += [partial(self._publish_at, peer) for peer in sorted(self._peers, key=lambda peer: peer == region)]
        for publish in ways:
            try:
                publish(row["notice"])
            except (BotoCoreError, ClientError) as error:
                self._logger.warning("topic failed", error_type=type(error).__name__)
            else:
                self._state.told(row)
                return
        raise NobodyToldError

    def _publish_at(self, peer: str, text: str) -> None:
        place = self._peers[peer]
        self._publish(self._sessions.client("sns", peer, place["role_arn"]), place["topic_arn"], text)

    @staticmethod
    def _publish(client: Any, topic_arn: str, text: str) -> None:
        client.publish(TopicArn=topic_arn, Subject=text.partition("\n")[0], Message=text)


def _none_serves(faults: Mapping[str, str], sights: Mapping[str, Sight]) -> bool:
    """Returns whether all of these regions can take no traffic, and are not just silent for a moment."""
    return all(
        fault == _EVACUATED or (fault and sights.get(other, Sight()).ill_since) for other, fault in faults.items()
    )
