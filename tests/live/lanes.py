"""Lanes in which transfers are played: each has its caller, two agents, two queues and somebody outside.

What the ledger makes of a transfer is held against a capture of the SIP side: see `test_transfer_table`.
"""

import asyncio
import contextlib
import random
import re
from collections.abc import Awaitable
from typing import NamedTuple

from acd.core import events as ev
from acd.reports.legs import Legs, Path
from ivr.softphone import Phone, PhoneCall, SoftphoneError
from tests.live.capture import Capture
from tests.live.floor import Floor

TALK_S = 0.7
"""For so long people talk, at least."""
FIRST_S = 2.3
"""For so long the first agent does. The telephones' packets are numbered from one and the same number on, and one whose
number was among the last hundred is taken for a copy: another voice would not be heard so soon."""
TOLERANCE_S = 0.25
"""So far the ledger may be from what was heard: Asterisk's and the telephones' buffers of sound, and a busy machine."""
KEYS_S = 0.4
"""So long a telephone sends the two keys that complete a transfer; whoever hears it then hears no voice."""


class Row(NamedTuple):
    """One transfer."""

    kind: str
    by: str
    to: str
    when: str
    who: str

    def __str__(self) -> str:
        return f"{self.kind} by {self.by} to {self.to}, {self.who} hangs up: {self.when}"


class Carrier:
    """Somebody at the other end of the trunk whom all lanes call: whose call it is tells the number it comes from."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._ringing: dict[int, PhoneCall] = {}
        self._looks = asyncio.Lock()

    async def rings(self, n: int) -> PhoneCall:
        """Wait until a call of a lane's first queue rings there."""
        while n not in self._ringing:
            async with self._looks:
                if n not in self._ringing:
                    call = await self.phone.incoming(20_000)
                    whose = re.findall(r"493099900([0-9])", call.remote)
                    assert whose, f"it rings outside, and no queue's number is shown: {call.remote}"
                    self._ringing[int(whose[0])] = call
        return self._ringing.pop(n)


