"""Messages that callers leave: sound files in the folder `recordings`, and the calls that they become.

A message is a file of sound and beside it a note of whose it is, under one name, which is the call's id as well:

    voicemail-sales-20261127-141502-5550201-1795456368_0.wav     .json

The core's state alone says that it waits, and where. Here is what the core must not have, and a second look: whatever
ends in the midst of it, a file without a note becomes a call (its caller was recorded while nobody took care of it), a
note that says `closed` ends one, and a note that is open and whose call the journal has lost makes it anew. So a
message is heard until one agent has closed it, and closing is noted before it is asked of the core.

What is closed moves to the folder `recordings/closed`, and is removed after a while.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import structlog

from acd.core.commands import Answer, AnyCommand, CallOver
from acd.core.events import AnyEvent, CallArrived, CallEnded
from acd.dispatcher import Dispatcher
from acd.settings import Site
from ivr.flow import Caller
from ivr.message_lamps import keep_lit
from ivr.switch import AmiSwitch

log = structlog.get_logger()

MESSAGES = "voicemail"
"""The medium."""
RECORDINGS, CLOSED = "recordings", "closed"
SHORTEST_MS = 1_000
"""What is shorter is no message: the caller pressed a key, or said nothing."""
SPOKEN_LEAST_MS = 200
"""And so is what holds less sound than this: a silence is recorded for as long as it lasts."""
QUIET = 256
"""Mean of the samples' sizes, of 32,767, below which 20 ms are silence: Asterisk's own measure (main/dsp.c)."""
LOOK_S = 10.0
"""How often a look is taken for files that nobody took care of."""
STILL_S = 2.0
"""A file that has not grown for this long is whole: Asterisk writes every quarter of a second."""
FINISH_S = 5.0
"""How long Asterisk may take to finish a file after its caller hung up."""
LATE_MS = 600_000
"""A recording takes no longer; a file without a note that is older than what the journal knows is of other days."""
HEAD_BYTES, RATE = 44, 8_000
"""A wav file's head, and its samples a second of 2 bytes each."""

_NAME = re.compile(r"voicemail-(?P<queue>[A-Za-z0-9-]*)-(?P<at>[0-9]{8}-[0-9]{6})-(?P<number>[a-z0-9]+)-[A-Za-z0-9_]+")


class Message(msgspec.Struct, kw_only=True):
    """A message. Number and name are a caller's: hostile text."""

    id: str
    """The call's, and the name of its files."""
    queue: str
    """For which it was left; a supervisor may have moved the call since."""
    number: str = ""
    name: str = ""
    since: int
    """Its place in line: when the caller's wait began, or when he left it. Epoch, ms."""
    left_at: int
    length_ms: int = 0
    closed_at: int | None = None
    closed_by: str = ""
    """The seat."""
    code: str = ""


class House(Protocol):
    """What is needed of the server: the settings of the moment, the core and the switch."""

    site: Site
    dispatcher: Dispatcher
    switch: AmiSwitch


