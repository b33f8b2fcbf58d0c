"""Hostile mails all the way: in over a real socket, kept, shown as a card, answered out over another."""

import asyncio
import email
import smtplib

import pytest

from acd.channels.contact import Reply, ReplyError
from acd.channels.email.text import file_name
from tests.channels.imap_peer import ImapPeer
from tests.channels.mail_house import MailHouse, MailServer, listens, until
from tests.channels.mails import HANGING, NAMES, PAGES, mail, with_file
from tests.channels.test_email_listener import BEGIN, talk
from tests.ports import free_port

KNOWN = [
    "brackets in To", "angles in Message-ID", "addresses in To", "encoded words in Subject", "pieces of a parameter",
    "empty parts", "multiparts in multiparts", "messages in messages", "charset with NUL", "quotes in To",
    "star parameter", "lone comment", "headers named headers",
]  # fmt: skip
"""What hangs or crashes the standard library's parser, or others."""
EVIL = [
    "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
    "x\x00\x1b[31my",
]


@pytest.fixture
async def relay():
    async with MailServer() as server:
        yield server


async def test_each_mail_that_is_known_to_hang_is_a_call_with_a_card(tmp_path):
    """One after the other, lines longer than LMTP allows too; the one after them is read as if nothing had been."""
    async with ImapPeer() as peer:
        peer.mails = {uid: HANGING[name] for uid, name in enumerate(KNOWN, 1)}
        peer.mails[len(KNOWN) + 1] = mail(body="After all that")
        async with MailHouse(tmp_path, more=peer.settings) as house:
            await until(lambda: len(peer.moved) == len(KNOWN) + 1, 90)
            cards = [await house.email.card(call) for call in house.calls]
            assert len(cards) == len(KNOWN) + 1
            assert None not in cards
            assert (cards[-1].text, cards[-1].marks) == ("After all that", ())


@pytest.mark.parametrize("evil", EVIL)
async def test_no_header_of_a_mail_begins_one_in_its_answer(tmp_path, relay, evil):
    """A subject and a name with line breaks in them: the answer has one recipient and its own headers."""
    async with MailHouse(tmp_path, relay.port) as house:
        raw = mail(Subject=evil, From=f'"{evil}" <jan@example.org>', References=f"<a@b> {evil}")
        call = await house.bring(raw)
        await house.email.reply(call, "101", Reply(text="x"))
        _, recipients, sent = await until(lambda: relay.got and relay.got[0])
        made = email.message_from_bytes(sent)
        assert recipients == ("jan@example.org",)
        assert "Bcc" not in made
        assert "\x1b" not in sent.decode()


async def test_an_address_that_can_be_read_in_two_ways_is_never_answered(tmp_path, relay):
    """CVE-2023-27043: the mail is a call, who would be answered is nobody."""
    wrong = ["alice@example.org)bob@evil.example", "<alice@example.org><bob@evil.example>", "alice@example.org@evil.x"]
    async with MailHouse(tmp_path, relay.port) as house:
        for one in wrong:
            call = await house.bring(mail(From=one))
            assert (await house.email.card(call)).address == ""
            with pytest.raises(ReplyError):
                await house.email.reply(call, "101", Reply(text="x"))
        assert not relay.got


