"""What is written to us and by us is told, from the socket where it came in to the one where it went out."""

import asyncio

import pytest

from acd.channels.contact import Reply
from acd.store import appointments, people
from acd.store.handles import Named
from tests.channels.mail_house import MailHouse, MailServer, until
from tests.channels.mails import mail
from tests.channels.sms_house import SITE as SMS_SITE
from tests.channels.sms_house import SmsHouse
from tests.channels.smsc_raw import Centre
from tests.hooks.endpoint import Endpoint
from tests.hooks.hook_house import hook
from tests.hooks.test_hook_sender import verify

WRITTEN = ("message-received", "message-sent")
VISIT = """[visit]
type = appointment
title = Visit
queue = sales
"""


@pytest.fixture
async def endpoint():
    async with Endpoint() as endpoint:
        yield endpoint


def told(endpoint):
    return [(one.type, one.data["medium"], one.data["call"]) for one in endpoint.of(*WRITTEN)]


async def test_a_mail_and_its_answer(tmp_path, endpoint):
    """Received when it is kept, sent when the mail server has it; whose it is, and not a word of it."""
    async with MailServer() as relay, MailHouse(tmp_path, relay.port, hook(endpoint)) as house:
        call = await house.bring(mail(body="My secret is geheim"))
        await until(lambda: endpoint.of("contact-waits"))
        assert told(endpoint) == [("message-received", "email", call)]
        await house.email.reply(call, "101", Reply(text="So is mine: geheim"))
        await until(lambda: relay.got and endpoint.of("message-sent"))
        assert told(endpoint) == [("message-received", "email", call), ("message-sent", "email", call)]
        waits, received = endpoint.of("contact-waits")[0], endpoint.of("message-received")[0]
        assert waits.data["customer"] == received.data["customer"]
        assert received.data["message"] != endpoint.of("message-sent")[0].data["message"]
        for one in endpoint.got:
            verify(one)
            assert b"geheim" not in one.body


async def test_a_text_its_answer_and_an_opt_out(tmp_path, endpoint, monkeypatch):
    """The same by SMPP; who wants no more texts is a change of the customer's."""
    async with Centre() as centre:
        house = SmsHouse(tmp_path, centre.port)
        (house.folder / "acd.conf").write_text(SMS_SITE.format(port=centre.port, more="") + hook(endpoint))
        async with house:
            await asyncio.wait_for(centre.bound.wait(), 20)
            await centre.brings("Where is my order?")
            call = house.call
            await house.sms.reply(call, "101", Reply(text="On its way"))
            await until(lambda: endpoint.of("message-sent"))
            assert told(endpoint) == [("message-received", "sms", call), ("message-sent", "sms", call)]
            await centre.brings("STOP")
            (changed,) = await until(lambda: endpoint.of("customer-changed"))
            (consent,) = changed.data["consents"]
            assert (consent["medium"], consent["given"], consent["how"]) == ("sms", False, "STOP")


async def test_an_appointment(tmp_path, endpoint):
    """Booked beside the server, as a command does it: its webhooks find it."""
    async with MailHouse(tmp_path, more=VISIT + hook(endpoint)) as house:
        await until(lambda: house.written.is_ready)
        person = await house.store.write(people.find_or_make, Named("email", "jan@example.org"), 1)
        now = house.dispatcher.clock()
        booking = appointments.Booking(starts_at=now + 9_000_000, host="Dr. Nowak")
        kind = house.site.appointments["visit"]
        number = await house.store.write(appointments.make, kind, person, booking, now)
        (one,) = await until(lambda: endpoint.of("appointment-made"))
        assert (one.data["appointment"], one.data["customer"], one.data["host"]) == (number, person, "Dr. Nowak")
        await house.store.write(appointments.cancel, kind, number, now)
        await until(lambda: endpoint.of("appointment-cancelled"))


async def test_what_another_process_changes_is_told_by_the_server(tmp_path, endpoint):
    """A command that writes into the same customer file while the server runs."""
    from acd.store import timeline  # noqa: PLC0415 - as a command loads it
    from acd.store.database import Database  # noqa: PLC0415 - as above

    async with MailHouse(tmp_path, more=hook(endpoint)) as house:
        person = await house.store.write(people.find_or_make, Named("email", "jan@example.org"), 1)
        other = await asyncio.to_thread(Database, house.store.settings.database)
        await asyncio.to_thread(other.write, timeline.note, person, "by a command", 1)
        other.close()
        (one,) = await until(lambda: endpoint.of("customer-changed"))
        assert one.data["notes"][0]["text"] == "by a command"
