"""A real Chromium without a screen, driven by its DevTools protocol over a WebSocket; installed if need be."""

import asyncio
import contextlib
import json
import shutil
import urllib.request
from pathlib import Path

import websockets

from tests.apt import installed

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program() -> str:
    """Return the command, installed first if need be.

    Raises:
        MissingError: there is none, and it cannot be had.

    """
    return installed("Chromium", "chromium", lambda: next(filter(None, map(shutil.which, NAMES)), None))


class Browser:
    """One page of it.

    Args:
        program: the command.
        folder: where its profile is made.

    """

    def __init__(self, program: str, folder: Path):
        self.program, self.folder = program, folder / "chromium"
        self.count, self.answers, self.faults = 0, {}, []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            self.program,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--remote-debugging-port=0", f"--user-data-dir={self.folder}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        where = self.folder / "DevToolsActivePort"
        async with asyncio.timeout(60):
            while not (where.exists() and where.read_text().count("\n")):  # noqa: ASYNC110 - it tells of it by a file
                await asyncio.sleep(0.1)
        port = where.read_text().split("\n")[0]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
            target = json.load(answer)
        self.socket = await websockets.connect(target["webSocketDebuggerUrl"], max_size=None)
        self.reader = asyncio.create_task(self._read())
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
            await self.do(f"{domain}.enable")
        return self

    async def __aexit__(self, *_):
        await self.socket.close()
        await asyncio.gather(self.reader, return_exceptions=True)
        self.process.terminate()
        try:
            async with asyncio.timeout(10):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _read(self):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for frame in self.socket:
                told = json.loads(frame)
                if "id" in told:
                    self.answers.pop(told["id"]).set_result(told)
                elif told["method"] == "Runtime.exceptionThrown":
                    self.faults.append(str(told["params"]["exceptionDetails"]))
                elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                    self.faults.append(told["params"]["entry"]["text"])

    async def do(self, method, **params):
        self.count += 1
        answer = self.answers[self.count] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        async with asyncio.timeout(30):
            told = await answer
        assert "error" not in told, told
        return told["result"]

    async def open(self, url):
        await self.do("Page.navigate", url=url)
        await self.sees("document.readyState === 'complete'")

    async def run(self, script):
        """Run a script in the page; gives its value."""
        found = await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def sees(self, script, within_s=20):
        """Wait until a script gives something true. What fails while the page is being loaded is not so yet."""
        await self._waits(f"Boolean({script})", within_s)

    async def reads(self, script, within_s=20):
        """Wait until a script gives a text that is not empty, and give that; as `sees`."""
        return await self._waits(script, within_s)

    async def _waits(self, script, within_s):
        fault = ""
        for _ in range(int(within_s / 0.05)):
            try:
                if found := await self.run(script):
                    return found
            except AssertionError as error:
                fault = error
            await asyncio.sleep(0.05)
        raise AssertionError(f"{script} is not so; {fault} {self.faults}")

    async def fill(self, field, text):
        """Write into a field by its id, in place of what is there."""
        there = f"document.getElementById('{field}')"
        await self.sees(f"{there} && ({there}.value = '', {there}.focus(), true)")
        await self.type(text)

    async def click(self, button):
        """Click the button of this name, once it is there."""
        named = f"[...document.querySelectorAll('button')].find((one) => one.textContent === '{button}')"
        await self.sees(f"document.readyState === 'complete' && {named} && ({named}.click(), true)")

    async def press(self, key, text=""):
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, **more)

    async def type(self, text):
        """Write where the focus is."""
        await self.do("Input.insertText", text=text)
