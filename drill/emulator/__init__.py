"""An AWS of the project's own: ministack behind a wrapper that knows regions, and can break them."""

from drill.emulator.errors import EmbeddedAwsError
from drill.emulator.process import EmbeddedAws

__all__ = ["EmbeddedAws", "EmbeddedAwsError"]
