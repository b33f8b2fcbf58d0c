"""The files of a journal, read: by the server that writes them, and by any command beside it.

    <first entry's number>.log      entries, in files of some MiB
    <last entry's number>.state     the core's state after that entry
    lock                            held by the one process that writes

A reader takes no lock. It sees whole entries only: the end of the newest file may be half an entry that is just being
written, or that a power cut left; everywhere else half an entry is damage, and said to be.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from acd.core import State
from acd.core.events import AnyEvent
from acd.journal.entries import (
    AnyEntry,
    Gap,
    RawEntry,
    Undecided,
    decode_entry,
    decode_raw,
    decode_state,
)
from acd.journal.frames import (
    FRAME_BYTES,
    MAGIC,
    Header,
    JournalError,
    another_follows,
    frames,
    read_header,
    whole,
)

log = structlog.get_logger()
T = TypeVar("T")

LOG, STATE = ".log", ".state"
FOLLOW_S = 0.2
"""Between two looks for new entries."""


class Payload(NamedTuple):
    """One entry as it stands on the disk."""

    file: Path
    header: Header
    offset: int
    """Where its frame begins."""
    data: memoryview


class _Number(msgspec.Struct, array_like=True):
    """So much of an entry as tells its number."""

    tag: str
    seq: int


_read_number = msgspec.msgpack.Decoder(_Number).decode


class Tail(NamedTuple):
    """How a log file ends."""

    size: int
    """Bytes that are whole."""
    torn: int
    """Bytes after these that are no whole entry; the zeros of a file that is kept ready for more do not count."""
    seq: int
    """Its last entry; one less than its first if it has none."""
    header: Header | None
    """None where not even that is whole."""


class Folder:
    """A journal's folder, to read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def numbered(self, suffix: str) -> list[tuple[int, Path]]:
        """All files of a kind with their numbers, in order."""
        found = ((file.stem, file) for file in self.path.glob(f"*{suffix}"))
        return sorted((int(stem), file) for stem, file in found if stem.isdecimal())

    def require(self) -> "Folder":
        """Give itself if there is a journal.

        Raises:
            JournalError: there is none.

        """
        if not self.numbered(LOG) and not self.numbered(STATE):
            old = self.path.parent / "journal.sqlite3"
            hint = f"; {old.name} beside it is of an earlier callfloor and cannot be read" if old.exists() else ""
            raise JournalError(f"{self.path}: there is no journal; callfloor up begins one{hint}")
        return self

    # Entries

    def entries(self, after: int = 0) -> Iterator[AnyEntry]:
        """All entries after a number, in order.

        Raises:
            JournalError: a file is damaged or an entry cannot be read; names file and byte.

        """
        for payload in self.payloads(after):
            yield decoded(payload, decode_entry)

    def raw(self, after: int = 0) -> Iterator[tuple[Payload, RawEntry]]:
        """As `entries`, with the commands left as bytes."""
        for payload in self.payloads(after):
            yield payload, decoded(payload, decode_raw)

    def events(self, after: int = 0) -> Iterator[AnyEvent]:
        """The events alone, those refused left out."""
        return (entry.event for _, entry in self.raw(after) if isinstance(entry, Undecided))

    def payloads(self, after: int = 0) -> Iterator[Payload]:
        """All entries after a number as they stand there. Errors as `entries`."""
        files = self.numbered(LOG)
        begin = max((place for place, (first, _) in enumerate(files) if first <= after + 1), default=0)
        seq: int | None = None
        for place, (_, file) in enumerate(files[begin:], begin):
            try:
                data = file.read_bytes()
            except FileNotFoundError:  # let go by `journal_keep` since we looked
                continue
            is_last = place == len(files) - 1
            if is_last and _is_torn_head(data):
                return
            header, start = read_header(file, data, "log")
            for number, payload in _in_order(Payload(file, header, start, memoryview(data)), seq):
                seq = number
                if seq > after:
                    yield payload
                start = payload.offset + FRAME_BYTES + len(payload.data)
            if _unused(data, start) and not (is_last and not another_follows(data, start)):
                raise _damage(file, start, seq, [later for _, later in files[place + 1 :]])

    def follow(self, after: int) -> Iterator[AnyEntry]:
        """As `entries`, and then each new one as it comes, without end."""
        for entry in self.come(after):
            if entry is None:
                time.sleep(FOLLOW_S)
            else:
                yield entry

    def come(self, after: int) -> Iterator[AnyEntry | None]:
        """As `follow`, with None whenever there is nothing new yet. Only what is new is read."""
        payload: Payload | None = None
        while payload is None:
            for payload in self.payloads(after):
                yield decoded(payload, decode_entry)
            if payload is None:
                yield None
        file, header, place = payload.file, payload.header, payload.offset + FRAME_BYTES + len(payload.data)
        while True:
            later = [found for _, found in self.numbered(LOG) if found.name > file.name]  # looked for before the end is
            with file.open("rb") as opened:
                opened.seek(place)
                data = memoryview(opened.read())
            end = 0
            for begin, end in frames(data, 0):
                yield decoded(Payload(file, header, place + begin - FRAME_BYTES, data[begin:end]), decode_entry)
            place += end
            if end:
                continue
            if later and not _is_torn_head(text := later[0].read_bytes()):
                file, (header, place) = later[0], read_header(later[0], text, "log")
            else:
                yield None

    def tail(self) -> Tail | None:
        """How the newest log file ends; None if there is none.

        Raises:
            JournalError: it is no journal's, or damaged before its end.

        """
        files = self.numbered(LOG)
        if not files:
            return None
        first, file = files[-1]
        data = file.read_bytes()
        if _is_torn_head(data):
            return Tail(0, len(data), first - 1, None)
        header, start = read_header(file, data, "log")
        seq = first - 1
        for seq, payload in _in_order(Payload(file, header, start, memoryview(data)), None):  # noqa: B007 - the last
            start = payload.offset + FRAME_BYTES + len(payload.data)
        torn = _unused(data, start)
        if torn and another_follows(data, start):
            raise _damage(file, start, seq, [])
        return Tail(start, torn, seq, header)

    # States

    def state(self, file: Path) -> tuple[Header, State]:
        """Read a stored state.

        Raises:
            JournalError: it is damaged, or of another make.

        """
        data = file.read_bytes()
        header, start = read_header(file, data, "state")
        end = whole(data, start)
        if not end or end != len(data) or header.seq != int(file.stem):
            raise JournalError(f"{file}: this state is damaged at byte {start}; delete it, an older one will do")
        try:
            return header, decode_state(data[start + FRAME_BYTES : end])
        except msgspec.DecodeError as error:
            raise JournalError(f"{file}: this state is of another make ({error}); an older one may do") from error

    def newest_state(self, before: int | None = None) -> tuple[int, State] | None:
        """The newest state that can be read, of those after an entry below `before`; what cannot be read is said."""
        for seq, file in reversed(self.numbered(STATE)):
            if before is None or seq < before:
                try:
                    return seq, self.state(file)[1]
                except (JournalError, OSError) as error:
                    log.warning("stored state not used", reason=str(error))
        return None


