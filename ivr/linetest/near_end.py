"""The near end of a line's test: sends the probe over a call, hears what comes back. A program of its own.

    python -m ivr.linetest.near_end HOST ID

It listens on a free port of HOST and writes its number; Asterisk's AudioSocket() of the call connects there and shows
the ID, a UUID that nobody else knows. Then the probe goes out, a frame each 20 ms; what comes in is noted with its
time; in the end an `Outcome` is written, in JSON. A process of its own, for a clock that no busy server holds up.

AudioSocket, version 1: each message is a kind (a byte), a length (two bytes, big-endian) and that many bytes. It is the
channel's sound, 8 kHz 16-bit signed little-endian, as its packets come in: where one is lost, nothing comes.
"""

import contextlib
import select
import socket
import sys
import time
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from ivr.audio import from_pcm16, to_pcm16
from ivr.linetest.probe import FRAME, FRAME_MS, Echo, Heard, find_echo, probe
from ivr.tones import TELEPHONE_RATE

ANSWER_S: Final = 90.0
"""How long the call may take to be there."""
HANG_UP, ID, SOUND = 0x00, 0x01, 0x10
_HEAD: Final = 3
_ID_BYTES: Final = 16


class Outcome(Struct, frozen=True, kw_only=True):
    """What the near end has to say."""

    echo: Echo | None
    sent: int
    """Frames of the probe that were sent."""
    whole: bool
    """It came to its end before the call did."""


class Stream:
    """A connection of AudioSocket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""
        self.ended = False

    def read(self, until: float) -> list[tuple[int, bytes]]:
        """Give the messages that came, or nothing at a time of the monotonic clock."""
        ready, _, _ = select.select([self._connection], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return []
        try:
            data = self._connection.recv(65_536)
        except OSError:
            data = b""
        self.ended = self.ended or not data
        self._data += data
        messages = []
        while len(self._data) >= _HEAD:
            end = _HEAD + int.from_bytes(self._data[1:_HEAD], "big")
            if len(self._data) < end:
                break
            messages.append((self._data[0], self._data[_HEAD:end]))
            self._data = self._data[end:]
        self.ended = self.ended or any(kind == HANG_UP for kind, _ in messages)
        return messages

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def write(self, kind: int, data: bytes = b"") -> None:
        """Send a message."""
        try:
            self._connection.sendall(bytes([kind]) + len(data).to_bytes(2, "big") + data)
        except OSError:
            self.ended = True


def main() -> None:
    """Do it."""
    host, wanted = sys.argv[1], UUID(sys.argv[2])
    sound = to_pcm16(probe())  # before anybody waits for it
    size = 2 * FRAME
    frames = [sound[start : start + size] for start in range(0, len(sound), size)]
    with socket.create_server((host, 0)) as listener:
        _write(str(listener.getsockname()[1]))
        stream = called(listener, wanted, ANSWER_S)
    if stream is not None:
        with contextlib.closing(stream):
            outcome = measure(stream, frames)
        _write(msgspec.json.encode(outcome).decode())


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def called(listener: socket.socket, wanted: UUID, within_s: float) -> Stream | None:
    """Wait for the call that shows the ID; None if it does not come."""
    until = time.monotonic() + within_s
    while (left := until - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(1)
        stream = Stream(connection)
        if (ID, wanted.bytes) in stream.read(time.monotonic() + 1):
            return stream
        stream.close()
    return None


def measure(stream: Stream, frames: list[bytes]) -> Outcome:
    """Send the frames in their time, hear what comes back, judge it."""
    sent_at: list[float] = []
    came: list[tuple[float, bytes]] = []
    begun = time.monotonic()
    for number, frame in enumerate(frames):
        due = begun + number * FRAME_MS / 1000
        while time.monotonic() < due and not stream.ended:
            messages = stream.read(due)
            now = time.monotonic()
            came += [(now, data) for kind, data in messages if kind == SOUND]
        if stream.ended:
            break
        sent_at.append(time.monotonic())
        stream.write(SOUND, frame)
    stream.write(HANG_UP)  # now: judging takes a while, and Asterisk waits for nobody who is silent for two seconds
    heard = [
        Heard(at, from_pcm16(data[start : start + 2 * FRAME], TELEPHONE_RATE).samples)
        for at, data in came
        for start in range(0, len(data), 2 * FRAME)
    ]
    return Outcome(echo=find_echo(sent_at, heard), sent=len(sent_at), whole=len(sent_at) == len(frames))


if __name__ == "__main__":
    main()
