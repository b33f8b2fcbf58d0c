"""Another program at the manager interface: an administrator's tool, a neighbour of callfloor's, or a stranger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Self

ACCOUNT = """
[{name}]
secret = {name}
read = {rights}
write = {rights}
"""


def add_account(site_folder: Path, name: str, rights: str) -> None:
    """Write an account into a site's manager.conf; its secret is its name."""
    with (site_folder / "manager.conf").open("a") as file:
        file.write(ACCOUNT.format(name=name, rights=rights))


class Manager:
    """A connection that is logged in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.stream = b""
        """All that was read, but for what is to come."""

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, port: int, name: str, *, events: str = "off") -> AsyncIterator[Self]:
        """Log in; the secret is the name."""
        async with connection(port) as (reader, writer):
            manager = cls(reader, writer)
            said = await manager.ask("Login", f"Username: {name}", f"Secret: {name}", f"Events: {events}")
            assert b"Response: Success" in said, said
            yield manager

    async def ask(self, action: str, *headers: str) -> bytes:
        """Send an action; gives what was said until its answer's end, events too."""
        mark = str(len(self.stream))
        lines = [f"Action: {action}", *headers, f"ActionID: {mark}"]
        self._writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        said = b""
        async with asyncio.timeout(20):
            while not (said.endswith(b"\r\n\r\n") and f"ActionID: {mark}\r\n".encode() in said):
                said += await self._reader.readuntil(b"\r\n\r\n")
        self.stream += said
        return said

    async def log_off(self) -> bytes:
        """Say good-bye; gives all that was said on this connection."""
        self._writer.write(b"Action: Logoff\r\n\r\n")
        self.stream += await asyncio.wait_for(self._reader.read(-1), 20)
        return self.stream


@contextlib.asynccontextmanager
async def connection(
    port: int, *, own: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect from an address of this machine, and read the greeting."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(own, 0))
    try:
        await reader.readuntil(b"\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()


def headers(stream: bytes, name: str) -> Iterable[str]:
    """Give the values of a header wherever it comes in a stream."""
    for line in stream.decode(errors="replace").split("\r\n"):
        if line.startswith(f"{name}: "):
            yield line.partition(": ")[2]
