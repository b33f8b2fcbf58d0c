"""The commands that look at a site's files and at its lines: what they print, and how they end."""

import shutil

import msgspec
import pytest
from cli_house import ROOT, callfloor
from msgspec import json

from acd.control import Control
from acd.site import load_site
from acd.status import LinesStatus, LineStatus, Status
from ivr.asterisk import generated

SAMPLE = ROOT / "asterisk-config"
EMPTY = Status(at=0, connected=True, journal_failed=None, queues=[], seats=[], calls=[])


@pytest.fixture
def site(tmp_path):
    """Give a copy of the sample site."""
    return shutil.copytree(SAMPLE, tmp_path / "site", ignore=shutil.ignore_patterns("generated"))


@pytest.fixture
async def home_at():
    """Give a way to have servers answer; all are closed at the end."""
    servers = []

    async def serve(folder, **answers):
        folder.mkdir(exist_ok=True)
        servers.append(Control(folder, answers))
        await servers[-1].start()

    yield serve
    for server in servers:
        await server.close()


async def test_reload_tells_what_is_in_force_and_cannot_be_proved(home_at, site, tmp_path):
    """The server takes menus in which a caller can get lost, for the calls that go well; the command says so."""
    await home_at(tmp_path / "other", reload=lambda: "in force")
    menus = site / "ivr.conf"
    menus.write_text(menus.read_text().replace("failure = queue reception", "failure = menu main"))
    ended = await callfloor("reload", "--site", site, "--home", tmp_path / "other")
    assert ended.code == 0
    first, *rest = ended.out.splitlines()
    assert first == "in force"
    assert all(line.startswith("but ivr.conf:") for line in rest)
    assert "presses nothing never leaves: main -> main" in rest[0]


async def test_any_dialplan_can_be_looked_at(site, tmp_path):
    """The site's own is right; another file's faults are told with line and mend, and by the exit status."""
    ended = await callfloor("dialplan", "lint", "--site", site)
    assert (ended.code, ended.out) == (0, f"{site}/extensions.conf: 0 errors, 0 warnings\n")
    other = tmp_path / "old.conf"
    other.write_text("[out]\nexten => _9.,1,Dial(PJSIP/${EXTEN:1}@carrier)\n same => n,Goto(done)\n")
    ended = await callfloor("dialplan", "lint", other)
    assert ended.code == 1
    harm = "${EXTEN} is whatever a caller sends, and in Dial an & in it rings a second number"
    assert ended.out.splitlines() == [
        f"old.conf:2: {harm}; write ${{FILTER(0-9,${{EXTEN}})}}, with the characters that may be in it",
        "old.conf:3: there is no label 'done' in extension '_9.' of [out]; labels there are none",
        f"{other}: 2 errors, 0 warnings",
    ]
    ended = await callfloor("dialplan", "lint", tmp_path / "none.conf")
    assert ended.code == 1
    assert "there is no such file" in ended.out


async def test_menus_are_drawn_and_walked_through(site, tmp_path):
    """A tree in the terminal, a picture in a file; and a call without a telephone, whose keys come from a pipe."""
    ended = await callfloor("flow", "show", "--site", site)
    assert ended.code == 0
    assert "dials 5550100" in ended.out
    ended = await callfloor("flow", "show", "--site", site, "--svg", tmp_path / "menus.svg")
    assert ended.out == f"{tmp_path}/menus.svg is written; any browser shows it\n"
    assert (tmp_path / "menus.svg").read_text().startswith("<svg")
    ended = await callfloor("flow", "call", "5550100", "--site", site, "--at", "2026-12-25 03:00")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].endswith("you hung up")
    ended = await callfloor("flow", "call", "5550100", "--site", site, "--at", "Christmas")
    assert ended.code == 2
    assert "'Christmas' is no moment" in ended.err


