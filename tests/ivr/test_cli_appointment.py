"""The command that books, moves and cancels, run as a person runs it."""

import time

import pytest
from cli_house import callfloor
from msgspec import json

from acd.store import people
from acd.store.database import Database
from acd.store.handles import Named
from ivr.customers import FOLDER
from tests.acd.test_appointment_settings import VISIT
from tests.acd.test_mailbox_settings import MAILBOX, site_of

DAY = time.strftime("%Y-%m-%d", time.localtime(time.time() + 2 * 86_400))


@pytest.fixture
def places(tmp_path):
    database = Database(f"sqlite:///{tmp_path / FOLDER / 'customers.sqlite3'}")
    database.write(people.find_or_make, Named("email", "jan@example.com"), 1, name="Jan \x1b]0;Kowalski")
    database.close()
    return ("--site", site_of(tmp_path, MAILBOX + VISIT), "--home", tmp_path)


async def test_booked_moved_and_cancelled(places):
    """Each step is told, and the list shows what will be said, escapes of a hostile name as text."""
    booked = await callfloor(
        *("appointment", "add", "visit", "jan@example.com", f"{DAY} 10:00", "--with", "Ola \x1b[2J"), *places
    )
    assert (booked.code, booked.out) == (0, "appointment 1 is made\n")
    shown = await callfloor("appointment", "list", *places)
    first, *said = shown.out.splitlines()
    assert (first.split("  ")[0], first.split("  ")[2:]) == ("1", ["visit", "Jan ]0;Kowalski", "with Ola [2J"]), first
    assert [line.split("  ")[-1] for line in said] == ["customer by email: preparation", "host by email: soon"]
    moved = await callfloor("appointment", "move", "1", f"{DAY} 11:30", *places)
    assert moved.out == "appointment 1 is moved\n"
    [told] = json.decode((await callfloor("appointment", "list", "--json", *places)).out)
    assert (told["sequence"], len(told["errands"])) == (1, 4)
    assert (await callfloor("appointment", "cancel", "1", *places)).out == "appointment 1 is cancelled\n"
    assert (await callfloor("appointment", "list", *places)).out == "nothing is agreed\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ("add", "visti", "jan@example.com", f"{DAY} 10:00"),
            "there is no kind of appointment 'visti': there are visit",
        ),
        (("add", "visit", "nobody@example.com", f"{DAY} 10:00"), "no customer is 'nobody@example.com'"),
        (
            ("add", "visit", "jan@example.com", "tomorrow"),
            "'tomorrow' is not a day and a time such as '2026-12-01 10:00'",
        ),
        (("add", "visit", "jan@example.com", "2020-01-01 10:00"), "that time is past"),
        (("move", "7", f"{DAY} 10:00"), "there is no appointment 7"),
        (("cancel", "7"), "there is no appointment 7"),
    ],
)
async def test_what_cannot_be_is_told(places, words, complaint):
    """In a line, with what to do."""
    done = await callfloor("appointment", *words, *places)
    assert done.code == 1
    assert done.err.startswith(f"callfloor: {complaint}"), done.err
