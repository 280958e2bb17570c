"""The patient records API: one function behind an HTTP API."""
