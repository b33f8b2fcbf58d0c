"""The agents at their desks: one program for each seat, which knows of the contacts what the desk's API tells, no more.

An agent takes what is offered, reads it, works on it for as long as it takes, and not while it is set aside, answers
with what he read, gives it a code and closes it. When the server is gone he looks again until it is back, and goes on
with what it says is his. Where he had just answered and was not told that it was heard, he looks into the customer's
file before he answers again.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Sequence
from typing import Self

import httpx
import websockets
from websockets.asyncio.client import connect

from tests.blend.ends import thanks
from tests.blend.plan import Contact
from tests.blend.site import CODES, PIN, BlendSite

AGAIN_S, LOOK_S = 0.2, 0.2
TOKEN = re.compile(r"t\d{4}x[0-9a-f]{8}")
AWAY = (httpx.TransportError, OSError, websockets.WebSocketException)


class Progress:
    """How far an agent has come with a contact."""

    def __init__(self) -> None:
        self.token, self.left_s = "", 0.0
        self.is_answered: bool | None = False
        """None: nobody has told whether it is."""
        self.free = asyncio.Event()
        """Not set aside."""
        self.free.set()


class Crew:
    """All agents.

    Args:
        site: where they work.
        contacts: how long they have to do with each.

    """

    def __init__(self, site: BlendSite, contacts: Sequence[Contact]) -> None:
        self.site, self.by_token = site, {contact.token: contact for contact in contacts}
        self.progress: dict[str, Progress] = {}
        """Call -> how far its agent, whoever it is, has come."""
        self.faults: list[str] = []
        self.took_aside = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.agents = [Agent(self, seat, secret) for seat, secret in self.site.tokens.items()]
        self._tasks = [asyncio.create_task(agent.run()) for agent in self.agents]
        await asyncio.gather(*(agent.is_there.wait() for agent in self.agents))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                self.faults.append(f"an agent has gone: {ended!r}")
        for agent in self.agents:
            await agent.leave()


class Agent:
    """One seat's."""

    def __init__(self, crew: Crew, seat: str, secret: str) -> None:
        self.crew, self.seat = crew, seat
        self.is_there = asyncio.Event()
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._at = f"127.0.0.1:{crew.site.ports['web']}"
        self._client = httpx.AsyncClient(base_url=f"http://{self._at}/api/v1", headers=self._headers, trust_env=False)
        self._working: dict[str, asyncio.Task[None]] = {}

    async def leave(self) -> None:
        """Go home."""
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)
        await self._client.aclose()

    async def run(self) -> None:
        """Work, and come back whenever the server does."""
        while True:
            with contextlib.suppress(*AWAY):
                where = f"ws://{self._at}/api/v1/events?desk=1"
                async with connect(where, additional_headers=self._headers, proxy=None) as socket:
                    await self._begin()
                    async for frame in socket:
                        self._hear(json.loads(frame))
            await asyncio.sleep(AGAIN_S)

    async def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        answer = await self._client.request(method, path, **more)
        if answer.status_code >= 500:  # it begins, or ends
            raise httpx.ReadError(answer.text)
        return answer

    async def _begin(self) -> None:
        """Log in, and look what there is: nothing that was told before counts."""
        answer = await self._ask("POST", "/seat/log-in", json={"pin": PIN})
        assert answer.status_code == 200, answer.text
        for one in (await self._ask("GET", "/contacts")).json():
            if one["mine"] and one["at_desk"]:
                self._set_aside(one["call"], is_aside=one["suspended"])
                self._start(one["call"])
        self.is_there.set()

    def _hear(self, told: dict[str, str]) -> None:
        if told["type"] == "offer" and told["seat"] == self.seat and told["medium"] in {"email", "sms", "chat"}:
            self._start(told["call"])
        elif told["type"] in {"contact-suspended", "contact-resumed"}:
            self._set_aside(told["call"], is_aside=told["type"] == "contact-suspended")

    def _set_aside(self, call: str, *, is_aside: bool) -> None:
        progress = self.crew.progress.setdefault(call, Progress())
        if is_aside:
            self.crew.took_aside += progress.free.is_set()
            progress.free.clear()
        else:
            progress.free.set()

    def _start(self, call: str) -> None:
        if call not in self._working or self._working[call].done():
            self._working[call] = asyncio.create_task(self._work(call))

    async def _work(self, call: str) -> None:
        progress = self.crew.progress.setdefault(call, Progress())
        try:
            await self._ask("POST", f"/contacts/{call}/accept")  # or it is his already
            card = await self._ask("GET", f"/contacts/{call}/card")
            if card.status_code != 200 or not await self._is_mine(call):
                return
            tokens = set(TOKEN.findall(card.json()["text"] + card.json()["quoted"]))
            if len(tokens) != 1 or not tokens <= self.crew.by_token.keys():
                self.crew.faults.append(f"{self.seat} read in {call}: {card.json()}")
                return
            contact = self.crew.by_token[tokens.pop()]
            if not progress.token:
                progress.token, progress.left_s = contact.token, contact.work_s
            await self._think(progress)
            await self._answer(call, contact, progress)
        except AWAY:
            return  # `_begin` goes on with it
        except Exception as error:  # noqa: BLE001 - it is told in the verdict
            self.crew.faults.append(f"{self.seat} with {call}: {error!r}")

    async def _think(self, progress: Progress) -> None:
        """Work on it, but not while it is set aside."""
        while progress.left_s > 0:
            await progress.free.wait()
            begun = time.monotonic()
            await asyncio.sleep(min(progress.left_s, LOOK_S))
            if progress.free.is_set():
                progress.left_s -= time.monotonic() - begun
        await progress.free.wait()

    async def _answer(self, call: str, contact: Contact, progress: Progress) -> None:
        code = CODES[contact.medium]
        if progress.is_answered is None:
            progress.is_answered = await self._was_heard(call, contact)
        if not progress.is_answered:
            progress.is_answered = None
            is_last = contact.medium != "chat"
            said = {"text": contact.answer, "close": is_last, "code": code if is_last else ""}
            answer = await self._ask("POST", f"/contacts/{call}/reply", json=said)
            progress.is_answered = answer.status_code == 200
            if answer.status_code != 200:
                self.crew.faults.append(f"{self.seat} answered {contact}: {answer.text}")
                return
            if is_last:
                return
        if contact.medium == "chat":
            await self._is_thanked(call, contact)
        await self._ask("POST", f"/contacts/{call}/close", json={"code": code})

    async def _is_mine(self, call: str) -> bool:
        shown = await self._ask("GET", f"/contacts/{call}")
        return shown.status_code == 200 and shown.json()["mine"] and shown.json()["state"] == "talking"

    async def _was_heard(self, call: str, contact: Contact) -> bool:
        """Look whether an answer is there, of which nobody told."""
        card = (await self._ask("GET", f"/contacts/{call}/card")).json()
        if contact.answer in card["quoted"]:
            return True
        if card["person"] is None:
            return False
        kept = await self._ask("GET", f"/customers/{card['person']}/export")
        return contact.answer in kept.text

    async def _is_thanked(self, call: str, contact: Contact) -> None:
        while True:
            card = await self._ask("GET", f"/contacts/{call}/card")
            if card.status_code != 200 or thanks(contact) in card.json()["text"] + card.json()["quoted"]:
                return
            await asyncio.sleep(LOOK_S)
