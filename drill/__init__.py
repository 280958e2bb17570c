"""The failover drill: an embedded AWS, and what breaks it and watches it."""
