"""*21, *22 and *8 on the handset: who waits next, who takes a call for himself, and who picks one up."""

import pytest

from acd.core.rules import QueueRule, SeatRule
from acd.desk.agents import NextCall
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings
from ivr import phrases, phrases_desk
from ivr.flow import Caller, Menu, Play, Say, performing
from ivr.handset import Handset


def site_of(*queues, supervisor=True, language="en"):
    seat = SeatSettings(
        rule=SeatRule(name="104"),
        agent="Dawid",
        pin="4711",
        handset="PJSIP/104",
        language=language,
        supervisor=supervisor,
    )
    return Site(
        general=GeneralSettings(),
        switch=SwitchSettings(fallback=""),
        queues={name: QueueRule(name=name) for name in queues},
        seats={"104": seat},
    )


class Desk:
    """Answers what it is told to, and is both what is asked and what is looked at."""

    def __init__(self, *, answer="ok", count=0, call=None, look="ready"):
        self.answer, self.count, self.call, self.shown = answer, count, call, look
        self.pulled = []

    def look(self, seat):
        return self.shown

    def at_phone(self, phone):
        return phone if self.shown != "logged-out" else ""

    def waiting(self, seat):
        return self.count, 0

    def next_call(self, seat):
        return self.call

    async def pull(self, seat, queue):
        self.pulled.append((seat, queue))
        return self.answer

    async def pick_up(self, seat, of):
        self.pulled.append((seat, of))
        return self.answer


class Telephone:
    """Notes what is heard, and presses one key."""

    def __init__(self, key=None):
        self.key, self.heard = key, []

    async def perform(self, step):
        match step:
            case Play(prompt=said) | Say(text=said):
                self.heard.append(said)
            case Menu():
                self.heard += step.prompts
                assert self.key in {None, *step.choices}
                return self.key
        return None


async def dial(action, desk, key=None, *, extension="", **site):
    phone = Telephone(key)
    with performing(phone):
        known = site_of(*site.pop("queues", ("sales", "support")), **site)
        await Handset(desk, desk, lambda: known).flows()[f"handset/{action}"](
            Caller(channel="PJSIP/104-1", headers={"extension": extension})
        )
    return phone.heard


async def test_the_next_call_is_told():
    """How many wait; queue, wait, and the number sign by sign."""
    call = NextCall(queue="sales", medium="voice", waited_ms=75_000, number="+4850")
    assert await dial("next-call", Desk(count=3, call=call)) == [
        "3 calls are waiting.",
        "Next: queue sales.",
        "It has waited for 1 minute 10 seconds.",
        "Its number:",
        "plus.",
        "four.",
        "eight.",
        "five.",
        "zero.",
    ]


async def test_who_it_is_is_told_before_the_number():
    """Where that is known; of which call, and in the seat's language."""
    phone, call = Telephone(), NextCall(call="1.7", queue="sales", medium="voice", waited_ms=0, number="4")

    async def introduce(call, language):
        phone.heard.append((call, language))

    desk = Desk(count=1, call=call)
    with performing(phone):
        flows = Handset(desk, desk, lambda: site_of("sales", language="pl"), introduce=introduce).flows()
        await flows["handset/next-call"](Caller(channel="PJSIP/104-1", headers={}))
    assert phone.heard[2:] == ["Czeka 0 sekund.", ("1.7", "pl"), "Numer:", "cztery."]


async def test_what_it_is_is_told_where_it_is_no_call():
    """A medium other than voice is named; a number that is not known is told as such, where one would be known."""
    call = NextCall(queue="mail", medium="voicemail", waited_ms=0, number="")
    heard = await dial("next-call", Desk(count=1, call=call), language="pl")
    told = ["jedna rozmowa czeka.", "Następna: kolejka mail, voicemail.", "Czeka 0 sekund."]
    assert heard == [*told, "Numer nieznany."]
    call = NextCall(queue="mail", medium="email", waited_ms=0, number="")
    heard = await dial("next-call", Desk(count=1, call=call), language="pl")
    assert heard == ["jedna rozmowa czeka.", "Następna: kolejka mail, email.", "Czeka 0 sekund."]


@pytest.mark.parametrize(
    ("count", "heard"),
    [(0, "handset-none-waiting"), (2, "2 calls are waiting. None of them is for you.")],
)
async def test_none_is_next(count, heard):
    """Nobody waits, or nobody whom this agent may serve."""
    assert await dial("next-call", Desk(count=count)) == [heard]


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_every_sign_of_a_number_can_be_said(language):
    """Ten digits and the plus, each in words of its own."""
    assert len({phrases_desk.digit(sign, language) for sign in "+0123456789"}) == 11


@pytest.mark.parametrize(("key", "queue"), [("0", ""), ("1", "sales"), ("2", "support")])
async def test_a_supervisor_pulls(key, queue):
    """Of all his queues, or of one; he is told to put the phone down."""
    desk = Desk()
    heard = await dial("pull", desk, key)
    assert heard[0] == "From which queue? For all of yours, press 0. For sales, press 1. For support, press 2."
    assert heard[1:] == ["handset-pulled"]
    assert desk.pulled == [("104", queue)]


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ("nobody-waits", "handset-none-waiting"),
        ("unable", "handset-unable"),
        ("already", "handset-pulled"),
        ("not-logged-in", "handset-not-logged-in"),
        ("unknown-seat", "handset-no-seat"),
    ],
)
async def test_what_became_of_it_is_said(answer, heard):
    """Nobody waits, he takes no calls, one comes already; with one queue nothing is asked."""
    assert await dial("pull", Desk(answer=answer), queues=("sales",)) == [heard]


async def test_no_choice_and_no_supervisor_pull_nothing():
    """Nor does somebody who is logged out."""
    desk = Desk()
    assert (await dial("pull", desk))[-1] == "handset-unchanged"
    assert await dial("pull", desk, supervisor=False) == ["handset-no-supervisor"]
    assert await dial("pull", Desk(look="logged-out")) == ["handset-not-logged-in"]
    assert desk.pulled == []


@pytest.mark.parametrize(("extension", "of"), [("*8104", "104"), ("*8999", ""), ("*8", "")])
async def test_what_rings_at_a_seat_is_picked_up(extension, of):
    """The seat is what was dialled behind the code, if there is such a seat; he is told to put the phone down."""
    desk = Desk()
    assert await dial("pick-up", desk, extension=extension) == ["handset-pulled"]
    assert desk.pulled == [("104", of)]


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ("nobody-rings", "handset-not-ringing"),
        ("not-served", "handset-not-served"),
        ("unable", "handset-unable"),
        ("already", "handset-pulled"),
        ("not-logged-in", "handset-not-logged-in"),
    ],
)
async def test_why_nothing_is_picked_up_is_said(answer, heard):
    """Nothing rings there, he does not serve that queue, takes no calls, has one coming already, is logged out."""
    assert await dial("pick-up", Desk(answer=answer), extension="*8104") == [heard]
