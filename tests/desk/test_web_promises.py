"""Callbacks and appointments by the API: what a form on a web page asks for, and what a program books."""

import pytest

from acd.store import people, timeline
from acd.store.handles import number
from tests.channels.mail_house import MailServer, until
from tests.desk.web_house import WebHouse

HOUR_MS = 3_600_000
MORE = """
[calling-out]
country = PL
lines = outside
[outside]
type = lines
lines = carrier*2
[carrier]
type = trunk
host = sip.example.com
[visit]
type = appointment
title = Visit
queue = sales
tell = customer by email preparation
tell = host by email soon 1h before
"""
JAN = "+48221234567"


@pytest.fixture
async def relay():
    async with MailServer() as made:
        yield made


@pytest.fixture
async def house(tmp_path, relay):
    async with WebHouse(tmp_path, relay.port, more=MORE) as made:
        (made.folder / "mail" / "preparation.en.txt").write_text("Bring your card, ${customer}.\n")
        made.written.use(made.folder)
        yield made


@pytest.fixture
def form(house):
    return house.token("promises")


async def jan_of(house):
    def make(session):
        jan = people.find_or_make(session, number(JAN, "PL"), 1, name="Jan")
        people.give(session, jan, people.Named("email", "jan@example.org"), 2)
        return jan

    return await house.store.write(make)


async def test_a_form_has_a_customer_called_back(house, form):
    """He waits in the queue, once; who he is and what he wrote stand in the customer file."""
    asked = {"number": "22 123 45 67", "queue": "sales", "name": "Jan <b>", "text": "About my order"}
    asked["email"] = "jan@example.org"
    answer = await form.ask("POST", "/callbacks", json=asked)
    assert (answer.status_code, answer.json()) == (201, {"number": JAN, "was_promised": False})
    [call] = house.calls.values()
    assert (call.medium, call.dial, call.queue, call.state) == ("callback", JAN, "sales", "waiting")
    assert (await form.ask("POST", "/callbacks", json=asked)).json()["was_promised"]
    assert len(house.calls) == 1
    jan = await house.store.read(people.find, number(JAN, "PL"))
    profile = await house.store.read(people.profile, jan)
    assert (profile.name, [one.value for one in profile.handles]) == ("Jan <b>", [JAN, "jan@example.org"])
    notes = await house.store.read(timeline.notes, jan)
    assert [(one.text, one.by) for one in notes] == [("About my order", "t0")] * 2


async def test_a_form_takes_nobody_his_address(house, form):
    """Whoever writes another's address keeps his own file, and the other his."""
    other = await house.store.write(people.find_or_make, people.Named("email", "ola@example.org"), 1)
    asked = {"number": JAN, "queue": "sales", "email": "ola@example.org"}
    assert (await form.ask("POST", "/callbacks", json=asked)).status_code == 201
    jan = await house.store.read(people.find, number(JAN, "PL"))
    assert await house.store.read(people.find, people.Named("email", "ola@example.org")) == other != jan


@pytest.mark.parametrize(
    ("asked", "status", "title"),
    [
        ({"number": "112", "queue": "sales"}, 409, "that number may not be called"),
        ({"number": "+44 20 7946 0958", "queue": "sales"}, 409, "that number may not be called"),
        ({"number": "221234567", "queue": "nowhere"}, 404, "there is no queue 'nowhere'"),
        ({"number": "call me", "queue": "sales"}, 422, "the request is not as it must be"),
    ],
)
async def test_what_may_not_be_called_is_refused(house, form, asked, status, title):
    """An emergency, abroad, a queue that is none, no number."""
    answer = await form.ask("POST", "/callbacks", json=asked)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert house.calls == {}


async def test_an_appointment_is_made_moved_and_cancelled(house, relay, form):
    """The customer is told at once; each step is seen in his list."""
    jan, at = await jan_of(house), house.dispatcher.clock() + 24 * HOUR_MS
    booked = {"kind": "visit", "customer": jan, "starts_at": at, "host": "Ola", "host_address": "ola@acme.example"}
    made = await form.ask("POST", "/appointments", json=booked)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    house.written.errands.wake()
    await until(lambda: len(relay.got) == 1)
    assert b"Bring your card, Jan." in relay.got[0][2]
    [shown] = (await form.ask("GET", f"/customers/{jan}/appointments")).json()
    assert (shown["id"], shown["host"], shown["made_by"]) == (number, "Ola", "t0")
    assert [one["says"] for one in shown["errands"]] == ["preparation", "soon"]
    moved = await form.ask("POST", f"/appointments/{number}/move", json={"starts_at": at + HOUR_MS})
    assert moved.status_code == 200, moved.text
    assert (await form.ask("DELETE", f"/appointments/{number}")).status_code == 200
    assert (await form.ask("DELETE", f"/appointments/{number}")).status_code == 404
    [shown] = (await form.ask("GET", f"/customers/{jan}/appointments")).json()
    assert (shown["sequence"], shown["cancelled_at"] is not None) == (2, True)


async def test_what_cannot_be_booked_is_told(house, form):
    """A time that is past, nobody, no such kind, none such."""
    jan, at = await jan_of(house), house.dispatcher.clock() + HOUR_MS
    for change, status in (
        ({"starts_at": 1}, 409),
        ({"customer": jan + 99}, 404),
        ({"kind": "holiday"}, 404),
        ({"host_number": "call me"}, 422),
    ):
        answer = await form.ask(
            "POST", "/appointments", json={"kind": "visit", "customer": jan, "starts_at": at, **change}
        )
        assert answer.status_code == status, answer.text
    assert (await form.ask("POST", "/appointments/77/move", json={"starts_at": at})).status_code == 404
    assert (await form.ask("GET", f"/customers/{jan + 99}/appointments")).status_code == 404


async def test_a_form_may_do_nothing_else(house, form):
    """Nor may others promise anything."""
    jan = await jan_of(house)
    assert (await form.ask("GET", f"/customers/{jan}")).status_code == 403
    assert (await form.ask("GET", "/contacts")).status_code == 403
    reader = house.token("read")
    assert (await reader.ask("POST", "/callbacks", json={"number": JAN, "queue": "sales"})).status_code == 403
