"""The doors that every service has: where things are, health, metrics, documentation."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from app.kit import contract, migrations
from app.kit.database import Unavailable
from app.kit.problems import KINDS, NOT_FOUND, UNAVAILABLE, Problem, problems
from app.kit.routes import router as make_router

STATIC = "/docs/static"
# The documentation pages run their own script and style; everything else runs none.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:"
)


class Health(BaseModel):
    """How the service is."""

    status: str = Field(description="`ok`.")


class ProblemKind(BaseModel):
    """What a problem code means."""

    code: str
    status: int
    title: str
    advice: str = Field(description="What to do about it.")


class Home(BaseModel):
    """Where everything is."""

    name: str
    version: str
    description: str
    links: dict[str, str] = Field(description="Absolute addresses by name.")


router: APIRouter = make_router("", "service")


@router.get("/", summary="Where everything is")
async def get_home(request: Request) -> Home:
    """The name of the service and the addresses of what it offers."""
    app: FastAPI = request.app
    links: dict[str, str] = app.state.links
    public_url = app.state.settings.public_url
    return Home(
        name=app.title,
        version=app.version,
        description=app.summary or "",
        links={name: public_url + path for name, path in links.items()},
    )


@router.get("/healthz", summary="Whether the process is alive")
async def get_health(response: Response) -> Health:
    """The process answers; nothing else is looked at."""
    response.headers["Cache-Control"] = "no-store"
    return Health(status="ok")


@router.get("/readyz", summary="Whether the service can work", responses=problems(503))
def get_readiness(request: Request, response: Response) -> Health:
    """The database answers and its schema is that of this software."""
    response.headers["Cache-Control"] = "no-store"
    try:
        revision = migrations.current(request.app.state.database)
    except Unavailable:
        raise Problem(
            UNAVAILABLE, "The database cannot be reached.", headers={"Retry-After": "2"}
        ) from None
    if revision != migrations.head():
        raise Problem(
            UNAVAILABLE,
            "The schema of the database is not current. Run: python -m app migrate",
            headers={"Retry-After": "10"},
        )
    return Health(status="ok")


@router.get("/problems/{code}", responses=problems(404), summary="What a problem code means")
async def get_problem_kind(
    code: Annotated[str, Path(description="The `code` of a problem.", examples=["stale"])],
) -> ProblemKind:
    """The page that a problem's `type` points at."""
    kind = KINDS.get(code)
    if kind is None:
        raise Problem(NOT_FOUND, f"There is no problem code {code!r}.")
    return ProblemKind(code=kind.code, status=kind.status, title=kind.title, advice=kind.advice)


def open_metrics(app: FastAPI) -> None:
    """Serve Prometheus metrics at /metrics."""

    async def get_metrics(request: Request) -> Response:
        page = generate_latest(request.app.state.metrics.registry)
        return Response(page, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})

    app.add_route("/metrics", get_metrics, include_in_schema=False)


def open_documentation(app: FastAPI) -> None:
    """Serve the committed contract and its readable pages, with nothing from the internet."""

    async def get_contract(_: Request) -> Response:
        # Whole, not as a file: so it gets its ETag, its 304 and its compression like any answer.
        return Response(contract.committed().read_bytes(), media_type="application/json")

    async def get_docs(request: Request) -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=request.app.title,
            swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
            swagger_css_url=f"{STATIC}/swagger-ui.css",
            swagger_favicon_url=f"{STATIC}/favicon.png",
        )
        return _page(page)

    async def get_redoc(request: Request) -> HTMLResponse:
        page = get_redoc_html(
            openapi_url="/openapi.json",
            title=request.app.title,
            redoc_js_url=f"{STATIC}/redoc.standalone.js",
            redoc_favicon_url=f"{STATIC}/favicon.png",
            with_google_fonts=False,
        )
        return _page(page)

    app.add_route("/openapi.json", get_contract, include_in_schema=False)
    app.add_route("/docs", get_docs, include_in_schema=False)
    app.add_route("/redoc", get_redoc, include_in_schema=False)
    app.mount(STATIC, StaticFiles(packages=[("fastapi_offline", "static")]))


def _page(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    return page
