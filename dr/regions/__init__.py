"""Regions: one stack each, holding all that the region needs to serve alone."""
