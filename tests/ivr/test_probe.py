"""The analysis of a line's echo, on sounds whose delay, level, loss and noise are known because they were put there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio import Audio, from_pcm16
from ivr.linetest.probe import DELAY_MS_MAX, LEAD_MS, LEVEL_DB, SOUND_MS, find_echo, probe
from ivr.tones import level_db

RATE = 8_000
PACKET = 160
BEGUN = RATE * 300 // 1000
"""The recording of what was sent begins so much earlier."""


def line(*, delay: int = 0, gain_db: float = 0.0, noise_db: float = -90.0, seed: int = 1, lost=()):
    """Send the probe over a line of our own; delay in samples; `lost` are packets of what comes back."""
    sent = np.concatenate([np.zeros(BEGUN), probe().samples])
    heard = np.concatenate([np.zeros(delay), sent])[: len(sent)] * 10 ** (gain_db / 20)
    for packet in lost:
        heard[packet * PACKET : (packet + 1) * PACKET] = 0
    heard = heard + np.random.default_rng(seed).standard_normal(len(heard)) * 10 ** (noise_db / 20)
    return Audio(sent, RATE), Audio(heard, RATE)


def measured(**made):
    echo = find_echo(*line(**made))
    assert echo is not None
    return echo


@settings(max_examples=25, deadline=None)
@given(
    delay=st.integers(0, RATE * DELAY_MS_MAX // 1000),
    gain_db=st.floats(-30, 6),
    seed=st.integers(0, 1_000),
)
def test_the_delay_is_the_one_put_there(delay, gain_db, seed):
    """To the sample, whatever the level and with noise 15 dB below it; nothing lacks."""
    echo = measured(delay=delay, gain_db=gain_db, noise_db=LEVEL_DB + gain_db - 15, seed=seed)
    assert echo.delay_ms == delay * 1000 / RATE
    assert echo.spread_ms == 0
    assert echo.lost < 0.01


@settings(max_examples=15, deadline=None)
@given(delay=st.integers(0, 4_000), share=st.floats(0, 0.3), seed=st.integers(0, 1_000))
def test_the_loss_is_the_one_put_there(delay, share, seed):
    """Lost packets are counted to a tenth of them and half a percent, wherever their edges lie."""
    first, last = (BEGUN + delay + RATE * LEAD_MS // 1000) // PACKET + 1, SOUND_MS // 20 - 1
    lost = first + np.flatnonzero(np.random.default_rng(seed).random(last) < share)
    echo = measured(delay=delay, lost=lost.tolist())
    assert echo.lost == pytest.approx(len(lost) * 20 / SOUND_MS, rel=0.1, abs=0.005)


@pytest.mark.parametrize("gain_db", [0.0, -6.0, -25.0])
def test_levels(gain_db):
    """Both directions and the line's noise are told in dB against full scale."""
    echo = measured(delay=500, gain_db=gain_db, noise_db=-55)
    assert echo.sent_db == pytest.approx(LEVEL_DB, abs=0.1)
    assert echo.heard_db == pytest.approx(LEVEL_DB + gain_db, abs=0.3)
    assert echo.noise_db == pytest.approx(-55, abs=0.5)


def test_gaps_do_not_lessen_the_level():
    """What lacks counts as loss, and not as a quiet line."""
    echo = measured(delay=160, lost=range(100, 300, 4))
    assert echo.heard_db == pytest.approx(LEVEL_DB, abs=0.3)


def test_a_buffer_that_moves_is_no_loss():
    """Half way the delay grows by 60 ms: that is told as such, and what came after it was not lost."""
    sent, heard = line(delay=400)
    half = len(heard.samples) // 2
    heard = Audio(np.concatenate([heard.samples[:half], np.zeros(480), heard.samples[half:]]), RATE)
    echo = find_echo(sent, heard)
    assert echo.spread_ms == 60
    assert echo.delay_ms in {50, 110}
    assert echo.lost < 0.02


def test_a_line_that_turns_the_wave_over():
    """An inverted signal is the same to an ear."""
    sent, heard = line(delay=400)
    echo = find_echo(sent, Audio(-heard.samples, RATE))
    assert (echo.delay_ms, echo.lost) == (50, pytest.approx(0, abs=0.001))


def test_g711_on_the_way():
    """Rounding to eight bits and back changes nothing but the likeness, a little."""
    sent, heard = line(delay=1_000)
    coded = Audio(companded(heard.samples), RATE)
    echo = find_echo(sent, coded)
    assert echo.delay_ms == 125
    assert 0.99 < echo.likeness < 1
    assert echo.lost == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("noise_db", [-120.0, -20.0])
def test_a_line_that_is_dead(noise_db):
    """Silence is no echo, and neither is noise, as loud as it may be."""
    sent, heard = line()
    noise = np.random.default_rng(5).standard_normal(len(heard.samples)) * 10 ** (noise_db / 20)
    assert find_echo(sent, Audio(noise, RATE)) is None
    assert find_echo(sent, Audio(np.zeros(len(noise)), RATE)) is None


def test_what_is_heard_may_be_cut_short():
    """The far end hung up in the middle: what came back until then is judged, the rest is lost."""
    sent, heard = line(delay=80)
    echo = find_echo(sent, Audio(heard.samples[: BEGUN + RATE * (LEAD_MS + SOUND_MS // 2) // 1000], RATE))
    assert echo.delay_ms == 10
    assert echo.lost == pytest.approx(0.5, abs=0.01)


def test_nothing_was_sent():
    """Without the probe in what was sent there is nothing to compare with, and that is said."""
    silent = Audio(np.zeros(100_000), RATE)
    with pytest.raises(ValueError, match="does not hold the probe"):
        find_echo(silent, silent)
    with pytest.raises(ValueError, match="does not hold the probe"):
        find_echo(Audio(np.zeros(0), RATE), silent)


def test_the_probe_is_the_same_each_time():
    """It is no secret and no surprise, stands at the level of speech and is not cut off."""
    assert np.array_equal(probe().samples, probe().samples)
    sound = Audio(probe().samples[RATE * LEAD_MS // 1000 :][: RATE * SOUND_MS // 1000], RATE)
    assert level_db(sound) == pytest.approx(LEVEL_DB, abs=0.01)
    assert np.abs(sound.samples).max() < 0.9


def companded(samples):
    """Take through the mu-law of G.711, by its formula: 255 steps."""
    coded = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    steps = np.rint(coded * 127) / 127
    return from_pcm16(
        (np.sign(steps) * (256 ** np.abs(steps) - 1) / 255 * 32_767).astype("<i2").tobytes(), RATE
    ).samples
