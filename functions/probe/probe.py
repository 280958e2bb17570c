"""What one region sees of all regions: who lives, who serves, how late its writes arrive, who is evacuated."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from functions.shared.clients import WATCHING, Clients
from functions.shared.sessions import Sessions
from functions.shared.table import now
from functions.watching.configuration import Watch
from functions.watching.endpoint import SILENT, Patience, complaints
from functions.watching.metrics import NAMESPACE, evacuation, sample
from functions.watching.parts import Parts
from functions.watching.state import PROBE_OBJECTS, Sight, State, age_s, state_of
from functions.watching.together import Tasks

from attrs import define, evolve, field, frozen
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

STORES = ("tables", "documents")
_WRITTEN_AT = "written-at"
_POLL_SECONDS = 0.1
# Healthy in three runs in a row, a region is steady again; one that comes and goes is not.
_STEADY_PERIODS = 1.5


@frozen(kw_only=True)
class Configuration(Watch):
    """What the infrastructure tells the probe; of each peer the ``bucket``, and the ``role_arn`` by which to look."""

    documents_bucket: str
    documents_key_arn: str
    arrival_s: str
    """How long a write is waited for in another region: longer than the lag that an alarm tells of."""


@frozen(kw_only=True)
class Limits(Patience):
    """Seconds that the parts of a run may take; together with the wait for arrival they bound it whatever hangs."""

    own: float = 4.0
    """What is asked of the probe's own region, each time."""
    period: float = 60.0
    """How long after one run the next one comes."""


@frozen
class Beat:
    """When the heartbeat of this run was written, the one before it, and the first of all."""

    at: str
    previous: str
    first: str

    def lag_s(self, arrived: str, period: float) -> float:
        """Returns for how long at least what is written here has not come to where ``arrived`` is the newest beat."""
        if arrived >= self.previous or self.at == self.first:
            return age_s(self.at)
        if not arrived:
            return age_s(self.first)
        # The beat after the one that arrived is missing: written a period later, and not after the previous one.
        return max(age_s(self.previous), age_s(arrived) - period)


