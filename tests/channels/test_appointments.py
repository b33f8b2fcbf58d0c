"""What is said because of an appointment, through a real outbox to a real mail server: mails, calendars, each once."""

import asyncio
import email
import email.policy

import pytest
from icalendar import Calendar

from acd.channels import errands
from acd.channels.contact import Notice, ReplyError
from acd.store import appointments, people, timeline
from acd.store.handles import Named
from tests.channels.mail_house import MailHouse, MailServer, until

HOUR_MS = 3_600_000
KIND = """
[visit]
type = appointment
title = Visit at the practice
queue = sales
place = Main Street 1
invite = customer, host
tell = customer by email preparation
tell = customer by email reminder 2h before
cancelled = cancelled
"""
WORDS = {
    "preparation.en.txt": "Subject: ${appointment} on ${date}\n\n${customer}, bring your card. ${host}, ${place}.\n",
    "preparation.pl.txt": "Subject: Wizyta ${date}\n\nProszę przynieść kartę.\n",
    "reminder.en.txt": "Subject: Soon: ${time}\n\nSee you.\n",
    "cancelled.en.txt": "Subject: Off\n\n${appointment} is off.\n",
}


def house_of(folder, server, **more):
    house = MailHouse(folder, smtp=server.port, more=KIND, **more)
    for name, words in WORDS.items():
        (house.folder / "mail" / name).write_text(words)
    return house


async def booked(house, **details):
    """Book for a new customer; gives the number."""
    now, kind = house.dispatcher.clock(), house.site.appointments["visit"]
    language = details.pop("language", "")

    def book(session):
        jan = people.find_or_make(session, Named("email", "jan@example.org"), now, name="Jan", language=language)
        agreed = {"starts_at": now + 24 * HOUR_MS, "host": "Ola", "host_address": "ola@acme.example", **details}
        return appointments.make(session, kind, jan, appointments.Booking(**agreed), now)

    number = await house.store.write(book)
    house.written.errands.wake()
    return number


def read(server):
    """The mails that the server got: (recipient, parsed), in the order of the recipients and subjects."""
    mails = [(to[0], email.message_from_bytes(raw, policy=email.policy.default)) for _, to, raw in server.got]
    return sorted(mails, key=lambda one: (one[0], str(one[1]["Subject"])))


def calendar_of(mail):
    """Its calendar and the method that the mail says."""
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return Calendar.from_ical(part.get_content()), part.get_param("method")


async def test_what_is_agreed_is_told_at_once(tmp_path):
    """The customer his instructions and both the meeting, as calendars read it; all of his case."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        number = await booked(house)
        await until(lambda: len(server.got) == 3)
        (_, invited), (_, told), (_, host) = read(server)
        assert told["To"] == "Jan <jan@example.org>"
        assert "bring your card. Ola, Main Street 1." in told.get_content()
        assert (told["Auto-Submitted"], host["To"]) == ("auto-generated", "Ola <ola@acme.example>")
        for mail in (invited, host):
            calendar, method = calendar_of(mail)
            [event] = calendar.walk("VEVENT")
            assert (method, calendar["METHOD"], event["SUMMARY"]) == ("REQUEST", "REQUEST", "Visit at the practice")
            assert [str(one) for one in event["ATTENDEE"]] == ["mailto:jan@example.org", "mailto:ola@acme.example"]
            assert (event["ORGANIZER"], event["LOCATION"]) == ("mailto:sales@acme.example", "Main Street 1")
        person = await house.store.read(people.find, Named("email", "jan@example.org"))
        contacts = await house.store.read(timeline.contacts, person)
        assert [(one.medium, one.direction, one.outcome) for one in contacts] == [("email", "out", "automatic")] * 2
        [made] = await house.store.read(appointments.of_person, person)
        assert {one.case_id for one in contacts} == {made.case_id}
        left = [one for one in await house.store.read(appointments.errands, number) if one.due_at is not None]
        assert [one.says for one in left] == ["reminder"]
        assert house.calls == {}


async def test_moved_and_cancelled_calendars_follow(tmp_path):
    """The same meeting with a higher sequence, and then taken out; who was told in words is told in words."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        number = await booked(house)
        await until(lambda: len(server.got) == 3)
        first = calendar_of(read(server)[0][1])[0].walk("VEVENT")[0]
        server.got.clear()
        kind, now = house.site.appointments["visit"], house.dispatcher.clock()
        await house.store.write(appointments.move, kind, number, now + 48 * HOUR_MS, now)
        house.written.errands.wake()
        await until(lambda: len(server.got) == 3)
        moved = calendar_of(read(server)[0][1])[0].walk("VEVENT")[0]
        assert (moved["UID"], moved["SEQUENCE"]) == (first["UID"], 1)
        assert 23 * 3_600 < (moved["DTSTART"].dt - first["DTSTART"].dt).total_seconds() < 25 * 3_600
        server.got.clear()
        await house.store.write(appointments.cancel, kind, number, house.dispatcher.clock())
        house.written.errands.wake()
        await until(lambda: len(server.got) == 3)
        (_, words), (_, customer), (_, host) = read(server)
        assert words.get_content().strip() == "Visit at the practice is off."
        for mail in (customer, host):
            calendar, method = calendar_of(mail)
            [event] = calendar.walk("VEVENT")
            assert (method, event["UID"], event["SEQUENCE"], event["STATUS"]) == (
                "CANCEL",
                first["UID"],
                2,
                "CANCELLED",
            )


