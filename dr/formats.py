"""What domains, issuers and subscriptions must look like."""

import re
from collections.abc import Iterator

# RFC 2606 and RFC 6761, and the names that only mean something inside one network.
RESERVED_DOMAINS = ("example.com", "example.edu", "example.net", "example.org", "amazonaws.com", "aws.amazon.com")
RESERVED_TOP_LEVELS = ("arpa", "example", "internal", "invalid", "lan", "local", "localhost", "onion", "test")
# A certificate's first name has 64 characters at the most (ACM, RequestCertificate), and "api." comes before.
DOMAIN_LENGTH = 64 - len("api.")

# The page in this project that notifications lead to.
RUNBOOK = "docs/runbook.md"

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
_HOST = rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?"
_PATH = r"(/[!$-<>@-~]*)?"  # printable, without a fragment
# Loopback is for an issuer beside the embedded AWS; AWS itself reaches public ones only.
_ISSUER = re.compile(rf"(https://{_HOST}|http://127\.0\.0\.1(:[0-9]{{1,5}})?){_PATH}")
_RUNBOOK = re.compile(rf"https://{_HOST}{_PATH}(\?[!-\"$-~]*)?")
_PROTOCOLS = {
    "email": re.compile(rf"[^@\s,]+@({_LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE),
    "https": re.compile(rf"https://{_HOST}{_PATH}(\?[!-~]*)?", re.IGNORECASE),
    "sqs": re.compile(r"arn:aws:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?"),
}


def check_domain(value: object) -> Iterator[str]:
    """Check that a name can be a public domain of one's own."""
    if not isinstance(value, str) or not _DOMAIN.fullmatch(value):
        yield "must be a domain name of two or more labels of a-z, 0-9 and '-'"
        return
    if len(value) > DOMAIN_LENGTH:
        yield f"must have {DOMAIN_LENGTH} characters at the most"
    if f".{value}".endswith(tuple(f".{name}" for name in (*RESERVED_DOMAINS, *RESERVED_TOP_LEVELS))):
        yield "must not be a reserved domain, use healthcare-dr-<suffix>.com or one of your own"


def check_issuer(value: object) -> Iterator[str]:
    """Check that a URL can be an issuer's, or that there is none."""
    if value is not None and not (isinstance(value, str) and _ISSUER.fullmatch(value)):
        yield "must be an https URL without query, exactly as the tokens name it"


def check_runbook(value: object) -> Iterator[str]:
    """Check that notifications can name a runbook: this project's page, or where it is published."""
    if value != RUNBOOK and not (isinstance(value, str) and _RUNBOOK.fullmatch(value)):
        yield f"must be an https URL without fragment, or {RUNBOOK!r}"


def check_subscriptions(value: object) -> Iterator[str]:
    """Check that each endpoint can be subscribed to a topic, and is given once."""
    endpoints = value if isinstance(value, tuple) else ()
    for endpoint in endpoints:
        if not isinstance(endpoint, str) or protocol_of(endpoint) is None:
            yield f"must hold email addresses, https URLs and SQS queue ARNs only, not {endpoint!r}"
    if len(set(endpoints)) != len(endpoints):
        yield "must hold each endpoint once"


def protocol_of(endpoint: str) -> str | None:
    """The SNS protocol by which an endpoint is reached: email, https, sqs, or None where it is none of these."""
    return next((protocol for protocol, form in _PROTOCOLS.items() if form.fullmatch(endpoint)), None)
