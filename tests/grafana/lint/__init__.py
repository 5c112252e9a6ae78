"""The linter of `grafana/`: pure functions from what the files hold to findings, one sentence each."""
