"""E-mail over real sockets: in by LMTP, a card, an answer out by SMTP; and what comes back."""

import asyncio
import email

import pytest

from acd.channels.contact import Reply, ReplyError
from acd.core.events import CallEnded
from acd.store import mails
from tests.channels.mail_house import MailHouse, MailServer, until
from tests.channels.mails import mail


@pytest.fixture
async def relay():
    async with MailServer() as server:
        yield server


async def test_a_mail_becomes_a_call_and_a_card(tmp_path):
    """Stored, in its queue, shown with what is new, quoted and attached."""
    raw = mail(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n",
        "--x\nContent-Type: text/plain\n\nWhere is my order?\n\n> old words\n--x\n"
        "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nthe file\n--x--\n",
    )
    async with MailHouse(tmp_path) as house:
        call = await house.bring(raw, to="sales+anything@acme.example")
        assert house.calls[call].queue == "sales"
        assert house.calls[call].medium == "email"
        assert house.calls[call].caller == "jan@example.org"
        card = await house.email.card(call)
        assert card.sender == "Jan"
        assert card.address == "jan@example.org"
        assert card.subject == "Hi"
        assert card.text == "Where is my order?"
        assert "old words" in card.quoted
        assert [one.name for one in card.files] == ["a.txt"]
        assert card.files[0].path.read_bytes().startswith(b"the file")
        assert card.person is not None
        assert card.case is not None
        assert card.marks == ()
        stored = raw_of(house, await house.store.read(mails.find, call))
        assert stored.startswith(b"Return-Path: <jan@example.org>\r\nDelivered-To: sales+anything@acme.example\r\n")
        assert await house.email.card("email-none") is None


def raw_of(house, found):
    return house.written.files.path(found.mail.raw).read_bytes()


async def test_a_mail_that_is_brought_twice_is_one_call(tmp_path):
    """At once, later, and after it was closed; another mail of the same Message-ID is another."""
    async with MailHouse(tmp_path) as house:
        calls = await asyncio.gather(*(house.bring(mail()) for _ in range(4)))
        assert len(set(calls)) == 1
        assert list(house.calls) == [calls[0]]
        other = await house.bring(mail(body="Other words"))
        assert set(house.calls) == {calls[0], other}
        assert await house.bring(mail(), to="shop@acme.example") == calls[0]


async def test_an_answer_goes_out_in_the_thread(tmp_path, relay):
    """To the sender, from the mailbox, with signature, quote, case and file; once."""
    async with MailHouse(tmp_path, relay.port) as house:
        call = await house.bring(mail(body="Where is it?"))
        (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.4 bill")
        assert [one.name for one in house.email.choices("sales", "en")] == ["opening-hours"]
        await house.email.reply(
            call, "101", Reply(text="It is here.", choice="opening-hours", files=(tmp_path / "bill.pdf",))
        )
        sender, recipients, raw = await until(lambda: relay.got and relay.got[0])
        assert recipients == ("jan@example.org",)
        assert sender.startswith("sales+")
        made = email.message_from_bytes(raw)
        assert made["From"] == "Acme <sales@acme.example>"
        assert made["In-Reply-To"] == "<m1@example.org>"
        assert made["Subject"] == "Re: Hi"
        text = made.get_payload()[0].get_payload(decode=True).decode().replace("\r\n", "\n")
        assert text.startswith("It is here.\n\nWe open at nine, Jan.\n\n-- \nAnna Nowak\nAcme\n")
        assert "> Where is it?" in text
        assert made.get_payload()[1].get_payload(decode=True) == b"%PDF-1.4 bill"
        await until(lambda: settled(house))
        case = (await house.email.card(call)).case
        # The customer answers to the address that he was given: the same case.
        again = await house.bring(mail(Message_ID="<m2@example.org>", To=sender), to=sender)
        assert (await house.email.card(again)).case == case
        assert len(relay.got) == 1


async def settled(house):
    return await house.store.read(mails.next_due) is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [(Reply(), "nothing in it"), (Reply(choice="none"), "no reply 'none'"), (Reply(choice="signature"), "no reply")],
)
async def test_what_cannot_be_answered_is_told(tmp_path, reply, words):
    """Nothing is sent, and the reason is said."""
    async with MailHouse(tmp_path) as house:
        call = await house.bring(mail())
        with pytest.raises(ReplyError, match=words):
            await house.email.reply(call, "101", reply)
        with pytest.raises(ReplyError, match="cannot be read"):
            await house.email.reply(call, "101", Reply(text="x", files=(tmp_path / "gone",)))
        with pytest.raises(ReplyError, match="nothing of this mail"):
            await house.email.reply("email-none", "101", Reply(text="x"))
        nobody = await house.bring(mail(From="nobody at all"), sender="<>")
        with pytest.raises(ReplyError, match="nobody to whom"):
            await house.email.reply(nobody, "101", Reply(text="x"))
        assert await settled(house)


