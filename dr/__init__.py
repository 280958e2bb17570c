"""Multi-region disaster recovery: regions, and the links between them."""

from dr.bindings import install

# Before the first import of a binding, wherever that stands.
install()