async def test_a_reminder_comes_when_it_is_time(tmp_path):
    """Not before; in his language what there is in it."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        now = house.dispatcher.clock()
        await booked(house, starts_at=now + 2 * HOUR_MS + 2_000, language="pl", host_address="")
        await until(lambda: len(server.got) == 3)
        subjects = [str(mail["Subject"]) for _, mail in read(server)]
        assert subjects[1:] == ["Visit at the practice", f"Wizyta {subjects[2].split()[1]}"]
        assert subjects[0].startswith("Soon: ")
        assert house.dispatcher.clock() - now >= 2_000
        [(_, last)] = [(to, raw) for _, to, raw in server.got[-1:]]
        assert b"Soon: " in last


async def test_nothing_is_said_twice(tmp_path, monkeypatch):
    """A server that ended after the medium had it, and before that was noted, does the errand again: to no effect."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        monkeypatch.setattr(errands, "REST_S", 0.05)
        done = appointments.done
        monkeypatch.setattr(appointments, "done", lambda *_: None)
        await booked(house)
        await until(lambda: len(server.got) == 3)
        await asyncio.sleep(0.3)  # some rounds more
        monkeypatch.setattr(appointments, "done", done)
        await until(lambda: _is_said(house))
        await asyncio.sleep(0.3)
        assert len(server.got) == 3


async def _is_said(house):
    now = house.dispatcher.clock()
    return await house.store.read(appointments.due, now) == []


async def test_what_cannot_be_said_is_told_to_the_admin(tmp_path):
    """No address, no such words: it stands beside the errand, and the rest is said."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        (house.folder / "mail" / "preparation.en.txt").unlink()
        (house.folder / "mail" / "preparation.pl.txt").unlink()
        house.written.use(house.folder)
        number = await booked(house, host_address="")
        await until(lambda: _is_said(house))
        said = {one.name: one.said for one in await house.store.read(appointments.errands, number)}
        assert said["customer-email-preparation-now"] == "there is no reply 'preparation'"
        assert said["invitation-host"] == "nobody knows where host has email"
        await until(lambda: len(server.got) == 1)


async def test_a_notice_of_nothing_is_refused(tmp_path):
    """And one for which there is nobody."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        with pytest.raises(ReplyError, match="nothing in it"):
            await house.email.notify(Notice(key="n1", to="jan@example.org", queue="sales"))
        with pytest.raises(ReplyError, match="nobody"):
            await house.email.notify(Notice(key="n2", to="jan\r\nBcc: all@example.org", queue="sales", text="Hi"))
        assert server.got == []


async def test_a_notice_that_comes_back_is_work_of_its_case(tmp_path):
    """Refused for good it waits in the queue, with the case of the customer."""
    async with MailServer() as server, house_of(tmp_path, server) as house:
        server.says["jan@example.org"] = "550 no such person"
        number = await booked(house, host_address="")
        await until(lambda: len(house.calls) == 2)
        person = await house.store.read(people.find, Named("email", "jan@example.org"))
        [made] = await house.store.read(appointments.of_person, person)
        cards = [await house.email.card(call) for call in house.calls]
        assert {card.case for card in cards} == {made.case_id}
        assert all("550 no such person" in card.text for card in cards)
        assert number == made.id
