"""Who plays in the demo, and what they do: callers, agents at telephones, one at a desk, a customer who also writes."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from ivr.demo.desk import DeskAgent
from ivr.demo.invitation import NUMBER
from ivr.demo.people import CALLERS, WRITER, WRITES_AS
from ivr.demo.stage import HOME, MAILBOX, SHOP
from ivr.demo.stage import NUMBER as TEXTS
from ivr.demo.story import Story
from ivr.demo.writer import Writers
from ivr.letter_phrases import TITLES
from ivr.prompts import PromptError, Prompts
from ivr.server import Server
from ivr.softphone import Phone, PhoneCall, SoftphoneError, Softphones, Trunk
from ivr.voices import choose_engines

BEN, CHLOE, DAWID = "102", "103", "104"
"""Seats that the demo plays: two by their phones, one at the desk."""
ROBOTS = (BEN, CHLOE)
ANSWERS_MS, TALK_MS = 900, 3_500
_SAYS: Final = {
    name: ("en", f"Hello, this is {name}. I am a caller of the demo. Hang up when you have heard enough of me.")
    for name in CALLERS.values()
} | {"Paweł": ("pl", "Dzień dobry, mówi Paweł. Dzwonię na próbę. Proszę się rozłączyć, kiedy to wystarczy.")}
"""What each caller says over and over, and in which language."""
_CALL_MS: Final = 3_600_000
"""The longest call: a person who answers one may take his time."""
_KEYS = (
    (4.0, "4", "hears it read, presses 4: ready replies"),
    (2.5, "1", "presses 1: the first one"),
    (2.5, "1", "presses 1: send it"),
    (3.0, "1", "presses 1: it was about 'sold'"),
)
"""After how long an agent at a phone presses which key, to answer what was written."""
_READ_MS = 20_000
"""What is not done so long after that is left: it waits again."""
_MAIL = "My invoice", "Hello, where do I find the invoice?"
_TEXT = "Please deliver it to my office."
_CHAT = "When will it come?", "Thank you!"
_NEXT_S = 1.0
"""Between one and the next."""
TEXT_EVERY = 4
"""Every so many callers one writes a text instead, when the story is over."""
_DESK = {"email": "Of course. You find it in your account.", "chat": "Tomorrow, before noon."}
"""What the agent at the desk answers."""


class Cast:
    """The people of the story."""

    def __init__(self, server: Server, phones: Softphones, story: Story, writers: Writers, address: str) -> None:
        self._server, self._phones, self._story = server, phones, story
        self._writers, self._address = writers, address
        self._trunk: Trunk
        self._agents: dict[str, Phone] = {}
        self._voices: dict[str, Path] = {}

    async def rehearse(self) -> None:
        """Speak what the callers say. One whom no engine can speak stays silent; the engine's failure is logged."""
        engines = choose_engines(self._server.site.general.voice)
        with contextlib.closing(Prompts(HOME / "site", HOME / "prompts", {}, engines, "en")) as prompts:
            for name, (language, words) in _SAYS.items():
                with contextlib.suppress(PromptError):
                    self._voices[name] = Path(f"{await prompts.find(words, language)}.wav")

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Have agents at their phones, who answer until this ends."""
        self._trunk = await self._phones.trunk("trunk", server=self._address, calls=4)
        async with _together() as group:
            for seat in ROBOTS:
                group.create_task(self._begin_shift(seat))
        async with _together() as group:
            working = [group.create_task(self._answer(seat)) for seat in ROBOTS]
            yield
            for task in working:
                task.cancel()

    async def play(self) -> None:
        """Three agents, five callers: one gives up, one agent lets his phone ring, one customer goes on in writing."""
        ben, chloe = self._agents[BEN], self._agents[CHLOE]
        await ben.on_call(answer_after_ms=ANSWERS_MS)
        await chloe.on_call(answer_after_ms=None)
        async with _together() as group:
            for work in (
                self._call(WRITER, "1"),  # Maria: sales, Ben answers
                self._call("5550202", "2", after_s=1.5),  # Tom: support, Chloe lets it ring
                self._call("5550203", "1", after_s=3.0, gives_up_s=4.0),  # Eve: does not wait that long
                self._call("5550204", "91", after_s=4.0),  # Paweł: Polish, then sales
                self._write(after_s=10.0),  # Maria again: what she forgot to ask
            ):
                group.create_task(work)
            await asyncio.sleep(9)
            self._story.tell("Chloe Martin", "is back at her desk")
            await chloe.on_call(answer_after_ms=700)
            group.create_task(self._call("5550205", "2"))  # Olga: support, straight to Chloe
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_MS / 1_000):
                while self._is_busy():  # noqa: ASYNC110 - many events may end the last one
                    await asyncio.sleep(0.1)

    def _is_busy(self) -> bool:
        """Whether anybody waits, or any agent has something in hand."""
        state = self._server.dispatcher.core.state
        return bool(state.calls) or any(offer.in_talk for offer in state.offers.values())

    # Agents

    async def _begin_shift(self, seat: str) -> None:
        """Register the agent's phone and log in as agents do: *11, the PIN, hash."""
        settings = self._server.site.seats[seat]
        phone = self._agents[seat] = await self._phones.register(seat, settings.secret, server=self._address)
        call = await phone.dial("*11")
        await call.confirmed()
        await asyncio.sleep(0.8)
        await call.dtmf(f"{settings.pin}#")
        await call.ended()

    async def _answer(self, seat: str) -> None:
        """Talk to those who call, answer by keys what was written; until cancelled."""
        phone, who = self._agents[seat], self._server.site.seats[seat].agent
        while True:
            call = await phone.incoming(_CALL_MS)
            try:
                await call.confirmed(_CALL_MS)
                if any(title in call.remote for title in TITLES.values()):
                    await self._press_keys(call, who)
                else:
                    await asyncio.sleep(TALK_MS / 1_000)
                if call.state != "ended":
                    await call.hang_up()
            except SoftphoneError:  # it was the other side's to end it
                await call.ended()

    async def _press_keys(self, call: PhoneCall, who: str) -> None:
        """Answer by a reply that the site has ready; then the call ends by itself."""
        for after_s, key, what in _KEYS:
            await asyncio.sleep(after_s)
            self._story.tell(who, what)
            await call.dtmf(key)
        await call.ended(_READ_MS)

    def _at_desk(self) -> DeskAgent:
        site = self._server.site
        seat, code = site.seats[DAWID], next(iter(site.codes.values()))
        return DeskAgent(self._writers.desk, DAWID, seat.pin, _DESK, code)

    # Customers

    async def _call(self, number: str, keys: str, *, after_s: float = 0, gives_up_s: float | None = None) -> None:
        await asyncio.sleep(after_s)
        name = CALLERS[number]
        self._story.tell(name, f"dials {NUMBER}")
        call = await self._trunk.dial(NUMBER, caller_id=number, caller_name=name)
        try:
            await call.confirmed()
            await self._press(call, name, keys)
            if voice := self._voices.get(name):
                await call.play(voice, loop=True)
            if gives_up_s is not None:
                await asyncio.sleep(gives_up_s)
                await call.hang_up()
        except SoftphoneError:
            if call.state != "ended":  # else it was the other side's to end it
                raise
        await call.ended(_CALL_MS)

    async def _press(self, call: PhoneCall, name: str, keys: str) -> None:
        for key in keys:
            await asyncio.sleep(1.8)
            self._story.tell(name, f"hears the menu, presses {key}")
            await call.dtmf(key)

    async def _write(self, *, after_s: float) -> None:
        """Write a mail, which the agent at the desk answers, a text, which waits for Ben's telephone, and a chat."""
        await asyncio.sleep(after_s)
        writers, name = self._writers, CALLERS[WRITER]
        async with _together() as group:
            at_desk = group.create_task(self._at_desk().work())
            self._story.tell(name, f"writes to {MAILBOX}: {_MAIL[1]}")
            await writers.mail(WRITES_AS, *_MAIL)
            await writers.answered("email")
            await asyncio.sleep(_NEXT_S)
            self._story.tell(name, f"sends an SMS to {TEXTS}: {_TEXT}")
            await writers.text(WRITER, _TEXT)
            await asyncio.sleep(_NEXT_S)
            self._story.tell(name, f"opens the chat at {SHOP}: {_CHAT[0]}")
            await writers.chat(WRITES_AS, *_CHAT)
            await writers.answered("sms")
            at_desk.cancel()

    async def go_on(self) -> None:
        """A caller every few seconds, for whoever wants to answer one, now and then a text; until it is cancelled."""
        async with _together() as group:
            for turn, number in enumerate(itertools.cycle(CALLERS), 1):
                while len(self._trunk.calls) >= 3:  # noqa: ASYNC110 - a look every few seconds is the pace itself
                    await asyncio.sleep(8)
                if turn % TEXT_EVERY == 0:
                    group.create_task(self._writers.text(number, _TEXT))
                else:
                    group.create_task(self._call(number, "1"))
                await asyncio.sleep(8)


@contextlib.asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run a group of tasks, none of which outlives it; the first error comes out of it bare."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
