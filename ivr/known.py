"""Who it is that comes, for the agent's display and ear: looked up when he comes, so that it is there when it is asked.

Nothing waits for the customer file: what it has not said by the time a phone rings is not shown. A number or an address
proves nobody's name; it is as good as the caller ID that it stands in for.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec import Struct

from acd.core.events import AnyEvent, CallArrived, Snapshot
from acd.core.model import Call
from acd.dispatcher import Dispatcher
from acd.store import StoreError
from acd.store.store import Store
from ivr import phrases_desk
from ivr.flow import Play, Recording
from ivr.speaker import Speaker, Voice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.orm import Session

log = structlog.get_logger()

LOOKS_MOST = 100
"""So many wait to be looked up, one by one; in a flood of calls the others go without a name."""
NAME_MOST = 60


class Known(Struct, frozen=True, kw_only=True):
    """What is told of somebody. Name and tier are hostile text."""

    name: str = ""
    today: int = 1
    """So many times he came today, with this time."""
    tier: str = ""


NOBODY = Known()


class House(Protocol):
    """What is needed of the server."""

    dispatcher: Dispatcher
    speaker: Speaker


class Acquaintance:
    """Knows who comes.

    Args:
        store: the customer file, if there is one.
        house: the server.

    """

    def __init__(self, store: Store | None, house: House) -> None:
        self.senders: dict[str, Callable[[str], Awaitable[str]]] = {}
        """Medium -> what a contact of it says of its sender: a name, or nothing. Of contacts that do."""
        self._store = store
        self._house = house
        self._found: dict[str, Known] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._one_by_one = asyncio.Lock()  # whoever looks takes a processor from those who decide

    def watch(self, event: AnyEvent) -> None:
        """Look up who has come; those of a server before this one when the switch has told who is there."""
        if isinstance(event, CallArrived):
            self._look_soon(event.call)
        elif isinstance(event, Snapshot):
            calls = self._house.dispatcher.core.state.calls
            self._found = {name: known for name, known in self._found.items() if name in calls}
            for name in calls.keys() - self._found.keys():
                self._look_soon(name)

    def _look_soon(self, name: str) -> None:
        call = self._house.dispatcher.core.state.calls.get(name)
        if call is None or name in self._looks or len(self._looks) >= LOOKS_MOST:
            return
        if self._store is None and call.medium not in self.senders:
            return
        self._looks[name] = task = asyncio.create_task(self._look(call), name=f"who is {name}")
        task.add_done_callback(lambda _: self._looks.pop(name))

    async def _look(self, call: Call) -> None:
        name, medium, caller = call.id, call.medium, call.caller
        said = await self._said(name, medium)
        known = await self._in_the_file(name, caller)
        if known is not None or said:
            known = known or NOBODY
            self._found[name] = Known(name=known.name or said, today=known.today, tier=known.tier)

    async def _in_the_file(self, name: str, caller: str) -> Known | None:
        """Ask the customer file; None if it cannot say at present, and is asked again with the next snapshot."""
        try:
            async with self._one_by_one:
                if self._store is None:
                    return NOBODY
                country, now = self._store.settings.country, self._house.dispatcher.clock()
                return await self._store.read(_known, caller, name, now, country)
        except StoreError:
            return None
        except Exception:
            log.exception("customer file cannot tell who it is", call=name)
            return NOBODY

    async def _said(self, name: str, medium: str) -> str:
        try:
            return await self.senders[medium](name) if medium in self.senders else ""
        except StoreError:
            return ""
        except Exception:
            log.exception("medium cannot tell who wrote", medium=medium, call=name)
            return ""

    def look_again(self, call: str) -> None:
        """Look somebody up once more: more is known of him now."""
        self._look_soon(call)

    def close(self) -> None:
        """Look nobody up any more; the customer file is about to be closed."""
        self._store = None
        for look in self._looks.values():
            look.cancel()

    # Shown and spoken

    def name(self, call: str) -> str:
        """Name who it is, as a display shows it; empty for nobody that is known."""
        name = self._found.get(call, NOBODY).name
        return "".join(char for char in name if char.isprintable())[:NAME_MOST]

    async def say(self, call: str, language: str, voice: Voice, *, instead: str = "") -> Recording | None:
        """Say who it is: "Jan Kowalski, third contact today, gold"; None for nobody that is known.

        Args:
            call: whose call.
            language: what is spoken to the agent.
            voice: speaks.
            instead: said where no name is known.

        """
        known = self._found.get(call, NOBODY)
        name = known.name[:NAME_MOST] or instead
        words = phrases_desk.person(name, known.today, known.tier[:NAME_MOST], language)
        return await voice.say(words, language) if words else None

    async def tell(self, call: str, language: str) -> None:
        """Say it to an agent: a part of a flow."""
        if call in self._found:
            async with self._house.speaker.voice() as voice:
                said = await self.say(call, language, voice)
                if said is not None:
                    await Play(said)


def _known(session: "Session", caller: str, call: str, now: int, country: str) -> Known:
    """Look somebody up; called in a thread, for SQLAlchemy takes a while to load, and more than that to answer."""
    from acd.store import handles, pop  # noqa: PLC0415 - see above

    try:
        named = handles.email(caller) if "@" in caller else handles.number(caller, country)
    except handles.HandleError:
        return NOBODY
    found = pop.screen_pop(session, named, now, call)
    if found is None:
        return NOBODY
    told = pop.spoken(found)
    return Known(name=told.name, today=told.today, tier=told.tier)