async def test_an_answer_waits_for_its_server(tmp_path, monkeypatch, relay):
    """Away, or not now: it is tried again, later each time, and goes out once."""
    monkeypatch.setattr("acd.channels.email.outbox.AGAIN_MS", 50)
    answers = ["450 later", "451 later"]
    relay.says["jan@example.org"] = lambda: answers.pop() if answers else "250 OK"
    async with MailHouse(tmp_path, relay.port) as house:
        call = await house.bring(mail())
        await house.email.reply(call, "101", Reply(text="x"))
        await until(lambda: relay.got)
        await until(lambda: settled(house))
        assert len(relay.got) == 1
        assert not answers


async def test_an_answer_that_is_refused_comes_back_to_its_queue(tmp_path, relay):
    """As a call of the same case with the mark and the words of the server; answered again it goes out."""
    relay.says["jan@example.org"] = "550 5.1.1 no such user"
    async with MailHouse(tmp_path, relay.port) as house:
        call = await house.bring(mail())
        case = (await house.email.card(call)).case
        await house.email.reply(call, "101", Reply(text="My answer"))
        back = await until(lambda: next((one for one in house.calls if one != call), None))
        card = await house.email.card(back)
        assert house.calls[back].queue == "sales"
        assert card.marks == ("undelivered",)
        assert "550 5.1.1 no such user" in card.text
        assert "My answer" in card.text
        assert (card.address, card.case) == ("jan@example.org", case)
        relay.says.clear()
        await house.email.reply(back, "101", Reply(text="Once more"))
        await until(lambda: relay.got)


async def test_days_without_a_server_bring_an_answer_back(tmp_path, monkeypatch):
    """Given up after `give_up`."""
    monkeypatch.setattr("acd.channels.email.outbox.AGAIN_MS", 50)
    async with MailHouse(tmp_path, 9) as house:
        call = await house.bring(mail())
        await house.email.reply(call, "101", Reply(text="My answer"))
        house.dispatcher.clock = lambda real=house.dispatcher.clock: real() + 5 * 86_400_000
        await until(lambda: len(house.calls) == 2)
        assert await settled(house)


async def test_a_bounce_comes_back_to_its_case(tmp_path, relay):
    """A report about a mail of ours is a call of that case; about another's mail it is only kept."""
    async with MailHouse(tmp_path, relay.port) as house:
        call = await house.bring(mail())
        await house.email.reply(call, "101", Reply(text="My answer"))
        sender, _, raw = await until(lambda: relay.got and relay.got[0])
        ours = email.message_from_bytes(raw)["Message-ID"]
        report = bounce(ours)
        back = await house.bring(report, sender="<>", to=sender)
        card = await house.email.card(back)
        assert "bounce" in card.marks
        assert card.case == (await house.email.card(call)).case
        assert card.address == "jan@example.org"
        other = await house.bring(bounce("<else@example.com>"), sender="<>")
        assert other not in house.calls
        assert await house.email.card(other) is not None


