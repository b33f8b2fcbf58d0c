"""The switch's side of AGI, for tests: headers as Asterisk writes them, a peer on a real socket, recorded dialogues."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ivr.fastagi import FastAgiServer

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"


def headers(script: str = "entry", **other: str) -> bytes:
    """A header block as Asterisk 22 writes it, with some values changed or added."""
    values = {
        "network": "yes",
        "network_script": script,
        "request": f"agi://127.0.0.1/{script}",
        "channel": "PJSIP/trunk-00000001",
        "language": "en",
        "type": "PJSIP",
        "uniqueid": "1700000000.1",
        "version": "22.10.1",
        "callerid": "5550123",
        "calleridname": "unknown",
        "dnid": "5550100",
        "rdnis": "unknown",
        "context": "from-trunk",
        "extension": "entry",
        "priority": "3",
        "enhanced": "0.0",
        "accountcode": "",
        **other,
    }
    return "".join(f"agi_{name}: {value}\n" for name, value in values.items()).encode() + b"\n"


class Peer:
    """One connection to the server under test. Every wait ends after five seconds at the latest."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write, unless the server has closed meanwhile: uvloop, unlike asyncio, takes that for a mistake of ours."""
        if not self.writer.is_closing():
            self.writer.write(data)

    async def command(self) -> str:
        """The next command, without its line feed; empty when the server closed."""
        async with asyncio.timeout(5):
            return (await self.reader.readline()).decode().removesuffix("\n")

    async def answer(self, reply: str = "200 result=0") -> str:
        """Read a command and answer it."""
        command = await self.command()
        if command:
            self.send(reply.encode() + b"\n")
        return command

    async def rest(self, reply: str = "200 result=0") -> list[str]:
        """Answer everything until the server closes; the commands."""
        commands = []
        while command := await self.answer(reply):
            commands.append(command)
        return commands

    async def closed(self) -> None:
        """Wait until the server has closed the connection, in whatever way."""
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass


@asynccontextmanager
async def connect(server: FastAgiServer) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def until(condition: object) -> None:
    """Let the loop run until a condition, a function, holds."""
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - looks at insides that tell nobody of a change
            await asyncio.sleep(0.001)


def transcript(name: str) -> list[tuple[str, str]]:
    """A recorded dialogue: ('<', line of Asterisk) and ('>', line of ours)."""
    lines = (TRANSCRIPTS / f"agi-{name}.txt").read_text().splitlines()
    return [(line[0], line[2:]) for line in lines if line[0] in "<>"]


async def replay(server: FastAgiServer, name: str, script: str, folder: Path) -> list[str]:
    """Play Asterisk's part of a dialogue; the commands that came, with names of recordings made equal."""
    commands = []
    async with connect(server) as peer:
        for mark, line in transcript(name):
            if mark == "<":
                if line.startswith("agi_network_script"):
                    line = f"agi_network_script: {script}"  # noqa: PLW2901 - the route under test
                peer.send(f"{line}\n".encode())
            else:
                command = await peer.command()
                commands.append(
                    re.sub(r"/recordings/[0-9a-f]{24}", "/recordings/HEX", command.replace(str(folder), ""))
                )
        await peer.closed()
    return commands