class Mailbox:
    """The messages of one site.

    Args:
        folder: where they are recorded.
        house: the server.

    """

    def __init__(self, folder: Path, house: House) -> None:
        self._folder = folder
        self._house = house
        self._recorded: set[str] = set()
        """Those that are being recorded in this process, or looked at."""
        self._oldest = 0
        self._tasks: set[asyncio.Task[bool]] = set()

    # A caller leaves a message

    def begin(self, caller: Caller, queue: str, arrived: str) -> Message:
        """Make room for a message; it becomes one by `take`.

        Args:
            caller: who leaves it.
            queue: for which queue; empty for the site's own choice.
            arrived: when the switch says that his wait began, epoch in ms; anything else is no such time.

        """
        queue, now = queue or self._house.site.voicemail.queue or "none", self._house.dispatcher.clock()
        since = int(arrived) - self._house.switch.channels.ahead_ms if re.fullmatch(r"[0-9]{13}", arrived) else now
        message = Message(
            id=file_name(queue, caller, time.localtime(now // 1000)),
            queue=queue,
            number=caller.number,
            name=caller.name,
            since=since if now - 86_400_000 < since < now else now,
            left_at=now,
        )
        self._recorded.add(message.id)
        return message

    async def take(self, message: Message) -> bool:
        """Make a call of what was recorded; False, and the file is gone, if there is nothing to hear."""
        path = self._sound(message.id)
        try:
            message.length_ms, spoken_ms = await asyncio.to_thread(_measure, path)
            if message.length_ms < SHORTEST_MS or spoken_ms < SPOKEN_LEAST_MS:
                path.unlink(missing_ok=True)
                log.info("no voicemail left", file=path.name, length_ms=message.length_ms, spoken_ms=spoken_ms)
                return False
            if not self._house.dispatcher.is_closed:  # else another server has the calls, and finds what lies here
                self._note(message)
                self._arrive(message)
        finally:
            self._recorded.discard(message.id)
        log.info("voicemail left", queue=message.queue, file=path.name, length_ms=message.length_ms)
        return True

    def take_soon(self, message: Message) -> None:
        """Make a call of it when Asterisk has finished the file: the caller hung up while he spoke."""
        task = asyncio.create_task(self._take_when_still(message), name=f"voicemail {message.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_when_still(self, message: Message) -> bool:
        path = self._sound(message.id)
        size, deadline = -1, asyncio.get_running_loop().time() + FINISH_S
        while size != (size := _size(path)) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a file
            await asyncio.sleep(STILL_S / 4)
        return await self.take(message)

    def _arrive(self, message: Message) -> None:
        queue = message.queue if message.queue != "none" else ""
        if message.id not in self._house.dispatcher.core.state.calls:
            self._house.dispatcher.submit(
                CallArrived(
                    call=message.id,
                    queue=queue,
                    caller=message.number,
                    medium=MESSAGES,
                    priority=self._house.site.voicemail.priority,
                    since=message.since,
                )
            )

    # An agent hears it

    def get(self, name: str) -> Message | None:
        """Return the message of a call; None if there is nothing to hear."""
        if not self._sound(name).is_file():
            return None
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._sound(name).with_suffix(".json").read_bytes(), type=Message)
        return _from_name(self._sound(name))

    def path(self, name: str) -> str:
        """Return its file, absolute, without the extension."""
        return str(self._sound(name).with_suffix("").absolute())

    async def close(self, name: str, seat: str, code: str, ask: Awaitable[Answer]) -> bool:
        """Close a message, if the core agrees; answers whether it did."""
        message = self.get(name)
        if message is not None:
            message.closed_at, message.closed_by, message.code = self._house.dispatcher.clock(), seat, code
            self._note(message)
        try:
            answer = await ask
        except BaseException:
            self._reopen(message)
            raise
        if answer != "ok":
            self._reopen(message)
        elif message is not None:
            self._put_away(name)
        return answer == "ok"

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Put away what is over by other means: its caller was called back, or a hand has taken it out."""
        for command in commands:
            if isinstance(command, CallOver):
                self._over(command.call, command.reason)
        if isinstance(event, CallEnded):
            self._over(event.call, event.reason)

    def _over(self, name: str, why: str) -> None:
        if name.startswith("voicemail-") and (message := self.get(name)) is not None:
            if message.closed_at is None:
                message.closed_at, message.code = self._house.dispatcher.clock(), why
                self._note(message)
            self._put_away(name)

    def _reopen(self, message: Message | None) -> None:
        if message is not None and message.id in self._house.dispatcher.core.state.calls:
            message.closed_at, message.closed_by, message.code = None, "", ""
            self._note(message)

    # What nobody took care of

    def _open(self, known_until: int) -> None:
        self._oldest = (known_until or self._house.dispatcher.clock()) - LATE_MS
        for message in list(messages(self._folder)):
            if message.closed_at is not None:
                if message.id in self._house.dispatcher.core.state.calls:
                    self._house.dispatcher.submit(CallEnded(call=message.id, reason="done"))
                self._put_away(message.id)
            elif self._sound(message.id).is_file():
                self._arrive(message)

    async def run(self, known_until: int) -> None:
        """Begin, and look now and then, until cancelled; the last event before this start was at `known_until`."""
        self._open(known_until)
        house = self._house
        await asyncio.gather(self._look(), keep_lit(house.switch, lambda: house.dispatcher.core.state, MESSAGES))

    async def _look(self) -> None:
        while True:
            try:
                for path in await asyncio.to_thread(self._without_note):
                    self._recorded.add(path.stem)
                    await self.take(_from_name(path))
                await asyncio.to_thread(self._forget_old)
            except OSError as error:
                log.warning("folder of recordings cannot be read", reason=str(error))
            await asyncio.sleep(LOOK_S)

    def _without_note(self) -> list[Path]:
        now = time.time()
        return [
            path
            for path in self._folder.glob("voicemail-*.wav")
            if path.stem not in self._recorded
            and not path.with_suffix(".json").exists()
            and self._oldest / 1000 < path.stat().st_mtime < now - STILL_S
        ]

    def _forget_old(self) -> None:
        oldest = self._house.dispatcher.clock() - self._house.site.voicemail.keep_ms
        for message in list(messages(self._folder / CLOSED)):
            if (message.closed_at or 0) < oldest:
                for suffix in (".wav", ".json"):
                    (self._folder / CLOSED / message.id).with_suffix(suffix).unlink(missing_ok=True)

    # Files

    def _sound(self, name: str) -> Path:
        return self._folder / f"{name}.wav"

    def _note(self, message: Message) -> None:
        """Write who left it; a disk that is full costs no call."""
        path = self._sound(message.id).with_suffix(".json")
        try:
            draft = path.with_suffix(".new")
            draft.write_bytes(msgspec.json.encode(message))
            draft.replace(path)
        except OSError as error:
            log.warning("voicemail cannot be noted", file=path.name, reason=str(error))

    def _put_away(self, name: str) -> None:
        try:
            (self._folder / CLOSED).mkdir(exist_ok=True)
            for path in (self._sound(name), self._sound(name).with_suffix(".json")):
                if path.exists():
                    path.replace(self._folder / CLOSED / path.name)
        except OSError as error:
            log.warning("voicemail cannot be put away", file=name, reason=str(error))


def messages(folder: Path) -> Iterator[Message]:
    """Read the notes of a folder, oldest first; one that cannot be read is logged."""
    for path in sorted(folder.glob("voicemail-*.json")):
        try:
            message = msgspec.json.decode(path.read_bytes(), type=Message)
        except (OSError, msgspec.DecodeError) as error:
            log.warning("note of a voicemail cannot be read", file=path.name, reason=str(error))
            continue
        if message.id == path.stem:
            yield message


def file_name(queue: str, caller: Caller, moment: time.struct_time) -> str:
    """Name a message. Only letters, digits and `-` of what a caller can choose get into a file's name."""
    queue = "".join(char for char in queue if char.isascii() and (char.isalnum() or char == "-"))
    number = "".join(char for char in caller.number if char in "0123456789")
    unique = "".join(char if char.isascii() and char.isalnum() else "_" for char in caller.uniqueid)
    return f"voicemail-{queue[:40]}-{time.strftime('%Y%m%d-%H%M%S', moment)}-{number[:20] or 'unknown'}-{unique[:40]}"


def _from_name(path: Path) -> Message:
    """Know a message by its file alone."""
    left_at = int(path.stat().st_mtime * 1000)
    known = _NAME.fullmatch(path.stem)
    number = known["number"] if known else ""
    return Message(
        id=path.stem,
        queue=known["queue"] if known else "none",
        number=number if number.isdigit() else "",
        since=left_at,
        left_at=left_at,
        length_ms=max(0, _size(path) - HEAD_BYTES) * 1000 // (2 * RATE),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _measure(path: Path) -> tuple[int, int]:
    """Return how long a file is, and how much of that is sound, ms. By its size: its head may be older than its end."""
    try:
        data = path.read_bytes()[HEAD_BYTES:]
    except OSError:
        return 0, 0
    samples = np.frombuffer(data[: len(data) // 320 * 320], dtype="<i2").astype(np.int32).reshape(-1, 160)
    loud = np.abs(samples).mean(axis=1) > QUIET if len(samples) else samples
    return len(data) * 1000 // (2 * RATE), int(np.count_nonzero(loud)) * 20
