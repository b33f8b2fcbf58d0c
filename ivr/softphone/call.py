"""A call, and a busy lamp, as the owner of a softphone sees them.

Theory of operation. The phone's process sends notices; each changes the state here and wakes who waits for a state.
Waits have a limit and say at its end where the call stood, which is what one wants to read in a failed line check.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from ivr.audio import Audio
from ivr.phone_engine.messages import Notice
from ivr.tones import read_wav

from .link import SoftphoneError


class CallEndedError(SoftphoneError):
    """The call ended before what was waited for."""


class Ended(NamedTuple):
    """How a call ended: the SIP status of its INVITE when it failed, else 200; and the words beside it."""

    code: int
    reason: str


class RtpCount(NamedTuple):
    """RTP packets of a call so far; `lost` as told by their sequence numbers."""

    sent: int
    received: int
    lost: int


class Watched:
    """Something whose state changes by notices and can be waited for."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def wake(self) -> None:
        """Have all that wait look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, reached: Callable[[], bool], within_ms: int, what: str) -> None:
        """Wait until `reached()`; what it raises goes to the one who waits."""
        try:
            async with asyncio.timeout(within_ms / 1000):
                while not reached():
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.add(waiter)
                    try:
                        await waiter
                    finally:
                        self._waiters.discard(waiter)
        except TimeoutError:
            raise SoftphoneError(f"{self}: not {what} within {within_ms} ms") from None


class Handset(Protocol):
    """What a call or a lamp needs of its phone."""

    async def ask(self, verb: str, **args: object) -> Any:
        """Have the phone's process do something."""

    def check(self) -> bool:
        """Raise SoftphoneError when the process has gone; else False."""

    def address(self, number: str) -> str:
        """Give a number's whole `sip:` address."""

    def tone_file(self, hz: int, level_db: float) -> Path:
        """Give a WAV file that repeats a tone without a seam."""


