"""Where providers bring texts by HTTP: `POST /sms/NAME`, NAME being the section of acd.conf; receipts with `/receipt`.

A small ASGI application of its own. It says 200 when a text is on the disk, 503 when it cannot be now, so that the
provider brings it again.
"""

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from acd.channels.sms import webhook
from acd.channels.sms.receipts import Receipt
from acd.channels.sms.webhook import BODY_MOST, Incoming, WebhookError
from acd.smscs import GatewaySettings
from acd.store import StoreError

Take = Callable[[GatewaySettings, Incoming], Awaitable[None]]
"""Stores a text. Raises StoreError."""
Note = Callable[[GatewaySettings, Receipt], Awaitable[None]]
"""Notes what became of one of ours. Raises StoreError."""


def application(find: Callable[[str], GatewaySettings | None], take: Take, note: Note) -> Starlette:
    """Give the application.

    Args:
        find: gives the settings of the moment by name.
        take: stores a text.
        note: notes a receipt.

    """

    async def keep(request: Request, kept: Callable[[GatewaySettings, str, bytes], Awaitable[None]]) -> Response:
        try:
            settings = _known(find(request.path_params["name"]))
            body = await _body(request)
            webhook.verify(settings, request.headers, body, time.time())
            await kept(settings, request.headers.get("content-type", ""), body)
        except WebhookError as error:
            return PlainTextResponse(f"{error}\n", error.status)
        except StoreError:
            return PlainTextResponse("not now\n", 503)
        except ClientDisconnect:
            return Response(status_code=400)
        return PlainTextResponse("taken\n")

    async def bring(request: Request) -> Response:
        return await keep(request, lambda settings, kind, body: take(settings, webhook.read(settings, kind, body)))

    async def receipt(request: Request) -> Response:
        return await keep(
            request, lambda settings, kind, body: note(settings, webhook.read_receipt(settings, kind, body))
        )

    return Starlette(
        routes=[
            Route("/sms/{name}", bring, methods=["POST"]),
            Route("/sms/{name}/receipt", receipt, methods=["POST"]),
        ]
    )


def _known(settings: GatewaySettings | None) -> GatewaySettings:
    if settings is None:
        raise WebhookError(404, "there is no such section")
    return settings


async def _body(request: Request) -> bytes:
    body = b""
    async for some in request.stream():
        body += some
        if len(body) > BODY_MOST:
            raise WebhookError(413, "it is too large")
    return body
