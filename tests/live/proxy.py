"""A wire between the server and its Asterisk, for tests of what becomes of both when it fails."""

import asyncio
import contextlib
from collections.abc import Callable


class Last(bytes):
    """What passes a wire before it is cut."""


class Proxy:
    """A wire that can be cut. It listens on a port and passes what comes to another one.

    Attributes:
        target: that other port.
        change: what becomes of each piece that comes back from there; after a `Last` the wire is cut.

    """

    change: Callable[[bytes], bytes] | None = None

    def __init__(self):
        self._pipes = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refuses = False
        self.target = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def cut(self):
        """Cut all connections; new ones are closed at once."""
        self._refuses = True
        for pipe in self._pipes:
            pipe.cancel()

    def freeze(self):
        """Pass nothing on; the connections stand."""
        self._open.clear()

    def mend(self):
        """Let everything through again."""
        self._refuses = False
        self._open.set()

    async def _serve(self, reader, writer):
        if self._refuses:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        for pair, back in (((reader, far_writer), False), ((far_reader, writer), True)):
            pipe = asyncio.create_task(self._pass_on(*pair, back=back))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pass_on(self, reader, writer, *, back):
        with contextlib.suppress(OSError):
            try:
                while data := await reader.read(65_536):
                    await self._open.wait()
                    passed = self.change(data) if back and self.change is not None else data
                    writer.write(passed)
                    await writer.drain()
                    if isinstance(passed, Last):
                        self.cut()
            finally:
                writer.close()
