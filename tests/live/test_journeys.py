"""Two journeys through all media, as a customer makes them, with programs at the ends that others wrote.

Mails go out through a Postfix and are read where they end, by IMAP in the mailboxes of a Dovecot; texts go to a message
centre by node-smpp.

1. A patient calls to book a visit. While he talks he gets a mail with instructions, and a text two hours before.
2. A visitor fills in a form on a web page. The centre calls him; they agree on a meeting, which he and
   the salesperson get into their calendars, and both get a text an hour before.
"""

import asyncio
import email
import email.policy

import pytest
import pytest_asyncio
from icalendar import Calendar

from acd.core.events import CodeAsked, LegAnswered
from acd.desk.web.tokens import TokenFile
from acd.store import people
from acd.store.handles import Named
from ivr.asterisk import free_port
from tests.channels import dovecot, node_smsc, postfix
from tests.channels.mail_house import until
from tests.desk.web_house import Listener, Program
from tests.live.provider import open_with_customer
from tests.live.test_callbacks_live import MORE, at_home

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

HOUR_MS = 3_600_000
PATIENT, ADDRESS = "+48601602603", "patient@example.org"
OLA, PIOTR = "ola@example.org", "piotr@acme.example"
JOURNEYS = """
[web]
listen = 127.0.0.1:{web}
[codes]
1 = visit booked
2 = meeting agreed
[office]
type = mailbox
address = office@acme.example
queue = sales
smtp = 127.0.0.1:{smtp}
smtp_tls = no
lmtp = 127.0.0.1:{lmtp}
[operator]
type = smsc
host = 127.0.0.1:{smsc}
user = acme
number = +4930888 sales
[visit]
type = appointment
title = Visit at the practice
queue = sales
place = Main Street 1
tell = customer by email preparation
tell = customer by sms reminder 2h before
[meeting]
type = appointment
title = Meeting
queue = sales
invite = customer, host
tell = customer by sms soon 1h before
tell = host by sms soon 1h before
"""
WORDS = {
    "mail/preparation.en.txt": "Subject: Your ${appointment}\n\nDear ${customer}, come sober.\n",
    "sms/reminder.en.txt": "${appointment} at ${time}, ${place}.\n",
    "sms/soon.en.txt": "${appointment} at ${time}: ${customer} and ${host}.\n",
}


class Ends:
    """What is at the other ends, and the programs that ask."""

    def __init__(self, floor, boxes, centre, port):
        self.floor, self.boxes, self.centre = floor, boxes, centre
        listener = Listener(port)
        tokens = TokenFile(floor.server.home)
        self.agent = Program(listener, tokens.add("desk", ("customers",), "", 0))
        self.form = Program(listener, tokens.add("form", ("promises",), "", 0))
        self.store = floor.server.customers.store

    def now(self):
        return self.floor.server.dispatcher.clock()

    async def mails_to(self, address):
        """The mails in somebody's mailbox, as his own program reads them, parsed."""
        user = address.partition("@")[0]
        if not self.boxes.mails(user):  # to log in again and again keeps a mail server busy
            return []
        found = await asyncio.to_thread(self.boxes.fetched, user)
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in found]

    def texts_to(self, number):
        """The texts that the centre was given for somebody."""
        return self.centre.texts_to(number)

    async def customer(self, words):
        """The only one whom these words find."""
        [found] = (await self.agent.ask("GET", "/customers", params={"q": words})).json()
        return found

    async def timeline(self, person):
        """His contacts, as (medium, direction, outcome, code), oldest first; and their cases."""
        told = (await self.agent.ask("GET", f"/customers/{person}/timeline")).json()
        rows = sorted(told["contacts"], key=lambda one: one["started_at"])
        contacts = [(one["medium"], one["direction"], one["outcome"], one["code"]) for one in rows]
        return contacts, told["notes"], {one["case_id"] for one in rows}

    async def books(self, program, **booking):
        """Book an appointment."""
        answer = await program.ask("POST", "/appointments", json=booking)
        assert answer.status_code == 201, answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others(tmp_path_factory):
    """Give the customers' mailboxes, the mail server that puts mails there, its port for ours, the message centre."""
    lmtp = free_port("127.0.0.1")
    try:
        modules = node_smsc.modules(tmp_path_factory.mktemp("node"))
        with (
            dovecot.running() as boxes,
            postfix.running(lmtp, boxes=boxes.boxes, named=(ADDRESS, OLA, PIOTR)) as (smtp, _),
        ):
            async with node_smsc.running(modules) as centre:
                yield boxes, smtp, lmtp, centre
    except (dovecot.MissingError, postfix.MissingError, node_smsc.MissingError) as reason:
        pytest.skip(str(reason))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends(others, make_instance, tmp_path_factory, prompt_cache):
    """Give a floor with a web desk, all who are at the other ends, and a provider with a customer's telephone."""
    boxes, smtp, lmtp, centre = others
    web = free_port("127.0.0.1")
    more = JOURNEYS.format(web=web, smtp=smtp, lmtp=lmtp, smsc=centre.port)
    acd = MORE + more.replace("{", "{{").replace("}", "}}")
    async with open_with_customer(make_instance, tmp_path_factory, prompt_cache, acd) as floor:
        for name, words in WORDS.items():
            path = floor.server.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(words)
        floor.server.written.use(floor.server.folder)
        await asyncio.wait_for(floor.server.web.is_open.wait(), 20)
        await until(lambda: floor.server.written.is_ready)
        yield Ends(floor, boxes, centre, web)


