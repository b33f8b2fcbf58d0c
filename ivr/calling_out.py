"""Calling out from a handset: what is dialled is judged, a line is chosen, and the next one if that fails.

The dialplan's `calling-out` sends who dials a number outside to the flow `handset/dial`. A call that may go goes on in
`acd-out`, which dials and, where nobody answered, asks `handset/dialled` what now. A caller whom an agent gives
outside, and a number outside that he asks first by keys of the switch, come by `handset/give-out` and are judged as if
he dialled. So no flow runs while it rings or while they talk, and a server that is restarted meanwhile cuts nobody off.

Which seat calls follows from the channel, as in `ivr.handset`. An emergency needs no seat and no log-in.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

import structlog

from acd.core.commands import CallOutAnswer
from acd.core.outcomes import LegOutcome
from acd.desk.calling import CallingDesk, CallOut
from acd.numbers import Barred
from acd.settings import SeatSettings
from ivr.causes import leg_outcome
from ivr.flow import Answer, Caller, DialOut, Flow, GetVariable, GoOn, Play, SetLanguage
from ivr.reach import REACHED, reached
from ivr.trunks import dial_string

log = structlog.get_logger()

GIVES, ASKS = "BLINDTRANSFER", "TRANSFERERNAME"
"""Asterisk's variables of a channel that calls outside in the place of an agent's own: by which one he gave a caller
away, and by which one he only asks there."""
OUTSIDE = "outside-"
"""Stands before the number in the extension of acd-given."""
HELP_S = 3.0
"""So long a call for help waits for the core."""

_TOLD = ("ACD_LEG", "DIALSTATUS", "HANGUPCAUSE", "ACD_SAID")
_RANG = ("RINGTIME_MS", "PROGRESSTIME_MS")
"""Dial sets them as it hears that it rings, or anything else; they are empty if it never did."""
_BARRED: Mapping[Barred, str] = {
    "no-number": "out-no-number",
    "unknown": "out-no-number",
    "premium": "out-premium",
}
_REFUSED: Mapping[CallOutAnswer, str] = {
    "not-logged-in": "handset-not-logged-in",
    "unknown-seat": "handset-no-seat",
    "no-line": "out-no-line",
    "barred": "out-barred",
}
"""What is said; anything else is a cap."""
_ENDED: Mapping[LegOutcome, str] = {
    "busy": "out-busy",
    "no-answer": "out-no-answer",
    "no-such-number": "out-no-number",
    "rejected": "out-rejected",
    "forbidden": "out-rejected",
}


class CallingOut:
    """The flows of calling out.

    Args:
        desk: asks the core.
        seat_of: says whose handset a channel belongs to.
        language: that of a handset of no seat.

    """

    def __init__(
        self, desk: CallingDesk, seat_of: Callable[[str], SeatSettings | None], language: Callable[[], str]
    ) -> None:
        self._desk = desk
        self._seat_of = seat_of
        self._language = language

    def flows(self) -> dict[str, Flow]:
        """Give them by their routes."""
        flows = (
            ("handset/dial", self._dial),
            ("handset/dialled", self._dialled),
            ("handset/give-out", self._give_out),
            (REACHED, reached),
        )
        return {name: Flow(name, run) for name, run in flows}

    async def _dial(self, caller: Caller) -> None:
        seat = self._seat_of(caller.channel)
        dialled = caller.headers.get("extension", "").removesuffix("#")  # who is used to end a number by it
        if self._desk.is_emergency(dialled):
            await self._call_for_help(seat, caller.uniqueid, dialled)
        out = await self._desk.call_out(seat, caller.uniqueid, dialled)
        if out.answer == "ok":
            await go(out)
        if out.answer != "over":
            await self._tell(seat, refusal(out))

    async def _call_for_help(self, seat: SeatSettings | None, channel: str, dialled: str) -> NoReturn:
        """Whatever goes wrong here, the dialplan then dials by itself."""
        try:
            async with asyncio.timeout(HELP_S):
                out = await self._desk.call_out(seat, channel, dialled)
        except Exception:
            log.exception("call for help goes on without a decision", channel=channel)
            await GoOn()
        await (go(out) if out.answer == "ok" else GoOn())
        raise AssertionError("a last word returns to nobody")

    async def _give_out(self, caller: Caller) -> None:
        """An agent gives his caller to a number outside, or asks there: his seat calls, on another channel than his.

        Where it may not, nothing is said: a caller goes back to his queue, and who only asks to his caller.
        """
        seat = self._seat_of(await self._in_place_of() or "")
        dialled = caller.headers.get("extension", "").removeprefix(OUTSIDE)
        out = await self._desk.call_out(seat, caller.uniqueid, dialled)
        await (go(out) if out.answer == "ok" else GoOn())

    @staticmethod
    async def _in_place_of() -> str | None:
        """Name the agent's channel in whose place this one calls; none if it is a handset's own call.

        Who was given away comes first: he may be one whom another agent only asked before.
        """
        return await GetVariable(GIVES) or await GetVariable(ASKS)

    async def _dialled(self, caller: Caller) -> None:
        by = await self._in_place_of()
        seat = self._seat_of(by or caller.channel)
        leg, status, told, said = [await GetVariable(name) or "" for name in _TOLD]
        cause = int(told) if told.isdecimal() and told.isascii() else 0
        rang = [await GetVariable(name) for name in _RANG]
        outcome = leg_outcome(status, cause, said=said, rang=any(rang))
        out = await self._desk.failed(seat, caller.uniqueid, leg, outcome, cause)
        if out.answer == "ok":
            await go(out)
        if by:
            await GoOn()
        if not await GetVariable("ACD_REACH"):  # for a customer nobody is there to hear it
            await self._tell(seat, _ENDED.get(outcome, "out-congestion"))

    async def _tell(self, seat: SeatSettings | None, prompt: str) -> None:
        await Answer()
        await SetLanguage(seat.language if seat is not None else self._language())
        await Play(prompt)


async def go(out: CallOut) -> None:
    """Dial what the core has let out: the last word."""
    await DialOut(
        dial_string(out.line, out.number),
        leg=out.leg,
        line=out.line,
        caller_id=out.caller_id,
        ring_ms=out.ring_ms,
        longest_ms=out.longest_ms,
        help_number=out.help_number,
    )


def refusal(out: CallOut) -> str:
    """Name the prompt that says why a call was not let out."""
    return _BARRED.get(out.barred, "out-barred") if out.barred else _REFUSED.get(out.answer, "out-cap")
