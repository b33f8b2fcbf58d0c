"""The call of a test: dials over a line, presses keys, has the near end measure, and notes what the switch says of it.

    Originate PJSIP/<number>@<trunk>, ChannelId linetest-<id>, into acd-line-test (extensions.conf)
    Newstate Ringing, Up            post-dial delay, answer delay
    UserEvent LineTest keys         the dialplan reads keys; they are pressed now (PlayDTMF)
    UserEvent LineTest sound        which came back; the dialplan connects to the near end, which sends the probe
    UserEvent LineTest end          codec and RTCP; from a hang-up handler, so it comes however the call ends
    Hangup

No text that comes back goes anywhere but into the report, and there it is cleaned.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from math import isfinite
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec

from ivr.ami import Link, Message, clean, text
from ivr.channels import Channels
from ivr.linetest.near_end import Outcome
from ivr.linetest.probe import FRAME_MS
from ivr.linetest.report import Measured
from ivr.trunks import dial_string

PREFIX: Final = "linetest-"
CONTEXT: Final = "acd-line-test"
RING_MS: Final = 30_000
KEYS: Final = "159*"
"""No `#`: it ends Asterisk's Echo()."""
_PRESS_MS, _FIRST_S, _BETWEEN_S = 100, 0.8, 0.3
"""How long a key is pressed, and when: an Asterisk that answers waits half a second for sound before it echoes."""
_LONGEST_S: Final = 120.0
"""The dialplan ends a call after 90 s; this is for a switch that does not."""
_START_S, _JUDGE_S = 30.0, 15.0
"""How long the near end may take to be there; and, when the call is over, to say what it found."""
_RINGING, _UP = "5", "6"
_NORMAL_CLEARING: Final = "16"


class UntestedError(Exception):
    """There was no test: callfloor, or its Asterisk, could not do it. Nothing is said of the line by that."""


class Switch(Protocol):
    """What a test needs of the switch: `ivr.switch.AmiSwitch`."""

    channels: Channels
    listeners: list[Callable[[Message], None]]

    @property
    def link(self) -> Link | None:
        """The link that stands."""


