"""The recovery objectives, and what a configuration can reach of them."""

# The business's own figures.
RECOVERY_TIME_OBJECTIVE_S = 300
RECOVERY_POINT_OBJECTIVE_S = 60

# A checker connects within 4 s, reads the status within 2 s more and the body within 2 s more
# (Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy").
CHECK_TIMEOUT_S = 4 + 2 + 2

# An alias has no TTL of its own: Route 53 answers with its target's, 60 s for API Gateway's names.
ALIAS_TTL_S = 60


def recovery_time_s(*, interval_s: int, failure_threshold: int, ttl_s: int) -> int:
    """Seconds from the loss of a region until no resolver that keeps TTLs answers with it, at the worst.

    The last good probe may end just before the loss; `failure_threshold` probes then fail, each `interval_s` apart
    and the last as slow as a checker allows; an answer given just before that stays cached for `ttl_s`.
    Clients that keep answers for longer than their TTL come on top.
    """
    return interval_s * failure_threshold + CHECK_TIMEOUT_S + ttl_s
