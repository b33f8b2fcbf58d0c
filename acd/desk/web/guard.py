"""What is looked at before any route: sizes and kinds of bodies; and what goes with every answer."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acd.desk.web.problems import ProblemError, response
from acd.desk.web.uploads import BYTES_MOST

BODY_MOST = 512 * 1024
UPLOADS = "/api/v1/uploads"
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at a request, and have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_upload = scope["path"] == UPLOADS
        most = BYTES_MOST if is_upload else BODY_MOST

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                _harden(message)
            await send(message)

        problem = _refused(headers, most, is_json=scope["method"] in WITH_BODY and not is_upload)
        if problem is not None:
            await response(problem)(scope, receive, send_safely)
            return
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise ProblemError(413, f"the body has more than {most} bytes")
            return message

        await self._app(scope, receive_some, send_safely)


def _harden(message: MutableMapping[str, Any]) -> None:
    own = {name.lower() for name, _ in message["headers"]}
    more = [*HEADERS, (b"content-security-policy", CSP), (b"cache-control", b"no-store")]
    message["headers"] = [*message["headers"], *(one for one in more if one[0] not in own)]


def _refused(headers: dict[bytes, bytes], most: int, *, is_json: bool) -> ProblemError | None:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > most:
        return ProblemError(413, f"the body has more than {most} bytes")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    has_body = length not in {b"", b"0"} or b"transfer-encoding" in headers
    if is_json and has_body and kind != b"application/json":
        return ProblemError(415, "the body must be JSON", "send Content-Type: application/json")
    return None
