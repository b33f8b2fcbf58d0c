"""An HTTP server of a test's own: it notes what it is sent, and answers as it is told, or misbehaves."""

import asyncio
import contextlib
import json

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """The octets of an answer."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Asked:
    """A request as it came."""

    def __init__(self, line: str, headers: dict[str, str], body: bytes):
        self.line, self.headers, self.body = line, headers, body

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.said["type"]

    @property
    def data(self) -> dict:
        return self.said["data"]


class Endpoint:
    """Listens on loopback. `says` makes the answer of a request: octets, or a coroutine that has the writer."""

    def __init__(self, says=lambda asked: OK, tls=None, port: int = 0):
        self.says, self.tls, self.port = says, tls, port
        self.got: list[Asked] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self.server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hooks"

    def of(self, *types: str) -> list[Asked]:
        """What came of some types."""
        return [one for one in self.got if one.type in types]

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            while (asked := await self._request(reader)) is not None:
                self.got.append(asked)
                said = self.says(asked)
                if isinstance(said, bytes):
                    writer.write(said)
                    await writer.drain()
                else:
                    await said(writer)
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _request(self, reader) -> Asked | None:
        line = (await reader.readline()).decode().strip()
        if not line:
            return None
        headers = {}
        while row := (await reader.readline()).decode("latin-1").strip():
            name, _, value = row.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Asked(line, headers, body)