class PhoneCall(Watched):
    """One call of one phone. `state` is incoming, calling, ringing, connecting, confirmed or ended."""

    def __init__(self, phone: Handset, serial: int, remote: str, *, incoming: bool) -> None:
        super().__init__()
        self.phone, self.serial, self.remote, self.incoming = phone, serial, remote, incoming
        self.state = "incoming" if incoming else "calling"
        self.digits = ""
        """Keys that the other side has pressed, by RFC 4733 or SIP INFO."""
        self.at_ns: dict[str, int] = {}
        """When the call first came to each state, and `hang_up`: this side sent BYE, CANCEL or a refusal."""
        self._end = Ended(0, "")
        self._plays_ended = 0
        self._transfer = Ended(0, "")
        self._recording: Path | None = None

    def __str__(self) -> str:
        way = "from" if self.incoming else "to"
        return f"call of {self.phone} {way} {self.remote} ({self.state} {self._end.code or ''})"

    async def ringing(self, within_ms: int = 10_000) -> None:
        """Wait until the other side rings (any 18x), or has answered."""
        await self.until(lambda: self._came_to("ringing", "connecting", "confirmed"), within_ms, "ringing")

    async def confirmed(self, within_ms: int = 30_000) -> None:
        """Wait until the call is answered and its ACK has gone through."""
        await self.until(lambda: self._came_to("confirmed"), within_ms, "answered")

    async def ended(self, within_ms: int = 60_000) -> Ended:
        """Wait until the call is over, whoever ended it."""
        await self.until(lambda: self.state == "ended" or self.phone.check(), within_ms, "ended")
        return self._end

    async def answer(self, code: int = 200) -> None:
        """Answer an incoming call with a SIP status: 200 takes it, 486 is busy, 603 declines."""
        await self._ask("answer", code=code)

    async def hang_up(self, code: int = 0) -> int:
        """End the call by BYE, CANCEL or a refusal (`code`; 603 by default), as its state asks for.

        Returns:
            When it was sent, as `at_ns["hang_up"]`.

        """
        at_ns = int(await self._ask("hang_up", code=code))
        self.at_ns["hang_up"] = at_ns
        return at_ns

    async def hold(self) -> None:
        """Put the other side on hold: it is told to listen only, and a switch plays its music."""
        await self._ask("hold", held=True)

    async def unhold(self) -> None:
        """Take it back."""
        await self._ask("hold", held=False)

    async def transfer(self, to: "str | PhoneCall", within_ms: int = 10_000) -> Ended:
        """Have the other side call a number instead (RFC 3515), or take the place of this side in another call.

        The second is an attended transfer, REFER with Replaces (RFC 3891); `to` may ring still. It is waited until it
        does: before anything was heard of it, it has no tag by which the other side could know it. As telephones do,
        this one hangs up when it hears that it was done (Asterisk waits a minute for that).

        Returns:
            What the other side says came of it, as a SIP status; code 0 if it hung up without a word.

        """
        self._transfer = Ended(0, "")
        if isinstance(to, PhoneCall):
            await to.ringing(within_ms)
            await self._ask("transfer", to="", other=to.serial)
        else:
            await self._ask("transfer", to=self.phone.address(to), other=0)
        await self.until(
            lambda: self._transfer.code >= 200 or self.state == "ended" or self.phone.check(), within_ms, "transferred"
        )
        if self._transfer.code // 100 == 2 and self.state != "ended":
            with contextlib.suppress(SoftphoneError):  # it ended meanwhile
                await self.hang_up()
        return self._transfer

    async def dtmf(self, digits: str, method: Literal["rfc4733", "info"] = "rfc4733") -> None:
        """Press keys. They are queued: RFC 4733 sends each for 200 ms, SIP INFO each in a request of its own."""
        if not re.fullmatch(r"[0-9A-D*#]+", digits):
            raise ValueError(f"{digits!r}: keys are 0-9 A-D * #")
        await self._ask("dtmf", digits=digits, info=method == "info")

    async def pressed(self, count: int, within_ms: int = 10_000) -> str:
        """Wait until the other side has pressed `count` keys in all; returns them all."""
        await self.until(lambda: len(self.digits) >= count or self._alive(), within_ms, f"{count} keys pressed")
        return self.digits

    async def play(self, wav: Path, *, loop: bool = False) -> None:
        """Speak a WAV file (16-bit mono, any rate) instead of silence or of what was spoken so far."""
        await self._ask("play", path=str(wav), loop=loop)

    async def play_tone(self, hz: int, level_db: float = -12.0) -> None:
        """Speak a tone until something else is asked for."""
        await self.play(self.phone.tone_file(hz, level_db), loop=True)

    async def play_nothing(self) -> None:
        """Speak silence."""
        await self._ask("play", path="", loop=False)

    async def played(self, count: int = 1, within_ms: int = 60_000) -> None:
        """Wait until `count` files in all have been played to their ends."""
        await self.until(lambda: self._plays_ended >= count or self._alive(), within_ms, "played to the end")

    async def record(self, wav: Path) -> None:
        """Record what is heard to a new WAV file, 8 kHz 16-bit mono, until `recorded`."""
        self._recording = wav
        await self._ask("record", path=str(wav))

    async def recorded(self, within_ms: int = 2000) -> Audio:
        """Stop recording, also after the call's end, and give what was heard."""
        return await self._turn_to(None, within_ms)

    async def record_on(self, wav: Path, within_ms: int = 2000) -> Audio:
        """Record to another new file from here on, with nothing lost between, and give what was heard until now.

        After the call's end there is nothing to go on with, and no other file.
        """
        return await self._turn_to(wav, within_ms)

    async def _turn_to(self, wav: Path | None, within_ms: int) -> Audio:
        """PJSIP closes a file with the next frame of sound; until then its head does not tell the length."""
        full = self._recording
        if full is None:
            raise ValueError(f"{self}: nothing is being recorded")
        try:
            if self.state != "ended":
                await self._ask("record", path=str(wav or ""))
                self._recording = wav or full
        except SoftphoneError:
            if self.state != "ended":  # else it ended meanwhile, and its file with it
                raise
        try:
            async with asyncio.timeout(within_ms / 1000):
                while not _is_whole(full):  # noqa: ASYNC110 - nothing tells when a file is closed
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise SoftphoneError(f"{self}: {full} not written within {within_ms} ms") from None
        return read_wav(full)

    async def rtp(self) -> RtpCount:
        """Count the packets of the sound so far."""
        return RtpCount(*await self._ask("rtp"))

    def _came_to(self, *states: str) -> bool:
        return self.state in states or self._alive()

    def _alive(self) -> bool:
        """Raise when the call is over; else False, for a wait that goes on."""
        if self.state == "ended":
            raise CallEndedError(f"{self}: ended with {self._end.code} {self._end.reason}")
        return self.phone.check()

    async def _ask(self, verb: str, **args: object) -> Any:
        return await self.phone.ask(verb, call=self.serial, **args)

    def take(self, notice: Notice) -> None:
        """Follow a notice about this call."""
        match notice.kind:
            case "digit":
                self.digits += notice.text
            case "played":
                self._plays_ended += 1
            case "transfer":
                self._transfer = Ended(notice.code, notice.text)
            case _:
                self.state, self._end = notice.state, Ended(notice.code, notice.text)
                self.at_ns.setdefault(notice.state, notice.at_ns)
        self.wake()


class Lamp(Watched):
    """A busy lamp: a subscription to another number's presence (RFC 3856; Asterisk answers it from the hint)."""

    def __init__(self, phone: Handset, uri: str) -> None:
        super().__init__()
        self._phone, self.uri = phone, uri
        self.status = ""
        """`active`, `pending` or `terminated`, the state of the subscription (RFC 6665)."""
        self.note = ""
        """The words of the presence document; Asterisk's are `Ready`, `On the phone`, `Ringing`, `Unavailable` ..."""

    def __str__(self) -> str:
        return f"lamp {self.uri} ({self.status} {self.note!r})"

    async def shows(self, *notes: str, within_ms: int = 10_000) -> str:
        """Wait until the lamp shows one of the notes; returns which."""
        await self.until(lambda: self.note in notes or self._phone.check(), within_ms, f"showing {' or '.join(notes)}")
        return self.note

    def take(self, notice: Notice) -> None:
        """Follow a notice about this lamp."""
        self.status, self.note = notice.state, notice.text
        self.wake()


def _is_whole(wav: Path) -> bool:
    """Compare the length that a RIFF file's head tells (bytes 4 to 7) with the file's."""
    with wav.open("rb") as file:
        head = file.read(8)
    return len(head) == 8 and int.from_bytes(head[4:], "little") + 8 == wav.stat().st_size
