"""Parked records: which are open, and how each is retried."""
