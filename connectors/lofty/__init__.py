"""Lofty: its client, its webhooks, its times, and its sandbox (`connectors.lofty.sandbox`)."""
