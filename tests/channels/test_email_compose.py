"""What is sent: that it is read as it was meant, by us and by Python, and what a site's templates may say."""

import email
import email.policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from acd.channels.email import compose, invitation, templates
from acd.channels.email.message import Address, Attachment, Message
from acd.channels.email.parse import parse
from acd.channels.email.tags import Tags
from acd.channels.email.text import line, lines
from acd.problems import Problems
from tests.channels.mails import mail

TAGS = Tags([b"a secret of sixteen bytes"])
HEAD = compose.Letterhead(mailbox=Address("sales@example.com", "Sprzedaż, Acme"), tags=TAGS, loop="callfloor.example")
AT = 1_796_029_200_000
ASKED = mail(
    "Return-Path: <jan@example.org>\nReferences: <m0@example.org>\nDate: Mon, 30 Nov 2026 10:00:00 +0100\n",
    "Where is my order?\n> old words\n",
    Subject="Re: AW: =?utf-8?q?zam=C3=B3wienie?=",
)


def test_an_answer_has_the_heads_of_one():
    """It goes to who asked, in his thread, from us, and back to a tagged address; it does not say it is automatic."""
    sent = compose.reply(HEAD, parse(ASKED), 417, "It is on its way.", AT, signature="Anna\nAcme")
    read = email.message_from_bytes(sent.raw, policy=email.policy.default)
    assert read["To"] == "Jan <jan@example.org>"
    assert read["From"].addresses[0].display_name == "Sprzedaż, Acme"
    assert read["Subject"] == "Re: zamówienie"
    assert read["In-Reply-To"] == "<m1@example.org>"
    assert read["References"] == "<m0@example.org> <m1@example.org>"
    assert TAGS.case_of_address(read["Reply-To"].addresses[0].addr_spec) == 417
    assert TAGS.case_of_id(read["Message-ID"]) == 417 == TAGS.case_of_address(sent.envelope_from)
    assert read["Auto-Submitted"] is None
    assert (sent.recipients, sent.needs_smtputf8) == (("jan@example.org",), False)


@pytest.mark.parametrize("language", sorted(compose._WROTE))
def test_an_answer_that_comes_back_is_folded(language: str):
    """In every language what is quoted and the signature are known again, and only new words are quoted."""
    sent = compose.reply(HEAD, parse(ASKED), 1, "Dear Jan,\n\nsoon.", AT, signature="Anna", language=language)
    back = parse(sent.raw)
    assert back.new_text == "Dear Jan,\n\nsoon."
    assert [one.kind for one in back.passages] == ["new", "signature", "quoted"]
    assert "> Where is my order?" in back.text
    assert "old words" not in back.text


_LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Mn"]), max_size=1_500)


@given(
    st.lists(_LINES.filter(lambda one: not one.startswith(">") and one.strip() != "--"), min_size=1, max_size=8),
    st.text(max_size=80),
    st.binary(max_size=300),
)
@settings(max_examples=150)
def test_what_is_written_is_read(body, subject, content):
    """Text, subject, addresses and files of what we send are read as they were written, and lines have their length."""
    text = "\n".join(body)
    to = (Address("jan@example.org", "Jan Ż."),)
    file = Attachment("żółw a.bin", "application/octet-stream", "", len(content), content)
    sent = compose.send(HEAD, compose.Draft(to=to, subject=subject, body=text, attachments=(file,)), 7, AT)
    read = parse(sent.raw)
    assert read.text.split() == lines(text).split()
    assert read.subject.split() == line(subject, compose.SUBJECT_MOST).replace("=?", "= ?").split()
    assert read.to == to
    assert [(one.name, one.content) for one in read.attachments] == [(file.name, content)]
    assert read.date_ms == AT
    assert max(map(len, sent.raw.split(b"\r\n"))) <= 998


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=500), st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=200)
def test_no_text_raises_or_adds_a_header(name, subject, body, ids):
    """Whatever a stranger is called and says, an answer to him can be made, and has one of each header."""
    message = Message(
        size=1,
        sender=Address("jan@example.org", name),
        subject=subject,
        message_id="<a@b>",
        references=tuple(f"<{one.encode().hex()}@x>" for one in ids),
        passages=(),
    )
    sent = compose.reply(HEAD, message, 1, body, AT)
    head = email.message_from_bytes(sent.raw).keys()
    assert len(head) == len({*head})
    assert {*head} <= {
        *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Content-Type"),
        *("Content-Transfer-Encoding", "MIME-Version"),
    }


