"""Replays that the console runs: each in a process of its own beside the gateway, so that webhooks do not wait for it."""
