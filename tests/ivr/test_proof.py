"""The proof of the menus: each way to get lost is found, where it is written, with the keys that lead there."""

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.settings import Site
from acd.site import load_site
from ivr.flow import Caller
from ivr.menus import check_ivr, load_ivr
from ivr.walk import Walk

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()

HEAD = """\
[general]
default = hangup
[line]
type = number
number = 5550100
go = menu main
[ask]
type = prompt
en = Ask.
pl = Pytanie.
"""
DAY = """\
[day]
type = hours
zone = Europe/Warsaw
open = mon-fri 08:00-16:00
otherwise = play ask, hangup
"""


def menu(name: str, *lines: str) -> str:
    return f"[{name}]\ntype = menu\nprompt = ask\n" + "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def site() -> Site:
    """The sample's queues and languages."""
    return load_site(SAMPLE)


def told(folder: Path, site: Site, text: str) -> list[str]:
    (folder / "ivr.conf").write_text(text)
    return [f"{found.line} {found.severity}: {found.message}" for found in check_ivr(folder, site, now_s=NOW)]


SALES = "choice = 1, queue sales"
MIDNIGHT = " (as on 2026-11-30 00:00)"
CALLER = "a caller who dials 5550100"

BROKEN = {
    "a menu after itself": (
        HEAD + menu("main", SALES, "failure = menu main"),
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> main",
    ),
    "two menus in a circle": (
        HEAD + menu("main", SALES, "failure = menu other") + menu("other", SALES, "failure = play ask, menu main"),
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> other -> main",
    ),
    "a circle behind a key": (
        HEAD + menu("main", SALES, "choice = 2, menu deep") + menu("deep", SALES, "failure = menu deep"),
        "20 error: a caller who dials 5550100 and presses 2, then nothing never leaves: deep -> deep",
    ),
    "a circle behind two keys": (
        HEAD
        + menu("main", SALES, "choice = 2, menu second")
        + menu("second", "choice = 77, menu third", "failure = queue sales")
        + menu("third", SALES, "failure = language pl, menu third"),
        "25 error: a caller who dials 5550100 and presses 2, then 77, then nothing never leaves: third -> third",
    ),
    "a circle behind silence": (
        HEAD + menu("main", SALES, "failure = menu deep") + menu("deep", SALES, "failure = menu deep"),
        "20 error: a caller who dials 5550100 and presses nothing, then nothing never leaves: deep -> deep",
    ),
    "a circle while it is closed": (
        HEAD + menu("main", SALES, "failure = hours day, queue sales") + DAY.replace("play ask, hangup", "menu main"),
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> main (as on 2026-11-30 00:00)",
    ),
    "a circle while it is open": (
        HEAD + menu("main", SALES, "failure = hours day, menu main") + DAY,
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> main (as on 2026-11-30 08:00)",
    ),
    "a circle on a holiday alone": (
        HEAD
        + menu("main", SALES, "failure = hours day, queue sales")
        + DAY.replace("mon-fri 08:00-16:00", "mon-sun 00:00-24:00\nclosed = 2026-12-25").replace(
            "play ask, hangup", "menu main"
        ),
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> main (as on 2026-12-25 00:00)",
    ),
    "a circle on public holidays alone": (
        HEAD
        + menu("main", SALES, "failure = hours day, queue sales")
        + DAY.replace("mon-fri 08:00-16:00", "mon-sun 00:00-24:00\nclosed = holidays PL").replace(
            "play ask, hangup", "menu main"
        ),
        "15 error: a caller who dials 5550100 and presses nothing never leaves: main -> main (as on 2026-12-24 00:00)",
    ),
    "closed hours that lead to themselves": (
        HEAD.replace("go = menu main", "go = hours day, queue sales") + DAY.replace("play ask, hangup", "hours day"),
        f"6 error: {CALLER} goes round for ever between hours that are closed (as on 2026-11-30 00:00)",
    ),
    "closed hours that lead to themselves behind a key": (
        HEAD
        + menu("main", SALES, "choice = 2, hours day, queue sales")
        + DAY.replace("play ask, hangup", "play ask, hours day"),
        f"15 error: {CALLER} and presses 2 goes round for ever between hours that are closed (as on 2026-11-30 00:00)",
    ),
    "closed hours that lead to themselves behind silence": (
        HEAD + menu("main", SALES, "failure = hours day, queue sales") + DAY.replace("play ask, hangup", "hours day"),
        f"15 error: {CALLER} and presses nothing goes round for ever between hours that are closed{MIDNIGHT}",
    ),
    "a number that leads nowhere": (
        HEAD.replace("go = menu main", "go = language pl"),
        "6 error: a caller who dials 5550100 is hung up on without a word",
    ),
    "a number that leads nowhere while it is open": (
        HEAD.replace("go = menu main", "go = hours day") + DAY,
        "6 error: a caller who dials 5550100 is hung up on without a word (as on 2026-11-30 08:00)",
    ),
    "other numbers that lead nowhere": (
        HEAD.replace("default = hangup", "default = language pl").replace("menu main", "queue sales"),
        "2 error: a caller who dials another number is hung up on without a word",
    ),
    "a key without a use while it is open": (
        HEAD + menu("main", SALES, "choice = 3, hours day") + DAY,
        f"15 error: {CALLER} and presses 3 hears menu 'main' again, and no more (as on 2026-11-30 08:00)",
    ),
    "a key that begins another": (
        HEAD + menu("main", SALES, "choice = 12, queue support"),
        "14 error: choice 1 of menu 'main' is the beginning of 12",
    ),
    "a key that begins two others": (
        HEAD + menu("main", "choice = *, queue sales", "choice = *1, queue sales", "choice = *2, queue support"),
        "14 error: choice * of menu 'main' is the beginning of *1, *2",
    ),
    "too many prompts": (
        HEAD + menu("main", SALES, "tries = 10", "failure = menu other") + menu("other", SALES, "failure = hangup"),
        f"16 error: {CALLER} and presses nothing hears 24 prompts before he gets anywhere: main -> other",
    ),
    "more prompts than the site wants": (
        HEAD.replace("default", "most_prompts = 4\ndefault") + menu("main", SALES),
        "12 error: a caller who dials 5550100 and presses nothing hears 5 prompts before he gets anywhere: main",
    ),
    "hours that never come": (
        HEAD.replace("go = menu main", "go = hours day, queue sales")
        + DAY.replace("otherwise", "closed = 2026-01-01..2028-01-01\notherwise"),
        "11 warning: hours 'day' are not open once in the coming year",
    ),
    "hours that are there already": (
        HEAD.replace("go = menu main", "go = hours day, queue sales")
        + DAY.replace("otherwise", "open = tue,wed 09:00-15:00\notherwise"),
        "15 warning: hours 'day' are open then already (tue,wed)",
    ),
    "holidays that are over": (
        HEAD.replace("go = menu main", "go = hours day, queue sales")
        + DAY.replace("otherwise", "closed = 2025-12-25\notherwise"),
        "15 warning: all days on which hours 'day' are closed are over",
    ),
    "a circle after the agent": (
        HEAD.replace("go = menu main", "go = queue sales").replace("default", "after = menu main\ndefault")
        + menu("main", SALES, "failure = menu main"),
        "16 error: a caller whose agent has hung up and presses nothing never leaves: main -> main",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_way_to_get_lost_is_found(tmp_path: Path, site: Site, name: str) -> None:
    """The fault is told once, in its line, with the keys that lead to it, the moment if it is not always so, a mend."""
    text, wanted = BROKEN[name]
    assert told(tmp_path, site, text) == [wanted]
    (problem,) = check_ivr(tmp_path, site, now_s=NOW)
    assert len(problem.hint) > 20


@pytest.mark.parametrize("name", BROKEN)
def test_a_running_site_is_not_stopped_by_it(tmp_path: Path, site: Site, name: str) -> None:
    """The server takes such files all the same, for the calls that go well."""
    (tmp_path / "ivr.conf").write_text(BROKEN[name][0])
    assert load_ivr(tmp_path, site).warnings == ()


FINE = {
    "a menu that is said again in another language": HEAD + menu("main", SALES, "choice = 9, language pl"),
    "a key that tells something": HEAD + menu("main", SALES, "choice = 5, play ask"),
    "a circle of keys": HEAD + menu("main", SALES, "choice = 2, menu sub") + menu("sub", "choice = 0, menu main"),
    "a circle with a flow in it": HEAD + menu("main", SALES, "failure = flow line-check, menu main"),
    "hours in hours": HEAD.replace("go = menu main", "go = hours day, queue sales")
    + DAY.replace("play ask, hangup", "hours night, queue support")
    + DAY.replace("[day]", "[night]").replace("mon-fri 08:00-16:00", "mon-sun 16:00-08:00"),
    "hours over midnight in two lines": HEAD.replace("go = menu main", "go = hours day, queue sales")
    + DAY.replace("otherwise", "open = mon-fri 15:00-02:00\nclosed = 2026-12-24..2026-12-26\notherwise"),
    "holidays of a country, and a day of one's own that is over": HEAD.replace("menu main", "hours day, queue sales")
    + DAY.replace("otherwise", "closed = 2025-05-02\nclosed = holidays PL\notherwise"),
    "numbers that are refused": HEAD.replace("go = menu main", "go = hangup"),
    "a word, and the end": HEAD.replace("go = menu main", "go = play ask"),
    "keys of several digits": HEAD + menu("main", "choice = 11, queue sales", "choice = 12, queue support"),
}


@pytest.mark.parametrize("name", FINE)
def test_no_false_alarm(tmp_path: Path, site: Site, name: str) -> None:
    """What gets everybody somewhere is left in peace."""
    assert told(tmp_path, site, FINE[name]) == []


def test_no_false_alarm_on_the_sample_site() -> None:
    """The sample is proved, whenever it is read."""
    site = load_site(SAMPLE)
    for year in (2024, 2027, 2040):
        assert check_ivr(SAMPLE, site, now_s=datetime(year, 2, 28, tzinfo=UTC).timestamp()) == []


def test_a_menu_to_which_a_queue_sends_is_proved_too(tmp_path: Path) -> None:
    """A caller whose wait is over goes where his queue says, and must get out of there as well."""
    acd = (SAMPLE / "acd.conf").read_text().replace("[sales](", "[sales](", 1)
    head, queue, rest = acd.partition("[sales]")
    line, _, tail = rest.partition("\n")
    (tmp_path / "acd.conf").write_text(f"{head}{queue}{line}\noverflow = menu lost\n{tail}")
    text = HEAD.replace("go = menu main", "go = menu lost") + menu("lost", SALES, "failure = menu lost")
    (tmp_path / "ivr.conf").write_text(text.replace("number = 5550100\ngo = menu lost", "number = 1\ngo = hangup"))
    found = [str(one) for one in check_ivr(tmp_path, load_site(tmp_path), now_s=NOW)]
    assert any("a caller whose wait is over and presses nothing never leaves: lost -> lost" in one for one in found), (
        found
    )


def random_site(draw: random.Random) -> str:
    """Four menus and two hours that lead anywhere."""

    def actions() -> str:
        parts = draw.choices(["play ask", "language pl", "hours h", "hours i"], k=draw.randint(0, 3))
        ends = [f"menu {name}" for name in "abcd"] + ["queue sales", "transfer 101", "hangup"]
        return ", ".join([*parts, draw.choice(ends)] if draw.random() < 0.8 or not parts else parts)

    text = HEAD.replace("default = hangup", f"default = {actions()}").replace("go = menu main", f"go = {actions()}")
    for name in "abcd":
        keys = draw.sample(["1", "2", "12", "*", "#"], draw.randint(1, 4))
        choices = [f"choice = {key}, {actions()}" for key in keys]
        text += menu(name, *choices, f"failure = {actions()}", f"tries = {draw.randint(1, 3)}")
    for name in "hi":
        week = draw.choice(["mon-fri 08:00-16:00", "sat 22:00-03:00", "mon-sun 00:00-24:00"])
        text += (
            DAY.replace("[day]", f"[{name}]")
            .replace("mon-fri 08:00-16:00", week)
            .replace("play ask, hangup", actions())
        )
    return text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(0, 364 * 24))
def test_who_presses_nothing_gets_out_of_what_is_proved(tmp_path: Path, site: Site, seed: int, hour: int) -> None:
    """Where no circle is told, a walk without a key ends, at any hour of the year."""
    circles = [
        one for one in told(tmp_path, site, random_site(random.Random(seed))) if "never" in one or "for ever" in one
    ]
    heard: list[str] = []
    ivr = load_ivr(tmp_path, site, now_s=lambda: NOW + hour * 3_600)
    walk = Walk(ivr, "en", lambda: "", lambda sign, _words: heard.append(sign))
    asyncio.run(walk.go("entry", Caller(dialled="5550100")))
    assert heard[-1] in {"==", "=>"} or circles
