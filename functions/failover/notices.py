"""What the function tells people: in plain words, for somebody who was just woken up.

The first line of each message is its subject.
"""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen


@frozen(kw_only=True)
class Notices:
    """Words the messages of one environment."""

    runbook_url: str
    suffix: str
    release_after_s: int
    lag_objective_s: int

    def evacuated(self, region: str, since: str, complaint: str, serving: Sequence[str]) -> str:
        """Returns what is told when a region has been evacuated."""
        return self._notice(
            f"{region} was evacuated, {_both(serving)} takes its traffic",
            f"{region} is not healthy: it {complaint}.",
            since,
            f"Everything is served by {_both(serving)}. {region} gets no traffic, even if it recovers for a moment.",
            f"Nothing has to be done at once. Look whether {_both(serving)} bears the load. {region} gets its traffic "
            f"back by itself when it has been healthy for {self.release_after_s} seconds and data is copied both ways "
            f"within {self.lag_objective_s} seconds; you are told then.",
            "a-region-was-evacuated",
        )

    def alone(self, region: str, since: str, complaint: str, others: Sequence[str]) -> str:
        """Returns what is told when a region has failed and no other one can take its traffic."""
        return self._notice(
            f"{region} failed and no other region can take over: ACT NOW",
            f"{region} is not healthy: it {complaint}. No other region is fit: {'; '.join(others)}. So nothing was "
            "evacuated.",
            since,
            "Perhaps nothing is served. DNS answers with every region that it finds healthy, and with all of them if "
            "it finds none.",
            "Bring one region back. If one of them works but is evacuated, release it.",
            "a-region-is-down",
        )

    def disputed(self, region: str, since: str, complaint: str, writer: str) -> str:
        """Returns what is told when a region is not healthy as seen from another one, and well as it sees itself."""
        command = f"python -m functions.evacuate evacuate {region} --suffix {self.suffix} --via {writer} --reason '...'"
        return self._notice(
            f"{region} does not answer {writer} and says that it is well: it was not evacuated",
            f"seen from {writer} it {complaint}; its own probe has found it healthy since, and could say so there.",
            since,
            f"DNS answers with {region} for as long as Route 53's own checks find it healthy.",
            f"Ask {region}'s /healthz from elsewhere. If it answers, the way from {writer} is broken, and nothing has "
            f"to be done at once. If clients fail, run: {command}",
            "a-region-says-that-it-is-well",
        )

    def switched_off(self, region: str, since: str, complaint: str, writer: str, serving: Sequence[str]) -> str:
        """Returns what is told when a region would have been evacuated, were it not for the setting."""
        command = f"python -m functions.evacuate evacuate {region} --suffix {self.suffix} --via {writer} --reason '...'"
        return self._notice(
            f"{region} is not healthy, and automatic evacuation is switched off",
            f"{region} is not healthy: it {complaint}.",
            since,
            f"DNS answers with {_both(serving)} while its own checks find {region} unhealthy. If {region} comes and "
            "goes, so does its traffic.",
            f"Decide whether {region} shall get no traffic until you release it. If so, run: {command}",
            "evacuation-is-switched-off",
        )

    def released(self, region: str, at: str, evacuated_at: str, reason: str) -> str:
        """Returns what is told when a region gets traffic again."""
        return self._notice(
            f"{region} was released and gets traffic again",
            f"{region} was evacuated on {_clock(evacuated_at)}. It is released, for: {reason}. In step is what is "
            f"copied both ways within {self.lag_objective_s} seconds; healthy, {self.release_after_s} seconds or more.",
            at,
            f"{region} gets its share of the traffic again, within about six minutes; the other regions go on if they "
            "are healthy.",
            "Look why it had failed. If no other region serves, bring one back.",
            "a-region-was-released",
        )

    def _notice(self, subject: str, happened: str, since: str, served: str, todo: str, anchor: str) -> str:
        lines = [
            subject,
            "",
            f"What happened: {happened}",
            f"Since: {_clock(since)}.",
            f"What is served: {served}",
            f"What to do: {todo}",
            f"Runbook: {self.runbook_url}#{anchor}",
        ]
        return "\n".join(lines)


def _both(regions: Sequence[str]) -> str:
    return " and ".join(regions)


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%d %B %Y, %H:%M:%S UTC")
