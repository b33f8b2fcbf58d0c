"""The journal decided again: to begin where an earlier run ended, to see a moment that was, to prove that it was so.

`rebuild` begins with a stored state and compares nothing, so that a restart is quick. `compare` begins with the first
entry or state that there is, decides every event anew and compares each command with the one that was stored, byte for
byte.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

import msgspec
import structlog

from acd.core import Core
from acd.journal.builds import build
from acd.journal.entries import Gap, RawEntry, Refused, decode_raw, decode_state, encode, missing
from acd.journal.folder import STATE, Folder, UnreadableError, decoded, number_of
from acd.journal.frames import JournalError

log = structlog.get_logger()


class Rebuilt(msgspec.Struct):
    """A core at some moment."""

    core: Core
    seq: int
    """The last entry that went into it."""
    poisoned: list[str]
    """Entries on which this callfloor fails, and how."""


def rebuild(folder: Folder, before: int | None = None, *, begun: Rebuilt | None = None) -> Rebuilt:
    """Build the core as it was after the last entry, or just before entry `before`.

    An entry on which `decide` fails is left out, and said: it must not keep a site from starting for ever. `begun` is
    the outcome of an earlier call: only what came since is decided, in the very core.

    Raises:
        JournalError: the journal is damaged, or does not reach back to that moment.

    """
    done = begun or _begin(folder, before)
    anchor = (done.seq, encode(done.core.state))
    for entry in _until(folder, done.seq, before):
        if isinstance(entry, _Unreadable):
            done.poisoned.append(entry.reason)
            log.critical("poisoned journal entry left out", entry=entry.seq, reason=entry.reason)
        elif isinstance(entry, Gap):
            _restate(done, entry)
            anchor = (entry.seq, encode(done.core.state))
        elif entry.seq > 1 and not done.seq:
            raise JournalError(
                f"{folder.path}: begins with entry {entry.seq}, and no state from before it can be read; start the"
                " callfloor that wrote it, or move the folder away to begin a new journal"
            )
        elif not isinstance(entry, Refused):
            try:
                done.core.decide(entry.event)
            except Exception as error:  # whatever a faulty rule does
                done.core = _again(folder, *anchor, entry.seq)
                anchor = (entry.seq, encode(done.core.state))
                done.poisoned.append(f"entry {entry.seq} cannot be decided: {describe(error)}")
                log.critical("poisoned journal entry left out", entry=entry.seq, what=repr(entry.event), exc_info=error)
        done.seq = entry.seq
    if before is not None and done.seq != before - 1:
        raise JournalError(
            f"{folder.path}: what was just before entry {before} cannot be had; it is not in the journal"
        )
    return done


def _begin(folder: Folder, before: int | None) -> Rebuilt:
    seq, state = folder.newest_state(before) or (0, None)
    return Rebuilt(core=Core(state), seq=seq, poisoned=[])


def describe(error: BaseException) -> str:
    """Say an error in a line."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


class _Unreadable(NamedTuple):
    """In place of an entry that cannot be read, though this very callfloor wrote it: it must not stop a start."""

    seq: int
    reason: str


def _until(folder: Folder, after: int, before: int | None) -> Iterator[RawEntry | _Unreadable]:
    entries = _readable(folder, after)
    return entries if before is None else takewhile(lambda entry: entry.seq < before, entries)


def _readable(folder: Folder, after: int) -> Iterator[RawEntry | _Unreadable]:
    for payload in folder.payloads(after):
        try:
            yield decoded(payload, decode_raw)
        except UnreadableError as error:
            if payload.header.build != build():
                raise
            yield _Unreadable(number_of(payload), str(error))


def _restate(done: Rebuilt, gap: Gap) -> None:
    try:
        done.core = Core(decode_state(gap.state))
    except msgspec.DecodeError as error:  # of an older make: what was decided so far is the best that there is
        log.warning("state of another make in the journal not used", entry=gap.seq, lost=gap.lost, reason=str(error))


