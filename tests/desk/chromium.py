"""A real browser, driven by its own protocol (CDP): Chromium without a window."""

import asyncio
import contextlib
import itertools
import json
import shutil

import httpx
from websockets.asyncio.client import connect

from tests.channels.mail_house import free_port

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page of it."""

    def __init__(self, socket):
        self._socket, self._ids = socket, itertools.count(1)

    async def _do(self, method, **params):
        number = next(self._ids)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(await self._socket.recv())
            if told.get("id") == number:
                return told.get("result", {})

    async def open(self, url):
        await self._do("Page.navigate", url=url)

    async def run(self, script):
        """What a script gives; None while the page is being loaded."""
        told = await self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return told.get("result", {}).get("value")

    async def until(self, script, within_s=15):
        async with asyncio.timeout(within_s):
            while not (found := await self.run(script)):  # noqa: ASYNC110 - the browser tells of nothing by itself
                await asyncio.sleep(0.1)
        return found

    async def type(self, field, text):
        """Type into a field by its id."""
        await self.until(f"!!document.getElementById('{field}') && (document.getElementById('{field}').focus(), true)")
        await self._do("Input.insertText", text=text)

    async def press(self, button):
        """Press the button of this name."""
        named = f"[...document.querySelectorAll('button')].find((one) => one.textContent === '{button}')"
        await self.until(f"document.readyState === 'complete' && !!{named} && ({named}.click(), true)")


@contextlib.asynccontextmanager
async def browser(folder):
    """Start one, its profile in a folder, and end it."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--remote-debugging-port={port}",
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    pages = (await client.get(f"http://127.0.0.1:{port}/json")).json()
                    if place := next((one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page"), None):
                        break
                await asyncio.sleep(0.1)
        async with connect(place, proxy=None, max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()