def test_message_ids_are_never_encoded():
    """Long ones, of which Python would make encoded words, stand in References as they are."""
    long = f"<{'x' * 200}@example.org>"
    message = Message(size=1, sender=Address("a@b.example"), message_id=long, references=("<first@x>", *(long,) * 3))
    raw = compose.reply(HEAD, message, 1, "x", AT).raw
    assert f"In-Reply-To: {long}\r\n".encode() in raw
    assert parse(raw).references == ("<first@x>", long)


def test_a_thread_that_grew_long_keeps_its_first_and_its_last():
    """References is cut in the middle."""
    ids = tuple(f"<{number}@x>" for number in range(500))
    message = Message(size=1, sender=Address("a@b.example"), message_id="<last@x>", references=ids)
    kept = parse(compose.reply(HEAD, message, 1, "x", AT).raw).references
    assert (kept[0], kept[-1], len(kept)) == ("<0@x>", "<last@x>", compose.REFERENCES_MOST + 2)


def test_an_acknowledgement_is_marked_and_has_the_null_sender():
    """RFC 3834: to the envelope's sender, auto-replied, from nobody, and it is itself never acknowledged."""
    sent = compose.acknowledgement(HEAD, parse(ASKED), 417, ("We have it", "Dear Jan"), AT)
    read = parse(sent.raw)
    assert (sent.envelope_from, sent.recipients) == ("", ("jan@example.org",))
    assert "auto-replied" in read.marks
    assert read.loops == ("callfloor.example",)
    assert read.in_reply_to == ("<m1@example.org>",)
    assert compose.reason_against(read, "person")
    with pytest.raises(ValueError, match="envelope"):
        compose.acknowledgement(HEAD, parse(mail(Return_Path="<>")), 1, ("", "x"), AT)


def test_an_acknowledgement_goes_where_the_envelope_says():
    """From may be anybody's: what stands there gets nothing."""
    asked = parse(mail(From="victim@example.net", Return_Path="<real@example.org>"))
    assert compose.acknowledgement(HEAD, asked, 1, ("", "x"), AT).recipients == ("real@example.org",)


@pytest.mark.parametrize(
    ("address", "recipient", "needs"),
    [
        ("jań@example.org", "jań@example.org", True),
        ("jan@żółw.example", "jan@xn--w-uga1v8h.example", False),
        ("jań@żółw.example", "jań@xn--w-uga1v8h.example", True),
    ],
)
def test_addresses_beyond_ascii_are_written_to(address: str, recipient: str, needs: bool):
    """A domain goes in ASCII; a mailbox that is not needs servers that know SMTPUTF8, and is written raw."""
    sent = compose.send(HEAD, compose.Draft(to=(Address(address, "J"),), subject="x", body="y"), 1, AT)
    assert (sent.recipients, sent.needs_smtputf8) == ((recipient,), needs)
    assert parse(sent.raw).to[0].address == recipient


def test_nobody_to_write_to_is_said():
    """An answer to who gave no usable address is refused, not sent to somebody else."""
    with pytest.raises(ValueError, match="nobody"):
        compose.reply(HEAD, Message(size=1, sender=Address("", "jan at example")), 1, "x", AT)


MEETING = invitation.Meeting(
    uid="meeting-1@example.com",
    starts_at=AT,
    length_ms=3_600_000,
    summary="Visit; bring, papers\r\nEVIL:1",
    organizer=Address("sales@example.com", "Sprzedaż"),
    attendees=(Address("jan@example.org", 'Jan "K";:,\r\nX:1'), Address("ben@example.com", "Ben")),
    description="long " * 100,
    reminder_ms=3_600_000,
)


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_an_invitation_is_read_as_it_was_meant(method: invitation.Method):
    """Calendar programs find times, people and method; nothing in a name begins a line of its own."""
    sent = compose.notice(
        HEAD,
        compose.Draft(
            to=MEETING.attendees,
            subject="Visit",
            body="See there.",
            invitation=invitation.calendar(MEETING, method, AT),
        ),
        1,
        AT,
    )
    part = next(one for one in email.message_from_bytes(sent.raw).walk() if one.get_content_type() == "text/calendar")
    assert part.get_param("method") == method
    calendar = Calendar.from_ical(part.get_payload(decode=True))
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == method
    assert (event["dtstart"].dt.timestamp(), event["dtend"].dt.timestamp()) == (AT / 1000, AT / 1000 + 3600)
    assert event["summary"] == "Visit; bring, papers EVIL:1"
    assert [str(one) for one in event["attendee"]] == ["mailto:jan@example.org", "mailto:ben@example.com"]
    assert str(event["organizer"]) == "mailto:sales@example.com"
    assert len(calendar.walk("VALARM")) == (method == "REQUEST")
    assert "EVIL" not in event
    assert [one.type for one in parse(sent.raw).attachments] == ["text/calendar"]
    assert all(len(one) <= 75 for one in part.get_payload(decode=True).split(b"\r\n"))


