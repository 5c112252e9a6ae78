"""The outside world: vendor clients, their wire models, their limits and their sandboxes.

Usable without Kafka, and never imports ``streams``.
"""
