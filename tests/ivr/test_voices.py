"""The speech engines, and what becomes of their waveforms."""

import io
import wave
from importlib.metadata import EntryPoint
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ivr import plugins, voices
from ivr.asterisk.errors import AsteriskError
from ivr.audio import LEAD_MS, PEAK, SPEECH_LEVEL, TAIL_MS, Audio, for_telephone, from_pcm16, speech_level, to_wav
from ivr.voices import TEXT_MAX, Espeak, Piper, VoiceError, choose_engines, speakable, usable_engines


@pytest.fixture(scope="module")
def espeak():
    engine = Espeak()
    try:
        engine.identity("en")
    except AsteriskError as error:
        pytest.skip(f"no espeak-ng can be had: {error}")
    return engine


@pytest.fixture(scope="module")
def piper():
    engine = Piper()
    if not engine.speaks("en"):
        pytest.skip("the extra callfloor[voice] is not installed")
    return engine


def tone(frequency, rate, seconds=1.0, level=0.5):
    return Audio(level * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate), rate)


def spectrum_peak(audio):
    """Frequency of the strongest part of the clip's middle, and how strong it is (1.0: a full-scale tone)."""
    middle = audio.samples[len(audio.samples) // 4 : -len(audio.samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) * 4 / len(middle)
    return int(power.argmax()) * audio.rate / len(middle), power.max()


# ------------------------------------------------------------------------------------------------------ speakable text


@given(st.text(max_size=300))
def test_speakable_text_holds_no_markup_and_no_control_character(text):
    """Whatever comes in, what an engine gets has one blank between words, nothing invisible and no engine's markup."""
    words = speakable(text)
    assert words == " ".join(words.split())
    assert words.isprintable()
    assert not set(words) & set("[]<>{}|\\^`~*_")
    assert words.encode().decode() == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-w /tmp/x", "-w /tmp/x"),
        ("[[h@l'oU]] there", "h@l'oU there"),
        ("<speak><break time='9s'/>hi</speak>", "speak break time='9s'/ hi /speak"),
        ("a\x00b\r\nc\x1b[31m\u202ed", "a b c 31m d"),
        ("lone \udcff surrogate", "lone surrogate"),
        ("z\u0307ar", "żar"),
        ("!!! \U0001f600 ...", ""),
        ("", ""),
    ],
)
def test_hostile_text_becomes_plain_words(text, words):
    """Options, phonemes, tags, control characters and broken Unicode become words or nothing."""
    assert speakable(text) == words


