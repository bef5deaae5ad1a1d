# The image of the hub: one process that serves the API; `docker run … pmo-hub migrate` prepares the database first.
FROM python:3.11-slim AS builder

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build

# Dependencies in a layer of their own: it changes with the lock only.
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/pmo-hub \
    && /opt/pmo-hub/bin/pip install --require-hashes -r requirements.lock
# The build backend comes from the lock too; this environment is left behind.
RUN python -m venv /opt/builder \
    && /opt/builder/bin/pip install --require-hashes -r requirements-dev.lock

COPY pyproject.toml README.md CHANGELOG.md ./
COPY src src
COPY connectors connectors
COPY migrations migrations
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/pmo-hub/bin/pip install --no-deps /wheels/*.whl \
    && /opt/pmo-hub/bin/pip uninstall -y pip

FROM python:3.11-slim

RUN groupadd --system --gid 10001 pmo-hub \
    && useradd --system --uid 10001 --gid pmo-hub --home-dir /var/lib/pmo-hub --create-home pmo-hub
COPY --from=builder /opt/pmo-hub /opt/pmo-hub

ENV PATH=/opt/pmo-hub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PMO_HUB_ENVIRONMENT=production \
    PMO_HUB_HOST=0.0.0.0 \
    PMO_HUB_PORT=8000

USER pmo-hub
WORKDIR /var/lib/pmo-hub
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PMO_HUB_PORT'] + '/healthz', timeout=4)"]

ENTRYPOINT []
CMD ["pmo-hub", "serve"]
