"""Verify: compares GHL with the newest snapshots, and repairs differences on request. `lofty-ghl verify` is its command.

It never calls a vendor itself: it asks the workers that own the budgets, through Kafka (`messages/inspection.py`).
"""
