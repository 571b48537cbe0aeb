"""Seeing the service at work: request ids, a JSON access log and Prometheus metrics.

The log holds method, route, path, status and time: no query string, header, address or body,
so no secret and no personal data reach it.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.problems import request_id

log = logging.getLogger("app.access")
_ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
UNMATCHED = "unmatched"


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self.requests = Counter(
            "http_requests_total", "Requests answered.", labels, registry=self.registry
        )
        self.seconds = Histogram(
            "http_request_seconds", "Time to answer.", labels[:2], registry=self.registry
        )
        self.answers = Counter(
            "public_answers_total",
            "Answers to the public by where they came from: given from memory, unmodified (304 "
            "from memory), or made.",
            ["outcome"],
            registry=self.registry,
        )
        self.answer_bytes = Gauge(
            "public_answers_bytes", "Memory of kept answers.", registry=self.registry
        )


class Observe:
    """The outermost middleware: names each request, times it and writes it down."""

    def __init__(self, app: ASGIApp, *, api: FastAPI, metrics: Metrics) -> None:
        self.app = app
        self.api = api
        self.metrics = metrics
        self._paths: Mapping[Any, str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one HTTP request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        name = given.decode() if _ACCEPTABLE_ID.fullmatch(given) else secrets.token_hex(12)
        token = request_id.set(name)
        started = time.perf_counter()
        status = 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(raw=message.setdefault("headers", []))["X-Request-Id"] = name
            await send(message)

        try:
            await self.app(scope, receive, named)
        finally:
            taken = time.perf_counter() - started
            self._record(scope, status, taken)
            request_id.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._route(scope)
        self.metrics.requests.labels(scope["method"], route, status).inc()
        self.metrics.seconds.labels(scope["method"], route).observe(seconds)
        log.info(
            "request",
            extra={
                "method": scope["method"],
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 2),
            },
        )

    def _route(self, scope: Scope) -> str:
        if self._paths is None:
            self._paths = {
                context.endpoint: context.path
                for context in iter_route_contexts(self.api.routes)
                if getattr(context, "endpoint", None)
            }
        return self._paths.get(scope.get("endpoint")) or UNMATCHED


class JSONFormatter(logging.Formatter):
    """One JSON object a line, with the id of the request at hand."""

    _standard = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            entry["request_id"] = request_id.get()
        entry |= {
            k: v
            for k, v in vars(record).items()
            if k not in self._standard and k != "color_message"
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def log_json(level: str) -> None:
    """Send every log line of this process to standard error as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("httpx").setLevel(logging.WARNING)
