"""Verify: compares what GHL holds with the latest snapshots, and mends what differs. `lofty-ghl verify` is its command.

It asks the owners of the budgets through Kafka (`messages/inspection.py`) and never calls a vendor itself.
"""
