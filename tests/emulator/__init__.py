"""The embedded AWS itself."""