def bounce(about: str) -> bytes:
    return mail(
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\n",
        "--x\nContent-Type: text/plain\n\nIt failed.\n--x\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; jan@example.org\nAction: failed\n"
        f"Status: 5.1.1\n\n--x\nContent-Type: text/rfc822-headers\n\nMessage-ID: {about}\nTo: jan@example.org\n--x--\n",
        From="MAILER-DAEMON@mx.example.org",
        Message_ID="<b1@mx.example.org>",
    )


async def test_persons_are_told_that_their_mail_came(tmp_path, relay):
    """Once a day, by the null sender; machines, lists and what comes twice are told nothing."""
    async with MailHouse(tmp_path, relay.port, "acknowledge = yes") as house:
        call = await house.bring(mail())
        await house.bring(mail())
        await house.bring(mail(body="Another", Message_ID="<m2@example.org>"))
        await house.bring(mail(List_Id="<l.example.org>"), sender="list@example.org")
        await house.bring(mail(Auto_Submitted="auto-replied", Message_ID="<m3@example.org>"), sender="auto@example.org")
        await house.bring(mail(Message_ID="<m4@example.org>"), sender="<>")
        await until(lambda: settled(house))
        ((sender, recipients, raw),) = relay.got
        made = email.message_from_bytes(raw)
        assert (sender, recipients) == ("<>", ("jan@example.org",))
        assert made["Auto-Submitted"] == "auto-replied"
        assert made["Subject"] == "We have it, Jan"
        assert f"Case {(await house.email.card(call)).case}." in made.get_payload(decode=True).decode()


async def test_what_is_no_work_is_kept_and_makes_no_call(tmp_path, relay):
    """Our own mail in a circle, and a machine's answer to one of ours."""
    async with MailHouse(tmp_path, relay.port) as house:
        call = await house.bring(mail())
        await house.email.reply(call, "101", Reply(text="x"))
        sender, _, raw = await until(lambda: relay.got and relay.got[0])
        ours = email.message_from_bytes(raw)["Message-ID"]
        circle = await house.bring(raw, sender=sender)
        away = await house.bring(
            mail(Auto_Submitted="auto-replied", In_Reply_To=ours, Message_ID="<o@example.org>"), to=sender
        )
        assert set(house.calls) == {call}
        for one in (circle, away):
            assert (await house.email.card(one)) is not None


async def test_what_is_closed_is_closed(tmp_path):
    """Said by its agent, or by a hand that takes it out; then no start makes it anew."""
    async with MailHouse(tmp_path) as house:
        first, second = await house.bring(mail()), await house.bring(mail(body="b"))
        await house.email.closed(first, "101", "order")
        await house.email.closed(first, "101", "order")
        found = await house.store.read(mails.find, first)
        assert (found.mail.closed_by, found.mail.code) == ("101", "order")
        house.dispatcher.submit(CallEnded(call=second, reason="done"))
        await until(lambda: no_more(house))
    async with MailHouse(tmp_path) as house:
        await until(lambda: not house.calls)  # the first one was closed a moment before its server ended
        await asyncio.sleep(0.3)
        assert not house.calls


async def no_more(house):
    return not await house.store.read(mails.still_open)


async def test_a_mail_whose_call_was_lost_is_a_call_again(tmp_path):
    """Stored, and the server ended before the core heard of it."""
    async with MailHouse(tmp_path) as house:
        house.written.intake.arrive = lambda kin: None
        call = await house.bring(mail())
        assert not house.calls
    async with MailHouse(tmp_path) as house:
        await until(lambda: call in house.calls)
        assert house.calls[call].queue == "sales"
        await house.written.intake._look(ends=False)
        assert list(house.calls) == [call]


async def test_a_customer_file_that_fails_refuses_for_now(tmp_path, monkeypatch):
    """No 250 without the mail on the disk: the peer brings it again."""
    async with MailHouse(tmp_path) as house:
        monkeypatch.setattr("acd.store.files.Files._write", full)
        with pytest.raises(AssertionError, match=r"4\.3\.1 The disk is full"):
            await house.bring(mail())
        assert not house.calls
        monkeypatch.undo()
        assert await house.bring(mail()) in house.calls


def full(*_):
    raise OSError(28, "No space left on device")
