"""What a caller heard of each voice, and for how long: the capture of the SIP side that ledgers are held against.

Whoever talks to him speaks a tone of his own, and the music of a queue is one too. So a recording of all that his
telephone received says to the fiftieth of a second when he heard whom, whatever any server made of it.
"""

from itertools import groupby, pairwise
from pathlib import Path

from msgspec import Struct

from ivr.audio import Audio
from ivr.softphone import PhoneCall
from ivr.tones import cut
from tests.live.testsite import sound_of

WINDOW_MS, STEP_MS = 60, 20
SHORTEST_MS = 100
"""A sound that is shorter is the seam between two others."""
PAUSE_MS = 500
"""A voice that is silent for no longer goes on: its telephone sends keys meanwhile, or packets came too late."""
NOBODY = frozenset({"", "speech"})
"""Silence, and what is no tone."""


class Sound(Struct):
    """A stretch of one sound, in ms from the beginning."""

    name: str
    start_ms: int
    end_ms: int


class Capture:
    """The recording of a caller from here on."""

    def __init__(self, call: PhoneCall) -> None:
        self.call = call

    @classmethod
    async def start(cls, call: PhoneCall, wav: Path) -> "Capture":
        """Begin to record."""
        await call.record(wav)
        return cls(call)

    async def heard_s(self) -> dict[str, float]:
        """Stop, and give each sound with its seconds in all."""
        lengths: dict[str, float] = {}
        for sound in sounds(await self.call.recorded()):
            lengths[sound.name] = lengths.get(sound.name, 0.0) + (sound.end_ms - sound.start_ms) / 1000
        return lengths


def sounds(audio: Audio) -> list[Sound]:
    """Give the sounds in their order. A short pause between a voice and itself, or music, is the voice's."""
    found: list[Sound] = []
    at_ms = 0
    windows = (
        sound_of(cut(audio, start_ms, start_ms + WINDOW_MS))
        for start_ms in range(0, audio.duration_ms - WINDOW_MS, STEP_MS)
    )
    for name, same in groupby(windows):
        end_ms = at_ms + len(list(same)) * STEP_MS
        if name not in NOBODY and end_ms - at_ms + WINDOW_MS - STEP_MS >= SHORTEST_MS:
            found.append(Sound(name, at_ms, end_ms + WINDOW_MS - STEP_MS))  # no window goes beyond where it ends
        at_ms = end_ms
    for before, after in pairwise(found):
        if after.start_ms - before.end_ms <= PAUSE_MS:
            if after.name in {before.name, "music"}:
                before.end_ms = after.start_ms
            elif before.name == "music":
                after.start_ms = before.end_ms
    return found
