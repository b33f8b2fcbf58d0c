"""Tones, and what a recording holds: how a line check knows that sound went through.

A caller's phone plays a tone, the agent's phone records; the check asks the recording "how loud is 700 Hz in you?"
(`tone_level_db`, one bin of a discrete Fourier transform, as Goertzel's algorithm computes it), "what is the loudest
tone and how much of all sound is it?" (`loudest_tone`; near 1 for a tone, far below for speech and music) and "when was
anything heard?" (`spans`).

Levels are decibels of the root mean square against a full scale of 1.0, as in `audio`: the loudest sine there can be
stands at -3.0 dB. G.711 carries tones within half a decibel; its noise lies some 35 dB below the tone.
"""

import wave
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from .audio import Audio, Samples, from_pcm16

TELEPHONE_RATE: Final = 8000
"""Samples per second of G.711."""
SILENCE_DB: Final = -120.0
"""The level reported for no sound at all, where a logarithm has no answer."""
HEARD_DB: Final = -50.0
"""What is louder is heard; comfort noise and the rounding of G.711 lie below."""


class Tone(NamedTuple):
    """The strongest single frequency of a sound."""

    hz: float
    level_db: float
    share: float
    """Its part of the whole power, 0.0 to 1.0."""


class Span(NamedTuple):
    """A stretch of time in which something is heard, in ms from the start."""

    start_ms: int
    end_ms: int


def tone(*hz: float, duration_ms: int, level_db: float = -12.0, rate: int = TELEPHONE_RATE) -> Audio:
    """Make a tone of one frequency, or the sum of several; each of them has the level."""
    time = np.arange(rate * duration_ms // 1000) / rate
    peak = 10 ** (level_db / 20) * np.sqrt(2)
    samples: Samples = np.zeros(len(time))
    for frequency in hz:
        samples += peak * np.sin(2 * np.pi * frequency * time)
    return Audio(samples, rate)


def read_wav(path: Path) -> Audio:
    """Read a mono 16-bit WAV file.

    Raises:
        ValueError: It is another kind of WAV file, or none.

    """
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise ValueError(f"{path}: not a mono 16-bit WAV file; convert it with: sox IN -c 1 -b 16 OUT.wav")
            return from_pcm16(file.readframes(file.getnframes()), file.getframerate())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path}: not a WAV file ({error or 'it ends too early'})") from error


def cut(audio: Audio, start_ms: int, end_ms: int) -> Audio:
    """Take the part between two times; it is shorter where the sound ends before."""
    first, last = (audio.rate * ms // 1000 for ms in (start_ms, end_ms))
    return Audio(audio.samples[first:last], audio.rate)


def level_db(audio: Audio) -> float:
    """Level of the whole sound."""
    return _db(float(np.mean(audio.samples**2)) if len(audio.samples) else 0.0)


def tone_level_db(audio: Audio, hz: float) -> float:
    """Level of one frequency. A bin is 1/duration wide: measure 200 ms or more to tell tones 5 Hz apart."""
    count = len(audio.samples)
    if not count:
        return SILENCE_DB
    wave_at_hz = np.exp(-2j * np.pi * hz / audio.rate * np.arange(count))
    window = np.hanning(count + 2)[1:-1]  # keeps a strong tone elsewhere out of this bin
    amplitude = 2 * abs(np.dot(audio.samples * window, wave_at_hz)) / window.sum()
    return _db(amplitude**2 / 2)


def loudest_tone(audio: Audio) -> Tone:
    """Find the strongest frequency, to a fraction of a bin. Silence gives 0 Hz."""
    count = len(audio.samples)
    if not audio.samples.any():
        return Tone(0.0, SILENCE_DB, 0.0)
    power = np.abs(np.fft.rfft(audio.samples * np.hanning(count + 2)[1:-1])) ** 2
    top = int(np.argmax(power))
    around = slice(max(top - 2, 0), top + 3)  # the window spreads a tone over the bins beside its own
    hz = float(np.average(np.arange(len(power))[around], weights=power[around])) * audio.rate / count
    return Tone(hz, tone_level_db(audio, hz), float(power[around].sum() / power.sum()))


def levels_db(audio: Audio, window_ms: int = 20) -> Samples:
    """Level of each window in turn; a last one that is not full is left out."""
    size = audio.rate * window_ms // 1000
    whole = len(audio.samples) // size * size
    power = (audio.samples[:whole].reshape(-1, size) ** 2).mean(axis=1)
    levels: Samples = 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
    return levels


def spans(audio: Audio, above_db: float = HEARD_DB, bridge_ms: int = 200) -> list[Span]:
    """Tell when something is heard; pauses shorter than `bridge_ms` (between words, say) do not divide a span."""
    window_ms = 20
    found: list[Span] = []
    for index in np.flatnonzero(levels_db(audio, window_ms) > above_db):
        start_ms = int(index) * window_ms
        if found and start_ms - found[-1].end_ms < bridge_ms:
            found[-1] = Span(found[-1].start_ms, start_ms + window_ms)
        else:
            found.append(Span(start_ms, start_ms + window_ms))
    return found


def heard_share(audio: Audio, above_db: float = HEARD_DB) -> float:
    """Give the part of the time in which something is heard: near 1.0 for music on hold, 0.0 for silence."""
    levels = levels_db(audio)
    return float(np.mean(levels > above_db)) if len(levels) else 0.0


def _db(power: float) -> float:
    return 10 * float(np.log10(max(power, 10 ** (SILENCE_DB / 10))))
