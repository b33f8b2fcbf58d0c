"""Whose case a message is, what bounced, who wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.channels.email import compose, threads
from acd.channels.email.message import Address, Message
from acd.channels.email.parse import parse
from acd.channels.email.tags import Tags
from tests.channels.mails import mail

SECRET, OLD = b"a secret of sixteen bytes", b"the one before it, long ago"
TAGS = Tags([SECRET, OLD])
HEAD = compose.Letterhead(mailbox=Address("sales@example.com", "Sales"), tags=TAGS, loop="callfloor.example")


class Index:
    """Knows some Message-IDs, and notes what it was asked."""

    def __init__(self, **known: int) -> None:
        self.known = {f"<{name}@example.org>": case for name, case in known.items()}
        self.asked: list[str] = []

    async def cases(self, message_ids):
        self.asked += message_ids
        return {one: self.known[one] for one in message_ids if one in self.known}


async def thread(raw: bytes, index: Index | None = None) -> threads.Thread:
    return await threads.thread_of(parse(raw), TAGS, index or Index())


async def test_the_tag_of_the_address_goes_first():
    """A signed tag in any recipient's address, in any case of letters, decides, and nobody is asked."""
    index = Index(m0=9)
    tagged = TAGS.address("sales@example.com", 417)
    raw = mail(To=f"x@y.example, Sales <{tagged.upper()}>", References="<m0@example.org>")
    assert await thread(raw, index) == threads.Thread(417, "tag")
    assert index.asked == []
    assert await thread(mail(Delivered_To=tagged)) == threads.Thread(417, "tag")


async def test_a_message_of_ours_that_is_answered_names_its_case():
    """A signed Message-ID in References is enough, even if the store knows nothing of it."""
    sent = compose.reply(HEAD, parse(mail()), 417, "Hello", 0)
    raw = mail(References=f"<other@example.org> {sent.message_id}")
    assert await thread(raw) == threads.Thread(417, "message-id")


async def test_the_index_is_asked_for_the_nearest_first():
    """What is answered counts before what was answered before; without anything known a case begins."""
    raw = mail(References="<m1@example.org> <m2@example.org>", In_Reply_To="<m3@example.org>")
    assert await thread(raw, Index(m1=1, m2=2)) == threads.Thread(2, "index")
    assert await thread(raw, Index(m1=1, m3=3)) == threads.Thread(3, "index")
    assert await thread(raw, Index()) == threads.Thread(None, "")


async def test_a_subject_is_no_thread():
    """The same subject, with Re: and the number of a case in it, belongs to nothing."""
    assert await thread(mail(Subject="Re: [417] Hi"), Index(m0=417)) == threads.Thread(None, "")


@pytest.mark.parametrize("change", ["case", "mac", "domain", "none", "other secret"])
def test_a_forged_tag_belongs_to_nothing(change: str):
    """Neither the number nor the signature can be changed; the domain, which servers rewrite, may."""
    tagged = TAGS.address("sales@example.com", 417)
    forged = {
        "case": tagged.replace("+417-", "+418-"),
        "mac": tagged.replace(tagged[tagged.index("-") + 1], "7" if tagged[tagged.index("-") + 1] != "7" else "a", 1),
        "domain": tagged.replace("example.com", "mail.example.com"),
        "none": "sales+417@example.com",
        "other secret": Tags([b"another secret of some bytes"]).address("sales@example.com", 417),
    }[change]
    assert TAGS.case_of_address(forged) == (417 if change == "domain" else None)
    a_message = TAGS.message_id("example.com", 417)
    assert TAGS.case_of_id(a_message) == 417
    assert TAGS.case_of_id(a_message.replace("<417.", "<418.")) is None
    mac = tagged.partition("-")[2].partition("@")[0]
    assert TAGS.case_of_id(f"<417.0123456789abcdef.{mac}@example.com>") is None  # signed for an address


def test_a_former_secret_is_still_believed():
    """After a change of the secret old tags work, and new ones are made with the new secret."""
    assert TAGS.case_of_address(Tags([OLD]).address("a@example.com", 5)) == 5
    assert Tags([SECRET]).case_of_address(TAGS.address("a@example.com", 5)) == 5
    with pytest.raises(ValueError, match="16 bytes"):
        Tags([b"short"])
    assert "secret of" not in repr(TAGS)


@given(st.integers(1, 2**62), st.text(max_size=40))
def test_a_tag_leads_back_to_its_case(case: int, noise: str):
    """Whatever the case, its tag is short enough to be an address; no noise is taken for one."""
    tagged = TAGS.address("support@example.com", case)
    assert len(tagged.partition("@")[0]) <= 64
    assert TAGS.case_of_address(tagged) == case
    assert TAGS.case_of_address(noise) is None
    assert TAGS.case_of_id(noise) is None