@pytest.mark.parametrize("ending", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n\0.\r\n"])
async def test_no_mail_is_smuggled_by_smtp(tmp_path, ending):
    """CVE-2023-51764 and its kin, where SMTP is spoken."""
    port = free_port()
    async with MailHouse(tmp_path, more=f"smtp_in = 127.0.0.1:{port}") as house:
        await until(lambda: listens(port))
        inner = ending + BEGIN + b"DATA\r\nSubject: forged\r\n\r\nforged"
        heard = await talk(port, b"EHLO x\r\n" + BEGIN + b"DATA\r\n", mail(body=b"first") + inner + b"\r\n.\r\n")
        assert heard.count("250 2.0.0 OK") == 1
        assert len(house.calls) == 1
        assert "forged" in (await house.email.card(next(iter(house.calls)))).text


async def test_no_loop_begins_with_us(tmp_path, relay):
    """Absences with ever new subjects, bulk, our own addresses, our own acknowledgements: nobody is told anything."""
    second = "[care]\ntype = mailbox\naddress = care@acme.example\nqueue = sales\nsmtp = 127.0.0.1:{}\nsmtp_tls = no\n"
    more = "acknowledge = yes\n" + second.format(relay.port) + "acknowledge = yes\n"
    async with MailHouse(tmp_path, relay.port, more) as house:

        def absences():
            with smtplib.LMTP("127.0.0.1", house.lmtp) as client:
                for number in range(60):
                    raw = mail(Auto_Submitted="auto-replied", Subject=f"Out of office {number}")
                    client.sendmail("jan@example.org", "sales@acme.example", raw)

        await asyncio.to_thread(absences)
        for header in ("Precedence: bulk", "List-Id: <l.example>", "X-Loop: Acme", "X-Autoreply: yes"):
            await house.bring(mail(f"{header}\n"), sender="other@example.org")
        for own in ("care@acme.example", "sales+x@acme.example"):
            await house.bring(mail(From=own), sender=own, to="sales@acme.example")
            await house.bring(mail(From=own), sender=own, to="care@acme.example")
        await asyncio.sleep(0.3)
        assert not relay.got
        await house.bring(mail(Message_ID="<p@example.org>"), sender="person@example.org")
        _, _, told = await until(lambda: relay.got and relay.got[0])
        before = set(house.calls)
        await house.bring(told, sender="<>", to="care@acme.example")  # one queue's word to another
        await asyncio.sleep(0.3)
        assert len(relay.got) == 1
        assert set(house.calls) == before


async def test_who_pretends_to_be_another_is_marked(tmp_path):
    """A failed check of our own server shows; the sender's own word of it does not; two senders are told of."""
    check = "Authentication-Results: {}; spf={} smtp.mailfrom=a@b.example; dkim={} header.d=bank.example\n"
    async with MailHouse(tmp_path, more="authserv = mx.acme.example\n") as house:

        async def marks(head, **headers):
            raw = head.encode() + mail(**headers)
            return (await house.email.card(await house.bring(raw))).marks

        ours = check.format("mx.acme.example", "fail", "fail")
        assert set(await marks(ours)) == {"spf-fail", "dkim-fail"}
        forged = check.format("mx.acme.example", "pass", "pass")
        assert set(await marks(ours + "Received: from x by y\n" + forged)) == {"spf-fail", "dkim-fail"}
        assert await marks("Received: from x by y\n" + check.format("mx.evil.example", "fail", "fail")) == ()
        assert "several-senders" in await marks("From: boss@bank.example\n")


async def test_files_are_only_files(tmp_path):
    """No name leads out of the folder, none lies; a bomb is not unpacked, a page and a calendar are not opened."""
    bomb = b"PK\x03\x04" + b"\0" * 5_000
    cases = [(name, b"x", "application/octet-stream") for name in NAMES if name.isprintable()]
    cases += [
        ("a.zip", bomb, "application/zip"),
        ("a.html", PAGES[0].encode(), "text/html"),
        ("a.svg", b"<svg onload=alert(1)>", "image/svg+xml"),
        ("winmail.dat", b"\x78\x9f\x3e\x22" + b"\xff" * 50, "application/ms-tnef"),
        ("invite.ics", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR", "text/calendar"),
    ]
    async with MailHouse(tmp_path) as house:
        folder = house.store.settings.files.resolve()
        for name, content, kind in cases:
            card = await house.email.card(await house.bring(with_file(name, content, kind)))
            (one,) = card.files
            assert one.name == file_name(one.name, "x"), name
            assert not {"/", "\\"} & set(one.name), name
            assert one.path.resolve().is_relative_to(folder), name
            assert one.path.read_bytes() == content, name


async def test_a_page_shows_nothing_from_elsewhere(tmp_path):
    """What of it reaches a card runs no script and loads no picture from another place."""
    async with MailHouse(tmp_path) as house:
        for page in PAGES:
            card = await house.email.card(await house.bring(mail("Content-Type: text/html\n", page)))
            for wrong in ("<script", "onerror", "onload", "ontoggle", "javascript:", ' src="http', "srcset", "<style"):
                assert wrong not in card.html.lower(), (page, card.html)
            assert "evil.example/pixel" not in card.html
