"""The server that does nothing: plain Starlette routes that return bytes kept in memory.

`python -m tests.benchmarks.bare plain PORT ANSWERS` has no middleware. `same PORT ANSWERS` puts
the same routes in front of the service's own, so that they stand behind all its middleware.
"""

import base64
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.kit.observe import log_json
from app.main import create_app
from app.settings import Settings
from tests.benchmarks.load import HOST

READY = "/bare"


@dataclass(frozen=True)
class Kept:
    """An answer of the service, to be given again: body in Base64, path with its query."""

    method: str
    route: str
    path: str
    status: int
    media_type: str
    encoding: str
    body: str
    etag: str = ""
    """Given along, so that no middleware makes one of the body."""


def keep(path: Path, answers: Iterable[Kept]) -> None:
    """Write the answers down for a server to read."""
    path.write_text(json.dumps([asdict(answer) for answer in answers]))


def routes(answers: Sequence[Kept]) -> list[Route]:
    """A route for each pattern; which bytes it returns depends on path, query and coding."""
    bodies: dict[tuple[str, str], tuple[bytes, int, dict[str, str]]] = {}
    for kept in answers:
        headers = {"Content-Type": kept.media_type}
        if kept.encoding:
            headers["Content-Encoding"] = kept.encoding
        if kept.etag:
            headers["ETag"] = kept.etag
        bodies[kept.path, kept.encoding] = (base64.b64decode(kept.body), kept.status, headers)

    async def answer(request: Request) -> Response:
        query = request.url.query
        path = f"{request.url.path}?{query}" if query else request.url.path
        coding = "gzip" if "gzip" in request.headers.get("accept-encoding", "") else ""
        body, status, headers = bodies[path, coding]
        return Response(body, status, headers)

    async def take(request: Request) -> Response:
        await request.body()
        return await answer(request)

    async def ready(_: Request) -> Response:
        return Response()

    patterns = dict.fromkeys((kept.method, kept.route) for kept in answers)
    return [
        *(
            Route(pattern, take if method == "POST" else answer, methods=[method])
            for method, pattern in patterns
        ),
        Route(READY, ready),
    ]


def application(kind: str, answers: Sequence[Kept]) -> ASGIApp:
    """The server of one kind: `plain` or `same`."""
    if kind == "plain":
        return Starlette(routes=routes(answers))
    settings = Settings()
    log_json(settings.log_level)
    service = create_app(settings)
    service.router.routes[:0] = routes(answers)
    return service


def _read(path: Path) -> list[Kept]:
    found: list[Mapping[str, str]] = json.loads(path.read_text())
    return [Kept(**one) for one in found]  # type: ignore[arg-type]


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1], _read(Path(sys.argv[3]))),
        host=HOST,
        port=int(sys.argv[2]),
        log_config=None,
        access_log=False,
        server_header=False,
    )