class Lane:
    """A caller's number, two seats and two queues, and somebody outside, for one row at a time."""

    def __init__(self, floor: Floor, n: int) -> None:
        self.floor, self.n = floor, n
        self.first, self.second, self.outside = f"13{n}", f"12{n}", f"outside-{n}"
        self.carrier = floor.carrier

    async def open(self) -> None:
        """Have both agents log in."""
        for seat in (self.first, self.second):
            await self.floor.agent(seat)

    async def played(self, row: Row) -> str:
        """Play a row; answers what is wrong with it, empty if nothing is."""
        try:
            async with asyncio.timeout(60):
                return await self.play(row)
        except (SoftphoneError, AssertionError, TimeoutError) as error:
            for phone in (self.first, self.second, self.outside):
                for left in self.floor.handsets[phone].calls:
                    with contextlib.suppress(SoftphoneError):
                        await left.hang_up()
            return f"{row}: {str(error)[:200] or repr(error)}"

    async def play(self, row: Row) -> str:
        """Play a row; answers what is wrong with its ledger, empty if nothing is."""
        caller, number = await self.floor.caller(f"555012{self.n}")
        capture = await Capture.start(caller, self.floor._recording())
        call = (await self.floor.sees(ev.CallArrived, caller=number)).call
        leg = await self.answers(self.first, "agent")
        await asyncio.sleep(FIRST_S)
        act = {"blind": self.blind, "attended": self.attended}[row.kind]
        await act(row, caller, leg)
        await asyncio.sleep(TALK_S)
        if caller.state != "ended":
            with contextlib.suppress(SoftphoneError):
                await caller.hang_up()
        await self.floor.sees(ev.CallEnded, call=call)
        for phone in (self.first, self.second, self.outside):
            for left in self.floor.handsets[phone].calls:
                with contextlib.suppress(SoftphoneError):
                    await left.hang_up()
                await left.ended()
        await self.floor.until(lambda: not any(self.seat_busy(seat) for seat in (self.first, self.second)), "free")
        for seat in (self.first, self.second):
            await self.floor.server.desk.ready(seat)
        return await self.judged(row, call, capture, leg)

    def seat_busy(self, name: str) -> bool:
        """Whether a seat has anything to do."""
        seat = self.floor.seat(name)
        return seat.busy or bool(seat.work)

    async def answers(self, phone: str, voice: str) -> PhoneCall:
        """A telephone rings, is answered and speaks."""
        call = await self.floor.rings(phone)
        await call.answer()
        await call.confirmed()
        await self.speaks(call, voice)
        return call

    async def speaks(self, call: PhoneCall, voice: str) -> None:
        """Have somebody speak, if his call is not over already."""
        with contextlib.suppress(SoftphoneError):
            await self.floor.speaks(call, voice)

    async def rings(self, to: str, phone: str) -> PhoneCall:
        """Wait until it rings there."""
        return await (self.carrier.rings(self.n) if to == "line" else self.floor.rings(phone))

    def target(self, to: str, *, outside_by_line: bool = False) -> tuple[str, str]:
        """Give the number to dial, and whose telephone rings then."""
        return {
            "seat": (self.second, self.second),
            "queue": (f"32{self.n}", self.second),
            "line": (f"0089555020{self.n}", self.outside),
            "outside": (f"{'0' if outside_by_line else ''}089555020{self.n}", self.outside),
        }[to]

    async def blind(self, row: Row, caller: PhoneCall, leg: PhoneCall) -> None:
        """The caller is given away unasked."""
        number, phone = self.target(row.to)
        if row.when == "begins":
            await self.at_once(self.give(row, leg, number), leg.hang_up(), gap_s=0.0)
            await leg.ended()
            return
        await self.give(row, leg, number)
        ringing = await self.rings(row.to, phone)
        if row.when == "rings":
            if row.who == "caller":
                await caller.hang_up()
            else:
                await ringing.answer(603)  # a queue goes on; else he is back in his own
                await self.answers(*((self.second, "third") if row.to == "queue" else (self.first, "agent")))
            return
        await self.second_answers(row, caller, ringing)

    async def second_answers(self, row: Row, caller: PhoneCall, ringing: PhoneCall) -> None:
        """Who rings for the caller answers, and somebody hangs up at once, or later."""
        ends = caller if row.who == "caller" else ringing
        if row.when == "completes":
            await self.at_once(ringing.answer(), ends.hang_up())
            if ringing.state == "confirmed":
                await self.speaks(ringing, "third")
            return
        await ringing.answer()
        await ringing.confirmed()
        await self.speaks(ringing, "third")
        await asyncio.sleep(TALK_S)
        await ends.hang_up()

    async def give(self, row: Row, leg: PhoneCall, number: str) -> None:
        """Give the caller away, by the telephone's key or by those of the switch."""
        if row.by == "keys":
            await leg.dtmf(f"##{number}")
        else:
            await leg.transfer(number)

    async def at_once(self, *acts: Awaitable[object], gap_s: float = 0.02) -> None:
        """Have several people do something at the same time, as far as that can be."""

        async def one(act: Awaitable[object], after_s: float) -> None:
            await asyncio.sleep(after_s)
            with contextlib.suppress(SoftphoneError):
                await act

        await asyncio.gather(*(one(act, n * random.uniform(0, gap_s)) for n, act in enumerate(acts)))

    async def attended(self, row: Row, caller: PhoneCall, leg: PhoneCall) -> None:
        """The agent asks first."""
        number, phone = self.target(row.to, outside_by_line=row.by == "refer")
        if row.by == "keys":
            own, _ = leg, await leg.dtmf(f"*2{number}")
            ringing = await self.rings(row.to, phone)
        else:
            await leg.hold()
            own = await self.floor.handsets[self.first].dial(number)
            ringing = await self.rings("line" if row.to == "outside" else row.to, phone)
        if row.when == "rings":
            await self.hangs_up(row, caller, leg, own, ringing)
            return
        if row.when == "put through unanswered":
            await self.puts_through(leg, own)
            await self.goes_on_ringing(row, caller, ringing)
            return
        await ringing.answer()
        await ringing.confirmed()
        await self.speaks(ringing, "third")
        await asyncio.sleep(TALK_S)
        if row.when == "consults":
            await self.hangs_up(row, caller, leg, own, ringing)
            return
        complete = leg.dtmf("*2") if row.by == "keys" else self.puts_through(leg, own)
        if row.when == "completes":
            ends = {"caller": caller, "first": leg, "second": ringing}[row.who]
            await self.at_once(complete, ends.hang_up(), gap_s=0.1)
            return
        await complete
        await asyncio.sleep(TALK_S)
        await {"caller": caller, "second": ringing}[row.who].hang_up()

    async def puts_through(self, leg: PhoneCall, own: PhoneCall) -> None:
        """The agent puts his two calls together, and hears that it was done."""
        told = await leg.transfer(own)
        assert told.code == 200, f"not put through: {told}"

    async def goes_on_ringing(self, row: Row, caller: PhoneCall, ringing: PhoneCall) -> None:
        """It rings for the caller now: he gives up, or the other one declines, or answers."""
        await asyncio.sleep(TALK_S)
        if row.who == "caller":
            await caller.hang_up()
        elif row.who == "second":
            await ringing.answer(603)
            await self.answers(self.first, "agent")
        else:
            await ringing.answer()
            await ringing.confirmed()
            await self.speaks(ringing, "third")

    async def hangs_up(self, row: Row, caller: PhoneCall, leg: PhoneCall, own: PhoneCall, ringing: PhoneCall) -> None:
        """Somebody does so before the caller was given away; then the agent goes back to him if he can."""
        match row.who:
            case "caller":
                await caller.hang_up()
                await asyncio.sleep(TALK_S / 2)
                return
            case "first":
                await own.hang_up()
            case "second":
                await (ringing.answer(603) if row.when == "rings" else ringing.hang_up())
            case _:
                await leg.dtmf("*1")
        if row.by == "refer":
            if row.to == "queue" and row.who == "second" and row.when == "rings":  # it would ring again
                await own.hang_up()
            await own.ended()
            await leg.unhold()
        if row.by == "keys" and row.who == "first" and row.when == "rings":
            await ringing.answer()
            await ringing.confirmed()
            await self.speaks(ringing, "third")
        await asyncio.sleep(TALK_S)

    # What came of it

    async def judged(self, row: Row, call: str, capture: Capture, leg: PhoneCall) -> str:
        """Hold the ledger against the capture."""
        heard, path = await capture.heard_s(), path_of(self.floor, call)
        told: dict[str, float] = {}
        for one in path.legs:
            voice = self.voice(row, one.who)
            told[voice] = told.get(voice, 0.0) + one.talk_ms / 1000
        tolerance = TOLERANCE_S + (KEYS_S if (row.by, row.when) == ("keys", "completes") else 0.0)
        wrong = [
            f"{name}: told {told.get(name, 0.0):.2f}, heard {heard.get(name, 0.0):.2f}"
            for name in ("agent", "third", *sorted(told.keys() - {"agent", "third"}))
            if abs(told.get(name, 0.0) - heard.get(name, 0.0)) > tolerance
        ]
        over_ns = min(leg.at_ns["ended"], capture.call.at_ns["ended"])  # he may go on asking when the caller is gone
        measured = (over_ns - leg.at_ns["confirmed"]) / 1e9
        first = path.legs[0]
        if abs((first.end - first.start) / 1000 - measured) > TOLERANCE_S:
            wrong.append(f"leg of the first: told {(first.end - first.start) / 1000:.2f}, measured {measured:.2f}")
        legs = ", ".join(f"{one.who} {one.talk_ms}+{one.hold_ms}" for one in path.legs)
        return f"{row}: {'; '.join(wrong)} [{legs}]" if wrong else ""

    def voice(self, row: Row, who: str) -> str:
        """Say with which voice one speaks who is named in the ledger."""
        if who == self.second or (row.to in {"outside", "line"} and who.startswith(("PJSIP/trunk-", "PJSIP/carrier-"))):
            return "third"
        return "agent" if who == self.first else who


def path_of(floor: Floor, call: str) -> Path:
    """What the fold of legs has of a call that is gone, given away or not."""
    legs, path = Legs(), None
    for event, commands in floor.history:
        legs.note(event, commands)
        path = legs._paths.get(call, path)
    assert path is not None
    return path
