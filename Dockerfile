# lofty-ghl as an image: `docker build -t lofty-ghl .`, then `docker run lofty-ghl --help`.
# Every package is checked against the hashes of requirements.lock; only those that the program needs reach the image.

FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN pip wheel --no-cache-dir --require-hashes -r requirements.lock -w /wheels \
 && pip install --no-cache-dir --no-index --find-links /wheels build hatchling
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY streams streams
RUN python -m build --wheel --no-isolation -o /wheels . \
 && python -m venv /opt/lofty-ghl \
 && /opt/lofty-ghl/bin/pip install --no-cache-dir --no-index --find-links /wheels lofty-ghl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/lofty-ghl --create-home lofty-ghl
COPY --from=build /opt/lofty-ghl /opt/lofty-ghl
ENV PATH=/opt/lofty-ghl/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOFTY_GHL_CONFIG=/etc/lofty-ghl/lofty-ghl.toml
USER 10001
WORKDIR /var/lib/lofty-ghl
# The tables of a worker. Each worker needs one of its own.
VOLUME /var/lib/lofty-ghl
# 8080: the gateway's webhooks and health; 8081: a worker's health and metrics.
EXPOSE 8080 8081
ENTRYPOINT ["lofty-ghl"]
CMD ["--help"]
