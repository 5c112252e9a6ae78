# lofty-ghl as an image: `docker build -t lofty-ghl .`, then `docker run lofty-ghl --help`.
# Every package is checked against the hashes of requirements.lock. Only packages that the program needs are downloaded.
# It runs with a read-only root file system: it writes only to /var/lib/lofty-ghl and /tmp.

FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.lock pyproject.toml ./
COPY deploy/runtime_lock.py deploy/runtime_lock.py
RUN python deploy/runtime_lock.py requirements.lock --extra tracing >runtime.lock \
 && python deploy/runtime_lock.py requirements.lock --only hatchling >build.lock \
 && python -m venv --without-pip /opt/lofty-ghl \
 && pip --python /opt/lofty-ghl/bin/python install --require-hashes --no-deps --only-binary :all: -r runtime.lock \
 && pip install --require-hashes --no-deps -r build.lock
COPY README.md LICENSE ./
COPY connectors connectors
COPY streams streams
RUN pip wheel --no-deps --no-build-isolation -w dist . \
 && pip --python /opt/lofty-ghl/bin/python install --no-deps --no-index dist/*.whl \
 && /opt/lofty-ghl/bin/lofty-ghl --help >/dev/null

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/lofty-ghl --create-home lofty-ghl
COPY --from=build /opt/lofty-ghl /opt/lofty-ghl
ENV PATH=/opt/lofty-ghl/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOFTY_GHL_CONFIG=/etc/lofty-ghl/lofty-ghl.toml
USER 10001
WORKDIR /var/lib/lofty-ghl
# A worker's tables are here: mount a volume. None is declared, so that no data stays behind in an unnamed volume.
# 8080: the gateway's webhooks, console and health; 8081: a worker's health and metrics.
EXPOSE 8080 8081
ENTRYPOINT ["lofty-ghl"]
CMD ["--help"]
