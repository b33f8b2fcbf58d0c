"""The commands that look back, as a person or a script runs them: output, exit codes, and never a traceback."""

import msgspec
import pytest
from msgspec import json

from acd.control import Control
from acd.core import events as ev
from acd.history import Tape
from acd.journal import Journal
from acd.reports.report import Report
from acd.why.story import Story
from acd.why.waiting import Waiting, call_named, waiting
from ivr.server import JOURNAL
from tests.acd.made_day import make_day
from tests.core.house import House
from tests.ivr.test_cli import SAMPLE, callfloor

HOSTILE = "\x1b]0;owned\x07\r\n[red]555\u202e"


def store(home, tape):
    """Put entries into a home's journal."""
    journal = Journal(home / JOURNAL)
    core = journal.restore()
    for entry in tape.entries():
        journal.append(entry.event, core.decide(entry.event))
    journal.commit()
    journal.close()
    return core


@pytest.fixture(scope="module")
def day_home(tmp_path_factory):
    """Give a home with a day of 80 calls at the four seats of the sample site."""
    home = tmp_path_factory.mktemp("day")
    store(home, make_day(calls=80, seats=4))
    return home


@pytest.fixture
def waiting_home(tmp_path):
    """Give a home whose server ended while a hostile caller waited; and the core as it was."""
    tape, house = Tape(), House()
    decide = house.core.decide
    house.core = type(house.core)()
    decide = house.core.decide

    def noted(event):
        commands = decide(event)
        tape.note(event, commands)
        return commands

    house.core.decide = noted
    house.give(ev.Started(run="t"))
    house.give(ev.Configured(queues=tuple(House().state.queues.values()), seats=()))
    house.look()
    house.arrive("1.1", "sales", caller=HOSTILE)
    house.arrive("1.2", "sales", caller="5550203")
    home = tmp_path / "home"
    home.mkdir()
    return home, store(home, tape)


async def test_why(day_home):
    """A call's story names the agents of acd.conf; as JSON it is whole."""
    told = await callfloor("why", "call-20", "--site", SAMPLE, "--home", day_home)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Call call-20 from 555")
    assert "came to queue" in told.out
    data = await callfloor("why", "call-20", "--json", "--site", SAMPLE, "--home", day_home)
    story = msgspec.json.decode(data.out, type=Story)
    assert story.call == "call-20"
    assert all(told.why.considered for told in story.offers)


async def test_why_without_the_files(day_home, tmp_path):
    """Where acd.conf cannot be read there are numbers in place of names."""
    told = await callfloor("why", "call-20", "--site", tmp_path / "nowhere", "--home", day_home)
    assert told.code == 0
    assert "seat 10" in told.out


async def test_why_not(day_home):
    """For each offer of a call: what kept the seat out, or its place."""
    data = await callfloor("why-not", "call-20", "101", "--json", "--site", SAMPLE, "--home", day_home)
    answer = json.decode(data.out)
    assert (answer["call"], answer["seat"]) == ("call-20", "101")
    assert all((look["excluded"] is None) != (look["place"] is None) for look in answer["looks"])
    told = await callfloor("why-not", "call-20", "101", "--site", SAMPLE, "--home", day_home)
    assert told.out.startswith("Anna Nowak (101) and call call-20")


async def test_a_call_that_nobody_knows(day_home):
    """One line, exit code 1, and nothing of what was typed is obeyed."""
    for command in (("why",), ("why-waiting",)):
        told = await callfloor(*command, HOSTILE, "--site", SAMPLE, "--home", day_home)
        assert (told.code, told.out) == (1, "")
        assert told.err.count("\n") == 1
        assert "\x1b" not in told.err