@define
class Probe:
    """One region's probe."""

    _configuration: Configuration
    _clients: Clients
    _peers: Mapping[str, Mapping[str, str]]
    _logger: Logger
    _limits: Limits
    _region: str = field(init=False)
    _arrival: float = field(init=False)
    _state: State = field(init=False)
    _replicas: Mapping[str, State] = field(init=False)
    _sessions: Sessions = field(init=False)
    _s3: Any = field(init=False)
    _cloudwatch: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        make, table = self._clients.client, self._configuration.state_table
        self._region, self._arrival = self._configuration.aws_region, float(self._configuration.arrival_s)
        self._state = state_of(make("dynamodb", WATCHING), table, self._region)
        self._replicas = {peer: state_of(make("dynamodb", WATCHING, region=peer), table, peer) for peer in self._peers}
        self._sessions = Sessions(self._clients, "probe", WATCHING)
        self._s3, self._cloudwatch = make("s3", WATCHING), make("cloudwatch", WATCHING)

    def run(self) -> None:
        """Looks once, and publishes what it sees: health first, for traffic depends on it, then replication."""
        parts = Parts(self._logger)
        known = parts.run(self._known(), self._limits.own)
        beats = {peer: beat for peer, beat in known.get("heartbeats", {}).items() if beat}
        ages = {peer: age_s(beat["written_at"]) for peer, beat in beats.items()}
        urls = {peer: beat["api_url"] for peer, beat in beats.items()} | {self._region: self._configuration.api_url}
        found, at = complaints(urls, self._configuration.aws_endpoint_url, self._limits), now()
        evacuated: dict[str, bool] = known.get("evacuations", {})
        samples = [
            *(sample("Healthy", not complaint, Region=region) for region, complaint in found.items()),
            *(sample("HeartbeatAge", age, unit="Seconds", Region=peer) for peer, age in ages.items()),
            *(each for peer, state in evacuated.items() for each in evacuation(peer, state)),
        ]
        before: Mapping[str, Sight] | None = known.get("sights")
        sights: dict[str, Sight] = {}
        if before is not None:  # or all would seem to have begun now
            steady = _STEADY_PERIODS * self._limits.period
            sights = {region: _sight(before.get(region, Sight()), each, at, steady) for region, each in found.items()}
        # Kept before replication is waited for, for the next run may begin meanwhile.
        tasks = {"metrics": partial(self._publish, samples), "sights": partial(self._look, sights, at)}
        own = parts.run({**tasks, **self._written(now())}, self._limits.own)
        lags = self._lags(parts, own, found)
        samples = [
            sample("ReplicationLag", lag, unit="Seconds", Source=self._region, Target=peer, Store=store)
            for (store, peer), lag in lags.items()
        ]
        late = {region: evolve(sight, lag_s=lags.get(("tables", region))) for region, sight in sights.items()}
        last = {"lag metrics": partial(self._publish, samples), "sights": partial(self._look, late, at)}
        parts.run(last, self._limits.own)
        self._logger.info(
            "probed",
            complaints={region: complaint for region, complaint in found.items() if complaint},
            unknown=sorted(self._peers.keys() - urls.keys()),
            heartbeat_age_s=ages,
            replication_lag_s={_lag(*way): lag for way, lag in lags.items()},
            evacuated=[peer for peer, state in evacuated.items() if state],
        )
        parts.close()

    def _known(self) -> Tasks:
        """What has come from the others, and what the run before saw."""
        return {
            "heartbeats": lambda: {peer: self._state.heartbeat(peer) for peer in self._peers},
            "evacuations": lambda: {peer: self._state.evacuation(peer) is not None for peer in self._peers},
            "sights": lambda: self._state.sights(self._region),
        }

    def _written(self, at: str) -> Tasks:
        """How the region says that it lives, in its table and in its bucket."""
        return {"heartbeat": partial(self._beat, at), "object": partial(self._put, at)}

    def _publish(self, samples: Sequence[dict[str, Any]]) -> None:
        if samples:
            self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=samples)

    def _look(self, sights: dict[str, Sight], at: str) -> None:
        if sights:
            self._state.look(sights, at)

    def _lags(self, parts: Parts, written: Mapping[str, Any], found: Mapping[str, str]) -> dict[tuple[str, str], float]:
        """Returns how late each store of each other region is; where that cannot be seen it is left out.

        That is a failure of the probe's own if the region serves all the same: nothing would tell of a lag.
        """
        if "heartbeat" not in written:
            return {}
        tasks: dict[str, Callable[[], float]] = {}
        for peer in self._peers:
            tasks[_lag("tables", peer)] = partial(self._table_lag, peer, written["heartbeat"])
            if "object" in written:
                tasks[_lag("documents", peer)] = partial(self._document_lag, peer, written["heartbeat"])
        excused = [_lag(store, peer) for store in STORES for peer in self._peers if found.get(peer, SILENT)]
        seen = parts.run(tasks, self._arrival + self._limits.own, others=excused)
        ways = ((store, peer) for store in STORES for peer in self._peers)
        return {way: seen[part] for way in ways if (part := _lag(*way)) in seen}

    def _beat(self, at: str) -> Beat:
        last = self._state.beat(at, self._configuration.api_url)
        return Beat(at, last["written_at"], last["began_at"])

    def _put(self, at: str) -> None:
        self._s3.put_object(
            Bucket=self._configuration.documents_bucket,
            Key=f"{PROBE_OBJECTS}{self._region}",
            Body=b"",
            Metadata={_WRITTEN_AT: at},
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._configuration.documents_key_arn,
        )

    def _table_lag(self, peer: str, beat: Beat) -> float:
        """Waits a little for the heartbeat to come to the peer's replica."""
        ends = time.monotonic() + self._arrival
        while True:
            row = self._replicas[peer].heartbeat(self._region)
            arrived = row["written_at"] if row else ""
            if arrived >= beat.at or time.monotonic() + _POLL_SECONDS > ends:
                return beat.lag_s(arrived, self._limits.period)
            time.sleep(_POLL_SECONDS)

    def _document_lag(self, peer: str, beat: Beat) -> float:
        """Looks for the object in the peer's bucket; most copies take longer than it could wait."""
        place = self._peers[peer]
        s3, key = self._sessions.client("s3", peer, place["role_arn"]), f"{PROBE_OBJECTS}{self._region}"
        try:
            arrived = s3.head_object(Bucket=place["bucket"], Key=key)["Metadata"][_WRITTEN_AT]
        except ClientError as error:
            if error.response["Error"].get("Code") not in ("403", "404"):
                raise
            # To who may list but the probes' own, S3 calls forbidden what is not there.
            if s3.list_objects_v2(Bucket=place["bucket"], Prefix=key, MaxKeys=1).get("KeyCount"):
                raise
            arrived = ""
        return beat.lag_s(arrived, self._limits.period)


def _sight(before: Sight, complaint: str, at: str, steady_s: float) -> Sight:
    """Returns what is seen of a region: ill or healthy since the first of the runs in a row that saw it so."""
    if complaint:
        return Sight("", before.lag_s, before.ill_since or at, before.unsteady_since or at)
    since = before.healthy_since or at
    return Sight(since, before.lag_s, "", before.unsteady_since if age_s(since, at) < steady_s else "")


def _lag(store: str, peer: str) -> str:
    return f"lag of {store} to {peer}"
