"""Draws a dashboard as Grafana does, from its JSON and a real Prometheus.

Grafana itself cannot be had on every machine that makes the pictures.
So this reads the same JSON, runs the panels' own queries through Prometheus' HTTP API, and draws the kinds of panel that our dashboards use, in Grafana's dark theme, on its grid, with its units, thresholds, legends and mappings.
It is a likeness: what a panel asks and shows is the dashboard's own, how it looks is redrawn.

    python -m tests.grafana.render --prometheus http://localhost:9090 --minutes 15 --out grafana/pictures
"""
