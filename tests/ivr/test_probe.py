"""The analysis of a line's echo, on sounds whose delay, level, loss and noise are known because they were put there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio import Audio, from_pcm16, to_pcm16
from ivr.linetest.probe import (
    DELAY_MS_MAX,
    FRAME,
    FRAME_MS,
    LEAD_MS,
    LEVEL_DB,
    LIKE,
    SOUND_MS,
    Heard,
    find_echo,
    probe,
)
from ivr.tones import TELEPHONE_RATE, level_db

COUNT = len(probe().samples) // FRAME
FIRST = LEAD_MS // FRAME_MS
SOUND = SOUND_MS // FRAME_MS


def sent(pace=()):
    """When each frame was sent; `pace` is by how much late, in ms, one after the other."""
    late_ms = np.resize(pace, COUNT) if len(pace) else np.zeros(COUNT)
    return [1_000 + (number * FRAME_MS + float(late_ms[number])) / 1000 for number in range(COUNT)]


def line(
    *, delays_ms=(50.0,), shift=0, gain_db=0.0, noise_db=-90.0, lost=(), seed=1, pace=(), coded=lambda sound: sound
):
    """Send the probe over a line of our own, and give what comes back.

    Args:
        delays_ms: of the packets, one after the other, again from the first one after the last.
        shift: the far end's packets begin so many samples later than ours.
        gain_db: of the way.
        noise_db: is added.
        lost: numbers of packets.
        seed: of the noise.
        pace: by how much late each packet was sent, in ms.
        coded: what a codec makes of the sound.

    """
    at = sent(pace)
    sound = np.concatenate([np.zeros(FRAME - shift), probe().samples]) * 10 ** (gain_db / 20)
    sound = coded(sound + np.random.default_rng(seed).standard_normal(len(sound)) * 10 ** (noise_db / 20))
    came = []
    for number in range(COUNT):
        if number not in lost:
            # Packet `number` of the far end is whole when our frame is there that holds its last sample.
            start = number * FRAME + (FRAME if not shift else 0)
            came.append(Heard(at[number] + float(np.resize(delays_ms, COUNT)[number]) / 1000, sound[start:][:FRAME]))
    return at, sorted(came, key=lambda piece: piece.at)


def measured(**made):
    echo = find_echo(*line(**made))
    assert echo is not None
    return echo


@settings(max_examples=20, deadline=None)
@given(
    delay_ms=st.integers(0, DELAY_MS_MAX - 1),
    shift=st.integers(0, FRAME - 1),
    gain_db=st.floats(-30, 6),
    seed=st.integers(0, 1_000),
)
def test_the_delay_is_the_one_put_there(delay_ms, shift, gain_db, seed):
    """Whatever the level and the far end's packets, and with noise 15 dB below it; nothing lacks."""
    noise_db = LEVEL_DB + gain_db - 15
    echo = measured(delays_ms=[delay_ms], shift=shift, gain_db=gain_db, noise_db=noise_db, seed=seed)
    assert echo.delay_ms == pytest.approx(delay_ms, abs=1e-3)
    assert (echo.jitter_ms, echo.late_ms) == (pytest.approx(0, abs=1e-3), pytest.approx(0, abs=1e-3))
    assert echo.lost < 0.01


@settings(max_examples=15, deadline=None)
@given(
    shift=st.integers(0, FRAME - 1),
    share=st.floats(0, 0.4),
    seed=st.integers(0, 1_000),
    noise_db=st.floats(-90, LEVEL_DB - 10),
)
def test_the_loss_is_the_one_put_there(shift, share, seed, noise_db):
    """Lost packets are counted to the half of a percent, wherever their edges lie."""
    lost = FIRST + 1 + np.flatnonzero(np.random.default_rng(seed).random(SOUND - 2) < share)
    echo = measured(shift=shift, lost=lost.tolist(), noise_db=noise_db, seed=seed)
    assert echo.lost == pytest.approx(len(lost) / SOUND, abs=0.005)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 80), min_size=30, max_size=200))
