"""The application: routes, what is said of them at /openapi.json, and what looks at every request."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp, Receive, Scope, Send

from acd.desk.web import contacts, customers, events, pages, pop, problems, promises, states
from acd.desk.web.access import COOKIE
from acd.desk.web.guard import Guard
from acd.desk.web.house import Rooms

SUMMARY = (
    "What agents and supervisors do, for programs: state, contacts, customers. Live events are at the WebSocket "
    "/api/v1/events?after=RUN:SEQ: each has a number, `hello` comes first and says whether it was resumed; if not, "
    "load everything anew. With &desk=1 the seat's written contacts are offered here, and its handset stays silent for "
    "them."
)
PROBLEMS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


def make_app(rooms: Rooms) -> FastAPI:
    """Make it."""
    app = FastAPI(title="callfloor", version="1", description=SUMMARY, docs_url=None, redoc_url=None)
    app.state.rooms, app.state.access = rooms, rooms.access
    for part in (states, contacts, pop, customers, promises, events, pages):
        app.include_router(part.router)
    pages.mount(app)
    problems.install(app)
    app.add_middleware(Guard)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def beside(app: ASGIApp, prefix: str, other: ASGIApp) -> ASGIApp:
    """Give all that is below a path to another application, past this one's rules: strangers ask there."""

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        is_other = scope["type"] in {"http", "websocket"} and scope["path"].startswith(prefix)
        await (other if is_other else app)(scope, receive, send)

    return choose


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = made["components"]["schemas"]
        schemas["Problem"] = problems.Details.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        made["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        }
        made["security"] = [{"token": []}, {"session": []}]
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path in made["paths"].values():
            for operation in path.values():
                for status in PROBLEMS:
                    said = problems.WHAT[status]
                    operation["responses"][str(status)] = {"description": said, "content": content}
        app.openapi_schema = made
    return app.openapi_schema
