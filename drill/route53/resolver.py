"""A resolver as clients have it: real queries, and a cache."""

import time
from collections.abc import Callable

from drill.route53.answers import ALIAS_NOTE

import attrs
from dns import exception, message, query, rcode, rdatatype

ANSWERED_WITHIN_S = 5.0


class ResolutionError(Exception):
    """A name did not resolve; the message says why."""


@attrs.frozen
class Kept:
    """An answer in a resolver's cache.

    Attributes:
        target: The host that the name leads to.
        at: When it was given.
        until: Until when the resolver keeps to it.
    """

    target: str
    at: float
    until: float


class Resolver:
    """One client's or one provider's resolver, which keeps answers for their TTL, or for longer.

    It keeps nothing beyond that: when the server does not answer, it fails, as it does for a name that is not there.

    Attributes:
        answers: What it was answered, on its clock.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        scale: float = 1.0,
        overstay_s: float = 0.0,
        age_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the resolver; its cache is empty.

        Args:
            address: The host and port of the DNS server.
            scale: What TTLs and `overstay_s` are multiplied by, as in the `SimulatedRoute53` that is asked.
            overstay_s: How long after its TTL an answer is still given, seconds: some resolvers do.
            age_s: How old its first answers are already, seconds, as those that it shares with others: whoever comes
                to a cache finds it in the middle of a TTL.
            clock: Seconds, for the cache.
        """
        self._address, self._scale, self._overstay_s, self._clock = address, scale, overstay_s, clock
        self._age_s = age_s
        self._cache: dict[str, Kept] = {}
        self.answers: list[Kept] = []

    def resolve(self, name: str) -> str:
        """The host that a name leads to: the target of its CNAME or alias, else its address.

        Raises:
            ResolutionError: There is no such name, it has no address, or the server did not answer.
        """
        now = self._clock()
        known = self._cache.get(name)
        if known is None or known.until <= now:
            target, ttl = self.ask(name)
            age = 0.0 if known else min(ttl, self._age_s)
            until = now + (ttl - age + self._overstay_s) * self._scale
            known = self._cache[name] = Kept(target, self._clock(), until)
            self.answers.append(known)
        return known.target

    def ask(self, name: str) -> tuple[str, int]:
        """What the server answers now, whatever is in the cache, and for how many seconds that may be kept.

        Raises:
            ResolutionError: As of `resolve`.
        """
        host, port = self._address
        try:
            response, _ = query.udp_with_fallback(
                message.make_query(name, "A"), host, timeout=ANSWERED_WITHIN_S, port=port
            )
        except (OSError, exception.DNSException) as error:
            raise ResolutionError(f"{host}:{port} did not answer for {name!r}: {error}") from error
        if response.rcode() != rcode.NOERROR or not response.answer:
            found = rcode.to_text(response.rcode())
            raise ResolutionError(f"{name!r} has no address, got: {found} without an answer from {host}:{port}")
        return _target(response), min(each.ttl for each in response.answer)


def _target(response: message.Message) -> str:
    for note in response.additional:
        text = str(note[0]).strip('"')
        if note.rdtype == rdatatype.TXT and text.startswith(ALIAS_NOTE):
            return text.removeprefix(ALIAS_NOTE)
    names = [each for each in response.answer if each.rdtype == rdatatype.CNAME]
    return str((names or response.answer)[-1][0]).rstrip(".")
