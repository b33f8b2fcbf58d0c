"""Which recogniser a site has, and that whisper understands."""

import os
from importlib.util import find_spec

import pytest

from ivr import recognisers
from ivr.audio import for_telephone
from ivr.recognisers import Chosen, RecogniserError, Whisper, chosen, load
from ivr.voices import Piper
from tests.ivr.brought import Odd, bring

MODEL = os.environ.get("WHISPER_MODEL", "")
"""A folder with a model for faster-whisper; the suite fetches none."""


@pytest.fixture
def installed(monkeypatch):
    """Say whether faster-whisper is installed."""
    there = {"faster_whisper": object()}
    monkeypatch.setattr(recognisers, "find_spec", there.get)
    return there


def test_auto_takes_whisper_where_it_is(installed):
    """With the model that is named, or the usual one; where it is not, there is none, and nothing is wrong."""
    assert chosen("auto") == chosen("whisper") == Chosen("whisper", "base")
    assert chosen("auto small") == chosen("whisper small") == Chosen("whisper", "small")
    assert chosen("whisper /srv/models/my own") == Chosen("whisper", "/srv/models/my own")
    assert chosen("none") is None
    installed.clear()
    assert chosen("auto") is None


def test_whisper_asked_for_by_name_and_not_installed_is_an_error(installed):
    """`auto` may do without it; a site that names it hears how to get it."""
    installed.clear()
    with pytest.raises(RecogniserError, match=r"callfloor\[recogniser\]"):
        chosen("whisper tiny")


def test_another_package_brings_one(tmp_path, monkeypatch):
    """By its name; its maker gets what stands behind that. One that cannot be loaded, or that is not there, says so."""
    bring(tmp_path, monkeypatch)
    assert chosen("odd chatty") == Chosen("odd", "chatty")
    made = load(Chosen("odd", "chatty"))
    assert isinstance(made, Odd)
    assert made.model == "chatty"
    with pytest.raises(RecogniserError, match="'odd' cannot be loaded: ValueError: no such model"):
        load(Chosen("odd", "unmade"))
    with pytest.raises(RecogniserError, match="'gone' cannot be loaded: ModuleNotFoundError"):
        load(Chosen("gone", ""))
    with pytest.raises(
        RecogniserError, match="no speech engine 'vosk'; there are auto, none, whisper, gone, odd, sphinx"
    ):
        chosen("vosk")


def test_a_model_that_is_not_there(installed, tmp_path):
    """Whatever the library says of it."""
    with pytest.raises(RecogniserError, match=r"model '.*nothing' cannot be loaded"):
        Whisper(str(tmp_path / "nothing"))


def test_whisper_understands():
    """What a telephone heard of a natural voice; and a language that the model does not know is told."""
    if not (MODEL and find_spec("faster_whisper") and Piper().speaks("en")):
        pytest.skip("needs callfloor[recogniser], callfloor[voice] and a model's folder in WHISPER_MODEL")
    whisper = Whisper(MODEL)
    sound = for_telephone(
        Piper().speak("Your parcel is on its way. We send you the invoice tomorrow morning.", "en"), 8000
    )
    heard = whisper.transcribe(sound, "en_US").lower()
    for word in ("parcel", "on its way", "invoice", "tomorrow morning"):
        assert word in heard
    assert whisper.transcribe(sound._replace(samples=sound.samples * 0), "en") == ""
    with pytest.raises(RecogniserError, match="'xx'"):
        whisper.transcribe(sound, "xx")
    backwards = sound._replace(samples=sound.samples[::-1])
    with pytest.raises(RecogniserError, match="not sure"):
        whisper.transcribe(backwards, "en")