REPORT = """\
--x

Your message could not be delivered.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jan@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1
 no such user

--x
Content-Type: {kind}

From: sales@example.com
To: Jan <jan@example.org>
Message-ID: {id}

{id}
--x--
"""
BOUNCE = "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n"


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize(
    ("action", "status", "is_permanent"),
    [("failed", "5.1.1", True), ("delayed", "4.4.7", False), ("failed", "4.2.2", False), ("failed", "x", True)],
)
def test_a_bounce_names_what_failed(kind: str, action: str, status: str, is_permanent: bool):
    """Which of our messages, to whom, why, and whether it is for good."""
    sent = TAGS.message_id("example.com", 417)
    raw = mail(BOUNCE, REPORT.format(action=action, status=status, kind=kind, id=sent), From="mailer-daemon@x.example")
    bounce = threads.bounce_of(parse(raw), TAGS)
    assert bounce is not None
    assert (bounce.message_id, bounce.case, bounce.is_permanent) == (sent, 417, is_permanent)
    (failure,) = bounce.failures
    assert (failure.address, failure.action) == ("jan@example.org", action)
    assert failure.said == "550 5.1.1 no such user"


def test_a_forged_bounce_is_about_nothing():
    """A report about a message that we did not sign names no case."""
    raw = mail(
        BOUNCE, REPORT.format(action="failed", status="5.1.1", kind="message/rfc822", id="<417.aaaaaa@x.example>")
    )
    bounce = threads.bounce_of(parse(raw), TAGS)
    assert bounce is not None
    assert (bounce.message_id, bounce.case) == ("", None)


def test_a_bounce_in_plain_words_names_what_failed():
    """A server that knows no reports quotes our message, and our Message-ID in it is found."""
    sent = TAGS.message_id("example.com", 417)
    raw = mail(
        body=f"Hi. This is qmail.\n\n--- Below\nMessage-ID: {sent}\n", From="MAILER-DAEMON@x.example", Return_Path="<>"
    )
    assert threads.bounce_of(parse(raw), TAGS) == threads.Bounce(sent, 417, (), is_permanent=True)


def test_no_bounce_is_none():
    """A person's message, even one that quotes ours, is no bounce."""
    assert threads.bounce_of(parse(mail(body=TAGS.message_id("example.com", 1))), TAGS) is None


@pytest.mark.parametrize(
    ("raw", "nature"),
    [
        (mail(), "person"),
        (mail("List-Id: <l.example>\n"), "list"),
        (mail("Precedence: bulk\n"), "list"),
        (mail("Auto-Submitted: auto-generated\n"), "automatic"),
        (mail("Auto-Submitted: no\n"), "person"),
        (mail("X-Autoreply: yes\n", Subject="Urlop"), "out-of-office"),
        (mail(Subject="Automatic reply: Hi"), "out-of-office"),
        (mail(Subject="I was out of office yesterday"), "person"),
        (mail("X-Loop: callfloor.example\n"), "loop"),
        (mail(BOUNCE, "--x--"), "bounce"),
        (mail(From="Sales <sales+anything@EXAMPLE.com>"), "loop"),
        (mail(Message_ID=TAGS.message_id("example.com", 1)), "loop"),
    ],
)
def test_what_wrote_a_message_is_told(raw: bytes, nature: str):
    """Persons, lists, machines, absences, bounces and loops are told apart."""
    assert threads.Gate(TAGS, ["sales@example.com"], "callfloor.example").nature(parse(raw), 0) == nature


def test_too_many_of_one_address_are_a_loop_and_others_are_not():
    """The limit is of an hour and of one sender."""
    gate = threads.Gate(TAGS, [], "x", hourly_most=3)
    other = Message(size=1, sender=Address("other@example.org"))
    natures = [gate.nature(parse(mail()), at) for at in (0, 1, 2, 3, threads.HOUR_MS + 1)]
    assert natures == ["person", "person", "person", "loop", "person"]
    assert gate.nature(other, 3) == "person"


def test_counting_takes_no_more_memory_for_more_senders():
    """Of a flood of names the least recent are forgotten."""
    pace = threads.Pace(1, names=100)
    assert all(pace.allows(f"{number}", 0) for number in range(10_000))
    assert len(pace._seen) == 100
    assert not pace.allows("9999", 1)
    assert pace.allows("0", 1)
