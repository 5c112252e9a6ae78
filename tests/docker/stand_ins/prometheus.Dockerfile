# Stands in for prom/prometheus: Debian's package.
FROM lofty-ghl-stand-in/debian
LABEL stand-in="Debian's prometheus, not the project's image"
RUN ln -s /usr/bin/prometheus /bin/prometheus 2>/dev/null; mkdir -p /prometheus && chown nobody:nogroup /prometheus
USER nobody
WORKDIR /prometheus
EXPOSE 9090
VOLUME ["/prometheus"]
ENTRYPOINT ["/usr/bin/prometheus"]