class EchoCall:
    """One call. `unique` is its channel's id, known before there is one."""

    def __init__(self, switch: Switch, host: str) -> None:
        """Prepare one; on `host` Asterisk finds the near end."""
        self._switch, self._host = switch, host
        self._id = str(uuid4())
        self.unique = PREFIX + self._id
        self._messages: asyncio.Queue[tuple[float, Message]] = asyncio.Queue()
        self._seen = Measured()
        self._dialled_at = 0.0
        self._pressing: asyncio.Task[None] | None = None
        self._stages: set[str] = set()

    async def run(self, line: str, number: str, *, wait_ms: int, keys: bool) -> Measured:
        """Dial a number over a line and measure.

        Raises:
            UntestedError: it could not be done.

        """
        link = self._switch.link
        if link is None:
            raise UntestedError("Asterisk is out of sight")
        async with self._near_end() as (port, outcome):
            self._switch.listeners.append(self._hear)
            try:
                async with asyncio.timeout(_LONGEST_S):
                    answer = self._dial(link, line, number, port, wait_ms)
                    await self._follow(link, answer, keys=keys)
            except TimeoutError:
                raise UntestedError("the call of the test would not end, and was hung up") from None
            finally:
                self._switch.listeners.remove(self._hear)
                if self._pressing is not None:
                    self._pressing.cancel()
                if not link.lost.done():  # else the channel ends with its near end
                    link.tell("Hangup", Channel=self.unique, Cause=_NORMAL_CLEARING)
            if not self._seen.failure:
                self._take(await outcome() if "sound" in self._stages else None)
        return self._seen

    def _hear(self, message: Message) -> None:
        if text(message, "Uniqueid") == self.unique:
            self._messages.put_nowait((time.monotonic(), message))

    def _dial(self, link: Link, line: str, number: str, port: int, wait_ms: int) -> "asyncio.Future[list[Message]]":
        self._dialled_at = time.monotonic()
        return link.send(
            "Originate",
            Channel=dial_string(line, number),
            ChannelId=self.unique,
            Context=CONTEXT,
            Exten="s",
            Priority="1",
            Timeout=str(RING_MS),
            Variable=[
                f"LINE_TEST={self._id}",
                f"LINE_TEST_AT={self._host}:{port}",
                f"LINE_TEST_WAIT={wait_ms / 1000:g}",
            ],
            Async="true",
        )

    async def _follow(self, link: Link, answer: "asyncio.Future[list[Message]]", *, keys: bool) -> None:
        """Take what the switch says of the channel until it is gone."""
        there = False
        while True:
            news = asyncio.ensure_future(self._messages.get())
            ends: set[asyncio.Future[Any]] = {news, link.lost}
            if not there and not answer.done():
                ends.add(answer)
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not news.done():
                    news.cancel()
            if link.lost.done():
                raise UntestedError(f"the link to Asterisk ended during the test: {link.lost.result()}")
            if not news.done() or news.cancelled():
                if not there and _refused(answer):
                    self._seen.failure = f"no call came about: {clean(text(answer.result()[-1], 'Message'), 80)}"
                    return
                continue
            at, message = news.result()
            there = True
            if self._take_message(link, at, message, keys=keys):
                return

    def _take_message(self, link: Link, at: float, message: Message, *, keys: bool) -> bool:
        """Note one; whether it was the last."""
        seen, after_ms = self._seen, round(1000 * (at - self._dialled_at))
        match text(message, "Event"):
            case "Newstate" if text(message, "ChannelState") == _RINGING:
                seen.post_dial_ms = after_ms if seen.post_dial_ms is None else seen.post_dial_ms
            case "Newstate" if text(message, "ChannelState") == _UP:
                seen.answer_ms = after_ms
                seen.post_dial_ms = after_ms if seen.post_dial_ms is None else seen.post_dial_ms
            case "UserEvent" if text(message, "UserEvent") == "LineTest":
                self._take_stage(link, message, keys=keys)
            case "Hangup":
                if seen.answer_ms is None:
                    cause = f"{clean(text(message, 'Cause-txt'), 60)} (Q.850 cause {clean(text(message, 'Cause'), 4)})"
                    seen.failure = f"not answered: {cause}"
                return True
        return False

    def _take_stage(self, link: Link, message: Message, *, keys: bool) -> None:
        stage = text(message, "Stage")
        self._stages.add(stage)
        match stage:
            case "keys" if keys:
                self._pressing = asyncio.create_task(self._press(link))
            case "sound":
                self._seen.keys = clean(text(message, "Keys"), 16)
            case "end":
                self._seen.codec = clean(text(message, "Codec"), 40).strip("()").partition("|")[0]
                self._seen.rtcp = read_rtcp(text(message, "Rtcp"))

    async def _press(self, link: Link) -> None:
        await asyncio.sleep(_FIRST_S)
        for key in KEYS:
            link.tell("PlayDTMF", Channel=self.unique, Digit=key, Duration=str(_PRESS_MS))
            await asyncio.sleep(_BETWEEN_S)

    def _take(self, outcome: Outcome | None) -> None:
        """Note what the near end measured. Sound that broke off says less than that it did.

        Raises:
            UntestedError: the dialplan did not do its part.

        """
        if not self._stages:
            raise UntestedError(
                f"extensions.conf has no context {CONTEXT}; take it over from asterisk-config/extensions.conf"
            )
        if outcome is None and "sound" in self._stages:
            raise UntestedError("Asterisk did not bring the sound; is app_audiosocket loaded (modules.conf)?")
        self._seen.echo = outcome.echo if outcome else None
        if outcome is None:
            self._seen.failure = "the far end hung up before the sound began"
        elif not outcome.whole:
            self._seen.failure = f"the far end hung up after {outcome.sent * FRAME_MS / 1000:.1f} s of the sound"

    @contextlib.asynccontextmanager
    async def _near_end(self) -> AsyncIterator[tuple[int, Callable[[], Awaitable[Outcome | None]]]]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ivr.linetest.near_end", self._host, self._id),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the server's to handle
        )
        assert process.stdout is not None, "it was asked for"
        stdout = process.stdout

        async def outcome() -> Outcome | None:
            """Wait for its word; None if it was never called."""
            with contextlib.suppress(TimeoutError, msgspec.DecodeError):
                async with asyncio.timeout(_JUDGE_S):
                    return msgspec.json.decode(await stdout.readline(), type=Outcome)
            return None

        try:
            port = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START_S):
                    port = int(await stdout.readline() or 0)
            if not port:
                raise UntestedError("the program that measures does not start; the log has more")
            yield port, outcome
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def read_rtcp(said: str) -> dict[str, float]:
    """Read `name=number;name=number`; what is no number is left out."""
    found = {}
    for pair in said.split(";")[:40]:
        name, _, value = pair.partition("=")
        with contextlib.suppress(ValueError):
            if isfinite(number := float(value)):
                found[name] = number
    return found


def _refused(answer: "asyncio.Future[list[Message]]") -> bool:
    """Whether the switch says that no channel came of it."""
    return answer.done() and text(answer.result()[-1], "Response") in {"Error", "Failure"}
