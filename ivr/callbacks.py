"""Callbacks: offered to callers, and done by agents.

    key 1, callback      overflow_closed = callback      step = after 120s, go callback

all lead to the flow `callback`: it asks whether the caller's own number is right or takes another one, keeps his place
and lets him go. A caller who wants none waits on where he waited, if he had only pressed a key.

An agent's telephone rings for it as for a caller. He hears whom he will call, and the call goes out by itself, over a
line that is kept for callbacks if need be; by keys he closes it or puts it off. A customer who answers has had his
callback; one who does not is called again later, so often as the queue says. With `callback_first = customer` he is
called before any agent (`acd.core.callbacks`, `ivr.reach`).
"""

from collections.abc import Callable

import structlog

from acd.core import State
from acd.desk.callbacks import CallbackDesk
from acd.desk.calling import CallingDesk
from acd.ports import Desk
from ivr.callback_words import spoken
from ivr.calling_out import go, refusal
from ivr.desk import Work
from ivr.flow import Answer, Caller, Collect, Flow, GetVariable, Menu, Play, WaitOn
from ivr.switch import AmiSwitch

log = structlog.get_logger()

FLOW = "callback"
NUMBER_DIGITS = 15
CHOOSE_MS = 2_000
"""So long an agent has for another key; then the customer is called."""
LATER_MS = 900_000


class Callbacks:
    """The flow that promises one, and the attendant that keeps the promise; see `ivr.desk.Attendant`."""

    title = "callback to"

    def __init__(self, promises: CallbackDesk, calling: CallingDesk, desk: Desk) -> None:
        self._promises = promises
        self._calling = calling
        self._desk = desk

    def flow(self) -> Flow:
        """Give the flow for callers."""
        return Flow(FLOW, self._offer)

    def wire(self, switch: AmiSwitch, state: Callable[[], State]) -> None:
        """Let the switch know how customers are called, and which calls out there are."""
        switch.to_customer = self._calling.to_customer
        switch.legs_out = lambda: [(leg.id, leg.line) for leg in state().legs.values()]
        switch.channels.back_to = lambda held: self._promises.back_to(held.number, held.language)

    async def _offer(self, caller: Caller) -> None:
        await Answer()
        number = await self._number(caller)
        if number is None:
            if await GetVariable("ACD_REASON") == "key":
                await Play("callback-waits-on")
                await WaitOn()
            await Play("callback-none")
            return
        if not self._promises.is_promised(number):
            queue = await GetVariable("ACD_QUEUE") or ""
            self._promises.promise(caller.uniqueid, number, queue, caller.language)
        await Play("callback-promised")

    async def _number(self, caller: Caller) -> str | None:
        """Ask for the number until one is right that may be called; None if he wants none, or gives none."""
        own = self._promises.judge(caller.number)
        if not own.barred:
            language = caller.language
            match await Menu((spoken("callback-to", own.number, language), "callback-choice"), choices="12", tries=2):
                case "1":
                    return own.number
                case None:
                    return None
        for _ in range(2):
            typed = await Collect("callback-type", max_digits=NUMBER_DIGITS, min_digits=3, timeout_ms=5_000)
            if typed is None:
                return None
            found = self._promises.judge(typed)
            if not found.barred:
                return found.number
            await Play("callback-not-this")
        return None

    async def attend(self, work: Work) -> None:
        """Call the customer for an agent who has answered, unless he wants something else."""
        choice = await Menu(
            (spoken("callback-now", work.call.caller, work.language), "callback-agent-choice"),
            choices="179",
            tries=1,
            timeout_ms=CHOOSE_MS,
        )
        match choice:
            case "7":
                await self._desk.close(work.seat.rule.name, work.offer)
                await Play("callback-closed")
            case "9":
                await self._desk.defer(work.seat.rule.name, work.offer, LATER_MS)
                await Play("callback-later")
            case _:
                out = await self._calling.call_back(work.seat, work.offer, work.call.caller)
                if out.answer == "ok":
                    await go(out)
                await self._desk.defer(work.seat.rule.name, work.offer, LATER_MS)
                await Play(refusal(out))
