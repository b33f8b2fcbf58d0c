"""What stands in the journal: entries, each with its number, and how they become bytes.

An `Entry` is an event and the commands that followed from it, so that a replay can compare and an audit can read them.
Events and commands are stored under the names of their fields (MessagePack maps): a field that a later version adds
with a default value leaves old journals readable.
"""

import zlib
from typing import Any

import msgspec
from msgspec import Struct

from acd.core import State
from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent
from acd.journal.frames import MARK, _pack


class Entry(Struct, frozen=True, array_like=True, tag="d"):
    """An event was decided."""

    seq: int
    """Counts the entries of this journal from 1, without holes but those that a `Gap` names."""
    event: AnyEvent
    commands: list[AnyCommand]
    """What followed, in order. Carried out after the entry was stored."""


class Refused(Struct, frozen=True, array_like=True, tag="r"):
    """An event on which `decide` failed: a fault of callfloor. It changed nothing; a replay passes over it."""

    seq: int
    event: AnyEvent | None
    """None where the event itself could not be written."""
    reason: str


class Gap(Struct, frozen=True, array_like=True, tag="g"):
    """The state, whole: here a replay begins anew, because what stands before does not lead to what stands after.

    Either entries are missing (`lost` of them: the disk was full for too long, or a machine lost power), or another
    version of callfloor took over, or an entry could not be replayed. `why` says which.
    """

    seq: int
    at: int
    why: str
    first: int
    """Number of the first entry that is missing; 0 when none is."""
    lost: int
    state: msgspec.Raw


AnyEntry = Entry | Refused | Gap


def missing(gap: Gap) -> str:
    """Say what a gap left out; what an error told of it is quoted, for it may quote a caller."""
    return f"entries {gap.first} to {gap.first + gap.lost - 1} are missing: {gap.why!r}"


class _Undecided(Struct, frozen=True, array_like=True, tag="d"):
    """An `Entry` whose commands are left as they are: a restart does not need them, a replay compares the bytes."""

    seq: int
    event: AnyEvent
    commands: msgspec.Raw


RawEntry = _Undecided | Refused | Gap
Undecided = _Undecided

_encoder = msgspec.msgpack.Encoder()
_decode_entry = msgspec.msgpack.Decoder(AnyEntry).decode
_decode_raw = msgspec.msgpack.Decoder(RawEntry).decode
_state_decoder = msgspec.msgpack.Decoder(State)
encode = _encoder.encode
"""Any of ours as bytes."""


def put(buffer: bytearray, entry: AnyEntry) -> None:
    """Append an entry, framed.

    Raises:
        TypeError, ValueError: something in it cannot be written; the buffer is as it was.

    """
    payload = encode(entry)
    buffer += _pack(MARK, len(payload), zlib.crc32(payload))
    buffer += payload


def decode_entry(payload: Any) -> AnyEntry:
    """Read an entry. Raises msgspec.DecodeError."""
    entry: AnyEntry = _decode_entry(payload)
    return entry


def decode_raw(payload: Any) -> RawEntry:
    """Read an entry, its commands left as bytes. Raises msgspec.DecodeError."""
    entry: RawEntry = _decode_raw(payload)
    return entry


def decode_state(payload: Any) -> State:
    """Read a state. Raises msgspec.DecodeError."""
    return _state_decoder.decode(payload)
