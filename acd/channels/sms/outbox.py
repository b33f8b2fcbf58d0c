"""Sends what is in the outbox, part by part, by the centre of each section.

A text is in the customer file before anybody hears that it will be sent. A part is noted as in doubt, sent, and noted
as sent. What was in doubt when a session broke, or a server ended, is sent once more; then it comes back to its queue.
Whatever the centre says for now, or that it is away, is tried again, later each time; a refusal for good, or a day of
that, and it comes back as well.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from msgspec import Struct

from acd.channels.sms import pdu, receipts
from acd.channels.sms.intake import House as IntakeHouse
from acd.channels.sms.intake import Intake
from acd.channels.sms.smsc import Away, Doubt, Refused
from acd.store import StoreError

if TYPE_CHECKING:  # loading SQLAlchemy takes a while
    from acd.store.texts_out import Due, Late

log = structlog.get_logger()

AGAIN_MS, AGAIN_MOST_MS = 5_000, 600_000
"""What could not be sent is tried again so much later, twice as long each time."""
THROTTLED_MS = 1_000
ROUND_MOST, IN_HAND_MOST = 50, 200
STORE_AGAIN_S = 2.0
REST_S = 60.0


class Sender(Protocol):
    """Sends texts: a message centre, or a provider that speaks HTTP."""

    @property
    def can_send(self) -> bool:
        """Whether something can be sent now."""

    def pieces(self, own: str, theirs: str, body: str, ref: int) -> Sequence[Any]:
        """Give what a text is sent as. Raises ValueError: as nothing."""

    async def submit(self, piece: Any, before: Callable[[], Coroutine[Any, Any, None]]) -> str:
        """Send a piece; gives its name there; `before` is awaited just before. Raises Away, Doubt, Refused."""

    async def close(self) -> None:
        """Send nothing any more."""


class House(IntakeHouse, Protocol):
    """What is needed of the server."""

    @property
    def intake(self) -> Intake:
        """Has what came back wait."""

    @property
    def senders(self) -> "Mapping[str, Sender]":
        """What sends, by section."""


class _Stopped(Exception):  # noqa: N818 - never leaves this file
    """It is not gone on with at present."""


class _Turn(Struct):
    """One text that is being sent."""

    due: "Due"
    sender: Sender


class Outbox:
    """What goes out by one section.

    Args:
        house: the server.
        section: which.

    """

    def __init__(self, house: House, section: str) -> None:
        self._house, self._section = house, section
        self._wake = asyncio.Event()
        self._is_over = False
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        """Whom something is being sent to: one text at a time each, so they arrive in their order."""

    def wake(self) -> None:
        """Say that there is something new, or that it can be sent now."""
        self._wake.set()

    async def run(self) -> None:
        """Send, until cancelled or closed."""
        try:
            while not self._is_over:
                self._wake.clear()
                try:
                    rest_s = await self._round()
                except StoreError:  # the customer file says why
                    rest_s = STORE_AGAIN_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), rest_s)
        finally:
            for task in self._in_hand.values():
                task.cancel()

    async def close(self, within_s: float) -> None:
        """Begin no other text; what is half sent is sent, if it takes no longer than this."""
        self._is_over = True
        self._wake.set()
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=within_s)

    async def _round(self) -> float:
        """Begin with what is due; gives how long there is nothing to do, seconds."""
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        store, clock = self._house.store, self._house.dispatcher.clock
        busy = list(self._in_hand)
        due = await store.read(texts_out.due, self._section, clock(), ROUND_MOST, busy)
        smsc = self._house.senders.get(self._section)
        if smsc is None:
            for one in due:
                await self._later(one, f"there is no section '{self._section}' that sends texts any more")
        elif not smsc.can_send:
            for one in due:
                await self._give_up_if_old(one, "the message centre is away")
            return REST_S  # its next session wakes us
        elif len(self._in_hand) < IN_HAND_MOST:
            for one in due:
                self._begin(_Turn(one, smsc))
        next_due = await store.read(texts_out.next_due, self._section, list(self._in_hand))
        return REST_S if next_due is None else min(max(0.0, (next_due - clock()) / 1000), REST_S)

    def _begin(self, turn: _Turn) -> None:
        theirs = turn.due.theirs
        if theirs not in self._in_hand and not self._is_over:
            task = asyncio.create_task(self._send(turn), name="text out")
            self._in_hand[theirs] = task
            task.add_done_callback(lambda done: self._done(theirs, done))

    def _done(self, theirs: str, task: "asyncio.Task[None]") -> None:
        del self._in_hand[theirs]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreError):  # it is looked at again when the customer file works
            asyncio.get_running_loop().call_later(STORE_AGAIN_S, self._wake.set)
            return
        if error is not None:
            log.error("text cannot be sent", smsc=self._section, exc_info=error)
        self._wake.set()

    async def _send(self, turn: _Turn) -> None:
        """Send the parts of a text that the centre does not have yet."""
        from acd.store import texts, texts_out  # noqa: PLC0415 - is loaded

        due, house = turn.due, self._house
        if not due.is_notice and not await house.store.read(texts.may_be_written_to, due.theirs, house.office.country):
            await house.store.write(texts_out.drop, due.theirs, "opted out")
            return
        if due.doubts >= texts_out.DOUBTS_MOST:
            await self._give_up(due, "nobody knows whether the message centre has it: it was sent twice without answer")
            return
        try:
            parts = turn.sender.pieces(due.own, due.theirs, due.body, due.id)
        except ValueError as error:
            await self._give_up(due, str(error))
            return
        try:
            for number, part in enumerate(parts, 1):
                if number not in due.done:
                    await self._send_part(turn, number, part)
        except _Stopped:
            return
        await house.store.write(texts_out.sent, due.id, house.dispatcher.clock())
        log.info("text sent", smsc=self._section, parts=len(parts))

    async def _send_part(self, turn: _Turn, number: int, part: Any) -> None:
        """Send one part.

        Raises:
            _Stopped: it was not sent, and what follows from that is noted.

        """
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        due, store = turn.due, self._house.store
        if self._is_over:
            raise _Stopped
        begun = False

        async def begin() -> None:
            nonlocal begun
            await store.write(texts_out.begin, due.id, number)
            begun = True

        try:
            name = await turn.sender.submit(part, begin)
        except Doubt as doubt:
            if due.doubts + 1 >= texts_out.DOUBTS_MOST:
                await self._give_up(due, f"nobody knows whether the message centre has it: {doubt}")
            else:
                await self._later(due, str(doubt))
            raise _Stopped from None
        except (Away, Refused, pdu.PduError) as error:
            if begun:
                await store.write(texts_out.not_sent, due.id, number)
            await self._not_taken(due, error)
            raise _Stopped from None
        names, early = receipts.names(name), await self._noted(due, number, name)
        if early is not None:
            now = self._house.dispatcher.clock()
            news = texts_out.News(gates=(self._section,), names=names, state=early.state, said=early.said)
            told = await store.write(texts_out.receipt, news, now)
            self._house.intake.arrive([told] if told is not None else [])

    async def _noted(self, due: "Due", number: int, name: str) -> "Late | None":
        """Note that the centre has a part, however long the customer file fails: it would be sent again."""
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        while True:
            try:
                return await self._house.store.write(
                    texts_out.part_sent, due.id, number, name, names=receipts.names(name)
                )
            except StoreError:
                await asyncio.sleep(STORE_AGAIN_S)

    async def _not_taken(self, due: "Due", error: Exception) -> None:
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        if isinstance(error, Refused) and error.is_throttled:
            now = self._house.dispatcher.clock()
            await self._house.store.write(texts_out.later, due.id, now + THROTTLED_MS, str(error), counts=False)
        elif isinstance(error, Away) or (isinstance(error, Refused) and not error.is_for_good):
            await self._later(due, str(error))
        else:
            await self._give_up(due, str(error))

    async def _later(self, due: "Due", said: str) -> None:
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        if not await self._give_up_if_old(due, said):
            after = min(AGAIN_MS << min(due.tries, 16), AGAIN_MOST_MS)
            await self._house.store.write(texts_out.later, due.id, self._house.dispatcher.clock() + after, said)

    async def _give_up_if_old(self, due: "Due", said: str) -> bool:
        known = self._house.office.gates.get(self._section)
        limit_ms = known.give_up_ms if known is not None else 86_400_000
        is_old = self._house.dispatcher.clock() - due.made_at > limit_ms
        if is_old:
            await self._give_up(due, said)
        return is_old

    async def _give_up(self, due: "Due", said: str) -> None:
        """Have it come back to its queue; a notice is missed by nobody."""
        from acd.store import texts_out  # noqa: PLC0415 - is loaded

        told = await self._house.store.write(texts_out.give_up, due.id, said, self._house.dispatcher.clock())
        log.warning("text given up", smsc=self._section, reason=said, comes_back=told is not None)
        self._house.intake.arrive([told] if told is not None else [])
