"""The functions, called as the gateway calls them, against the embedded AWS."""
