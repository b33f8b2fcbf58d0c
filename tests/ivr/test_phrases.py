"""The words that callfloor says: plurals, lengths of time, two languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import phrases
from ivr.phrases import TEXTS


@pytest.mark.parametrize(
    ("count", "en", "pl"),
    [
        (1, "1 call is waiting.", "jedna rozmowa czeka."),
        (2, "2 calls are waiting.", "dwie rozmowy czekają."),
        (3, "3 calls are waiting.", "3 rozmowy czekają."),
        (5, "5 calls are waiting.", "5 rozmów czeka."),
        (11, "11 calls are waiting.", "11 rozmów czeka."),
        (12, "12 calls are waiting.", "12 rozmów czeka."),
        (14, "14 calls are waiting.", "14 rozmów czeka."),
        (21, "21 calls are waiting.", "21 rozmów czeka."),
        (22, "22 calls are waiting.", "20 dwie rozmowy czekają."),
        (24, "24 calls are waiting.", "24 rozmowy czekają."),
        (102, "102 calls are waiting.", "100 dwie rozmowy czekają."),
        (112, "112 calls are waiting.", "112 rozmów czeka."),
    ],
)
def test_counted_calls(count, en, pl):
    """Plural, verb and gender follow the number, in both languages."""
    assert phrases.calls_waiting(count, "en") == en
    assert phrases.calls_waiting(count, "pl") == pl


@pytest.mark.parametrize(
    ("length_ms", "en", "pl"),
    [
        (-5, "0 seconds", "0 sekund"),
        (999, "0 seconds", "0 sekund"),
        (1_000, "1 second", "jedną sekundę"),
        (22_000, "22 seconds", "20 dwie sekundy"),
        (59_999, "59 seconds", "59 sekund"),
        (60_000, "1 minute", "jedną minutę"),
        (80_000, "1 minute 20 seconds", "jedną minutę 20 sekund"),
        (89_999, "1 minute 20 seconds", "jedną minutę 20 sekund"),
        (125_000, "2 minutes", "dwie minuty"),
        (3_599_000, "59 minutes 50 seconds", "59 minut 50 sekund"),
        (3_600_000, "1 hour", "jedną godzinę"),
        (7_500_000, "2 hours 5 minutes", "dwie godziny 5 minut"),
    ],
)
def test_lengths_of_time(length_ms, en, pl):
    """As exact as somebody would say it."""
    assert phrases.duration(length_ms, "en") == en
    assert phrases.duration(length_ms, "pl") == pl


@given(st.integers(0, 10**9))
def test_a_length_is_never_overstated_and_off_by_less_than_a_sixth(length_ms):
    """What is said is at most the true length, and never much less."""
    said = phrases.duration(length_ms, "en").split()
    units = {"hour": 3_600, "minute": 60, "second": 1}
    total_s = sum(int(n) * units[unit.rstrip("s")] for n, unit in zip(said[::2], said[1::2], strict=True))
    assert total_s <= length_ms / 1000
    assert length_ms / 1000 - total_s < max(1, total_s / 6)


def test_every_phrase_is_there_in_every_language():
    """No phrase lacks a language, is empty, or says the same in two."""
    for texts in TEXTS.values():
        assert tuple(texts) == phrases.LANGUAGES
        assert len({text.strip() for text in texts.values()} - {""}) == 2
    assert set(phrases.DIALPLAN) <= set(TEXTS)


def test_a_sites_own_reason_is_said_as_written():
    """A reason that callfloor has no Polish word for is spoken as the admin wrote it."""
    assert phrases.paused_for("dentysta", "pl") == "Stanowisko ma przerwę. Powód: dentysta."
    assert "przerwa: naciśnij 1. dentysta: naciśnij 2." in phrases.reason_menu({"1": "break", "2": "dentysta"}, "pl")
