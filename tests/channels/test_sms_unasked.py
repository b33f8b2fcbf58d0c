"""Texts that nobody asked for just now: stored, sent once, in the customer's case; a reminder of an appointment."""

import asyncio

import pytest

from acd.channels.contact import Notice, ReplyError
from acd.store import appointments, people, timeline
from acd.store.handles import Named
from acd.store.people import Agreed
from acd.store.texts import PURPOSE
from tests.channels.mail_house import until
from tests.channels.sms_house import SmsHouse
from tests.channels.smsc_raw import Centre

HOUR_MS = 3_600_000
THEIRS = "+48601602603"
KIND = """
[visit]
type = appointment
title = Visit
queue = support
place = Main Street 1
tell = customer by sms reminder 2h before
tell = host by sms soon
"""


def texts(centre):
    """What the centre got: from, to, words."""
    return [(one.source, one.to, one.text) for one in centre.submitted]


async def jan_of(house, **consent):
    """Make a customer; gives his number in the file."""

    def make(session):
        jan = people.find_or_make(session, Named("number", THEIRS), house.dispatcher.clock(), name="Jan")
        if consent:
            people.agree(session, jan, Agreed(medium="sms", purpose=PURPOSE, at=house.dispatcher.clock(), **consent))
        return jan

    return await house.store.write(make)


async def test_an_appointment_is_told_of_by_texts(tmp_path):
    """From the number of its queue, each once, in his case, and no call of it."""
    async with Centre() as centre, SmsHouse(tmp_path, centre.port, KIND) as house:
        (house.folder / "sms" / "reminder.en.txt").write_text("${customer}: ${appointment} at ${time}, ${place}.\n")
        (house.folder / "sms" / "soon.en.txt").write_text("${customer} comes on ${date}.\n")
        house.written.use(house.folder)
        await until(lambda: house.written.is_ready)
        jan, now = await jan_of(house), house.dispatcher.clock()
        agreed = appointments.Booking(starts_at=now + 2 * HOUR_MS + 1_500, host="Ola", host_number="+48600000001")
        await house.store.write(appointments.make, house.site.appointments["visit"], jan, agreed, now)
        house.written.errands.wake()
        await until(lambda: len(texts(centre)) == 2)
        (own, host, words), (again, theirs, reminder) = texts(centre)
        assert (own, host, again, theirs) == ("7171", "48600000001", "7171", "48601602603")
        assert words.startswith("Jan comes on 20")
        assert reminder.startswith("Jan: Visit at ")
        assert reminder.endswith(", Main Street 1.")
        [contact] = await house.store.read(timeline.contacts, jan)
        [made] = await house.store.read(appointments.of_person, jan)
        assert (contact.medium, contact.direction, contact.case_id) == ("sms", "out", made.case_id)
        assert house.calls == {}


async def test_told_twice_it_is_sent_once(tmp_path):
    """The same name is the same text."""
    async with Centre() as centre, SmsHouse(tmp_path, centre.port) as house:
        await until(lambda: house.written.is_ready)
        notice = Notice(key="once", to=THEIRS, queue="sales", text="Hi", person=await jan_of(house))
        for _ in range(3):
            await house.sms.notify(notice)
        await until(lambda: len(texts(centre)) == 1)
        await asyncio.sleep(0.3)
        assert [words for _, _, words in texts(centre)] == ["Hi"]


async def test_who_opted_out_is_not_told(tmp_path):
    """Nor is a word as an address, nor nothing at all."""
    async with Centre() as centre, SmsHouse(tmp_path, centre.port) as house:
        await until(lambda: house.written.is_ready)
        with pytest.raises(ReplyError, match="nothing in it"):
            await house.sms.notify(Notice(key="n1", to=THEIRS, queue="sales"))
        with pytest.raises(ReplyError, match="no number"):
            await house.sms.notify(Notice(key="n2", to="Bank", queue="sales", text="Hi"))
        await jan_of(house, given=False)
        with pytest.raises(ReplyError, match="opted out"):
            await house.sms.notify(Notice(key="n3", to=THEIRS, queue="sales", text="Hi"))
        assert texts(centre) == []
