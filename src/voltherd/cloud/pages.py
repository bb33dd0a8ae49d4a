"""Files for browsers: the dashboard and the API's own page; nothing of it comes from outside."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

WEB: Final = Path(__file__).resolve().parent.parent / "web"
DASHBOARD: Final = WEB / "dist"
VENDOR: Final = WEB / "vendor"
_MISSING: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>voltherd</title>
<h1>The dashboard is not in this installation</h1>
<p>The service runs, and its API is at <a href="/api/docs">/api/docs</a>. A released package has the
dashboard; in a checkout, <code>make dashboard</code> builds it.</p></html>
"""
_DOCS: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>voltherd API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/begin.js"></script></body></html>
"""
_BEGIN: Final = """\
window.onload = () => {
  SwaggerUIBundle({
    url: '/api/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
  });
};
"""
router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
def docs() -> HTMLResponse:
    """Show the API's description."""
    return HTMLResponse(_DOCS)


@router.get("/api/docs/begin.js")
def begin() -> Response:
    """Start the page that shows it."""
    return Response(_BEGIN, media_type="text/javascript")


@router.get("/api/docs/{name}")
def vendored(name: str) -> FileResponse:
    """Give a file of that page."""
    if name not in ("swagger-ui.css", "swagger-ui-bundle.js"):
        raise HTTPException(404)
    return FileResponse(VENDOR / name)


class PageConvertor(Convertor[str]):
    """Paths of the dashboard: all but those of the API, which has its own refusals."""

    regex = "(?!api(?:/|$)).*"

    def convert(self, value: str) -> str:
        """Take a path as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Give a path as it is."""
        return value


class Dashboard(StaticFiles):
    """The built dashboard; an address within it that names no file is its first page."""

    async def page(self, request: Request) -> Response:
        """Give a file, or the first page."""
        path = self.get_path({**request.scope, "path": "/" + request.path_params["path"]})
        try:
            answer = await self.get_response(path, request.scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path.rpartition("/")[2]:
                raise
            answer = await self.get_response("index.html", request.scope)
        answer.headers["Cache-Control"] = "no-cache"  # asked for again by its ETag, so never stale
        return answer


def mount(app: FastAPI, dashboard: Path = DASHBOARD) -> None:
    """Serve documentation and dashboard, behind all other routes.

    Args:
        app: The application, all other routes in it.
        dashboard: Folder of its built files; where there are none, a page says so.
    """
    app.include_router(router)
    if (dashboard / "index.html").is_file():
        register_url_convertor("page", PageConvertor())
        files = Dashboard(directory=dashboard, html=True)
        app.add_route("/{path:page}", files.page, include_in_schema=False)
    else:
        app.add_route("/", lambda _: HTMLResponse(_MISSING), include_in_schema=False)
