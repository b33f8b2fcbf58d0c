"""An agent of the demo at the web desk: what his browser would say and hear, by the API that his page uses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin

LOOKS_S, READS_S, WRITES_S, SILENT_S = 1.0, 1.5, 1.5, 20.0
"""Until he accepts what is offered; until he has read it; has answered it; waits no more for another line of a chat."""


class DeskAgent:
    """An agent with a page open.

    Args:
        url: the desk's address.
        seat: his seat.
        pin: its PIN.
        answers: what he answers, by medium; other contacts he leaves to colleagues.
        code: what all of it was about.

    """

    def __init__(self, url: str, seat: str, pin: str, answers: Mapping[str, str], code: str) -> None:
        self._url, self._seat, self._pin = url, seat, pin
        self._answers, self._code = answers, code
        self._chats: dict[str, asyncio.Event] = {}
        """Of what he has answered and not closed: set when its visitor says more."""

    async def work(self) -> None:
        """Sign in, and answer what comes, until cancelled; then the shift is over.

        Raises:
            httpx.HTTPError, OSError, websockets.WebSocketException: the desk is not there.

        """
        api, headers = f"{self._url}/api/v1", {"Origin": self._url}
        async with httpx.AsyncClient(base_url=api, headers=headers, trust_env=False) as web:
            await self._ask(web, "/session", seat=self._seat, pin=self._pin)
            try:
                async with asyncio.TaskGroup() as group:
                    async for told in self._hears(web):
                        if told["type"] == "offer" and told["seat"] == self._seat and told["medium"] in self._answers:
                            group.create_task(self._take(web, told["call"], told["medium"]))
                        elif told["type"] == "contact-news" and told["what"] == "line" and told["call"] in self._chats:
                            self._chats[told["call"]].set()
            finally:
                with contextlib.suppress(httpx.HTTPError):
                    await self._ask(web, "/seat/log-out")

    async def _hears(self, web: httpx.AsyncClient) -> AsyncIterator[dict[str, Any]]:
        """Give what his page is told: that it listens is what opens the desk."""
        cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
        place = f"{self._url.replace('http', 'ws', 1)}/api/v1/events?desk=1"
        more = {"Cookie": cookie}
        async with connect(place, additional_headers=more, origin=Origin(self._url), proxy=None) as socket:
            async for frame in socket:
                yield json.loads(frame)

    async def _take(self, web: httpx.AsyncClient, call: str, medium: str) -> None:
        contact = f"/contacts/{call}"
        await asyncio.sleep(LOOKS_S)
        if not await self._ask(web, f"{contact}/accept"):  # taken back meanwhile
            return
        await web.get(f"{contact}/card")
        await asyncio.sleep(READS_S)
        is_talk = medium == "chat"
        if is_talk:
            await self._ask(web, f"{contact}/typing")
            self._chats[call] = asyncio.Event()
        await asyncio.sleep(WRITES_S)
        closes = {} if is_talk else {"close": True, "code": self._code}
        await self._ask(web, f"{contact}/reply", text=self._answers[medium], **closes)
        if is_talk:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._chats[call].wait(), SILENT_S)
            await web.get(f"{contact}/card")
            await asyncio.sleep(READS_S)
            del self._chats[call]
            await self._ask(web, f"{contact}/close", code=self._code)

    @staticmethod
    async def _ask(web: httpx.AsyncClient, path: str, **said: Any) -> bool:
        """Ask for something; False if it cannot be, as things stand.

        Raises:
            httpx.HTTPError: it was not understood, or not answered.

        """
        answer = await web.post(path, json=said or None)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        answer.raise_for_status()
        return True
