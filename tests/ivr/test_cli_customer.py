"""The command that shows and changes the customer file, run as a person runs it."""

import asyncio
import sys
import time

import pytest
from cli_house import ROOT, callfloor
from msgspec import json

from acd.appointments import AppointmentKind
from acd.store import appointments, hooks, outside, people, timeline
from acd.store.database import Database
from acd.store.handles import Named
from acd.store.timeline import Contact
from ivr.customers import FOLDER

AT = 1_800_000_000_000


@pytest.fixture
def places(tmp_path):
    return ("--site", ROOT / "asterisk-config", "--home", tmp_path)


@pytest.fixture
def jan(tmp_path):
    """A customer with a call, in the file of a home."""
    database = Database(f"sqlite:///{tmp_path / FOLDER / 'customers.sqlite3'}")
    person = database.write(people.find_or_make, Named("number", "+48221234567"), AT, name="Jan \x1b]0;Kowalski")
    call = Contact(key="1.1", medium="voice", direction="in", at=AT, person=person, queue="sales")
    database.write(timeline.begin, call)
    known = outside.Said(external_id="C-1017", link="https://crm.example.com/c/1017")
    named = Named("number", "+48221234567")
    database.write(outside.take, named, known, hooks.Source(name="crm"), AT)
    database.close()
    return person


async def test_find_show_and_note(jan, places):
    """By number or name, in words and as JSON, escapes of a hostile name shown as text; who is not there is told."""
    found = await callfloor("customer", "find", "+48 22 123 45 67", *places)
    assert (found.code, found.out) == (0, f"{jan}  Jan ]0;Kowalski  +48221234567\n")
    noted = await callfloor("customer", "note", str(jan), "call him \x1b[2Jback", "--by", "101", *places)
    assert noted.out == f"noted of customer {jan}\n"
    shown = (await callfloor("customer", "show", "kowalski", *places)).out
    assert "  voice  in  sales  lasts\n" in shown
    assert "  in crm: C-1017  https://crm.example.com/c/1017\n" in shown
    assert "note by 101: call him \ufffd[2Jback" in shown
    told = json.decode((await callfloor("customer", "show", str(jan), "--json", *places)).out)
    assert (told["customer"]["id"], told["contacts"][0]["queue"]) == (jan, "sales")
    nobody = await callfloor("customer", "show", "nobody", *places)
    assert (nobody.code, nobody.err) == (
        1,
        "callfloor: no customer is 'nobody'; callfloor customer find tells who there is\n",
    )


async def test_import_merge_export_and_erase(jan, places, tmp_path):
    """A file taken in makes a double; they are made one, parted, made one, handed out and erased."""
    (tmp_path / "p.csv").write_text("name,email\nJ. K.,jan@example.com\nNobody,\n")
    taken = await callfloor("customer", "import", tmp_path / "p.csv", *places)
    assert (taken.code, taken.out) == (1, "1 new customers, 0 known ones, 1 things not taken\n")
    assert taken.err.startswith("p.csv:3: it has no number and no address")
    double = jan + 1
    for word, code in (("merge", 0), ("merge", 1)):
        assert (await callfloor("customer", word, str(double), str(jan), *places)).code == code
    assert (await callfloor("customer", "unmerge", str(double), *places)).code == 0
    assert (await callfloor("customer", "merge", str(double), str(jan), *places)).code == 0
    out = tmp_path / "out"
    assert (await callfloor("customer", "export", "jan@example.com", out, *places)).code == 0
    assert "1.1" in (out / "customer.json").read_text()
    asked = await callfloor("customer", "erase", str(jan), *places)
    assert (asked.code, asked.err) == (1, "callfloor: nobody is there to ask; say --yes\n")
    erased = await callfloor("customer", "erase", str(jan), "--yes", *places)
    assert erased.out.splitlines()[1] == "erased: 2 people, 0 messages, 0 files; 1 contacts remain, of nobody"
    assert (await callfloor("customer", "find", "jan@example.com", *places)).out == "nobody is found\n"


async def test_appointments_go_with_who_is_erased(jan, places, tmp_path):
    """Those to come are said before, for nobody can be told afterwards; what is over or cancelled is not."""
    database = Database(f"sqlite:///{tmp_path / FOLDER / 'customers.sqlite3'}")
    visit = AppointmentKind(section="visit", title="Visit", queue="sales")
    made = [
        database.write(appointments.make, visit, jan, appointments.Booking(starts_at=at, host="Ola \x1b[2J"), at - 1)
        for at in (1_000_000_000_000, 9_000_000_000_000, 9_000_000_100_000)
    ]
    database.write(appointments.cancel, visit, made[2], AT)
    database.close()
    erased = await callfloor("customer", "erase", str(jan), "--yes", *places)
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(9_000_000_000))
    [told] = [line for line in erased.out.splitlines() if "nobody is told" in line]
    what = f"visit on {at} with Ola [2J; callfloor appointment cancel {made[1]} tells first"
    assert told == f"goes with him, and nobody is told: {what}"
    assert (await callfloor("appointment", "list", *places)).out == "nothing is agreed\n"


async def test_commands_that_need_no_customer_file_start_without_sqlalchemy():
    """Loading it takes as long as all the rest of a command's start."""
    program = "import ivr.cli, sys; sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'vobject')))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
    assert await process.wait() == 0
