"""The HTTP application: routes, errors, documentation."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from voltherd.cloud import (
    pages,
    problems,
    routes_depot,
    routes_findings,
    routes_fleet,
    routes_policy,
    routes_session,
    routes_stations,
    routes_vehicles,
    schema,
    schema_vehicles,
)
from voltherd.cloud.access import Access
from voltherd.cloud.metrics import Metrics
from voltherd.cloud.service import Cloud

API_VERSION: Final = "1.0.0"
_SCHEMA_TEMPLATE: Final = "#/components/schemas/{model}"
_SPOKEN: Final = (schema.Problem, schema_vehicles.LiveCells)
"""Models that no route names: problems, and events of the stream."""
_DESCRIPTION: Final = """\
What voltherd knows of a fleet. Names carry units, charging is positive, ratios are fractions, times
are RFC 3339 in UTC, and what is not known is null. Lists are paged by `limit` and `cursor`.
Problems are RFC 9457 documents whose `type` explains them. Repeat a POST safely by giving it an
`Idempotency-Key`. Bound to loopback the API is open; elsewhere sign in, or send a token.
"""


def application(cloud: Cloud, access: Access, metrics: Metrics) -> FastAPI:
    """Make the application, dashboard and all.

    Args:
        cloud: What its answers rest on.
        access: Who may ask.
        metrics: What it counts.
    """
    app = described()
    app.state.cloud = cloud
    app.state.access = access
    app.state.metrics = metrics
    pages.mount(app)
    return app


def described() -> FastAPI:
    """Make an application that can be described but not asked anything."""
    app = FastAPI(
        title="voltherd",
        version=API_VERSION,
        description=_DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    for module in (
        routes_vehicles,
        routes_findings,
        routes_policy,
        routes_depot,
        routes_stations,
        routes_fleet,
        routes_session,
    ):
        app.include_router(module.router)
    problems.install(app)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


def document(app: FastAPI) -> dict[str, Any]:
    """Describe the API as OpenAPI 3.1."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            license_info=app.license_info,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        _, spoken = models_json_schema(
            [(model, "serialization") for model in _SPOKEN], ref_template=_SCHEMA_TEMPLATE
        )
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {}) | spoken["$defs"]
        components["schemas"] = dict(sorted(schemas.items()))
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "voltherd_session"},
        }
        made["security"] = [{}, {"token": []}, {"session": []}]
        app.openapi_schema = made
    return app.openapi_schema