def test_long_text_ends_at_a_whole_word():
    """Ten kilobytes are cut to the limit, between words where there are words."""
    assert speakable("word " * 2000) == ("word " * (TEXT_MAX // 5)).strip()
    assert speakable("x" * 10_000) == "x" * TEXT_MAX


# ------------------------------------------------------------------------------------------------------------ waveforms


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("source", [8_000, 16_000, 22_050, 24_000, 44_100])
def test_a_tone_keeps_its_pitch_and_length_at_every_rate(source, rate):
    """Resampling is exact: a 1 kHz tone of one second is still that."""
    clip = for_telephone(tone(1_000, source), rate)
    frequency, _ = spectrum_peak(clip)
    assert frequency == pytest.approx(1_000, abs=3)
    assert clip.duration_ms == pytest.approx(1_000 + LEAD_MS + TAIL_MS, abs=40)


@pytest.mark.parametrize("frequency", [4_200, 5_000, 7_400, 9_500])
def test_a_tone_that_the_line_cannot_carry_does_not_fold_back(frequency):
    """Beside a wanted tone, one above 4 kHz leaves at 8 kHz no trace above -80 dB at its mirror frequency."""
    both = Audio(tone(1_000, 22_050).samples + tone(frequency, 22_050).samples, 22_050)
    clip = for_telephone(both, 8_000)
    middle = clip.samples[2_000:6_000] * np.hanning(4_000)
    power = np.abs(np.fft.rfft(middle))
    mirror = abs(8_000 - frequency) if frequency < 8_000 else frequency - 8_000
    assert power[mirror // 2 - 5 : mirror // 2 + 6].max() < power.max() * 1e-4


def test_hum_and_offset_are_taken_out():
    """What lies below speech takes no part of the level: an offset and slow hum are gone, the tone stays."""
    dirty = Audio(tone(400, 22_050, level=0.1).samples + tone(20, 22_050, level=0.4).samples + 0.3, 22_050)
    clip = for_telephone(dirty, 8_000)
    assert abs(clip.samples.mean()) < 1e-3
    assert spectrum_peak(clip)[0] == pytest.approx(400, abs=3)


@pytest.mark.parametrize("level", [0.001, 0.05, 1.0])
def test_speech_comes_out_at_one_level_without_clipping(level):
    """Quiet or loud, the speech part gets the level of Asterisk's own prompts, and no sample passes the peak."""
    clip = for_telephone(tone(500, 22_050, level=level), 8_000)
    assert speech_level(clip) == pytest.approx(SPEECH_LEVEL, rel=0.1)
    assert np.abs(clip.samples).max() <= PEAK + 1e-9


def test_a_spiky_clip_is_left_quieter_instead_of_clipped():
    """Where the level would push a spike past the peak, the peak wins."""
    samples = tone(500, 8_000, level=0.01).samples
    samples[4_000] = 1.0
    clip = for_telephone(Audio(samples, 8_000), 8_000)
    assert np.abs(clip.samples).max() == pytest.approx(PEAK)


def test_silence_around_the_speech_is_cut_to_the_same_length():
    """Seconds of silence before and after become the short lead and tail."""
    quiet = np.zeros(22_050 * 2)
    clip = for_telephone(Audio(np.concatenate([quiet, tone(500, 22_050).samples, quiet]), 22_050), 8_000)
    heard = np.flatnonzero(np.abs(clip.samples) > 0.01)
    assert heard[0] / 8 == pytest.approx(LEAD_MS, abs=25)
    assert (len(clip.samples) - heard[-1]) / 8 == pytest.approx(TAIL_MS, abs=25)


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_clip_of_next_to_nothing_is_silence(length):
    """No division by nothing: an empty or silent clip gives the lead and the tail."""
    clip = for_telephone(Audio(np.zeros(length), 22_050), 8_000)
    assert clip.duration_ms == LEAD_MS + TAIL_MS
    assert not clip.samples.any()


def test_wav_is_16_bit_mono_and_keeps_the_samples():
    """The encoded file reads back as the clip, full scale included."""
    clip = Audio(np.array([0.0, 1.0, -1.0, 0.25]), 8_000)
    with wave.open(io.BytesIO(to_wav(clip))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8_000)
        back = from_pcm16(file.readframes(9), 8_000)
    assert back.samples == pytest.approx(clip.samples, abs=1e-4)


# -------------------------------------------------------------------------------------------------------------- espeak


def test_espeak_speaks_at_a_plausible_pace(espeak):
    """A sentence of ten words takes between two and six seconds and is loud enough to hear."""
    clip = espeak.speak("For sales, press one. For support, please press two now.", "en")
    assert 2_000 < clip.duration_ms < 6_000
    assert speech_level(clip) > 0.01


def test_espeak_speaks_polish_letters_as_polish(espeak):
    """The voice reads Polish: with its diacritics the word sounds other than without, and is not spelled out."""
    polish = espeak.speak("dziewięć", "pl")
    assert len(espeak.speak("dziewiec", "pl").samples) != len(polish.samples)
    assert espeak.speak("d z i e w i ę ć", "pl").duration_ms > 1.3 * polish.duration_ms


def test_espeak_uses_the_voice_of_the_language(espeak):
    """The same text in two languages is two sounds."""
    assert espeak.speak("dziewięć", "pl").samples.tobytes() != espeak.speak("dziewięć", "en").samples.tobytes()


def test_espeak_knows_which_languages_it_has(espeak):
    """English, Polish and regional codes are there; nonsense and options in the place of a code are not."""
    assert all(map(espeak.speaks, ["en", "pl", "de", "pt_BR"]))
    assert not any(map(espeak.speaks, ["xx", "", "-w/tmp/x", "../en", "en;id", "PL\n"]))


def test_espeak_takes_text_as_text(espeak, tmp_path, monkeypatch):
    """A text that looks like an option is spoken, and no file is written."""
    monkeypatch.chdir(tmp_path)
    spoken = espeak.speak("-w out.wav --version", "en")
    assert spoken.duration_ms > 1_000
    assert not list(tmp_path.iterdir())


def test_espeak_takes_ten_kilobytes(espeak):
    """The longest text that is let through is spoken to its end."""
    once = espeak.speak("word", "en").duration_ms
    assert espeak.speak(speakable("word " * 2_000), "en").duration_ms > 100 * once


def test_the_identity_names_version_and_voice(espeak):
    """What keys the cache tells English from Polish and this version from the next."""
    assert espeak.identity("en") != espeak.identity("pl")
    assert any(c.isdigit() for c in espeak.identity("en").split()[1])


def test_espeak_speaks_slowly(espeak):
    """The same words take longer, and have another place in the cache."""
    slow = espeak.slowed()
    usual_ms, slow_ms = (engine.speak("one two three four five six", "en").duration_ms for engine in (espeak, slow))
    assert slow_ms > 1.2 * usual_ms
    assert slow.identity("en") != espeak.identity("en")


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 3", "failed (3)"),
        ("echo no sound", "gave no sound"),
        ("cat > /dev/null", "gave no sound"),
    ],
)
def test_a_broken_espeak_is_an_error_that_says_so(tmp_path, script, complaint):
    """A program that fails, babbles or says nothing gives a VoiceError in plain words."""
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(VoiceError) as caught:
        Espeak(lambda _: [str(program)]).speak("hello", "en")
    assert complaint in str(caught.value)


def test_a_missing_espeak_is_an_error(tmp_path):
    """A program that is not there is told of by its name."""
    with pytest.raises(VoiceError, match=r"does not run: .*none"):
        Espeak(lambda _: [str(tmp_path / "none")]).speak("hello", "en")


def test_a_hanging_espeak_is_ended(tmp_path, monkeypatch):
    """A program that never ends is killed when its time is over."""
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(Espeak, "TIMEOUT_S", 0.1)
    with pytest.raises(VoiceError, match="timed out"):
        Espeak(lambda _: [str(program)]).speak("hello", "en")


# --------------------------------------------------------------------------------------------------------------- piper


def test_piper_speaks_english_only(piper):
    """Its packaged voice speaks English; other languages are left to the next engine."""
    assert not piper.speaks("pl")
    clip = piper.speak("For sales, press one. For support, please press two now.", "en")
    assert 1_500 < clip.duration_ms < 6_000
    assert speech_level(clip) > 0.01


def test_piper_speaks_slowly(piper):
    """The same words take longer, and have another place in the cache; the voice is loaded once."""
    slow = piper.slowed()
    usual_ms, slow_ms = (engine.speak("one two three four five six", "en").duration_ms for engine in (piper, slow))
    assert slow_ms > 1.2 * usual_ms
    assert slow.identity("en") != piper.identity("en")
    assert slow._loaded is piper._loaded


def test_piper_is_not_there_without_its_packages(monkeypatch):
    """Without the extra it speaks nothing, and nothing is imported to find that out."""
    monkeypatch.setattr(voices, "find_spec", lambda _name: None)
    assert not Piper().speaks("en")


# ----------------------------------------------------------------------------------------------------------- the choice


def test_espeak_stands_behind_every_choice():
    """Whatever a site prefers, a language it lacks is still spoken."""
    assert [engine.name for engine in choose_engines()] == ["piper", "espeak"]
    assert [engine.name for engine in choose_engines("espeak")] == ["espeak"]
    if find_spec("piper"):
        assert [engine.name for engine in choose_engines("piper")] == ["piper", "espeak"]


def test_piper_asked_for_by_name_and_not_installed_is_an_error(monkeypatch):
    """`auto` may do without it; a site that names it hears how to get it."""
    monkeypatch.setattr(voices, "find_spec", lambda _name: None)
    with pytest.raises(VoiceError, match=r"callfloor\[voice\]"):
        choose_engines("piper")


def test_another_package_adds_an_engine(monkeypatch):
    """An entry point of the group is a choice by its name; one that cannot be loaded says why."""
    points = [
        EntryPoint("mine", "ivr.voices:Espeak", "callfloor.voices"),
        EntryPoint("gone", "no_such_package:Engine", "callfloor.voices"),
    ]
    monkeypatch.setattr(plugins.metadata, "entry_points", lambda group: points)
    assert len(choose_engines("mine")) == 2
    with pytest.raises(VoiceError, match="'gone' cannot be loaded: ModuleNotFoundError"):
        choose_engines("gone")
    with pytest.raises(VoiceError, match="there are auto, espeak, piper, gone, mine"):
        choose_engines("festival")


def test_a_site_whose_engine_cannot_be_had_is_spoken_by_espeak():
    """The server starts, takes calls, and says what is wrong."""
    with capture_logs() as logs:
        assert [engine.name for engine in usable_engines("festival")] == ["espeak"]
        assert [engine.name for engine in usable_engines("auto")] == ["piper", "espeak"]
    assert [one["log_level"] for one in logs] == ["error"]
    assert "'festival'" in logs[0]["reason"]