async def test_why_waiting_from_the_journal(waiting_home):
    """Without a server the answer is how things stood when it ended, and says so."""
    home, _ = waiting_home
    told = await callfloor("why-waiting", "5550203", "--site", SAMPLE, "--home", home)
    assert told.code == 0
    assert "as the journal left it on" in told.out
    assert "2nd in line" in told.out
    assert "\\x1b]0;owned\\x07\\r\\n[red]555\\u202e: waits for" in told.out
    assert "\x1b" not in told.out
    hostile = await callfloor("why", HOSTILE, "--site", SAMPLE, "--home", home)
    assert hostile.code == 0
    assert "\x1b" not in hostile.out


async def test_why_waiting_asks_the_server(waiting_home):
    """A running server is asked, and its answer is of now."""
    home, core = waiting_home

    def answer(name):
        call = call_named(core.state, name)
        return msgspec.to_builtins(waiting(core.state, call, core.state.now + 5_000, live=True))

    control = Control(home, {}, {"why-waiting": answer})
    await control.start()
    try:
        told = await callfloor("why-waiting", "5550203", "--site", SAMPLE, "--home", home)
        assert ", now\n" in told.out
        assert "waits in queue sales for 5 s" in told.out
        data = await callfloor("why-waiting", "1.1", "--json", "--site", SAMPLE, "--home", home)
        assert msgspec.json.decode(data.out, type=Waiting).live
    finally:
        await control.close()


async def test_report(day_home):
    """The last day with a call, unless a day is named; each variant of the service level under its formula."""
    told = await callfloor("report", "--interval", "60m", "--site", SAMPLE, "--home", day_home)
    assert (told.code, told.err) == (0, "")
    assert "A_T/(A+B-B_s)" in told.out
    assert "Anna Nowak" in told.out
    data = await callfloor("report", "--queue", "sales", "--json", "--site", SAMPLE, "--home", day_home)
    report = msgspec.json.decode(data.out, type=Report)
    assert [line.queue for line in report.totals] == ["sales"]
    empty = await callfloor("report", "--day", "2020-02-29", "--json", "--site", SAMPLE, "--home", day_home)
    assert msgspec.json.decode(empty.out, type=Report).lines == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--queue", "slaes\x1b"), "no queue 'slaes\\x1b' is known; known are: billing, sales, support"),
        (("--interval", "5x"), "'5x' is not a length of time such as 20s, 15m or 1h"),
        (("--interval", "1s"), "an interval of 1s is too short or too long: 1m to 24h"),
        (("--day", "yesterday"), "'yesterday' is not a day such as 2026-11-27"),
    ],
)
async def test_a_report_that_makes_no_sense(day_home, words, says):
    """What was wrong, and what would be right, in one line."""
    told = await callfloor("report", *words, "--site", SAMPLE, "--home", day_home)
    assert (told.code, told.out, told.err) == (1, "", f"callfloor: {says}\n")


async def test_what_if(day_home):
    """Three columns; the seats of that day that the files lack, and queues, are named."""
    told = await callfloor("what-if", day_home / JOURNAL, "--config", SAMPLE)
    assert (told.code, told.err) == (0, "")
    assert "that day  old rules  new rules" in told.out
    assert "callers asked for queue billing, which the new rules do not have" in told.out
    data = await callfloor("what-if", day_home / JOURNAL, "--config", SAMPLE, "--json")
    found = json.decode(data.out)
    assert found["actual"]["queues"][""]["offered"] == found["new"]["queues"][""]["offered"] == 80


async def test_what_if_refuses_files_with_errors(day_home, tmp_path):
    """Mistakes are named by file and line, as `check` does."""
    (tmp_path / "acd.conf").write_text("[switch]\nfallback = 9\n\n[sales]\ntype = queue\nwrapup = 5s\n")
    told = await callfloor("what-if", day_home / JOURNAL, "--config", tmp_path)
    assert told.code == 1
    assert "acd.conf:6: unknown option 'wrapup'" in told.err


async def test_where_there_is_no_journal(tmp_path):
    """It says so, in one line."""
    told = await callfloor("report", "--site", SAMPLE, "--home", tmp_path)
    assert told.code == 1
    assert "there is no journal" in told.err
    assert told.err.count("\n") == 1
