"""What one region sees of all regions: who lives, who serves, how late its writes arrive, who is evacuated."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from functions.shared.clients import WATCHING, Clients
from functions.shared.configuration import Watch
from functions.shared.endpoint import SILENT, Endpoint, Patience
from functions.shared.metrics import NAMESPACE, evacuation, sample
from functions.shared.parts import Parts
from functions.shared.sessions import Sessions
from functions.shared.state import PROBE_OBJECTS, Sight, State, age_s, state_of
from functions.shared.table import now
from functions.shared.together import Tasks

from attrs import define, field, frozen
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

STORES = ("tables", "documents")
_WRITTEN_AT = "written-at"
_POLL_SECONDS = 0.1


@frozen(kw_only=True)
class Configuration(Watch):
    """What the infrastructure tells the probe; of each peer the ``bucket``, and the ``role_arn`` by which to look."""

    documents_bucket: str
    documents_key_arn: str


@frozen(kw_only=True)
class Limits(Patience):
    """Seconds that the parts of a run may take; together they stay under 20 s whatever hangs."""

    own: float = 4.0
    """What is asked of the probe's own region, before the others and again after them."""
    arrival: float = 4.0
    """How long a write is waited for in another region."""
    period: float = 60.0
    """How long after one run the next one comes."""


@frozen
class Beat:
    """The heartbeat of this run, and when the one before it was written."""

    at: str
    previous: str

    def lag_s(self, arrived: str, period: float) -> float:
        """Returns for how long at least what is written here has not come to where ``arrived`` is the newest beat."""
        if arrived >= self.previous:
            return age_s(self.at)
        # The beat after the one that arrived is missing: written a period later, and not after the previous one.
        return max(age_s(self.previous), age_s(arrived) - period if arrived else 0.0)


@define
class Probe:
    """One region's probe."""

    _configuration: Configuration
    _clients: Clients
    _peers: Mapping[str, Mapping[str, str]]
    _logger: Logger
    _limits: Limits
    _region: str = field(init=False)
    _state: State = field(init=False)
    _replicas: Mapping[str, State] = field(init=False)
    _sessions: Sessions = field(init=False)
    _s3: Any = field(init=False)
    _cloudwatch: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        make, table = self._clients.client, self._configuration.state_table
        self._region = self._configuration.aws_region
        self._state = state_of(make("dynamodb", WATCHING), table, self._region)
        self._replicas = {peer: state_of(make("dynamodb", WATCHING, region=peer), table, peer) for peer in self._peers}
        self._sessions = Sessions(self._clients, "probe", WATCHING)
        self._s3, self._cloudwatch = make("s3", WATCHING), make("cloudwatch", WATCHING)

    def run(self) -> None:
        """Looks once, and publishes what it sees.

        Raises:
            FailedPartsError: something failed in the probe's own region; that another one is gone is no failure.
        """
        parts = Parts(self._logger)
        known = parts.run(self._own(now()), self._limits.own)
        beats = {peer: beat for peer, beat in known.get("heartbeats", {}).items() if beat}
        ages = {peer: age_s(beat["written_at"]) for peer, beat in beats.items()}
        urls = {peer: beat["api_url"] for peer, beat in beats.items()} | {self._region: self._configuration.api_url}
        seen = parts.run(self._others(known, urls), self._limits.asking, own=False)
        complaints = {region: seen.get(f"health of {region}", SILENT) for region in urls}
        lags = {
            (store, peer): seen[part] for store in STORES for peer in self._peers if (part := _lag(store, peer)) in seen
        }
        evacuated: dict[str, bool] = known.get("evacuations", {})
        samples = [
            *(sample("Healthy", not complaint, Region=region) for region, complaint in complaints.items()),
            *(sample("HeartbeatAge", age, unit="Seconds", Region=peer) for peer, age in ages.items()),
            *(
                sample("ReplicationLag", lag, unit="Seconds", Source=self._region, Target=peer, Store=store)
                for (store, peer), lag in lags.items()
            ),
            *(each for peer, state in evacuated.items() for each in evacuation(peer, state)),
        ]
        sights = {
            peer: Sight(self._healthy_since(peer, complaints, known), lags.get(("tables", peer))) for peer in beats
        }
        last: Tasks = {
            "metrics": lambda: self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=samples),
            "sights": lambda: self._state.look(sights),
        }
        parts.run(last, self._limits.own)
        self._logger.info(
            "probed",
            complaints={region: complaint for region, complaint in complaints.items() if complaint},
            unknown=sorted(self._peers.keys() - urls.keys()),
            heartbeat_age_s=ages,
            replication_lag_s={_lag(*way): lag for way, lag in lags.items()},
            evacuated=[peer for peer, state in evacuated.items() if state],
        )
        parts.close()

    def _own(self, at: str) -> Tasks:
        """What is done in its own region: it says that it lives, and reads what has come from the others."""
        return {
            "heartbeat": lambda: Beat(at, self._state.beat(at, self._configuration.api_url)),
            "object": lambda: self._put(at),
            "heartbeats": lambda: {peer: self._state.heartbeat(peer) for peer in self._peers},
            "evacuations": lambda: {peer: self._state.evacuation(peer) is not None for peer in self._peers},
            "sights": lambda: self._state.sights(self._region),
        }

    def _others(self, known: Mapping[str, Any], urls: Mapping[str, str]) -> Tasks:
        """What is asked of every region as a client does, and of the others' replicas."""
        tasks: dict[str, Callable[[], Any]] = {}
        for region, url in urls.items():
            endpoint = Endpoint(url, self._configuration.aws_endpoint_url, self._limits)
            tasks[f"health of {region}"] = endpoint.complaint
        if beat := known.get("heartbeat"):
            for peer in self._peers:
                tasks[_lag("tables", peer)] = partial(self._table_lag, peer, beat)
                if "object" in known:
                    tasks[_lag("documents", peer)] = partial(self._document_lag, peer, beat)
        return tasks

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
        ends = time.monotonic() + self._limits.arrival
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
            # Without the right to list the bucket, S3 calls an object forbidden that is not there.
            if error.response["Error"].get("Code") not in ("403", "404"):
                raise
            arrived = ""
        return beat.lag_s(arrived, self._limits.period)

    def _healthy_since(self, peer: str, complaints: Mapping[str, str], known: Mapping[str, Any]) -> str:
        """Returns since when the peer is healthy in every run that was not late."""
        before: Sight = known.get("sights", {}).get(peer, Sight())
        return "" if complaints[peer] else before.healthy_since or now()


def _lag(store: str, peer: str) -> str:
    return f"lag of {store} to {peer}"
