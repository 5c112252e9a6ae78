# Stands in for grafana/grafana, of which Debian has no package: it reads what is mounted and answers /api/health. It shows nothing.
FROM lofty-ghl-stand-in/debian
LABEL stand-in="answers /api/health and nothing else; it is no Grafana"
RUN useradd --uid 472 grafana && mkdir -p /var/lib/grafana && chown grafana /var/lib/grafana
COPY grafana.py /grafana.py
USER 472
EXPOSE 3000
CMD ["python3", "/grafana.py"]
