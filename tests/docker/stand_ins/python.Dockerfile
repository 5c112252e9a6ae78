# Stands in for python:3.11-slim: Debian's Python 3.11, with this machine's certificates and package index.
FROM lofty-ghl-stand-in/debian
LABEL stand-in="Debian's python3, not the official image"
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
RUN ln -s python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
CMD ["python"]