def _again(folder: Folder, seq: int, state: bytes, before: int) -> Core:
    """Decide once more what went well before a faulty entry, which may have left the state half changed."""
    core = Core(decode_state(state))
    for entry in _until(folder, seq, before):
        if not isinstance(entry, Gap | Refused | _Unreadable):
            core.decide(entry.event)
    return core


class Verdict(msgspec.Struct):
    """What a comparison found."""

    entries: int = 0
    commands: int = 0
    states: int = 0
    """Stored states that the replay came upon, and that were equal to its own."""
    begun_after: int = 0
    """Entries up to this one are older than the first stored state and could not be decided again."""
    refused: int = 0
    gaps: list[str] = msgspec.field(default_factory=list)
    builds: list[str] = msgspec.field(default_factory=list)
    """Every callfloor that wrote in this journal, this one left out."""
    difference: str = ""
    """The first one; empty for none."""


def compare(folder: Folder) -> Verdict:
    """Decide everything again, up to the first difference.

    Raises:
        JournalError: the journal is damaged, or no state can be read to begin with.

    """
    verdict = Verdict()
    core, verdict.begun_after = _first(folder)
    states = {seq for seq, _ in folder.numbered(STATE)}
    for payload, entry in folder.raw(verdict.begun_after):
        if (author := payload.header.build) != build() and author not in verdict.builds:
            verdict.builds.append(author)
        verdict.entries += 1
        if isinstance(entry, Gap):
            if entry.lost:
                verdict.gaps.append(missing(entry))
            core = Core(decode_state(entry.state))
        elif isinstance(entry, Refused):
            verdict.refused += 1
        else:
            try:
                commands = core.decide(entry.event)
                got, count = encode(commands), len(commands)
            except Exception as error:  # noqa: BLE001 - it is shown
                got, count = encode(describe(error)), 0
            verdict.commands += count
            if got != bytes(entry.commands):
                verdict.difference = _difference(entry.seq, author, entry.event, bytes(entry.commands), got)
                return verdict
        if entry.seq in states and (difference := _state_difference(folder, entry.seq, core)) is not None:
            verdict.difference = difference
            if difference:
                return verdict
            verdict.states += 1
    return verdict


def _first(folder: Folder) -> tuple[Core, int]:
    """The core to begin with, and after which entry: none, or the first stored state of a journal that lost its own."""
    entry = next((entry for _, entry in folder.raw()), None)
    if entry is None or entry.seq == 1 or isinstance(entry, Gap):
        return Core(), 0
    for seq, file in folder.numbered(STATE):
        if seq >= entry.seq - 1:
            try:
                return Core(folder.state(file)[1]), seq
            except JournalError as error:
                log.warning("stored state not used", reason=str(error))
    raise JournalError(f"{folder.path}: begins with entry {entry.seq}, and there is no state to begin a replay with")


def _state_difference(folder: Folder, seq: int, core: Core) -> str | None:
    """Say how the replayed state differs from the stored one; empty if not; None if that cannot be compared."""
    file = dict(folder.numbered(STATE)).get(seq)
    try:
        if file is None:
            return None  # thinned out meanwhile
        header, state = folder.state(file)
    except (JournalError, FileNotFoundError):
        return None
    if header.build != build() or encode(state) == encode(core.state):
        return "" if header.build == build() else None
    fields = [name for name in state.__struct_fields__ if getattr(state, name) != getattr(core.state, name)]
    return f"entry {seq}: the state after it, in {file.name}, is another than the replay's: {', '.join(fields)}"


def _difference(seq: int, author: str, event: object, stored: bytes, got: bytes) -> str:
    by = "" if author == build() else f"\n  it was written by callfloor {author}, and this is {build()}: rules differ"
    return (
        f"entry {seq}: {event!r}\n"
        f"  expected {msgspec.msgpack.decode(stored)!r}\n"
        f"  got      {msgspec.msgpack.decode(got)!r}{by}"
    )
