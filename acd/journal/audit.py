"""The journal for people and programs: what it holds, each entry as a line of JSON or a line to read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from acd.journal.entries import AnyEntry, Gap, Refused, missing
from acd.journal.folder import LOG, STATE, Folder
from acd.journal.frames import JournalError


class Survey(msgspec.Struct):
    """What a journal holds, every byte of it looked at."""

    entries: int = 0
    first: int = 0
    last: int = 0
    begun_at: int = 0
    ended_at: int = 0
    files: int = 0
    file_bytes: int = 0
    states: int = 0
    torn: int = 0
    """Bytes at the end that are no whole entry: one that is being written, or that a power cut left."""
    refused: list[str] = msgspec.field(default_factory=list)
    gaps: list[str] = msgspec.field(default_factory=list)
    faults: list[str] = msgspec.field(default_factory=list)
    """States that cannot be read: older ones are used."""


def survey(folder: Folder) -> Survey:
    """Read all of a journal.

    Raises:
        JournalError: an entry is damaged or cannot be read; names file and byte, and the mend.

    """
    found = Survey()
    for entry in folder.entries():
        found.entries += 1
        found.first, found.last = found.first or entry.seq, entry.seq
        if at := time_of(entry):
            found.begun_at, found.ended_at = found.begun_at or at, at
        if isinstance(entry, Refused):
            found.refused.append(f"entry {entry.seq} could not be decided: {entry.reason!r}")
        elif isinstance(entry, Gap) and entry.lost:
            found.gaps.append(missing(entry))
    for _, file in folder.numbered(LOG):
        found.files += 1
        found.file_bytes += file.stat().st_size
    if (tail := folder.tail()) is not None:
        found.torn = tail.torn
    for _, file in folder.numbered(STATE):
        try:
            folder.state(file)
            found.states += 1
        except FileNotFoundError:
            pass  # let go by the server meanwhile
        except JournalError as error:
            found.faults.append(str(error))
    return found


def time_of(entry: AnyEntry) -> int:
    """When an entry was, milliseconds since the epoch; 0 where that is not known."""
    return entry.at if isinstance(entry, Gap) else entry.event.at if entry.event is not None else 0


def as_json(entry: AnyEntry) -> bytes:
    """Return an entry as an object on one line. Of a gap the state is left out."""
    found: dict[str, Any] = {"seq": entry.seq}
    if isinstance(entry, Gap):
        found |= {"at": entry.at, "gap": {"why": entry.why, "first": entry.first, "lost": entry.lost}}
    elif isinstance(entry, Refused):
        found |= {"refused": entry.reason, "event": entry.event}
    else:
        found |= {"event": entry.event, "commands": entry.commands}
    return msgspec.json.encode(found)


def as_line(entry: AnyEntry) -> str:
    """Return an entry as a line to read; what came from outside is quoted and escaped."""
    at = datetime.fromtimestamp(time_of(entry) / 1_000, UTC).astimezone()
    begin = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1_000:03}  #{entry.seq}  "
    if isinstance(entry, Gap):
        return begin + (f"GAP: {missing(entry)}" if entry.lost else f"NEW BEGIN: {entry.why!r}")
    if isinstance(entry, Refused):
        event = _words(entry.event) if entry.event is not None else ""
        return f"{begin}REFUSED {event}  because {entry.reason!r}"
    commands = "; ".join(_words(command) for command in entry.commands)
    return f"{begin}{_words(entry.event)}" + (f"  ->  {commands}" if commands else "")


def _words(said: msgspec.Struct) -> str:
    """Name a struct and those of its fields that are not at their default. `repr` escapes what cannot be printed."""
    shown = []
    for field in msgspec.structs.fields(said):
        value = getattr(said, field.name)
        if field.name != "at" and (field.default is msgspec.NODEFAULT or value != field.default):
            shown.append(f"{field.name}={_value(value)}")
    return " ".join([type(said).__name__, *shown])


def _value(value: object) -> str:
    """Lists as their length: a snapshot of a busy switch is a thousand lines long."""
    return f"({len(value)})" if isinstance(value, tuple) and len(value) > 2 else repr(value)


def last(folder: Folder, count: int) -> Iterator[AnyEntry]:
    """The last so many entries."""
    tail = folder.tail()
    return folder.entries(after=max(0, tail.seq - count)) if tail else iter(())
