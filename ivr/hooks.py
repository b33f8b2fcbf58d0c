"""The doors by which providers bring texts: uvicorn in our own event loop, a socket for each place."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from acd.channels.sms.hooks import Note, Take, application
from acd.mailboxes import Place
from acd.smscs import GatewaySettings

BACKLOG = 128
AT_ONCE = 200
STOP_S = 5


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Doors:
    """Where providers come in.

    Args:
        find: gives the settings of the moment by name.
        take: stores a text. Raises StoreError.
        note: notes what became of one of ours. Raises StoreError.

    """

    def __init__(self, find: Callable[[str], GatewaySettings | None], take: Take, note: Note) -> None:
        self._app = application(find, take, note)
        self._open: dict[Place, tuple[_Server, asyncio.Task[None]]] = {}

    async def listen(self, places: set[Place]) -> None:
        """Listen there, and nowhere else.

        Raises:
            OSError: a place is taken; the others are open.

        """
        for place in set(self._open) - places:
            server, task = self._open.pop(place)
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
        for place in sorted(places - set(self._open)):
            self._open[place] = self._begin(place)

    def _begin(self, place: Place) -> tuple[_Server, "asyncio.Task[None]"]:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        listening = socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
        config = uvicorn.Config(
            self._app,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=STOP_S,
            ws="none",
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]), name=f"texts by HTTP {place}")
        return server, task
