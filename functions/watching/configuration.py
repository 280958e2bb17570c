"""The configuration of the functions that watch the regions."""

from functions.shared.configuration import Environment

from attrs import frozen


@frozen(kw_only=True)
class Watch(Environment):
    """What the infrastructure tells a function that watches the regions."""

    state_table: str
    api_url: str
    """The API of its own region, by the name that AWS gives it."""
    aws_endpoint_url: str = ""
    """Where AWS is, if not at its own names."""
