"""Runs the application in the server's own event loop, on an address that is tried again while it is taken."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from acd.mailboxes import Place

log = structlog.get_logger()

AGAIN_S = 2.0
CONNECTIONS_MOST = 1_000
FRAME_MOST = 4_096
STOP_S = 3


class _Quiet(uvicorn.Server):
    """One whose signals are the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Door:
    """Where it listens.

    Args:
        app: what answers.
        place: where.
        behind: whether another server stands before it on this machine and says who asks.
        frame_most: bytes of a frame of a WebSocket.
        more: so many connections more than a desk needs.

    """

    def __init__(
        self, app: ASGIApp, place: Place, *, behind: bool, frame_most: int = FRAME_MOST, more: int = 0
    ) -> None:
        self._place, self._is_over = place, False
        self._server = _Quiet(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="error",  # what strangers send is none of our log
                access_log=False,
                server_header=False,
                http="h11",
                ws="websockets-sansio",
                ws_max_size=frame_most,
                ws_per_message_deflate=False,
                limit_concurrency=CONNECTIONS_MOST + more,
                timeout_graceful_shutdown=STOP_S,
                proxy_headers=behind,
                forwarded_allow_ips="127.0.0.1,::1",
            )
        )

    async def run(self, is_open: asyncio.Event) -> None:
        """Serve until stopped.

        Args:
            is_open: is set when it can be asked.

        """
        while not self._is_over:
            try:
                listener = _listen(self._place)
            except OSError as error:
                log.error("web desk cannot listen", place=str(self._place), reason=str(error), again_s=AGAIN_S)  # noqa: TRY400 - it says all
                await asyncio.sleep(AGAIN_S)
                continue
            with contextlib.closing(listener):
                log.info("web desk is open", place=str(self._place))
                is_open.set()
                await self._server.serve([listener])
                return

    async def stop(self) -> None:
        """Take no more, and let what runs end, for seconds."""
        self._is_over = self._server.should_exit = True


def _listen(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    return socket.create_server((place.host, place.port), family=family, backlog=128)
