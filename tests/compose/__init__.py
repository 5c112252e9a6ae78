"""docker-compose.yml, run natively: our services by their own commands beside a real Kafka, Prometheus and Alertmanager.

There is no Docker engine wherever tests run, so what compose would do is done here: names become localhost, ports free ones,
mounted folders copies in which the names are replaced too. Nothing else is changed.

    python -m tests.compose --keep          the profile demo, until Ctrl-C
"""
