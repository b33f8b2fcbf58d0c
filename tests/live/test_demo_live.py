"""`callfloor demo` as whoever tries it sees it: from the first line to Ctrl-C, with nothing left behind."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

WITHIN_S, GOES_ON, END_S = 300, "It goes on", 60
TOLD = (
    r"Maria +waits in sales, with music",
    r"Ben Carter +answers Maria, who waited",
    r"Chloe Martin +does not answer: Tom is again first in line",
    r"Dawid Kowalski +opens the desk in a browser",
    r"Maria +waits in sales, by e-mail",
    r"Dawid Kowalski +is done with Maria's e-mail",
    r"Maria +gets a mail: Re: My invoice: Of course\.",
    r"Maria +waits in sales, by SMS",
    r"Ben Carter +phone 102 rings for Maria's SMS",
    r"Maria +gets an SMS: It is done\.",
    r"Maria +waits in sales, by chat",
    r"Maria +reads on the page: Tomorrow, before noon\.",
    r"Dawid Kowalski +is done with Maria's chat",
    r"What the customer file says of Maria: one person, 4 contacts, case 1",
)
CONTACTS = (("voice", "Ben Carter"), ("email", "Dawid Kowalski"), ("sms", "Ben Carter"), ("chat", "Dawid Kowalski"))


async def test_the_story_is_played_in_every_medium(tmp_path):
    """Each contact is answered in its own medium; all are one customer's; Ctrl-C ends it, and no process is left."""
    program = Path(sys.executable).with_name("callfloor")
    demo = await asyncio.create_subprocess_exec(
        program,
        *("demo", "--stay"),
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told = ""
    try:
        async with asyncio.timeout(WITHIN_S):
            while GOES_ON not in told:
                line = await demo.stdout.readline()
                assert line, told
                told += line.decode()
        who = await asyncio.create_subprocess_exec(
            program,
            *("customer", "show", "5550201", "--site", ".callfloor/demo/site", "--home", ".callfloor/demo"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
        )
        known = (await who.communicate())[0].decode()
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(END_S):
            rest, faults = await demo.communicate()
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    missing = [words for words in TOLD if not re.search(words, told)]
    assert missing == [], told
    for medium, agent in CONTACTS:
        assert re.search(rf"{medium}  in  sales  {agent}  answered", known), known
    assert (demo.returncode, faults.decode()) == (0, "")
    assert "The demo is ended." in rest.decode()
    assert left_of(tmp_path) == []


def left_of(folder):
    """The processes that were begun there and run still."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            where, what = (one / "cwd").readlink(), (one / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile, or is another's
            continue
        if where.is_relative_to(folder) or str(folder).encode() in what:
            found.append(what)
    return found
