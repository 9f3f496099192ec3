# The Graph server, ready for a read-only root, no capabilities and a nameless user.
# Why it looks like this: docs/decisions/0003-image.md. Built and tried by `make image`.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
# Two optional build secrets, for hosts with a package mirror or a private CA; neither reaches a layer.
# Without them pip uses its own defaults.
ENV PIP_CONFIG_FILE=/run/secrets/pip_conf \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/venv
COPY requirements/run.txt /build/requirements/
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=pip_ca \
    --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --quiet --no-compile --require-hashes \
        -r /build/requirements/run.txt
COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
COPY servers /build/servers
# The wheel is built by the locked build tools, which then go again; `pip check` would notice one too many.
RUN pip --python /opt/venv/bin/python wheel --quiet --no-deps --no-build-isolation --no-index \
        --wheel-dir /build/dist /build \
    && pip --python /opt/venv/bin/python install --quiet --no-deps --no-compile --no-index /build/dist/*.whl \
    && pip --python /opt/venv/bin/python uninstall --quiet --yes \
        editables hatchling packaging pathspec pluggy tomlkit trove-classifiers \
    && pip --python /opt/venv/bin/python check
# unchecked-hash: byte code stays valid whatever a registry or a rebuild does to file times.
# Graph's generated models stay source: 175 MiB of byte code for a start that would not be faster.
RUN /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/msgraph/generated/' /opt/venv/lib

FROM ${BASE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="obo-mcp" \
      org.opencontainers.image.description="Microsoft Graph for MCP agents, on behalf of the signed-in person" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nobody in here may become somebody else.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/nonexistent \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OBO_MCP_HOST=0.0.0.0 \
    OBO_MCP_PORT=8000
USER 65532:65532
WORKDIR /
EXPOSE 8000
STOPSIGNAL SIGTERM
# -IS: the standard library and nothing else, so that the check is cheap and cannot fail for our packages' sake.
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-IS", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['OBO_MCP_PORT']), timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "obo_graph"]
