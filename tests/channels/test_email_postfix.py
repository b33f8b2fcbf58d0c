"""A real mail server on both sides: Postfix brings mails by LMTP, takes answers by SMTP, and reports what failed."""

import asyncio
import email
import smtplib

import pytest

from acd.channels.contact import Reply
from tests.channels import postfix
from tests.channels.mail_house import MailHouse, MailServer, until
from tests.channels.mails import mail
from tests.ports import free_port


@pytest.fixture
async def world(tmp_path):
    """A customer's mail server, a Postfix, and the mails of a site behind it."""
    lmtp = free_port()
    async with MailServer() as customer:
        try:
            with postfix.running(lmtp, customer.port) as (port, log):
                async with MailHouse(tmp_path, port, "acknowledge = yes", lmtp=lmtp) as house:
                    yield customer, port, house, log
        except postfix.MissingError as reason:
            pytest.skip(str(reason))


async def send(port, raw, sender, *to):
    def work():
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail(sender, to, raw)

    await asyncio.to_thread(work)


async def test_there_and_back_through_a_mail_server(world):
    """A mail to two of our addresses is acknowledged and answered once; the answer to the answer is the same case."""
    customer, port, house, _ = world
    await send(port, mail(body="Where is it?"), "jan@example.org", "sales@acme.example", "shop+web@acme.example")
    call = await until(lambda: next(iter(house.calls), None))
    _, _, told = await until(lambda: customer.got and customer.got[0])
    assert email.message_from_bytes(told)["Auto-Submitted"] == "auto-replied"
    await house.email.reply(call, "101", Reply(text="Here."))
    await until(lambda: len(customer.got) == 2)
    sender, to, raw = customer.got[1]
    assert to == ("jan@example.org",)
    answer = email.message_from_bytes(raw)
    assert sender == answer["Reply-To"].partition("<")[2].strip(">")
    card = await house.email.card(call)
    assert card.marks == ()
    again = mail(Message_ID="<m9@example.org>", In_Reply_To=answer["Message-ID"], To=sender, body="Thanks\n\n> Here.")
    await send(port, again, "jan@example.org", sender)
    second = await until(lambda: next((one for one in house.calls if one != call), None))
    other = await house.email.card(second)
    assert (other.case, other.text, other.quoted) == (card.case, "Thanks", "> Here.")
    assert len(customer.got) == 2  # nobody is told twice a day that his mail has come


async def test_what_a_mail_server_could_not_deliver_comes_back(world):
    """Postfix took the answer, then reports: the report is a call of the case that it is about."""
    customer, port, house, _ = world
    customer.says["ola@example.org"] = "550 5.1.1 nobody is there"
    await send(port, mail(From="Ola <ola@example.org>"), "jan@example.org", "sales@acme.example")
    call = await until(lambda: next(iter(house.calls), None))
    await house.email.reply(call, "101", Reply(text="Here."))
    back = await until(lambda: next((one for one in house.calls if one != call), None))
    card = await house.email.card(back)
    assert "bounce" in card.marks
    assert card.address == "ola@example.org"
    assert card.case == (await house.email.card(call)).case
    assert "nobody is there" in card.text


async def test_mails_wait_in_the_mail_server_while_callfloor_is_away(tmp_path):
    """Brought when it is back, and once."""
    lmtp = free_port()
    try:
        with postfix.running(lmtp, 9) as (port, log):
            for one in range(5):
                await send(port, mail(Message_ID=f"<{one}@example.org>"), "jan@example.org", "sales@acme.example")
            await until(lambda: log.read_text().count("status=deferred") >= 5)
            async with MailHouse(tmp_path, port, lmtp=lmtp) as house:
                await until(lambda: len(house.calls) == 5, 40)
                await until(lambda: log.read_text().count("status=sent") == 5)
    except postfix.MissingError as reason:
        pytest.skip(str(reason))
