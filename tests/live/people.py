"""People on telephones: callers on a trunk, agents at their handsets, and what they hear.

They know nothing of callfloor but the address of its Asterisk and, as real ones do, their number, password and PIN. So
they can telephone with a server in this process (`floor.Floor`) and with one that runs as a command.
"""

import asyncio
import contextlib
from pathlib import Path

import pytest

from acd.settings import Site
from ivr.audio import Audio
from ivr.softphone import Phone, PhoneCall, SoftphoneError, Softphones
from tests.live.testsite import HERTZ, heard

WITHIN_S = 20.0
"""How long a test waits for what must come. Generous: the machine may have other things to do."""
TICK_S = 0.02
PACKET_MS = 20


class People:
    """Everybody who telephones in a test."""

    def __init__(self, phones: Softphones, site: Site, folder: Path) -> None:
        self.site, self.folder = site, folder
        self.address = f"127.0.0.1:{site.switch.sip_port}"
        self.handsets: dict[str, Phone] = {}
        self._phones = phones
        self._recordings = 0
        self._callers = 0

    async def open_trunk(self, calls: int = 8) -> None:
        """Let callers call."""
        self.trunk = await self._phones.trunk("trunk", server=self.address, calls=calls)

    async def handset(self, seat: str) -> Phone:
        """Give the registered handset of a seat; it rings until told otherwise."""
        phone = self.handsets.get(seat)
        if phone is None:
            phone = await self._phones.phone(seat, self.site.seats[seat].secret, server=self.address)
            self.handsets[seat] = phone
        if not phone.registered:
            await phone.register()
        return phone

    async def phone(self, name: str) -> Phone:
        """Give the registered phone of that name, which is no seat's own."""
        phone = self.handsets.get(name)
        if phone is None:
            phone = await self._phones.phone(name, self.site.phones[name].secret, server=self.address)
            self.handsets[name] = phone
        if not phone.registered:
            await phone.register()
        return phone

    async def caller(self, number: str, *, name: str = "") -> tuple[PhoneCall, str]:
        """Call in on the trunk until the call is answered; gives it and the caller's number, of which each is new."""
        self._callers += 1
        own = f"555{7000 + self._callers}"
        call = await self.trunk.dial(number, caller_id=own, caller_name=name)
        await call.confirmed()
        return call, own

    async def rings(self, seat: str) -> PhoneCall:
        """Wait until a handset rings."""
        while True:
            call = await self.handsets[seat].incoming(int(WITHIN_S * 1000))
            if call.state != "ended":  # an earlier one that nobody asked for
                return call

    async def dials(self, seat: str, code: str, *steps: tuple[str, str]) -> list[str]:
        """Dial a feature code from a handset; gives what was heard after the last step.

        Args:
            seat: whose handset, or the phone of no seat.
            code: what to dial.
            steps: a word to wait for, and the keys to press when it was heard.

        """
        phone = await (self.phone(seat) if seat in self.site.phones else self.handset(seat))
        call = await phone.dial(code)
        await call.confirmed()
        for word, keys in steps:
            await self.hears(call, word)
            if keys:
                await call.dtmf(keys)
        await call.record(self._recording())
        await call.ended()
        return heard(await call.recorded())

    async def listen(self, call: PhoneCall, ms: int = 500) -> Audio:
        """Record what somebody hears for so long, counted by the packets that come in, or until the call's end."""
        await call.record(self._recording())
        await self._packets(call, ms)
        return await call.recorded()

    async def _packets(self, call: PhoneCall, ms: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            with contextlib.suppress(SoftphoneError):  # it is over
                first = (await call.rtp()).received
                while (await call.rtp()).received - first < ms // PACKET_MS:  # noqa: ASYNC110 - only asking can tell
                    await asyncio.sleep(TICK_S)

    async def hears(self, call: PhoneCall, word: str, within_s: float = WITHIN_S) -> list[str]:
        """Wait until somebody hears a sound that has a name; gives all that was heard, and misses nothing meanwhile.

        Between two such waits something may be missed: two sounds that follow at once are heard in one.
        """
        listened: list[str] = []
        try:
            async with asyncio.timeout(within_s):
                over = call.state == "ended"
                if not over:
                    await call.record(self._recording())
                while word not in listened:
                    assert not over, f"{call}: ended without {word}, after {listened}"
                    await self._packets(call, 500)
                    over = call.state == "ended"
                    listened += heard(await call.record_on(self._recording()))
                await call.recorded()
                return listened
        except TimeoutError:
            kept = [str(path) for path in sorted(self.folder.glob("heard-*.wav"))[-1:]]
            pytest.fail(f"{call}: not {word} within {within_s:g} s, but {listened}; the last half second: {kept}")

    async def talk(self, caller: PhoneCall, agent: PhoneCall) -> None:
        """See that two hear each other, each the other's voice."""
        await self.speaks(caller, "caller")
        await self.speaks(agent, "agent")
        await self.hears(agent, "caller")
        await self.hears(caller, "agent")

    @staticmethod
    async def speaks(call: PhoneCall, voice: str) -> None:
        """Have somebody speak with one of the voices."""
        await call.play_tone(HERTZ[voice])

    async def hang_up(self) -> None:
        """Everybody hangs up, and no handset answers by itself any more."""
        for phone in (*self.trunk.phones, *self.handsets.values()):
            await phone.on_call(answer_after_ms=None)
            for call in phone.calls:
                with contextlib.suppress(SoftphoneError):  # it ended meanwhile
                    await call.hang_up()

    def _recording(self) -> Path:
        self._recordings += 1
        return self.folder / f"heard-{self._recordings}.wav"