async def test_what_is_written_for_asterisk_is_shown_before(site, tmp_path):
    """All of it, or what would change; no password shows, and nothing is written."""
    acd = site / "acd.conf"
    trunk = "[carrier]\ntype = trunk\nhost = sip.example.com\nuser = me\npassword = hush-hush-hush\n"
    acd.write_text(f"{acd.read_text()}\n{trunk}")
    ended = await callfloor("render", "--site", site, "--home", tmp_path / "home")
    assert ended.code == 0
    assert "; ---- pjsip.conf" in ended.out
    assert "[carrier](line-registration)" in ended.out
    assert "hush" not in ended.out
    assert "password = ***" in ended.out
    assert not (tmp_path / "home").exists()
    there = tmp_path / "home/etc/generated"
    there.mkdir(parents=True)
    for name, text in generated(load_site(SAMPLE), tmp_path / "home/sounds").items():
        (there / name).write_text(text.replace("password = ", "password = old-secret"))
    ended = await callfloor("render", "--diff", "--site", site, "--home", tmp_path / "home")
    assert "+[carrier](line)" in ended.out.splitlines()
    assert not [line for line in ended.out.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert "secret" not in ended.out
    ended = await callfloor("render", "--diff", "--site", SAMPLE, "--home", tmp_path / "home")
    assert ended.out == f"nothing changes in {there}\n"


LINES = LinesStatus(
    name="outside",
    free=1,
    in_use=3,
    left_alone=1,
    out=1,
    in_trouble=2,
    lines=(
        LineStatus(name="carrier:1", state="ours", seat="201", since=10_000),
        LineStatus(name="carrier:2", state="free", faults=1),
        LineStatus(name="carrier:3", state="left-alone", faults=3, until=95_000),
        LineStatus(
            name="DAHDI/7", state="in-use", out_since=5_000, out_why="crackles", trouble="alarm", said="Loopback"
        ),
        LineStatus(name="DAHDI/6", state="in-use", tested=True),
        LineStatus(name="DAHDI/8", state="out", since=5_000, out_since=5_000, out_why="crackles\x1b[31m"),
        LineStatus(name="DAHDI/9", state="alarm", since=7_000, trouble="alarm", said="Red Alarm"),
        LineStatus(name="sip:1", state="not-registered", trouble="not-registered", said="Rejected"),
    ),
)


async def test_lines_are_shown_one_by_one(home_at, tmp_path):
    """What each does and since when; whose leg it carries, what is wrong with it and why; for programs as JSON."""
    status = msgspec.structs.replace(EMPTY, at=30_000, lines=[LINES], line_alarms=("carrier: no \x1becho",))
    await home_at(tmp_path / "home", status=lambda: msgspec.to_builtins(status))
    ended = await callfloor("lines", "--home", tmp_path / "home")
    assert ended.code == 0
    shown = [" ".join(line.replace("│", " ").split()) for line in ended.out.splitlines()]
    for line in (
        "outside carrier:1 ours 0:20 seat 201",
        "outside carrier:2 free it failed",
        "outside carrier:3 left alone 1:05 more: 3 failures in a row",
        "outside DAHDI/6 in use a test of it",
        "outside DAHDI/7 in use out of service when it ends: crackles, alarm, Loopback",
        r"outside DAHDI/8 out of service 0:25 crackles\x1b[31m",
        "outside DAHDI/9 alarm 0:23 Red Alarm",
        "outside sip:1 not registered Rejected",
        r"Line test: carrier: no \x1becho",
    ):
        assert line in shown
    ended = await callfloor("lines", "--home", tmp_path / "home", "--json")
    assert json.decode(ended.out, type=list[LinesStatus]) == [LINES]


async def test_a_site_without_lines_says_so(home_at, tmp_path):
    """And how there would be some."""
    await home_at(tmp_path / "home", status=lambda: msgspec.to_builtins(EMPTY))
    ended = await callfloor("lines", "--home", tmp_path / "home")
    assert ended.out.startswith("this site has no lines; a section with type = lines")