def test_a_meeting_of_nobody_is_refused():
    """There is no invitation without people who have addresses."""
    with pytest.raises(ValueError, match="somebody"):
        invitation.calendar(invitation.Meeting(**{**_fields(MEETING), "attendees": (Address("", "x"),)}), "REQUEST", AT)


def _fields(struct: invitation.Meeting) -> dict[str, object]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def load(folder: Path, **files: str) -> tuple[templates.Templates, list[str]]:
    for name, text in files.items():
        path = folder / "mail" / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    problems = Problems()
    found = templates.load(folder, ["sales", "care"], ["en", "pl"], problems)
    return templates.Templates(found, "en"), [str(one) for one in problems]


def test_a_template_is_found_by_queue_and_language(tmp_path):
    """The queue's own goes before the general one, the customer's language before the site's."""
    made, problems = load(
        tmp_path,
        acknowledgement_en_txt="general",
        acknowledgement_pl_txt="ogólny",
        sales__acknowledgement_en_txt="of sales",
        hours_en_txt="We are open.",
    )
    assert problems == []

    def said(queue: str, language: str) -> str:
        template = made.find("acknowledgement", queue, language)
        assert template is not None
        return template.body.strip()

    assert [said("sales", "en"), said("care", "en"), said("sales", "pl"), said("care", "de")] == [
        *("of sales", "general", "ogólny", "general"),
    ]
    assert made.find("signature", "sales", "en") is None
    assert made.names("sales") == ["hours"]


def test_a_template_is_filled_and_what_fills_it_is_left_alone(tmp_path):
    """Values are one harmless line, are not filled again, and break no subject; comments are not sent."""
    made, problems = load(
        tmp_path,
        hours_en_txt="; for all\nSubject: To ${customer}\n\n; stays\nDear ${customer}, \\${case} ${case}\n",
    )
    assert problems == []
    template = made.find("hours", "sales", "en")
    assert template is not None
    assert template.filled({"customer": "x\r\nBcc: y ${case}", "case": "7"}) == (
        "To x Bcc: y ${case}",
        "; stays\nDear x Bcc: y ${case}, ${case} 7\n",
    )


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        (
            "hours_en_txt",
            "a\n${custmer}",
            "mail/hours.en.txt:2: unknown variable '${custmer}'; did you mean 'customer'?",
        ),
        ("hours_en_txt", "Subject: ${x.__class__}\n\nb", "mail/hours.en.txt:1: unknown variable"),
        ("hours_en_txt", "a ${case", "mail/hours.en.txt:1: this '${' is never closed"),
        ("hours_en_txt", "Subject: a\nb", "mail/hours.en.txt:2: an empty line must follow"),
        ("hours_en_txt", "; nothing\n", "mail/hours.en.txt: it says nothing"),
        ("hours_en_html", "x", "mail/hours.en.html: this is no name of a template"),
        ("sale__hours_en_txt", "x", "mail/sale/hours.en.txt: there is no queue 'sale'; did you mean 'sales'?"),
        ("hours_de_txt", "x", "warning: no caller is spoken to in 'de'"),
    ],
)
def test_a_mistake_in_a_template_is_named_with_its_line(tmp_path, file, text, problem):
    """Unknown variables, open ones, wrong names and queues: file, line, and what was meant."""
    _, problems = load(tmp_path, **{file: text})
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_template_that_is_no_text_is_named(tmp_path):
    """Bytes that are not UTF-8 are said, not sent."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "a.en.txt").write_bytes(b"\xff")
    assert "UTF-8" in load(tmp_path)[1][0]


@given(st.text(max_size=300))
def test_any_template_can_be_filled(body):
    """No text raises, and no variable is left in it that is known."""
    filled = templates.Template("a", "en", "", body, body).filled({"case": "7"})
    assert "${case}" not in filled[1].replace("\\${", "") or "\\${" in body


def test_the_manual_names_what_a_template_can_say():
    """The table of variables in the site's README is that of the program."""
    manual = (Path(__file__).parents[2] / "asterisk-config/README.md").read_text()
    table = [f"| `${{{name}}}` | {meaning} |" for name, meaning in templates.VARIABLES.items()]
    assert "\n".join(table) in manual
