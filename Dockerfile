# Penstock as an image: the wheel with the web UI is built in one stage, and installed alone in the other.
FROM node:22-slim AS node

FROM python:3.12-slim AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/penstock \
 && wheel="$(echo /wheels/penstock-*.whl)" \
 && /opt/penstock/bin/pip install --no-cache-dir --constraint constraints.txt "${wheel}[oidc,otel]" \
 && find /opt/penstock -name __pycache__ -type d -prune -exec rm -rf {} +

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin penstock
COPY --from=build /opt/penstock /opt/penstock
ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PENSTOCK_LOG_FORMAT=json \
    PENSTOCK_DATABASE_URL=sqlite:////data/.penstock/state.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/readyz', timeout=4)"]
ENTRYPOINT ["penstock"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8765"]
