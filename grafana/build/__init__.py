"""The dashboards' source: a small Python description from which `grafana/dashboards/*.json` is generated.

`python -m grafana.build` writes the JSON; a test holds that the committed files are what it would write.
One file a dashboard, read from top left to bottom right; `panels.py` has the kinds of panel, `dashboard.py` the frame around them.
"""
