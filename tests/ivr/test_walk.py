"""Walking through the menus without a telephone: what is heard, what is pressed, where it ends."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acd.settings import Site
from acd.site import load_site
from ivr.flow import Caller
from ivr.menus import load_ivr
from ivr.walk import Walk

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
OPEN = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()

MAIN_EN = ("en", "Callfloor. For sales press 1, support 2, reception 0.")
MAIN_PL = ("pl", "Sprzedaż, naciśnij 1, pomoc 2, recepcja 0.")
FOR_POLISH = ("pl", "Dla języka polskiego naciśnij dziewięć.")


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(SAMPLE)


def walked(
    folder: Path, site: Site, *keys: str, dialled: str = "5550100", route: str = "entry", now_s: float = OPEN
) -> list[tuple[str, str]]:
    """All that is told to somebody who presses these keys and then hangs up."""
    told: list[tuple[str, str]] = []
    waiting = iter(keys)
    ivr = load_ivr(folder, site, now_s=lambda: now_s)
    walk = Walk(ivr, "en", lambda: next(waiting, None), lambda sign, words: told.append((sign, words)))
    asyncio.run(walk.go(route, Caller(dialled=dialled)))
    return told


def write(folder: Path, text: str) -> Path:
    (folder / "ivr.conf").write_text(text)
    return folder


def test_keys_lead_to_a_queue(site: Site) -> None:
    """What is heard comes in its language, and the walk ends where the call leaves the menus."""
    assert walked(SAMPLE, site, "1") == [MAIN_EN, FOR_POLISH, ("=>", "waits in queue sales")]
    assert walked(SAMPLE, site, "9", "2") == [MAIN_EN, FOR_POLISH, MAIN_PL, ("=>", "waits in queue support")]


def test_nothing_and_something_else(site: Site) -> None:
    """Who presses nothing, or a key that is no choice, hears so, and goes where `failure` leads."""
    told = walked(SAMPLE, site, "", "7", "")
    assert [words for sign, words in told if sign == "en" and words != MAIN_EN[1]] == [
        "Sorry, no key was pressed.",
        "Sorry, that is not a valid choice.",
    ]
    assert told.count(MAIN_EN) == told.count(FOR_POLISH) == 3
    assert told[-1] == ("=>", "waits in queue reception")


def test_hanging_up(site: Site) -> None:
    """The end of what is pressed is a hang-up."""
    assert walked(SAMPLE, site) == [MAIN_EN, FOR_POLISH, ("==", "you hung up")]


def test_other_ways_in(site: Site) -> None:
    """A number that nobody knows leads to `default`, and a caller whose agent hung up hears `after`."""
    assert walked(SAMPLE, site, "1", dialled="5559999")[-1] == ("=>", "waits in queue sales")
    assert walked(SAMPLE, site, route="after") == [("en", "Thank you for calling. Goodbye."), ("==", "the call ends")]


def test_the_clock_of_the_hours(tmp_path: Path, site: Site) -> None:
    """A place is open or closed as it is at the moment that is asked for."""
    text = "[general]\ndefault = hours day, queue sales priority 2 needs french 3 + tax|law ahead 60s seat 101\n"
    text += "[day]\ntype = hours\nzone = Europe/Warsaw\nopen = mon 08:00-16:00\notherwise = play goodbye, hangup\n"
    text += "[goodbye]\ntype = prompt\nen = Closed.\npl = Nieczynne.\n"
    (_, words), *rest = walked(write(tmp_path, text), site)
    assert words.startswith("waits in queue sales, priority 2, for an agent with ")
    assert words.endswith("60 s ahead, seat 101 preferred")
    assert not rest
    assert walked(tmp_path, site, now_s=OPEN + 86_400) == [("en", "Closed."), ("==", "the call ends")]


def test_a_flow_in_python(tmp_path: Path, site: Site) -> None:
    """Voicemail is walked through as it runs: it asks, records, says thank you."""
    told = walked(write(tmp_path, "[general]\ndefault = flow voicemail\n"), site)
    assert [sign for sign, _ in told] == ["en", "~~", "en", "=="]
    assert told[1][1].startswith("a tone")


def test_digits_that_a_flow_collects(tmp_path: Path, site: Site) -> None:
    """Too few of them, then enough with a # behind them."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/ask.py").write_text(
        "from ivr.flow import Collect, Say, flow\n\n\n@flow('ask')\nasync def ask(caller):\n"
        "    digits = await Collect('Your number.', max_digits=6, min_digits=4)\n    await Say(f'It is {digits}.')\n"
    )
    told = walked(write(tmp_path, "[general]\ndefault = flow ask\n"), site, "12", "4711#")
    assert told[0] == ("en", "Your number.")
    assert told[-2:] == [("en", "It is 4711."), ("==", "the call ends")]


def test_a_circle_ends(tmp_path: Path, site: Site) -> None:
    """A call that goes round and round without a key is ended, as it is on the telephone."""
    text = "[general]\ndefault = menu a\n[a]\ntype = menu\nprompt = invalid\nchoice = 1, hangup\nfailure = menu a\n"
    told = walked(write(tmp_path, text), site, *[""] * 5_000)
    assert told[-1] == ("!!", "more than 1000 steps in one call: a circle")


def test_hours_that_lead_to_themselves_end(tmp_path: Path, site: Site) -> None:
    """Flows in flows in flows are ended as deep as they are on the telephone."""
    text = "[general]\ndefault = hours h, hangup\n[h]\ntype = hours\nzone = Europe/Warsaw\nopen = sat 08:00-09:00\n"
    told = walked(write(tmp_path, f"{text}otherwise = hours h, hangup\n"), site)
    assert told == [("!!", "flows call flows more than 16 deep; the last one is hours:h")]


def test_a_script_is_named(tmp_path: Path, site: Site) -> None:
    """It is not run, and the next action follows."""
    (tmp_path / "agi-bin").mkdir()
    (tmp_path / "agi-bin/look.py").write_text("print()\n")
    told = walked(write(tmp_path, "[general]\ndefault = script look.py gold, transfer 101\n"), site)
    assert told == [("~~", "the script look.py gold is not run here"), ("=>", "extension 101 rings")]
