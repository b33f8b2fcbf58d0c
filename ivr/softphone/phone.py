"""The phones themselves: one, many on a trunk, and their owner."""

import asyncio
import itertools
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self
from urllib.parse import quote

from ivr.audio import to_wav
from ivr.phone_engine.messages import Notice
from ivr.tones import tone

from .call import Ended, Lamp, PhoneCall, Watched
from .link import Link, SoftphoneError

CALLS_MAX: Final = 4
"""Calls that one phone can hold at a time, as the wheel was compiled; it answers a fifth with 486 Busy Here."""
_USER_SAFE: Final = "-_.!~*'()&=+$,;?/"
"""What may stand unescaped in the user part of a SIP address (RFC 3261 section 25.1)."""


class Phone(Watched):
    """One SIP phone: one address, one process, up to CALLS_MAX calls. Made by `Softphones`."""

    def __init__(self, user: str, server: str, link: Link, tone_folder: Path) -> None:
        super().__init__()
        self.user, self.server = user, server
        self.uri = ""
        """Where it can be called directly, without a server."""
        self.registration = Ended(0, "")
        """The registrar's last word: its status and reason."""
        self.registered = False
        self.messages = ""
        """What the server last said of messages that wait, new and old: `1/0 (0/0)`."""
        self._link, self._tone_folder = link, tone_folder
        self._calls: dict[int, PhoneCall] = {}
        self._lamps: dict[int, Lamp] = {}
        self._serials = itertools.count(1)
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        link.on_notice, link.on_gone = self._take, self._all_wake

    def __str__(self) -> str:
        return f"phone {self.user}"

    @property
    def pid(self) -> int:
        """The phone's process."""
        return self._link.pid

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls that have not ended."""
        return list(self._calls.values())

    async def dial(self, number: str, *, caller_id: str = "", caller_name: str = "") -> PhoneCall:
        """Call a number at the server, or a whole `sip:` address; returns when the INVITE has left.

        Another caller ID than the phone's own goes into From; whether the server believes it is the server's rule.
        """
        own = f"sip:{quote(caller_id, safe=_USER_SAFE)}@{self.server}" if caller_id else ""
        if own and caller_name:
            quoted = re.sub(r'(["\\])', r"\\\1", caller_name)
            own = f'"{quoted}" <{own}>'
        call = PhoneCall(self, next(self._serials), self.address(number), incoming=False)
        self._calls[call.serial] = call
        try:
            call.at_ns["calling"] = int(await self.ask("dial", call=call.serial, uri=call.remote, local_uri=own))
        except SoftphoneError:
            self._calls.pop(call.serial, None)
            raise
        return call

    async def incoming(self, within_ms: int = 10_000) -> PhoneCall:
        """Wait for the next incoming call; each is given once."""
        await self.until(lambda: not self._incoming.empty() or self.check(), within_ms, "called")
        return self._incoming.get_nowait()

    async def on_call(self, *, answer_after_ms: int | None = 0, code: int = 200, talk_ms: int | None = None) -> None:
        """Say what to do with calls from now on: answer with a SIP status after a while, hang up after a talk.

        It is done in the phone's process, within 2 ms of the time. Without this, or with None, a phone rings on.

        Args:
            answer_after_ms: How long to ring; None for ever.
            code: 200 takes the call, 486 is busy, 603 declines.
            talk_ms: How long to talk before hanging up; None until the other side does.

        """
        code = 0 if answer_after_ms is None else code
        await self.ask("on_call", code=code, after_ms=answer_after_ms or 0, talk_ms=talk_ms)

    async def register(self, within_ms: int = 10_000) -> None:
        """Register with the server; it is renewed until `unregister` or the end.

        Raises:
            SoftphoneError: The server refused, or did not answer.

        """
        self.registration = Ended(0, "")
        await self.ask("register", wanted=True)
        await self.until(lambda: self.registration.code != 0 or self.check(), within_ms, "registered")
        if not self.registered:
            raise SoftphoneError(
                f"{self}: registration at {self.server} refused: {' '.join(map(str, self.registration))}"
            )

    async def unregister(self, within_ms: int = 10_000) -> None:
        """Tell the server that the phone is no longer here."""
        await self.ask("register", wanted=False)
        await self.until(lambda: not self.registered or self.check(), within_ms, "unregistered")

    async def watch(self, number: str) -> Lamp:
        """Subscribe to a number's state."""
        lamp, serial = Lamp(self, self.address(number)), next(self._serials)
        self._lamps[serial] = lamp
        await self.ask("watch", lamp=serial, uri=lamp.uri)
        return lamp

    async def ask(self, verb: str, **args: object) -> Any:
        """Have the phone's process do something (`phone_engine` has the verbs)."""
        return await self._link.ask(verb, **args)

    def check(self) -> bool:
        """Raise SoftphoneError when the phone's process has gone; else False, for a wait that goes on."""
        if self._link.gone:
            raise SoftphoneError(f"{self}: {self._link.gone}")
        return False

    def tone_file(self, hz: int, level_db: float) -> Path:
        """Make a WAV file of one second that repeats without a seam, since a whole number of waves fits in."""
        path = self._tone_folder / f"{hz}hz{level_db}db.wav"
        if not path.exists():
            path.write_bytes(to_wav(tone(hz, duration_ms=1000, level_db=level_db)))
        return path

    def address(self, number: str) -> str:
        """Give the whole `sip:` address of a number at the server; one that is whole stays as it is."""
        if number.startswith("sip:"):
            return number
        if not self.server:
            raise ValueError(
                f"{number}: {self} has no server to ask for a number; give a whole address, sip:user@host:port"
            )
        return f"sip:{quote(number, safe=_USER_SAFE)}@{self.server}"

    def _take(self, notice: Notice) -> None:
        match notice.kind:
            case "registration":
                self.registered = notice.state == "registered"
                self.registration = Ended(notice.code, notice.text)
            case "messages":
                self.messages = notice.text
            case "incoming":
                call = self._calls[notice.subject] = PhoneCall(self, notice.subject, notice.text, incoming=True)
                call.at_ns["incoming"] = notice.at_ns
                self._incoming.put_nowait(call)
            case "lamp":
                self._lamps[notice.subject].take(notice)
            case _:
                self._take_of_call(notice)
        self.wake()

    def _take_of_call(self, notice: Notice) -> None:
        call = self._calls.get(notice.subject)
        if call is None:
            return  # it ended as it was dialled; `dial` raises
        call.take(notice)
        if call.state == "ended":
            del self._calls[notice.subject]

    def _all_wake(self) -> None:
        for watched in (self, *self._calls.values(), *self._lamps.values()):
            watched.wake()


