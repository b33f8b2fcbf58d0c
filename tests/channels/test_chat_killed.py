"""A server of chats that is killed in the midst of its work, and the next one: nothing is lost, nothing said twice."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import pytest
import websockets

from tests.channels.chat_house import Page
from tests.channels.mail_house import listens, until
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


class Program:
    """A server in a process of its own."""

    def __init__(self, folder: Path, port: int, *more: int):
        self.folder, self.port, self.more = folder, port, more

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.channels.chat_program"),
            *map(str, (self.folder, self.port, *self.more)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        await self._said()
        await until(lambda: listens(self.port))
        return self

    async def _said(self):
        async with asyncio.timeout(60):
            while not (line := await self.process.stdout.readline()).startswith(b"@"):
                assert line, "the server has ended"
        return json.loads(line[1:])

    async def ask(self, what):
        self.process.stdin.write(f"{what}\n".encode())
        return await self._said()

    async def kill(self):
        self.process.kill()
        await self.process.wait()

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            await self.kill()
        self.process._transport.close()


@pytest.mark.parametrize("moment", range(3))
async def test_what_he_said_is_there_after_a_kill(tmp_path, moment):
    """He writes without a pause while the server is killed, says again what was not confirmed, and goes on."""
    port = free_port()
    said = {f"line-{number:04}": f"{moment} {number}" for number in range(60)}
    heard = {}
    async with Program(tmp_path, port) as first, Page(f"127.0.0.1:{port}/chat/shop") as page:
        await page.hear("welcome")

        async def talk():
            with contextlib.suppress(websockets.ConnectionClosed):
                for name, text in said.items():
                    await page.send(t="say", id=name, text=text)
                    await asyncio.sleep(0.03)

        talking = asyncio.create_task(talk())
        await until(lambda: len(page.lines) > 2 + moment)
        await asyncio.sleep(0.011 * moment)
        await first.kill()
        await talking
        heard = {one["id"]: one["seq"] for one in page.heard if one["t"] == "line"}
    assert heard
    async with Program(tmp_path, port) as second:
        again = Page(f"127.0.0.1:{port}/chat/shop", token=page.token, last=page.last)
        async with again:
            welcome = await again.hear("welcome")
            assert welcome["token"] == page.token
            assert welcome["last"] >= page.last
            mine = dict(list(said.items())[: len(heard) + 4])
            for name, text in mine.items():
                while not any(one.get("id") == name and one["t"] == "line" for one in again.heard):
                    await again.send(t="say", id=name, text=text)
                    await asyncio.sleep(0.3)
            (call,) = await second.ask("reply")
            await again.hear("line", text=f"answer to {call}")
        async with Page(f"127.0.0.1:{port}/chat/shop", token=page.token) as whole:
            await whole.hear("line", text=f"answer to {call}")
            lines = [one for one in whole.heard if one["t"] == "line"]
    assert [one["seq"] for one in lines] == list(range(1, len(lines) + 1))
    theirs = [one["id"] for one in lines if one["mine"]]
    assert len(theirs) == len(set(theirs))
    assert set(theirs) >= set(mine)
    assert heard.items() <= {one["id"]: one["seq"] for one in lines}.items()
