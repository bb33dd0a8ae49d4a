"""Files for browsers: the dashboard and the API's own page; nothing of it comes from outside."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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


class Dashboard(StaticFiles):
    """The built dashboard; an address within it that names no file is its first page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, or the first page."""
        try:
            answer = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path.rpartition("/")[2] or path.startswith("api"):
                raise
            answer = await super().get_response("index.html", scope)
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
        app.mount("/", Dashboard(directory=dashboard, html=True), name="dashboard")
    else:
        app.add_route("/", lambda _: HTMLResponse(_MISSING), include_in_schema=False)