class Trunk:
    """A line group that calls in: as many phones of one account as its calls need. Made by `Softphones`."""

    def __init__(self, phones: list[Phone]) -> None:
        self.phones = phones

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls that have not ended."""
        return [call for phone in self.phones for call in phone.calls]

    async def dial(self, number: str, *, caller_id: str = "", caller_name: str = "") -> PhoneCall:
        """Call a number as somebody, on a line that is free.

        Raises:
            SoftphoneError: No line is.

        """
        phone = min(self.phones, key=lambda phone: len(phone.calls))
        if len(phone.calls) >= CALLS_MAX:
            raise SoftphoneError(f"all {len(self.phones) * CALLS_MAX} lines of the trunk are in use; open it with more")
        return await phone.dial(number, caller_id=caller_id, caller_name=caller_name)


class Softphones:
    """Owner of phones: at the end of its `async with` all calls are hung up and all phones' processes are gone.

    Args:
        host: The address the phones bind.
        trace: A folder for PJSIP's log of each phone, with every SIP message; None for none.

    """

    def __init__(self, host: str = "127.0.0.1", trace: Path | None = None) -> None:
        self._host, self._trace = host, trace
        self._links: list[Link] = []
        self._tones = TemporaryDirectory(prefix="callfloor-tones-")

    async def __aenter__(self) -> Self:
        if self._trace:
            self._trace.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(link.close() for link in self._links))
        self._tones.cleanup()

    async def phone(self, user: str, password: str = "", *, server: str = "", port: int = 0) -> Phone:
        """Make a phone that is not registered: it can call, and be called at its `uri`.

        Args:
            user: Its number, and its name for digest authentication.
            password: Its secret; empty where the server asks for none.
            server: `host[:port]` of registrar and proxy; empty for direct calls only.
            port: The UDP port it binds; 0 for any.

        Raises:
            SoftphoneError: No Python with pjsua2 can be had, or the port is in use.

        """
        link = await Link.start(f"phone {user}")
        self._links.append(link)
        trace = str(self._trace / f"{user}-{len(self._links)}.log") if self._trace else ""
        phone = Phone(user, server, link, Path(self._tones.name))  # listens before the process can tell of a call
        address = await link.ask(
            "open", user=user, password=password, server=server, host=self._host, port=port, trace=trace
        )
        phone.uri = f"sip:{user}@{address}"
        return phone

    async def register(self, user: str, password: str, *, server: str, port: int = 0) -> Phone:
        """Make a phone and register it.

        Raises:
            SoftphoneError: As `phone`, or the server refused.

        """
        phone = await self.phone(user, password, server=server, port=port)
        await phone.register()
        return phone

    async def trunk(self, user: str, password: str = "", *, server: str, calls: int = CALLS_MAX) -> Trunk:
        """Make a trunk for so many calls at a time; one phone's process is started for every four of them."""
        count = -(-calls // CALLS_MAX)
        return Trunk(list(await asyncio.gather(*(self.phone(user, password, server=server) for _ in range(count)))))
