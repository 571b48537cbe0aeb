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

from app.kit.problems import METHOD_NOT_ALLOWED, Problem, answer


class Methods:
    """Middleware that answers OPTIONS, and completes or makes the 405 of a path."""

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        self.app = app
        self.api = api
        self._routes: list[tuple[Any, Set[str]]] = []
        self._written: dict[str, set[str]] = {}
        self._forms: dict[str, tuple[Any, set[str]]] = {}
        """Paths that end in a form, such as `/things/{id}.ics`, with what they take."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS for a path there is; pass everything else on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        self._learn()
        if method == "OPTIONS" and (allowed := self._allowed(path)):
            await Response(status_code=204, headers={"Allow": allowed})(scope, receive, send)
            return
        # A path that is written out, or ends in a form, is not one of the things beside it.
        own = self._own(path)
        if own and method not in _with_head(own):
            headers = {"Allow": self._allowed(path)}
            response = answer(Problem(METHOD_NOT_ALLOWED, headers=headers), scope)
            await response(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(raw=message["headers"])["Allow"] = self._allowed(path)
            await send(message)

        await self.app(scope, receive, completed)

    def _learn(self) -> None:
        if self._routes:
            return
        for context in iter_route_contexts(self.api.routes):
            methods = context.methods or {"GET"}
            self._routes.append((context.path_regex, methods))
            if context.path and "{" not in context.path:
                self._written.setdefault(context.path, set()).update(methods)
            if context.path and "}." in context.path:
                form = self._forms.setdefault(context.path, (context.path_regex, set()))
                form[1].update(methods)

    def _own(self, path: str) -> Set[str]:
        """The methods of a path that is written out or ends in a form; else none."""
        if path in self._written or "." not in path:
            return self._written.get(path, set())
        return next((names for regex, names in self._forms.values() if regex.match(path)), set())

    def _allowed(self, path: str) -> str:
        methods = self._own(path) or {
            name for regex, names in self._routes if regex.match(path) for name in names
        }
        return ", ".join(sorted(_with_head(methods) | {"OPTIONS"})) if methods else ""


def _with_head(methods: Set[str]) -> Set[str]:
    return methods | {"HEAD"} if "GET" in methods else methods
