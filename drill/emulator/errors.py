"""What can go wrong with the embedded AWS."""

from __future__ import annotations


class EmbeddedAwsError(RuntimeError):
    """The embedded AWS did not start, ended by itself, or refused an order."""
