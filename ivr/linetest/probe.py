"""The sound that is sent over a line, and what its echo tells of the way there and back.

The probe is noise of the telephone band, the same each time, with silence around it. Of noise every stretch is like no
other one. So each 20 ms that come back are looked for in what was sent up to `DELAY_MS_MAX` before: their place tells
which 20 ms they are, and the clock how long these were under way. No recording is needed that runs in step with
anything; a jitter buffer, or a switch that closes the gaps of lost packets, cannot deceive it.

    delay    from the moment in which the last sample of a piece was sent to the one in which it was heard: the time of
             the network and the far end. From mouth to ear it takes longer, by what a telephone needs to fill a packet
             and to even out the jitter.
    jitter   of these delays, as RFC 3550 (section 6.4.1) has it for one direction
    lost     how much of the probe did not come back

A likeness is the coefficient of correlation, 1.0 for the same sound at whatever level and with either sign; of two
stretches of 20 ms that have nothing to do with each other it is 0.1 or so, and hardly ever above `LIKE`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from ivr.audio import Audio, Samples
from ivr.tones import SILENCE_DB, TELEPHONE_RATE, level_db

SEED: Final = 107
LEVEL_DB: Final = -18.0
"""That of speech prompts (`ivr.audio`)."""
LEAD_MS, SOUND_MS, TAIL_MS = 600, 8_000, 1_600
"""Silence in which the line's own noise is measured; the noise; silence in which the last of it may come back."""
DELAY_MS_MAX: Final = 1_500
FRAME_MS: Final = 20
FRAME: Final = TELEPHONE_RATE * FRAME_MS // 1000
LIKE: Final = 0.45
_BAND_HZ: Final = (300.0, 3_400.0)
_NEAR_S, _SURE = 0.1, 0.7
_FRAMES_LEAST: Final = 20
"""So many pieces make an echo; fewer may have been found by chance."""
_FLOOR: Final = 1e-9
"""Power of a sample below which there is silence, which is like nothing."""
_LEAD: Final = LEAD_MS // FRAME_MS
_SOUND: Final = SOUND_MS // FRAME_MS


class Heard(NamedTuple):
    """A piece that came in."""

    at: float
    """When, in seconds of the clock by which it was sent."""
    samples: Samples


class Echo(NamedTuple):
    """What came back of a probe."""

    delay_ms: float
    """There and back; the middle one."""
    late_ms: float
    """By how much more than the middle one 19 of 20 pieces took at most."""
    jitter_ms: float
    """RFC 3550."""
    sent_db: float
    """Level against full scale, as it was sent."""
    heard_db: float
    """Level of what came back; what lacks does not lessen it."""
    noise_db: float
    """What was heard before anything was sent."""
    likeness: float
    """How like the probe most of what came back is, 0.0 to 1.0; codecs and noise lessen it."""
    lost: float
    """Share of the probe that did not come back, 0.0 to 1.0."""


class _Found(NamedTuple):
    at: float
    place: int
    """Of its first sample, in the probe's noise."""
    likeness: float
    power: float


def probe() -> Audio:
    """Make the sound, with its silence: a whole number of frames."""
    return Audio(np.concatenate([_silence(LEAD_MS), _noise(), _silence(TAIL_MS)]), TELEPHONE_RATE)


def find_echo(sent_at: Sequence[float], heard: Sequence[Heard]) -> Echo | None:
    """Judge what came back of the probe; None if nothing did.

    Args:
        sent_at: when each frame of the probe was sent, in seconds; fewer where the call ended before.
        heard: what came in, in order.

    """
    noise = _noise()
    begun = sent_at[_LEAD:][:_SOUND]
    found = _find_all(heard, noise, begun)
    if len(found) < _FRAMES_LEAST:
        return None
    delays = np.array([1000 * _delay_s(one, begun) for one in found])
    middle = float(np.median(delays))
    before = [piece.samples for piece in heard if piece.at < begun[0]]
    return Echo(
        delay_ms=middle,
        late_ms=max(0.0, float(np.percentile(delays, 95)) - middle),
        jitter_ms=_jitter(delays),
        sent_db=level_db(Audio(noise, TELEPHONE_RATE)),
        heard_db=10 * float(np.log10(np.median([one.power for one in found]))),
        noise_db=level_db(Audio(np.concatenate(before), TELEPHONE_RATE)) if before else SILENCE_DB,
        likeness=float(np.median([one.likeness for one in found])),
        lost=_lost(found),
    )


def _noise() -> Samples:
    count = _samples(SOUND_MS)
    spectrum = np.fft.rfft(np.random.default_rng(SEED).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / TELEPHONE_RATE)
    spectrum[(hz < _BAND_HZ[0]) | (hz > _BAND_HZ[1])] = 0
    noise: Samples = np.fft.irfft(spectrum, count)
    noise *= 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(noise**2))
    return noise


def _silence(ms: int) -> Samples:
    return np.zeros(_samples(ms))


def _samples(ms: int) -> int:
    return TELEPHONE_RATE * ms // 1000


def _find_all(heard: Sequence[Heard], noise: Samples, begun: Sequence[float]) -> list[_Found]:
    """Find all pieces: each first near the delay of the one before, and in all that it may be if it is not there."""
    found: list[_Found] = []
    for piece in heard:
        one = None
        if found:
            delay_s = _delay_s(found[-1], begun)
            one = _find(piece, noise, begun, delay_s - _NEAR_S, delay_s + _NEAR_S)
        if one is None or one.likeness < _SURE:
            one = _find(piece, noise, begun, 0.0, DELAY_MS_MAX / 1000)
        if one is not None:
            found.append(one)
    return found


def _find(piece: Heard, noise: Samples, begun: Sequence[float], least_s: float, most_s: float) -> _Found | None:
    """Find which part of the noise a piece is, among what was sent so long before."""
    since, until = piece.at - most_s - FRAME_MS / 1000, piece.at - max(0.0, least_s)
    first, last = np.searchsorted(begun, [since, until], side="right")
    window = noise[first * FRAME : last * FRAME]
    power = float(np.mean(piece.samples**2)) if len(piece.samples) else 0.0
    if len(window) < len(piece.samples) or power <= _FLOOR:
        return None
    place, likeness = _place(window, piece.samples)
    return _Found(piece.at, int(first) * FRAME + place, likeness, power) if likeness > LIKE else None


def _place(sound: Samples, part: Samples) -> tuple[int, float]:
    """Find where a part lies in a sound, and how like it is there."""
    room = len(sound) - len(part) + 1
    size = 1 << (len(sound) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[:room]
    power = np.concatenate([[0.0], np.cumsum(sound**2)])
    local = np.maximum(power[len(part) :] - power[:room], _FLOOR * len(part))
    likeness = np.abs(product) / np.sqrt(local * np.sum(part**2))
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def _delay_s(found: _Found, begun: Sequence[float]) -> float:
    """Say how long ago the frame was sent that holds the piece's last sample."""
    last = found.place + FRAME - 1
    return max(0.0, found.at - begun[min(last // FRAME, len(begun) - 1)])


def _jitter(delays: Samples) -> float:
    """Smooth the differences of neighbours as RFC 3550 does."""
    jitter = 0.0
    for step in np.abs(np.diff(delays)):
        jitter += (float(step) - jitter) / 16
    return jitter


def _lost(found: Sequence[_Found]) -> float:
    """Say how much of the noise none of the pieces covers."""
    covered = np.zeros(_samples(SOUND_MS), dtype=bool)
    for one in found:
        covered[one.place : one.place + FRAME] = True
    return 1 - float(np.mean(covered))
