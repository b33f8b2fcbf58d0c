"""Who leaves a queue before he is answered and comes again by another medium goes on with the wait that he gave up.

    he hangs up while he waits, or his chat breaks  -> noted by all his numbers and addresses, with how long he waited
    he writes or calls, to that queue and in time   -> his `CallArrived` has so long a head start; the note is gone

What counts is the wait alone, not the time between, and no more of it than a caller of the queue may wait at all. It is
good for one contact, and for none while another one of his is in that queue. Tickets, for those whom the switch has cut
off, are the core's own (`acd.core.tickets`), as are callbacks, which keep a place of their own.

An event is changed before it is decided: the journal has it so, and whoever replays it needs nothing of this. Nothing
waits for the customer file either. It says who somebody is when he leaves, and what was noted when the server begins;
until it has said so he is known by the number or address that he came with. A chat earns its visitor something, but a
visitor claims nothing: who he is he only says.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec import Struct, structs

from acd.core.commands import AnyCommand, Promise
from acd.core.events import AnyEvent, CallArrived, CallEnded, Connected
from acd.core.model import Call, State
from acd.dispatcher import Dispatcher
from acd.settings import Site
from acd.store import StoreError
from acd.store.handles import EMAIL, XMPP, HandleError, Named, number, xmpp
from acd.store.store import Store

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.given_up import GivenUp

log = structlog.get_logger()

CLAIMED = frozenset({"chat"})
"""Media in which nothing stands behind what somebody says of himself: not even what stands behind a caller ID."""
NOTES_MOST = 20_000
"""Numbers and addresses that are noted at a time."""
LOOKS_MOST = 100
"""So many are looked up at a time, one by one; in a flood of calls the others are known by what they came with."""
TALKED_MOST = 10_000
_WAITING = frozenset({"waiting", "offered"})


class House(Protocol):
    """What is needed of the server."""

    site: Site
    dispatcher: Dispatcher


class Left(Struct, frozen=True, kw_only=True):
    """Somebody who has left a queue."""

    call: str
    queue: str
    medium: str
    waited_ms: int
    at: int
    caller: str
    """The number or address that he came with, as it was."""
    keys: frozenset[Named]
    """All of his."""


class Returning:
    """Remembers who left, and knows him again.

    Args:
        store: the customer file, if there is one.
        house: the server.

    """

    def __init__(self, store: Store | None, house: House) -> None:
        self._store, self._house = store, house
        self._left: dict[tuple[str, Named], Left] = {}
        """Queue and number or address -> who left there."""
        self._talked: set[str] = set()
        """Contacts that wait again after an agent had them: they were served."""
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._one_by_one = asyncio.Lock()  # whoever looks takes a processor from those who decide

    @property
    def _state(self) -> State:
        return self._house.dispatcher.core.state

    @property
    def _keep_ms(self) -> int:
        return self._house.site.general.resume_ms

    # What happens

    def before(self, event: AnyEvent) -> AnyEvent:
        """See an event before it is decided; gives what is to be decided."""
        match event:
            case CallEnded(reason="hung-up"):
                self._leaves(event)
            case Connected():
                self._talks(event)
            case CallArrived() if self._left:
                return self._comes(event)
        return event

    def watch(self, _event: AnyEvent, commands: list[AnyCommand]) -> None:
        """See what was decided."""
        for command in commands:
            if isinstance(command, Promise):  # he is called back, at his place
                key = self._key(command.caller, command.medium)
                left = self._left.get((command.queue, key)) if key is not None else None
                if left is not None:
                    self._forget(left)

    def _talks(self, event: Connected) -> None:
        offer = self._state.offers.get(event.offer)
        call = self._state.calls.get(offer.call or "") if offer is not None else None
        if call is not None and call.virtual:
            if len(self._talked) >= TALKED_MOST:
                self._talked &= self._state.calls.keys()
            self._talked.add(call.id)

    # He leaves

    def _leaves(self, event: CallEnded) -> None:
        call = self._state.calls.get(event.call)
        if call is None or call.state not in _WAITING or call.id in self._talked or not self._keep_ms:
            return
        media, key = self._state.media, self._key(call.caller, call.medium)
        waited_ms = min(event.at - call.waits_since, self._most_ms(call))
        if key is None or waited_ms <= 0 or (call.medium in media and media[call.medium].becomes):
            return
        self._note(
            Left(
                call=call.id,
                queue=call.queue,
                medium=call.medium,
                waited_ms=waited_ms,
                at=event.at,
                caller=call.caller,
                keys=frozenset({key}),
            )
        )
        if self._store is not None and len(self._looks) < LOOKS_MOST:
            self._looks[call.id] = task = asyncio.create_task(self._look(call.id, call.queue, key))
            task.add_done_callback(lambda _: self._looks.pop(call.id, None))

    def _most_ms(self, call: Call) -> int:
        rule = self._state.queues.get(call.queue)
        return rule.max_wait_ms if rule is not None else 0

    def _key(self, caller: str, medium: str) -> Named | None:
        """Give a number or an address in its normal form; None for who withholds his. A caller ID is no address."""
        media, plan = self._state.media, self._house.site.calling_out.plan
        try:
            if "@" not in caller or medium not in media or not media[medium].virtual:
                return number(caller, plan.country if plan is not None else "")
            return xmpp(caller) if medium == XMPP else Named(EMAIL, caller.strip().lower())
        except HandleError:
            return None

    def _note(self, left: Left) -> None:
        """Note somebody, unless he is noted with a longer wait."""
        if len(self._left) >= NOTES_MOST:
            self._left = {key: one for key, one in self._left.items() if self._holds(one, left.at)}
        for key in left.keys if len(self._left) < NOTES_MOST else ():
            known = self._left.get((left.queue, key))
            if known is None or known.waited_ms <= left.waited_ms or not self._holds(known, left.at):
                self._left[left.queue, key] = left

    def _holds(self, left: Left, at: int) -> bool:
        return at - left.at <= self._keep_ms

    def _forget(self, left: Left) -> None:
        for key in left.keys:
            if self._left.get((left.queue, key)) == left:
                del self._left[left.queue, key]

    async def _look(self, call: str, queue: str, key: Named) -> None:
        """Note him by all his numbers and addresses, unless he has come again meanwhile."""
        try:
            async with self._one_by_one:
                if self._store is None:
                    return
                from acd.store import given_up  # noqa: PLC0415 - loads SQLAlchemy, where that is done by now

                others = await self._store.read(given_up.handles_of, key)
        except StoreError:
            return
        except Exception:
            log.exception("customer file cannot tell who it was", call=call)
            return
        left = self._left.get((queue, key))
        if left is not None and left.call == call:
            self._note(structs.replace(left, keys=left.keys | set(others)))

    # He comes again

    def _comes(self, event: CallArrived) -> CallArrived:
        key = self._key(event.caller, event.medium)
        left = self._left.get((event.queue, key)) if key is not None else None
        if left is None or not self._is_for(left, event):
            return event
        self._forget(left)
        log.info("goes on with a wait that was given up", call=event.call, of=left.call, waited_ms=left.waited_ms)
        return structs.replace(event, head_start_ms=event.head_start_ms + left.waited_ms)

    def _is_for(self, left: Left, event: CallArrived) -> bool:
        began = event.at if event.since is None else event.since
        if event.medium in CLAIMED | {left.medium} or not left.at <= began or not self._holds(left, event.at):
            return False
        calls, his = self._state.calls, {left.caller, *(key.value for key in left.keys)}
        return event.call not in calls and not any(
            call.queue == left.queue and call.caller in his for call in calls.values()
        )

    # Another server

    async def load(self) -> None:
        """Know who left an earlier server, as far as the customer file can tell; until cancelled, if it is away."""
        if self._store is None:
            return
        await self._store.opened.wait()
        await self._store.caught_up.wait()
        from acd.store import given_up  # noqa: PLC0415 - is loaded

        try:
            found = await self._store.read(given_up.recent, self._house.dispatcher.clock() - self._keep_ms, NOTES_MOST)
        except StoreError as error:
            log.warning("customer file cannot tell who left before the start", reason=str(error))
            return
        for one in found:
            self._note_of(one)

    def _note_of(self, one: "GivenUp") -> None:
        rule = self._state.queues.get(one.queue)
        waited_ms = min(one.ended_at - one.started_at, rule.max_wait_ms if rule is not None else 0)
        if waited_ms > 0:
            self._note(
                Left(
                    call=one.call,
                    queue=one.queue,
                    medium=one.medium,
                    waited_ms=waited_ms,
                    at=one.ended_at,
                    caller="",
                    keys=frozenset(one.handles),
                )
            )

    async def close(self) -> None:
        """Look nobody up any more; the customer file is about to be closed."""
        self._store = None
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
