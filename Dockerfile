# One image for every role: `serve`, `work`, `migrate` and the other commands of `python -m app`.

FROM python:3.14-slim-trixie AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && /opt/venv/bin/python -m compileall -q /opt/venv

FROM python:3.14-slim-trixie
RUN useradd --system --uid 10001 --user-group --home-dir /srv/lcep --no-create-home lcep \
    && install --directory --owner=lcep --group=lcep /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/lcep
COPY LICENSE NOTICE alembic.ini ./
COPY migrations migrations
COPY openapi openapi
COPY app app
RUN python -m compileall -q app migrations
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LCEP_DATABASE_URL=sqlite:////data/lcep.db
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "app", "serve", "--host", "0.0.0.0", "--port", "8000"]