class UnreadableError(JournalError):
    """An entry is whole, and yet not what this callfloor takes for one."""


def decoded(payload: Payload, decode: Callable[[Any], T]) -> T:
    """Read an entry. Raises UnreadableError."""
    try:
        return decode(payload.data)
    except msgspec.DecodeError as error:
        raise UnreadableError(
            f"{payload.file}: the entry at byte {payload.offset} cannot be read by this callfloor ({error});"
            f" it was written by {payload.header.build}: start that one"
        ) from error


def number_of(payload: Payload) -> int:
    """An entry's number, whatever else is in it."""
    return decoded(payload, _read_number).seq


def _in_order(start: Payload, seq: int | None) -> Iterator[tuple[int, Payload]]:
    """Give each whole entry of a file with its number; `start` has the file's data and where its entries begin.

    Raises:
        JournalError: a number is not the next one: a file is missing, or is there twice.

    """
    file, header, offset, data = start
    seq = header.seq - 1 if seq is None else seq
    if header.seq != int(file.stem):
        raise JournalError(f"{file}: it begins with entry {header.seq}; it was renamed, give it its own name back")
    for begin, end in frames(data, offset):
        payload = Payload(file, header, begin - FRAME_BYTES, data[begin:end])
        number = decoded(payload, _read_number)
        if number.seq != seq + 1:
            gap = decoded(payload, decode_raw)
            if not isinstance(gap, Gap) or gap.first != seq + 1 or gap.seq != gap.first + gap.lost:
                raise JournalError(
                    f"{file}: entry {number.seq} at byte {payload.offset} follows entry {seq}; a file between them is"
                    " missing: restore it from a backup"
                )
        seq = number.seq
        yield seq, payload


def _unused(data: bytes, start: int) -> int:
    """How many bytes stand behind the last whole entry, zeros at the end left out."""
    return len(data[start:].rstrip(b"\0"))


def _is_torn_head(data: bytes) -> bool:
    """Whether the file was just being made: it has not even a whole header, and nothing after it."""
    if not data.startswith(MAGIC):
        return MAGIC.startswith(data)
    return not whole(data, len(MAGIC)) and not another_follows(data, len(MAGIC) - 1)


def _damage(file: Path, offset: int, seq: int | None, later: list[Path]) -> JournalError:
    away = f", and move away {', '.join(path.name for path in later)}" if later else ""
    return JournalError(
        f"{file}: damaged at byte {offset}, after entry {seq}. Restore the file from a backup. Or cut it there, which"
        f" loses what was noted later (who waits and who talks is found again in Asterisk): truncate -s {offset}"
        f" {file}{away}"
    )


def droppable(files: list[tuple[int, Path]], states: list[int], older_than: int) -> list[Path]:
    """Which log files can be let go: the oldest, as long as all of a file is older and a later state was stored.

    Args:
        files: all log files.
        states: the numbers of all stored states.
        older_than: time, integer milliseconds since the epoch.

    """
    found = []
    for (_, file), (next_first, next_file) in pairwise(files):
        with next_file.open("rb") as opened:
            header, _ = read_header(next_file, opened.read(4096), "log")
        if header.at > older_than or not any(seq >= next_first - 1 for seq in states):
            break
        found.append(file)
    return found
