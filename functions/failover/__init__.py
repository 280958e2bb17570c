"""Evacuates a region that failed, and releases it when it is well again."""
