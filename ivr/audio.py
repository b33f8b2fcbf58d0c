"""From the waveform of a speech engine to the sound file that a telephone line plays.

    engine's samples  ->  filter and resample  ->  trim  ->  level  ->  16-bit WAV

One pass through the frequency domain does both filtering and resampling: the spectrum is cut off below the band of a
telephone (hum, offset) and, by a soft slope, above what the new rate can carry, so nothing folds back as a false tone;
the rest is transformed back at the new rate. Length and pitch stay exact because the clip is padded to a length that
both rates share.

The level is measured over the speech alone, pauses left out, in the manner of ITU-T P.56, and set to the one that
Asterisk's own English prompts have (median of its core sounds, measured: -18 dB against full scale, 80 ms of silence
before and 100 ms after), so that a site may mix both. A clip that would be cut off at full scale is left that much
quieter.
"""

import io
import wave
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating[Any]]
"""Mono, full scale is -1.0 to 1.0."""

SPEECH_LEVEL = 10 ** (-18 / 20)
"""Root mean square of the speech parts, full scale = 1."""
PEAK = 10 ** (-1 / 20)
"""No sample is louder: G.711 and a lossy codec's overshoot find room above it."""
LEAD_MS, TAIL_MS = 80, 150
"""Silence kept around the speech; an answer that starts at once loses its first sound on many handsets."""
_FRAME_MS = 20
_SPEECH_FLOOR = 10 ** (-30 / 10)
"""A frame this far below the loudest one is a pause."""
_TRIM_FLOOR = 10 ** (-45 / 10)
"""Lower than the floor of speech: breath and soft endings belong to the word."""


class Audio(NamedTuple):
    """A clip of mono sound."""

    samples: Samples
    rate: int
    """Samples per second."""

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return round(1000 * len(self.samples) / self.rate)


def from_pcm16(data: bytes, rate: int) -> Audio:
    """Take little-endian 16-bit mono samples; an odd last byte is left out."""
    whole = len(data) // 2 * 2
    return Audio(np.frombuffer(data[:whole], dtype="<i2").astype(np.float64) / 32768, rate)


def from_wav(data: bytes) -> Audio:
    """Take a WAV file of 16-bit mono samples; of one that is cut short, what there is.

    Raises:
        wave.Error, EOFError: it is none.

    """
    with wave.open(io.BytesIO(data)) as clip:
        if (clip.getnchannels(), clip.getsampwidth()) != (1, 2):
            raise wave.Error("it is not mono of 16 bits a sample")
        return from_pcm16(clip.readframes(clip.getnframes()), clip.getframerate())


def to_pcm16(audio: Audio) -> bytes:
    """Give little-endian 16-bit mono samples; what is beyond full scale is cut off."""
    return np.clip(np.rint(audio.samples * 32767), -32768, 32767).astype("<i2").tobytes()


def silence(duration_ms: int, rate: int) -> Audio:
    """Make a clip in which nothing is heard."""
    return Audio(np.zeros(rate * duration_ms // 1000), rate)


def for_telephone(audio: Audio, rate: int) -> Audio:
    """Make the clip ready for a line of `rate` samples per second: band, level and silence as the module says."""
    return _levelled(_trimmed(resampled(audio, rate)))


def to_wav(audio: Audio) -> bytes:
    """Encode as 16-bit mono WAV, which Asterisk's format_wav reads at 8 kHz (`.wav`) and at 16 kHz (`.wav16`)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.rate)
        out.writeframes(to_pcm16(audio))
    return file.getvalue()


def speech_level(audio: Audio) -> float:
    """Root mean square of the frames that hold speech; 0.0 for silence."""
    power = _frame_power(audio)
    loudest = power.max(initial=0.0)
    if loudest <= 0:
        return 0.0
    return float(np.sqrt(power[power > loudest * _SPEECH_FLOOR].mean()))


def resampled(audio: Audio, rate: int) -> Audio:
    """Give the clip at another rate, without what neither a telephone nor that rate can carry."""
    common = gcd(audio.rate, rate)
    step_in, step_out = audio.rate // common, rate // common
    blocks = -(-len(audio.samples) // step_in) + 1  # one block more, so that the end does not wrap around to the start
    size_in, size_out = blocks * step_in, blocks * step_out
    spectrum = np.fft.rfft(audio.samples, size_in)
    frequency: Samples = np.arange(len(spectrum)) * (audio.rate / size_in)
    edge = min(audio.rate, rate) / 2
    spectrum *= _slope(frequency, 40, 90) * _slope(-frequency, -0.98 * edge, -0.90 * edge)
    samples = np.fft.irfft(spectrum[: size_out // 2 + 1], size_out) * (size_out / size_in)
    return Audio(samples, rate)


def _slope(x: Samples, stop: float, full: float) -> Samples:
    """Rise from 0 at `stop` to 1 at `full` along a smooth step."""
    place: Samples = np.clip((x - stop) / (full - stop), 0, 1)
    return place * place * (3 - 2 * place)


def _trimmed(audio: Audio) -> Audio:
    power = _frame_power(audio)
    heard = np.flatnonzero(power > power.max(initial=0.0) * _TRIM_FLOOR)
    lead, tail = (silence(ms, audio.rate).samples for ms in (LEAD_MS, TAIL_MS))
    if not heard.size:
        return Audio(np.concatenate([lead, tail]), audio.rate)
    frame = audio.rate * _FRAME_MS // 1000
    speech = audio.samples[heard[0] * frame : (heard[-1] + 1) * frame]
    return Audio(np.concatenate([lead, _edges_faded(speech, frame // 4), tail]), audio.rate)


def _edges_faded(speech: Samples, length: int) -> Samples:
    """Fade the cut ends over a few milliseconds: a cut into breath is heard as a click."""
    length = min(length, len(speech) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False)
    window = np.ones(len(speech))
    window[:length] = ramp
    window[len(speech) - length :] = ramp[::-1]
    return speech * window


def _levelled(audio: Audio) -> Audio:
    level = speech_level(audio)
    if level <= 0:
        return audio
    gain = min(SPEECH_LEVEL / level, PEAK / float(np.abs(audio.samples).max()))
    return Audio(audio.samples * gain, audio.rate)


def _frame_power(audio: Audio) -> Samples:
    """Mean power of each frame; the last one is filled up with silence."""
    frame = audio.rate * _FRAME_MS // 1000
    count = -(-len(audio.samples) // frame)
    padded = np.zeros(count * frame)
    padded[: len(audio.samples)] = audio.samples
    power: Samples = (padded.reshape(count, frame) ** 2).mean(axis=1)
    return power
