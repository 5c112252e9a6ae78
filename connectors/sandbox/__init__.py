"""Simulated vendors, for demos and tests: state, rules, limits and faults."""
