"""Prompts through the real speech engine: this machine's espeak-ng, or a private copy."""

import wave

import numpy as np
import pytest

from ivr import phrases
from ivr.asterisk.errors import AsteriskError
from ivr.prompts import Prompts
from ivr.voices import Espeak, choose_engines


def length(path):
    with wave.open(path) as file:
        return file.getnframes()


@pytest.fixture
def _real_engine():
    try:
        Espeak().identity("en")
    except AsteriskError as error:
        pytest.skip(f"no espeak-ng can be had: {error}")


@pytest.mark.usefixtures("_real_engine")
async def test_every_phrase_is_spoken_by_the_real_engine(tmp_path):
    """All that callfloor says by itself is spoken in both languages at a plausible length, loud and unclipped."""
    found = Prompts(tmp_path / "site", tmp_path / "cache", phrases.TEXTS, choose_engines("espeak"), "en")
    try:
        for name, texts in phrases.TEXTS.items():
            for language, text in texts.items():
                if name == "music-stops":  # says nothing
                    assert text == ""
                    continue
                with wave.open(f"{await found.find(name, language)}.wav") as file:
                    sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
                assert 35 < len(sound) / 8 / len(text) < 160, name  # ms a character
                assert 0.05 < np.sqrt((sound**2).mean()) < 0.2, name
                assert np.abs(sound).max() < 0.9, name
    finally:
        found.close()


@pytest.mark.usefixtures("_real_engine")
async def test_hostile_texts_are_only_spoken(tmp_path, monkeypatch):
    """Options, shell, phonemes, tags, NUL and ten kilobytes, through the real engine: each is a sound, nothing else."""
    monkeypatch.chdir(tmp_path)
    found = Prompts(tmp_path / "site", tmp_path / "cache", {}, choose_engines("espeak"), "en")
    texts = [
        "-w out.wav",
        "--path=/nowhere hello",
        "$(touch x); `touch y` | touch z",
        "[[h@l'oU]] [[",
        "<audio src='/etc/passwd'/> <mark",
        "NUL \x00 and \x01 40S command",
        "line\r\nSTREAM FILE x",
        "word " * 2_000,
        "\udcff\udc00 broken",
    ]
    try:
        stems = [await found.find(text, "en") for text in texts]
    finally:
        found.close()
    assert len(set(stems)) == len(texts)
    assert all(length(f"{stem}.wav") > 4_000 for stem in stems)
    assert {file.name for file in tmp_path.iterdir()} == {"cache"}
