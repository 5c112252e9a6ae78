"""Lofty: its client, its webhooks and its times. Its sandbox is `connectors.sandbox.lofty`."""
