"""The words that callfloor says: plurals, lengths of time, two languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import phrases, phrases_desk
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
    """No phrase lacks a language, is empty, or says the same in two; but one is there to say nothing."""
    for name, texts in TEXTS.items():
        assert tuple(texts) == phrases.LANGUAGES
        assert len({text.strip() for text in texts.values()} - {""}) == (0 if name == "music-stops" else 2)
    assert set(phrases.DIALPLAN) <= set(TEXTS)


def test_a_sites_own_reason_is_said_as_written():
    """A reason that callfloor has no Polish word for is spoken as the admin wrote it."""
    assert phrases.paused_for("dentysta", "pl") == "Stanowisko ma przerwę. Powód: dentysta."
    assert "przerwa: naciśnij 1. dentysta: naciśnij 2." in phrases.reason_menu({"1": "break", "2": "dentysta"}, "pl")


@pytest.mark.parametrize(
    ("place", "en", "pl"),
    [
        (1, "You are next in line.", "Państwa rozmowa jest następna."),
        (2, "You are number 2 in line.", "Państwa numer w kolejce: 2."),
        (100, "You are number 100 in line.", "Państwa numer w kolejce: 100."),
        (101, "There are more than 100 callers before you.", "Przed Państwem czeka ponad 100 osób."),
    ],
)
def test_a_place_in_the_queue(place, en, pl):
    """The first is next, a hundred have numbers, and who comes after those is told that there are more."""
    assert phrases.position(place, "en") == en
    assert phrases.position(place, "pl") == pl


MINUTE = 60_000


@pytest.mark.parametrize(
    ("least", "most", "en", "pl"),
    [
        (0, 1, "You should be answered within one minute.", "Przewidywany czas oczekiwania: do minuty."),
        (0, 2 * MINUTE, "You should be answered within 2 minutes.", "Przewidywany czas oczekiwania: do dwóch minut."),
        (
            *(MINUTE, 3 * MINUTE, "You should be answered within 1 to 3 minutes."),
            "Przewidywany czas oczekiwania: od jednej do trzech minut.",
        ),
        (
            *(2 * MINUTE, 4 * MINUTE, "You should be answered within 2 to 4 minutes."),
            "Przewidywany czas oczekiwania: od dwóch do czterech minut.",
        ),
        (
            *(2 * MINUTE + 59_999, 3 * MINUTE + 1, "You should be answered within 2 to 4 minutes."),
            "Przewidywany czas oczekiwania: od dwóch do czterech minut.",
        ),
        (
            *(5 * MINUTE, 5 * MINUTE, "You should be answered within 5 minutes."),
            "Przewidywany czas oczekiwania: do pięciu minut.",
        ),
        (
            *(13 * MINUTE, 22 * MINUTE, "You should be answered within 10 to 25 minutes."),
            "Przewidywany czas oczekiwania: od dziesięciu do dwudziestu pięciu minut.",
        ),
        (
            *(31 * MINUTE, 90 * MINUTE, "You may have to wait for more than 30 minutes."),
            "Czas oczekiwania może przekroczyć 30 minut.",
        ),
        (
            *(70 * MINUTE, 90 * MINUTE, "You may have to wait for more than an hour."),
            "Czas oczekiwania może przekroczyć godzinę.",
        ),
        (
            *(MINUTE, 90 * MINUTE, "You may have to wait for a long time."),
            "Czas oczekiwania może być długi.",
        ),
    ],
)
def test_a_range_of_waits(least, most, en, pl):
    """Rounded outwards to minutes, in Polish with the numeral in the genitive; never less than the figures say."""
    assert phrases.wait_range(least, most, "en") == en
    assert phrases.wait_range(least, most, "pl") == pl


@given(st.integers(-MINUTE, 200 * MINUTE), st.integers(-MINUTE, 200 * MINUTE), st.sampled_from(phrases.LANGUAGES))
def test_any_two_times_make_a_sentence_without_a_foreign_figure(least, most, language):
    """Whatever the core says, also the wrong way round, becomes one sentence, and few different ones altogether."""
    said = phrases.wait_range(least, most, language)
    assert said.endswith(".")
    assert "zera" not in said
    assert "-" not in said


def test_few_sentences_are_ever_spoken():
    """All ranges of the first three hours in steps of 10 s make less than 300 sentences a language to be kept."""
    times = range(0, 180 * MINUTE, 10_000)
    said = {phrases.wait_range(least, most, "pl") for least in times[::6] for most in times if most >= least}
    assert len(said) < 300


def test_own_figures():
    """Each number has a sentence of its own, and none is no number."""
    assert phrases_desk.calls_taken(0, "en") == "You have had no calls today."
    assert phrases_desk.calls_taken(12, "en") == "Calls of today: 12."
    assert phrases_desk.talk_time(3_660_000, "pl") == "Trwały razem jedną godzinę jedną minutę."
    assert phrases_desk.average_talk(61_000, "en") == "On average for 1 minute."
    assert phrases_desk.wrap_up_time(122_000, "pl") == "Czas po rozmowach trwał dwie minuty."
    assert phrases_desk.occupancy(62, "en") == "Since you logged in you have been busy for 62 percent of the time."
    assert phrases_desk.occupancy(62, "pl") == "Zajętość od zalogowania: 62 procent."
