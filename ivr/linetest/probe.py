"""The sound that is sent over a line, and what the recordings of both directions tell of its way there and back.

The probe is noise of the telephone band, the same each time, with silence around it. Of noise every stretch is like no
other one, so each says by itself when it came back: its cross-correlation with what was heard has one sharp peak.

    1  The probe is found in what was sent: there the clock of both recordings begins.
    2  Each half second of it is looked for in what was heard, up to `DELAY_MS_MAX` later. The middle one of these
       delays is the round trip; by how much they differ is how far a jitter buffer on the way had to move.
    3  Each 20 ms is looked for at those delays: how much of it is there, by its projection on what was sent? A packet
       that was lost, or came too late to be played, lies across two of them, and is missed in both for its part.

A likeness is the coefficient of correlation, 1.0 for the same sound at whatever level and with either sign; of two
stretches of 20 ms that have nothing to do with each other it is 0.1 or so.
"""

from typing import Final, NamedTuple

import numpy as np

from ivr.audio import Audio, Samples
from ivr.tones import TELEPHONE_RATE, cut, level_db

SEED: Final = 107
LEVEL_DB: Final = -18.0
"""That of speech prompts (`ivr.audio`)."""
LEAD_MS, SOUND_MS, TAIL_MS = 600, 8_000, 1_600
"""Silence in which the line's own noise is measured; the noise; silence in which the last of it may come back."""
DELAY_MS_MAX: Final = 1_500
_BAND_HZ: Final = (300.0, 3_400.0)
_PART_MS, _FRAME_MS = 500, 20
_SENT_LIKENESS, _PART_LIKENESS = 0.5, 0.25
_LACK_LEAST, _LACK_MOST = 0.05, 0.25
"""Less than this may lack in a frame for noise and rounding: twice what noise makes of it, within these limits."""
_EDGE_MS: Final = 100
_FLOOR: Final = 1e-9
"""Power a sample below which there is silence, which is like nothing."""


class Echo(NamedTuple):
    """What came back of a probe."""

    delay_ms: float
    """There and back; the middle one."""
    spread_ms: float
    """Between the shortest and the longest delay of its parts."""
    sent_db: float
    """Level against full scale, as it was sent."""
    heard_db: float
    """Level of what came back, gaps left out."""
    noise_db: float
    """What was heard before anything was sent."""
    likeness: float
    """How like the probe most of what came back is, 0.0 to 1.0; codecs and echo cancellers lessen it."""
    lost: float
    """Share of 20 ms pieces that did not come back, 0.0 to 1.0."""


def probe() -> Audio:
    """Make the sound, with its silence."""
    return Audio(np.concatenate([_silence(LEAD_MS), _noise(), _silence(TAIL_MS)]), TELEPHONE_RATE)


def find_echo(sent: Audio, heard: Audio) -> Echo | None:
    """Compare the recordings of both directions, which began together; None if nothing of the probe came back.

    Raises:
        ValueError: the probe is not in what was sent.

    """
    sound = _noise()
    begun, found = _place(sent.samples, sound)
    if found < _SENT_LIKENESS:
        raise ValueError("the recording of what was sent does not hold the probe")
    delays = _delays(sound, heard.samples, begun)
    if len(delays) < 2:
        return None
    gains, likenesses = _frames(sound, heard.samples, begun, sorted(set(delays)))
    there = likenesses > _PART_LIKENESS
    usual = float(np.median(gains[there]))
    lack = np.clip(1 - gains / usual, 0, 1)
    before = Audio(heard.samples[: max(begun - _samples(_EDGE_MS), 0)], TELEPHONE_RATE)
    return Echo(
        delay_ms=float(np.median(delays)) * 1000 / TELEPHONE_RATE,
        spread_ms=(max(delays) - min(delays)) * 1000 / TELEPHONE_RATE,
        sent_db=level_db(Audio(sent.samples[begun : begun + len(sound)], TELEPHONE_RATE)),
        heard_db=_heard_db(sound, usual, likeness := float(np.median(likenesses[there]))),
        noise_db=level_db(cut(before, max(before.duration_ms - LEAD_MS, 0), before.duration_ms)),
        likeness=likeness,
        lost=float(np.mean(np.where(lack < _noise_of(likeness), 0, lack))),
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


def _place(sound: Samples, part: Samples) -> tuple[int, float]:
    """Find where a part lies in a sound, and how like it is there; places at which it would hang over do not count."""
    room = len(sound) - len(part) + 1
    if room <= 0:
        return 0, 0.0
    size = 1 << (len(sound) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[:room]
    power = np.concatenate([[0.0], np.cumsum(sound**2)])
    local = np.maximum(power[len(part) : len(part) + room] - power[:room], 0)
    likeness = np.abs(product) / np.sqrt((local + _FLOOR * len(part)) * np.sum(part**2))
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def _delays(sound: Samples, heard: Samples, begun: int) -> list[int]:
    """Say of each part of the probe that came back how much later, in samples."""
    size, window = _samples(_PART_MS), _samples(DELAY_MS_MAX)
    found = []
    for start in range(0, len(sound) - size + 1, size):
        within = heard[begun + start : begun + start + size + window]
        delay, likeness = _place(within, sound[start : start + size])
        if likeness > _PART_LIKENESS:
            found.append(delay)
    return found


def _frames(sound: Samples, heard: Samples, begun: int, delays: list[int]) -> tuple[Samples, Samples]:
    """Say of each frame by how much of the probe it came back, and how like it; at the delay where that is most."""
    size = _samples(_FRAME_MS)
    sent = sound.reshape(-1, size)
    power = np.sum(sent**2, axis=1)
    padded = np.concatenate([heard, _silence(SOUND_MS + DELAY_MS_MAX)])
    gain, likeness = np.zeros(len(sent)), np.zeros(len(sent))
    for delay in delays:
        came = padded[begun + delay : begun + delay + len(sound)].reshape(-1, size)
        product = np.abs(np.sum(sent * came, axis=1))
        better = product / power > gain
        gain[better] = (product / power)[better]
        likeness[better] = (product / np.sqrt((np.sum(came**2, axis=1) + _FLOOR * size) * power))[better]
    return gain, likeness


def _noise_of(likeness: float) -> float:
    """Say how little may lack in a frame without meaning: noise, as strong as the likeness tells, moves its gain."""
    values = 2 * (_BAND_HZ[1] - _BAND_HZ[0]) * _FRAME_MS / 1000  # independent ones in a frame
    error = np.sqrt((1 / min(likeness, 1.0) ** 2 - 1) / values)
    return float(np.clip(2 * error, _LACK_LEAST, _LACK_MOST))


def _heard_db(sound: Samples, gain: float, likeness: float) -> float:
    """Level of what came back, whatever its likeness: the part of it that is the probe, and the rest."""
    return level_db(Audio(sound * (gain / max(likeness, _PART_LIKENESS)), TELEPHONE_RATE))
