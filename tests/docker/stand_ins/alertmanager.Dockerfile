# Stands in for prom/alertmanager: Debian's package.
FROM lofty-ghl-stand-in/debian
LABEL stand-in="Debian's prometheus-alertmanager, not the project's image"
RUN mkdir -p /alertmanager && chown nobody:nogroup /alertmanager
USER nobody
WORKDIR /alertmanager
EXPOSE 9093
VOLUME ["/alertmanager"]
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]
