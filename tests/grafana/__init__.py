"""Checks of `grafana/`: a linter of dashboards, rules and runbook, and `promtool`."""
