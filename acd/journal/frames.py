"""Bytes on the disk: a header, then frames, each with its length and checksum.

    file    =  MAGIC  frame(Header)  frame(payload)*
    frame   =  0xC1  length (4 bytes, little-endian)  CRC-32 of the payload (4 bytes)  payload

The byte 0xC1 opens each frame because MessagePack never uses it (its specification, section "Formats") and UTF-8
cannot contain it (RFC 3629, section 1): past a damaged place the next frame is found by looking for it. The checksum is
the CRC-32 of ISO 3309 (`zlib.crc32`): it finds torn and damaged frames, and proves nothing against who would deceive.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

FORMAT = 1
MAGIC = b"callfloor journal\n"
MARK = 0xC1
_FRAME = struct.Struct("<BII")
_pack, _unpack = _FRAME.pack, _FRAME.unpack_from
FRAME_BYTES = _FRAME.size

Data = bytes | memoryview


class JournalError(Exception):
    """A journal that cannot be used: what is wrong with which file, and what to do."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame of a file."""

    format: int
    kind: Literal["log", "state"]
    seq: int
    """A log's first entry; the last entry that a state includes."""
    at: int
    """Time of that entry, integer milliseconds since the epoch."""
    build: str
    """Which callfloor decided what stands here: see `acd.journal.builds`."""


_header_decoder = msgspec.msgpack.Decoder(Header)
_format_decoder = msgspec.msgpack.Decoder(dict[str, object])


def frame(payload: bytes) -> bytes:
    """Put a payload into its frame."""
    return _pack(MARK, len(payload), zlib.crc32(payload)) + payload


def head(kind: Literal["log", "state"], seq: int, at: int, build: str) -> bytes:
    """Return the beginning of a file."""
    header = Header(format=FORMAT, kind=kind, seq=seq, at=at, build=build)
    return MAGIC + frame(msgspec.msgpack.encode(header))


def whole(data: Data, start: int) -> int:
    """Where the frame at `start` ends; 0 if there is no whole, undamaged frame."""
    if start + FRAME_BYTES > len(data):
        return 0
    mark, length, checksum = _unpack(data, start)
    end: int = start + FRAME_BYTES + length
    if mark != MARK or end > len(data) or zlib.crc32(data[start + FRAME_BYTES : end]) != checksum:
        return 0
    return end


def frames(data: Data, start: int) -> Iterator[tuple[int, int]]:
    """Give start and end of each payload, up to the first that is not whole or the end of the data."""
    while end := whole(data, start):
        yield start + FRAME_BYTES, end
        start = end


def another_follows(data: bytes, start: int) -> bool:
    """Whether a whole frame begins anywhere after a damaged place: else that place is the torn end of the file."""
    while (start := data.find(MARK, start + 1)) >= 0:
        if (end := whole(data, start)) and end > start + FRAME_BYTES:
            return True
    return False


def read_header(path: Path, data: bytes, kind: Literal["log", "state"]) -> tuple[Header, int]:
    """Return a file's header and where what follows it begins.

    Raises:
        JournalError: the file is none of ours, damaged, or of another format; says what to do.

    """
    away = f"move {path.parent} away to begin a new journal"
    end = whole(data, len(MAGIC)) if data.startswith(MAGIC) else 0
    try:
        payload = data[len(MAGIC) + FRAME_BYTES : end]
        version = _format_decoder.decode(payload).get("format")
        header = _header_decoder.decode(payload) if version == FORMAT else None
    except msgspec.MsgspecError as error:
        raise JournalError(
            f"{path}: this does not begin like a file of a journal; restore it from a backup, or {away}"
        ) from error
    if header is None:
        raise JournalError(
            f"{path}: journal format {version}, this callfloor reads {FORMAT};"
            f" start the callfloor that wrote it, or {away}"
        )
    if header.kind != kind:
        raise JournalError(f"{path}: a {header.kind} under the name of a {kind}; give it its own name back")
    return header, end
