"""How far the work has come: backlog, undelivered webhooks, hold times, repeated failures, health. Pure."""
