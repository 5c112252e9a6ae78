"""Proofs of `grafana/`: the linter of dashboards, rules and runbook, a renderer of dashboards, and what runs a real Prometheus."""
