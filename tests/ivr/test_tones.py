"""Tones made, and sound measured."""

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import tones
from ivr.audio import Audio, silence, to_wav


def after_g711(audio):
    """What a telephone line makes of a sound: mu-law, 8 bits a sample (ITU-T G.711, by its formula)."""
    squeezed = np.sign(audio.samples) * np.log1p(255 * np.abs(audio.samples)) / np.log1p(255)
    rounded = np.round(squeezed * 127) / 127
    return Audio(np.sign(rounded) * np.expm1(np.abs(rounded) * np.log1p(255)) / 255, audio.rate)


@given(hz=st.integers(200, 3400), level=st.integers(-40, -6), rate=st.sampled_from([8000, 16000, 44100]))
def test_tone_is_found_again(hz, level, rate):
    """A tone's frequency and level are measured as they were made, at any rate."""
    found = tones.loudest_tone(tones.tone(hz, duration_ms=500, level_db=level, rate=rate))
    assert found.hz == pytest.approx(hz, abs=0.5)
    assert found.level_db == pytest.approx(level, abs=0.1)
    assert found.share > 0.999


@given(hz=st.integers(300, 3400), level=st.integers(-30, -6))
def test_tone_survives_the_telephone_line(hz, level):
    """G.711 changes a tone's level by less than half a decibel."""
    heard = after_g711(tones.tone(hz, duration_ms=300, level_db=level))
    assert tones.tone_level_db(heard, hz) == pytest.approx(level, abs=0.5)


def test_other_tones_are_not_heard_in_a_tone():
    """A frequency that is not there measures at least 50 dB below one that is."""
    heard = tones.tone(700, duration_ms=500)
    assert tones.tone_level_db(heard, 700) - tones.tone_level_db(heard, 1200) > 50


def test_dual_tone_has_both_frequencies():
    """The sum of two tones, a DTMF key say, has each of them at the level asked for."""
    key_1 = tones.tone(697, 1209, duration_ms=500, level_db=-15)
    assert tones.tone_level_db(key_1, 697) == pytest.approx(-15, abs=0.2)
    assert tones.tone_level_db(key_1, 1209) == pytest.approx(-15, abs=0.2)
    assert tones.loudest_tone(key_1).share < 0.6


def test_noise_is_no_tone():
    """The loudest tone of noise is a small part of it, unlike that of a tone."""
    noise = Audio(np.random.default_rng(1).normal(0, 0.1, 8000), 8000)
    assert tones.level_db(noise) == pytest.approx(-20, abs=0.2)
    assert tones.loudest_tone(noise).share < 0.05


def test_spans_tell_when_something_is_heard():
    """Two tones with a second of silence between are two spans; a gap shorter than a pause of speech joins them."""
    parts = [
        silence(400, 8000),
        tones.tone(440, duration_ms=300),
        silence(1000, 8000),
        tones.tone(440, duration_ms=500),
    ]
    heard = Audio(np.concatenate([part.samples for part in parts]), 8000)
    assert tones.spans(heard) == [(400, 700), (1700, 2200)]
    assert tones.spans(heard, bridge_ms=1500) == [(400, 2200)]
    assert tones.heard_share(heard) == pytest.approx(800 / 2200, abs=0.01)
    assert tones.spans(tones.cut(heard, 700, 1700)) == []


@pytest.mark.parametrize("duration_ms", [0, 1, 10, 1000])
def test_silence_measures_as_silence(duration_ms):
    """No sound, or none at all to look at, gives the floor everywhere and no division by zero."""
    quiet = silence(duration_ms, 8000)
    assert tones.level_db(quiet) == tones.tone_level_db(quiet, 700) == tones.SILENCE_DB
    assert tones.loudest_tone(quiet) == (0.0, tones.SILENCE_DB, 0.0)
    assert tones.spans(quiet) == []
    assert tones.heard_share(quiet) == 0.0


def test_wav_is_read_as_it_was_written(tmp_path):
    """A written sound comes back with its rate and its samples, to 16 bits."""
    made = tones.tone(700, duration_ms=100)
    path = tmp_path / "tone.wav"
    path.write_bytes(to_wav(made))
    read = tones.read_wav(path)
    assert read.rate == 8000
    assert np.abs(read.samples - made.samples).max() < 1e-4


def test_unfit_file_is_named_with_the_way_to_mend_it(tmp_path):
    """A stereo file, a text and an empty file are refused by name."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(400))
    path = tmp_path / "music.wav"
    path.write_bytes(data.getvalue())
    with pytest.raises(ValueError, match=r"music\.wav: not a mono 16-bit WAV file; .*sox"):
        tones.read_wav(path)
    for content in (b"hello", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"music\.wav: not a WAV file"):
            tones.read_wav(path)