def test_jitter_is_that_of_rfc_3550(delays_ms):
    """The packets' delays are put there, and told: the middle one, the latest ones, and their smoothed differences."""
    echo = measured(delays_ms=[100 + delay for delay in delays_ms])
    real = 100 + np.resize(delays_ms, COUNT)[FIRST : FIRST + SOUND]
    assert echo.delay_ms == pytest.approx(np.median(real), abs=1.0)
    assert echo.late_ms == pytest.approx(np.percentile(real, 95) - np.median(real), abs=2.0)
    assert echo.lost == pytest.approx(0, abs=0.01)
    order = np.argsort(np.arange(SOUND) * FRAME_MS + real, kind="stable")
    jitter = 0.0
    for step in np.abs(np.diff(real[order])):
        jitter += (step - jitter) / 16
    assert echo.jitter_ms == pytest.approx(jitter, rel=0.1, abs=0.5)


def test_a_sender_out_of_step_is_no_jitter():
    """A frame that we send late is late by our own clock, and the line is not blamed for it."""
    pace = np.random.default_rng(2).random(97) * 15
    echo = measured(delays_ms=[80.0], pace=pace)
    assert (echo.delay_ms, echo.jitter_ms) == (pytest.approx(80), pytest.approx(0, abs=1e-3))


@pytest.mark.parametrize("gain_db", [0.0, -6.0, -25.0])
def test_levels(gain_db):
    """Both directions and the line's noise are told in dB against full scale."""
    echo = measured(gain_db=gain_db, noise_db=-55)
    assert echo.sent_db == pytest.approx(LEVEL_DB, abs=0.1)
    assert echo.heard_db == pytest.approx(LEVEL_DB + gain_db, abs=0.4)
    assert echo.noise_db == pytest.approx(-55, abs=0.5)


def test_gaps_do_not_lessen_the_level():
    """What lacks counts as loss, and not as a quiet line."""
    echo = measured(lost=range(FIRST, FIRST + SOUND, 4))
    assert echo.heard_db == pytest.approx(LEVEL_DB, abs=0.3)
    assert echo.lost == pytest.approx(0.25, abs=0.005)


def test_a_buffer_that_moves_is_no_loss():
    """Half way the delay grows by 60 ms: nothing was lost, and the delay is one of both."""
    delays = np.where(np.arange(COUNT) < COUNT // 2, 50.0, 110.0)
    echo = measured(delays_ms=delays)
    assert round(echo.delay_ms) in {50, 110}
    assert echo.lost < 0.005


@pytest.mark.parametrize("shift", [0, 77])
def test_g711_turned_over(shift):
    """Eight bits, and a wave that is turned over, are the same to an ear: only the likeness is a little less."""
    echo = measured(delays_ms=[125.0], shift=shift, coded=lambda sound: -companded(sound))
    assert echo.delay_ms == pytest.approx(125)
    assert 0.98 < echo.likeness < 1
    assert echo.lost == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("noise_db", [-120.0, -20.0])
def test_a_line_that_is_dead(noise_db):
    """Silence is no echo, and neither is noise, as loud as it may be."""
    assert find_echo(*line(gain_db=-150, noise_db=noise_db)) is None


def test_chance_is_not_like_the_probe():
    """Noise of another source is, at its best place among a second and a half, less like the probe than counts."""
    at, came = line(gain_db=-150, noise_db=-20, seed=9)
    assert LIKE > 0.4
    assert find_echo(at, came * 2) is None


def test_a_call_that_ended_before():
    """The far end hung up in the middle: what came back until then is judged, the rest is lost."""
    at, came = line()
    half = FIRST + SOUND // 2
    echo = find_echo(at[:half], [piece for piece in came if piece.at < at[half]])
    assert echo.delay_ms == pytest.approx(50)
    assert echo.lost == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("count", [0, 5, FIRST])
def test_a_call_that_ended_at_once(count):
    """Before any of the sound was sent there is nothing to judge."""
    at, came = line()
    assert find_echo(at[:count], came[:count]) is None


def test_the_probe_is_the_same_each_time():
    """It is no secret and no surprise, stands at the level of speech and is not cut off."""
    assert np.array_equal(probe().samples, probe().samples)
    assert len(probe().samples) % FRAME == 0
    sound = Audio(probe().samples[FIRST * FRAME :][: SOUND * FRAME], TELEPHONE_RATE)
    assert level_db(sound) == pytest.approx(LEVEL_DB, abs=0.01)
    assert np.abs(sound.samples).max() < 0.9


def companded(samples):
    """Take through the mu-law of G.711, by its formula: 255 steps."""
    coded = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    steps = np.rint(coded * 127) / 127
    back = np.sign(steps) * (256 ** np.abs(steps) - 1) / 255
    return from_pcm16(to_pcm16(Audio(back, TELEPHONE_RATE)), TELEPHONE_RATE).samples
