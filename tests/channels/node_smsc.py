"""A message centre by node-smpp, an SMPP that others wrote: fetched with npm, run as a program of its own."""

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

PACKAGE = "smpp@0.5.1"
PROGRAM = Path(__file__).with_name("node_smsc.js")
INSTALL_S, WORD_S = 120, 20


class MissingError(Exception):
    """There is no node-smpp, and it cannot be had; the message says why."""


def modules(folder: Path) -> Path:
    """Fetch it into a folder; gives where node finds it."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise MissingError("node and npm are not installed")
    told = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, PACKAGE]
    done = subprocess.run(told, capture_output=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        raise MissingError(f"npm cannot install {PACKAGE}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return folder / "node_modules"


class Node:
    """The other side, and what it says, word by word."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def told(self):
        """Its next word."""
        line = await asyncio.wait_for(self.process.stdout.readline(), WORD_S)
        return json.loads(line)

    async def brings(self, text, **more):
        """Have it bring a text."""
        message = {"source_addr": "48601602603", "source_addr_ton": 1, "destination_addr": "48221234567"}
        message |= {"dest_addr_ton": 1, "short_message": text, **more}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")


class Listened(Node):
    """The same, all of whose words are noted as they come."""

    port = 0

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process)
        self.binds, self.submitted, self.answered = [], [], []
        """Who came in, what it was given, what it brought was answered."""

    async def listen(self) -> None:
        """Note what it says, until it ends."""
        while line := await self.process.stdout.readline():
            told = json.loads(line)
            kind = {"bound": self.binds, "to": self.submitted, "answered": self.answered}
            next(notes for name, notes in kind.items() if name in told).append(told)

    def texts_to(self, number: str) -> list[str]:
        """The texts that it was given for a number, oldest first."""
        return [one["text"] for one in self.submitted if one["to"] == number.lstrip("+")]


@contextlib.asynccontextmanager
async def started(found: Path, program: Path = PROGRAM, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run it, or another program of node-smpp, with what `modules` gave. It first says its port."""
    process = await asyncio.create_subprocess_exec(
        *("node", program, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"NODE_PATH": str(found), "PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def running(found: Path) -> AsyncIterator[Listened]:
    """Run it, and listen to it."""
    async with started(found) as process:
        node = Listened(process)
        node.port = (await node.told())["port"]
        listening = asyncio.create_task(node.listen())
        try:
            yield node
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
