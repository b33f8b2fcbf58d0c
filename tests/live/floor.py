"""A whole floor for the live tests: the server in this process, its Asterisk, and the people who telephone with it.

A test says what people do and waits for what the distributor makes of it (`sees`, `until`); nothing is slept for. When
it is over, `clear` hangs up what is left and asks for the peace that every call must leave behind: no channel in
Asterisk, no AGI session, no call in the core, no broken invariant, and a journal that accounts for each caller.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from acd.core.commands import AnyCommand, CallOver, Offer, Promise, Reply
from acd.core.events import AnyEvent, CallArrived, CallEnded, CloseAsked, Event, Snapshot
from acd.core.model import Call, Seat, State
from ivr.asterisk import Instance, on_free_ports
from ivr.server import Server
from ivr.softphone import Phone, PhoneCall, Softphones
from tests.live.people import TICK_S, WITHIN_S, People
from tests.live.testsite import PIN

E = TypeVar("E", bound=Event)


class Floor(People):
    """A running server with its people."""

    def __init__(self, server: Server, phones: Softphones, folder: Path) -> None:
        super().__init__(phones, server.site, folder)
        self.server = server
        self.history: list[tuple[AnyEvent, list[AnyCommand]]] = []
        """What happened since the test began, each event with the commands it led to."""
        self._journaled = 0
        self._news = asyncio.Event()
        server.dispatcher.watchers.append(self._note)

    @property
    def state(self) -> State:
        """What the core knows."""
        return self.server.dispatcher.core.state

    def seat(self, name: str) -> Seat:
        """What the core knows of a seat."""
        return self.state.seats[name]

    def call(self, caller: str) -> Call:
        """What the core knows of a caller, by his number."""
        return next(call for call in self.state.calls.values() if call.caller == caller)

    # People

    async def handset(self, seat: str) -> Phone:
        """Give the handset of a seat, when the core knows that it can be reached."""
        phone = await super().handset(seat)
        await self.until(lambda: self.seat(seat).reachable, f"seat {seat} reachable")
        return phone

    async def agent(
        self, seat: str, *, answer_after_ms: int | None = None, code: int = 200, talk_ms: int | None = None
    ) -> Phone:
        """Log an agent in. His handset rings until told to answer."""
        phone = await self.handset(seat)
        await phone.on_call(answer_after_ms=answer_after_ms, code=code, talk_ms=talk_ms)
        assert await self.server.desk.log_in(seat, PIN) == "ok"
        return phone

    async def waiter(self, number: str = "5550102") -> tuple[PhoneCall, str]:
        """Call in and wait in a queue."""
        call, own = await self.caller(number)
        await self.sees(CallArrived, caller=own)
        return call, own

    # Waiting

    async def sees(self, kind: type[E], **fields: object) -> E:
        """Wait for an event of this test that has these values; one that came already counts. Gives the first."""
        await self.until(lambda: bool(self.seen(kind, **fields)), f"{kind.__name__} with {fields}")
        return self.seen(kind, **fields)[0]

    def seen(self, kind: type[E], **fields: object) -> list[E]:
        """All events of this test so far that are of a kind and have these values."""
        return [
            event
            for event, _ in self.history
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
        ]

    async def until(self, reached: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
        """Wait until something is so; looked at after each event, and now and then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not reached():
            assert loop.time() < deadline, f"not {what} within {within_s:g} s; so far:\n{self.story()}"
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), TICK_S)

    def offers(self) -> list[tuple[str, str]]:
        """Who was offered to whom in this test, in order: (caller's number, seat)."""
        numbers = {call.call: call.caller for snapshot in self.seen(Snapshot) for call in snapshot.calls}
        numbers |= {event.call: event.caller for event in self.seen(CallArrived)}
        return [
            (numbers[command.call], command.seat)
            for _, commands in self.history
            for command in commands
            if isinstance(command, Offer)
        ]

    def story(self) -> str:
        """Tell the test's events and commands, for a failure's message."""
        return "\n".join(f"{event} -> {commands}" for event, commands in self.history)

    def _note(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        self.history.append((event, commands))
        self._news.set()

    def spoken(self, patch: pytest.MonkeyPatch) -> list[str]:
        """Note from now on each prompt, by name or text, that a flow plays."""
        prompts, said = self.server._prompts, list[str]()
        find = prompts.find

        async def noted(name_or_text: str, language: str) -> str:
            said.append(name_or_text)
            return await find(name_or_text, language)

        patch.setattr(prompts, "find", noted)
        return said

    # The beginning and the end of a test

    def begin(self) -> None:
        """Forget what was before."""
        self.history.clear()
        self._journaled = self.server._journal.seq

    async def clear(self) -> None:
        """Hang up, log out, and see that nothing is left."""
        await self.hang_up()
        for seat in self.state.seats:
            await self.server.desk.log_out(seat)
        await self.peace()
        self.accounts()

    async def peace(self) -> None:
        """Wait until no call is left anywhere, and nothing is wrong."""
        await self.until(lambda: not (self.state.calls or self.state.offers), "without calls and offers")
        await self.until(lambda: self.server.agi.sessions == 0, "without AGI sessions")
        await self.no_channels()
        assert self.server.faults() == []

    async def no_channels(self) -> None:
        """Wait until Asterisk holds no channel."""
        await no_channels(self.server.instance)

    def accounts(self) -> None:
        """See that the journal tells this test as it was seen, and of each caller how he came and how he went."""
        journaled = [(entry.event, entry.commands) for entry in self.server._journal.entries(after=self._journaled)]
        assert journaled == self.history
        inside: dict[str, int] = {}
        offered: dict[str, str] = {}
        virtual: set[str] = set()
        for event, commands in journaled:
            offered |= {one.offer: one.call for one in commands if isinstance(one, Offer)}
            if isinstance(event, CallArrived):
                inside[event.call] = event.at
                if self.state.media[event.medium].virtual:
                    virtual.add(event.call)
            elif isinstance(event, CallEnded):
                inside.pop(event.call, None)
            elif isinstance(event, CloseAsked) and Reply(request=event.request, answer="ok") in commands:
                del inside[offered[event.offer]]
            for over in commands:
                if isinstance(over, CallOver):
                    del inside[over.call]
                elif isinstance(over, Promise):
                    inside[over.call] = event.at
                    virtual.add(over.call)
            if isinstance(event, Snapshot):  # who is not in it has gone while nobody could tell
                young = {call: at for call, at in inside.items() if at >= event.asked or call in virtual}
                inside = young | {call.call: call.since for call in event.calls}
        assert not inside, f"the journal does not tell how these left: {inside}"


@contextlib.asynccontextmanager
async def open_floor(
    site_folder: Path, home: Path, cache: Path, *, prepare: Callable[[Server], None] = lambda _: None
) -> AsyncIterator[Floor]:
    """Start a server with an Asterisk of its own on free ports; `prepare` may change it before it starts."""
    server = Server(site_folder, home, tied=True, prepare=on_free_ports, cache=cache)
    prepare(server)
    async with server, Softphones() as phones:
        await asyncio.wait_for(server.switch.connected.wait(), WITHIN_S)
        await server.prompts_ready()
        floor = Floor(server, phones, home)
        await floor.open_trunk()
        yield floor


async def no_channels(instance: Instance) -> None:
    """Wait until an Asterisk holds no channel."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WITHIN_S
    while left := await asyncio.to_thread(channels, instance):
        assert loop.time() < deadline, f"channels left over after {WITHIN_S:g} s: {left}"
        await asyncio.sleep(TICK_S)


def channels(instance: Instance) -> list[str]:
    """Name the channels that an Asterisk holds."""
    said = instance.cli("core show channels concise")
    return [line.partition("!")[0] for line in said.split("\n") if "!" in line]