@pytest_asyncio.fixture(loop_scope="module")
async def floor(ends):
    """Give the floor with nobody on it; leave it so."""
    ends.floor.begin()
    yield ends.floor
    await ends.floor.clear()


async def test_a_patient_books_a_visit(ends, floor):
    """The mail is there while he talks, the text two hours before; all of it is one case of his."""
    jan = await ends.store.write(people.find_or_make, Named("number", PATIENT), ends.now(), name="Jan Kowalski")
    await ends.store.write(people.give, jan, Named("email", ADDRESS), ends.now())
    await floor.agent("101", answer_after_ms=0)
    call = await floor.trunk.dial("5550102", caller_id=PATIENT)
    leg = await floor.rings("101")
    await floor.talk(call, leg)
    found = await ends.customer(PATIENT)
    assert found["id"] == jan
    begins = ends.now() + 2 * HOUR_MS + 10_000
    await ends.books(ends.agent, kind="visit", customer=jan, starts_at=begins)
    [mail] = await until(lambda: ends.mails_to(ADDRESS))
    assert call.state == "confirmed"
    assert (mail["Subject"], mail.get_content().strip()) == (
        "Your Visit at the practice",
        "Dear Jan Kowalski, come sober.",
    )
    assert ends.texts_to(PATIENT) == []
    await call.hang_up()
    await until(lambda: ends.texts_to(PATIENT))
    assert begins - 2 * HOUR_MS <= ends.now() < begins - 2 * HOUR_MS + 10_000
    [text] = ends.texts_to(PATIENT)
    assert text.startswith("Visit at the practice at ")
    assert text.endswith(", Main Street 1.")

    async def is_told():
        contacts, _, cases = await ends.timeline(jan)
        return (
            sorted(contacts)
            == [
                ("email", "out", "automatic", ""),
                ("sms", "out", "automatic", ""),
                ("voice", "in", "answered", ""),
            ]
            and len(cases) == 1
        )

    await until(is_told)


async def test_a_form_leads_to_a_meeting(ends, floor):
    """Called back, agreed, invited, reminded: each once, to both, in one case."""
    own, host = "+49" + at_home(5)[1:], "+48600000001"
    await floor.agent("101", answer_after_ms=0)
    await ends.floor.customer.on_call(answer_after_ms=200)
    asked = {"number": own, "queue": "sales", "name": "Ola Nowak", "email": OLA, "text": "Show me"}
    assert (await ends.form.ask("POST", "/callbacks", json=asked)).status_code == 201
    leg = await floor.rings("101")
    await floor.sees(LegAnswered)
    at_home_end = next(call for call in ends.floor.customer.calls if call.state == "confirmed")
    await floor.talk(at_home_end, leg)
    assert await floor.server.desk.code("101", "meeting agreed") == "ok"
    await floor.sees(CodeAsked)
    found = await ends.customer(OLA)
    assert found["name"] == "Ola Nowak"
    begins = ends.now() + HOUR_MS + 5_000
    await ends.books(
        ends.form,
        kind="meeting",
        customer=found["id"],
        starts_at=begins,
        host="Piotr",
        host_address=PIOTR,
        host_number=host,
    )
    invited = [await until(lambda to=to: ends.mails_to(to)) for to in (OLA, PIOTR)]
    await leg.hang_up()
    events = []
    for [mail] in invited:
        [part] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
        assert part["Content-Type"].params["method"] == "REQUEST"
        events += Calendar.from_ical(part.get_content()).walk("VEVENT")
    assert events[0]["UID"] == events[1]["UID"]
    assert int(events[0]["DTSTART"].dt.timestamp()) == begins // 1000
    assert {str(one) for one in events[0]["ATTENDEE"]} == {"mailto:ola@example.org", "mailto:piotr@acme.example"}
    await until(lambda: ends.texts_to(own) and ends.texts_to(host))
    assert ends.now() >= begins - HOUR_MS
    assert ends.texts_to(own) == ends.texts_to(host)
    assert ends.texts_to(own)[0].endswith(": Ola Nowak and Piotr.")

    async def is_told():
        contacts, notes, cases = await ends.timeline(found["id"])
        assert [one["text"] for one in notes] == ["Show me"]
        return (
            sorted(contacts)
            == [
                ("callback", "out", "answered", "meeting agreed"),
                ("email", "out", "automatic", ""),
                ("sms", "out", "automatic", ""),
            ]
            and len(cases) == 1
        )

    await until(is_told)
