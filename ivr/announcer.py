"""Words for callers who wait: a voice that comes to them, so that whoever takes them can do so in the midst of a word.

A caller waits in a holding bridge of his own. To be told something he is not moved: a Local channel joins his bridge as
its announcer (acd-announce in extensions.conf); what its other half plays is heard instead of the music, and when it
goes the music comes back. An offer's Bridge takes the caller from that bridge as it always does. He was never in an
application that he would have to be torn out of, which now and then leaves a channel behind.

A holding bridge has one announcer; a second one is turned away. So one speaks at a time, and what comes meanwhile waits
for its end. Words are spoken to nobody, and are hung up, as soon as their caller is taken or gone.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
import structlog

from acd.core.commands import Announce
from ivr.ami import Link, Message, text
from ivr.held import WORDS_PREFIX, Held

log = structlog.get_logger()

Render = Callable[[Announce, str], Awaitable[Iterable[str]]]
"""Has what a command says ready in a language: names of sounds in `${CALLFLOOR_SOUNDS}/said`, in their order."""

PENDING_MAX = 4
"""Announcements that wait for the end of the one before; of more the oldest is not worth hearing any more."""
NORMAL_CLEARING = "16"
START_MS = 5_000
"""How long Asterisk may take to make the channel that speaks."""


class _Voice(msgspec.Struct, kw_only=True):
    """What one caller is being told."""

    channel: str
    """Unique id of the channel that speaks; the id of the Originate, too."""
    pending: deque[Announce]


class Announcer:
    """Tells callers what the core wants them told. Never keeps the loop waiting.

    Args:
        find: gives a caller's channel, None when he is gone.
        render: prepares the words; may take its time.

    """

    def __init__(self, find: Callable[[str], Held | None], render: Render) -> None:
        self._find = find
        self._render = render
        self._voices: dict[str, _Voice] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self, link: Link, command: Announce) -> None:
        """Say it, or let it wait for the end of what is being said."""
        voice = self._voices.get(command.call)
        if voice is not None:
            voice.pending.append(command)
        elif (held := self._find(command.call)) is not None:
            channel = f"{WORDS_PREFIX}{secrets.token_hex(8)}"
            voice = self._voices[command.call] = _Voice(channel=channel, pending=deque(maxlen=PENDING_MAX))
            task = asyncio.create_task(self._speak(link, command, voice, held.language), name="announcement")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def hush(self, link: Link, call: str) -> None:
        """The caller does not wait any more: nothing is said to him, and what is being said stops."""
        if (voice := self._voices.pop(call, None)) is not None:
            link.tell("Hangup", Channel=voice.channel, Cause=NORMAL_CLEARING)

    def take(self, link: Link, message: Message) -> None:
        """See in an event that somebody has finished speaking, or began though nobody listens any more."""
        unique = text(message, "Uniqueid")
        if not unique.startswith(WORDS_PREFIX):
            return
        call = next((call for call, voice in self._voices.items() if voice.channel == unique), None)
        match text(message, "Event"):
            case "Hangup" if call is not None:
                self._spoken(link, call)
            case "BridgeEnter" if call is None:  # its hang-up came before there was a channel
                link.tell("Hangup", Channel=unique, Cause=NORMAL_CLEARING)

    def forget(self) -> None:
        """The link is gone: what is being said ends by itself."""
        self._voices.clear()
        for task in self._tasks:
            task.cancel()

    async def _speak(self, link: Link, command: Announce, voice: _Voice, language: str) -> None:
        call = command.call
        try:
            words = "-".join(await self._render(command, language))
        except Exception:
            log.exception("announcement not ready", call=call)
            words = ""
        if self._voices.get(call) is not voice:
            return  # taken, or gone, while the words were prepared
        if not words:
            self._spoken(link, call)
            return
        answer = link.send(
            "Originate",
            Channel="Local/words@acd-announce/n",
            ChannelId=voice.channel,
            OtherChannelId=f"{voice.channel}-voice",
            Context="acd-announce",
            Exten="beside",
            Priority="1",
            Timeout=str(START_MS),
            Variable=[f"ACD_CALL={call}", f"ACD_WORDS={words}"],
            Async="true",
        )
        answer.add_done_callback(lambda future: self._started(link, call, voice, future))

    def _started(self, link: Link, call: str, voice: _Voice, future: "asyncio.Future[Any]") -> None:
        """See whether Asterisk took it up; if it did, the channel's hang-up tells the end."""
        if future.cancelled() or self._voices.get(call) is not voice:
            return
        answer = future.result()
        last = answer[-1] if isinstance(answer, list) else answer
        if text(last, "Response") in {"Failure", "Error"}:
            log.warning("announcement not delivered", call=call, reason=text(last, "Message") or text(last, "Reason"))
            self._spoken(link, call)

    def _spoken(self, link: Link, call: str) -> None:
        voice = self._voices.pop(call)
        if voice.pending:
            following = voice.pending.popleft()
            self.announce(link, following)
            if call in self._voices:
                self._voices[call].pending.extend(voice.pending)
