"""What both sandboxes are built on: routing, the ledger of requests, limits, consent, faults, control."""
