"""The functions that watch the regions and act, against the embedded AWS."""
