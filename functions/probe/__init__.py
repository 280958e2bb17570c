"""Watches all regions from one of them, every minute."""
