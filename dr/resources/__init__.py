"""The constructs that regions and links are built from."""
