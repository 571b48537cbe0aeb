"""Methods: OPTIONS is answered for every path there is, and Allow names all that a path takes.

The router answers for the first route that has the path, and knows only that one's methods.
"""

from collections.abc import Set
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Methods:
    """Middleware that answers OPTIONS and completes the Allow header of a 405."""

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        self.app = app
        self.api = api
        self._routes: list[tuple[Any, Set[str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS for a path there is; pass everything else on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and (allowed := self._allowed(scope["path"])):
            await Response(status_code=204, headers={"Allow": allowed})(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(raw=message["headers"])["Allow"] = self._allowed(scope["path"])
            await send(message)

        await self.app(scope, receive, completed)

    def _allowed(self, path: str) -> str:
        if not self._routes:
            self._routes = [
                (context.path_regex, context.methods or {"GET"})
                for context in iter_route_contexts(self.api.routes)
            ]
        methods = {name for regex, names in self._routes if regex.match(path) for name in names}
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted(methods | {"OPTIONS"})) if methods else ""
