"""What is read aloud of what somebody wrote, in pieces."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import letter_words
from ivr.letter_text import PIECE_MOST, TEXT_MOST, pieces


def read(text, language="en"):
    return list(pieces(text, language))


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("See https://www.example.org/a/b?c=d#e.", "See a link to www.example.org."),
        ("See www.example.org/x, please.", "See a link to www.example.org please."),
        ("https://bank.example@evil.example:8443/login now", "a link to evil.example now."),
        (f"http://{'a.' * 60}example.org/", f"a link to {'a.' * 14}example.org."),
        ("Order 12345678 of 2026", "Order 1 2 3, 4 5 6, 7 8 of 2026."),
        ("Number 123456.", "Number 123456."),
        ("1" * 40, "a number of 40 digits."),
        ("Look: " + "QUJD" * 500, "Look: a row of 2000 signs."),
        ("Sooooooooo good!!!!!!!!!", "Sooo good!"),
        ("-----\n*****", ""),
        ("Best regards\nJan\nphone 601 602 603", "Best regards."),
    ],
)
def test_what_no_ear_can_follow(written, heard):
    """Links by where they lead, long numbers digit by digit or not at all, rows of signs as one."""
    assert (read(written) or [""])[0] == heard


def test_in_the_language_of_the_text():
    """Words that stand for a link are in the text's language, and in one that has none here as short as can be."""
    link = "https://example.org/x"
    assert read(link, "pl-PL") == ["odnośnik do example.org."]
    assert read(link, "de") == ["link: example.org."]
    assert read("1" * 30, "pl") == ["liczba o 30 cyfrach."]
    assert read("1" * 30, "de") == []
    assert read("xy" * 25, "pl") == ["ciąg 50 znaków."]


def test_the_first_sentence_alone_and_then_by_breaths():
    """So it begins at once; lines that were broken because they were full are one sentence, short ones are each one."""
    text = (
        "Good morning,\r\n\r\nI ordered a parcel in the spring of last year, which you said would\r\n"
        "come in a week. It did not.\r\nYours\r\nJan\r\n"
    )
    assert read(text) == [
        "Good morning,",
        "I ordered a parcel in the spring of last year, which you said would come in a week. It did not. Yours. Jan.",
    ]


def test_a_sentence_without_an_end():
    """It is cut where one would breathe, or at a blank, or anywhere."""
    parts = read("and then, " * 100)
    assert all(part.endswith("and then,") for part in parts[:-1])
    assert all(part.endswith("word.") for part in read("word " * 200))
    assert len(read("漢字" * 2_000)[0]) == PIECE_MOST + 1


BAD = ["A", "a ", "http://", "1", "\n", "x@", ".", "漢", "ab.", "www.", "a.b://", "\r", "! ", "-1-", "://a", " \n "]


@pytest.mark.parametrize("bad", BAD)
def test_megabytes_take_no_time(bad):
    """Five megabytes of anything are as quick as their beginning."""
    started = time.perf_counter()
    parts = read(bad * (5_000_000 // len(bad)))
    assert time.perf_counter() - started < 0.5
    assert sum(map(len, parts)) < 3 * TEXT_MOST


@given(st.text(max_size=2_000), st.sampled_from(["en", "pl", "", "x" * 9]))
def test_pieces_are_short_and_hold_something(text, language):
    """Whatever comes: no piece is empty, has a line's end, or takes more than a breath or two."""
    for part in read(text, language):
        assert 0 < len(part) <= PIECE_MOST + 1
        assert "\n" not in part
        assert any(char.isalnum() for char in part)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "jan dot kowalski underscore 2 plus x at ex dash ample dot org"),
        ("pl", "jan kropka kowalski podkreślenie 2 plus x małpa ex myślnik ample kropka org"),
    ],
)
def test_an_address_as_one_says_it(language, said):
    """Each sign by its name."""
    assert letter_words.address("jan.kowalski_2+x@ex-ample.org", language) == said


@pytest.mark.parametrize("language", ["en", "pl"])
def test_few_sentences_about_many_letters(language):
    """How long and how many: each is one of few texts, whatever is written."""
    told = {letter_words.facts(0, ms, files, 0, language)[2:][0] for ms in range(0, 600_001, 500) for files in (0,)}
    assert len(told) <= 16
    assert len({letter_words.facts(0, 0, files, 0, language)[3] for files in range(1, 500)}) == 21
