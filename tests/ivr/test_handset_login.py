"""*11 at any phone of the site."""

import pytest

from acd.core.rules import SeatRule
from acd.settings import GeneralSettings, PhoneSettings, SeatSettings, Site, SwitchSettings
from ivr.flow import Caller, Collect, Play, Say, SetLanguage, performing
from ivr.handset import Handset


def seat(name, language="en"):
    return SeatSettings(
        rule=SeatRule(name=name), agent=f"Agent {name}", pin="4711", handset=f"PJSIP/{name}", language=language
    )


LOBBY = PhoneSettings(handset="PJSIP/lobby", language="en", location="Ground floor", emergency_id="110")

SITE = Site(
    general=GeneralSettings(),
    switch=SwitchSettings(fallback=""),
    seats={"101": seat("101"), "104": seat("104", "pl")},
    phones={"lobby": LOBBY},
)


class Desk:
    """Knows who is where, and answers what it is told to."""

    def __init__(self, *answers, at=None):
        self.answers, self.at, self.asked = list(answers), at or {}, []

    def look(self, seat):
        return "ready" if seat in self.at.values() else "logged-out"

    def at_phone(self, phone):
        return self.at.get(phone, "")

    def pause_reason(self, seat):
        return ""

    async def log_in(self, seat, pin, phone=""):
        self.asked.append((seat, pin, phone))
        answer = self.answers.pop(0)
        if answer == "ok":
            self.at[phone or seat] = seat
        return answer

    async def log_out(self, seat):
        self.asked.append(("log-out", seat))
        return "ok"


class Telephone:
    """Keys in what it was told to, and notes what is heard."""

    def __init__(self, *entries):
        self.entries, self.heard, self.language = list(entries), [], ""

    async def perform(self, step):
        match step:
            case Play(prompt=said) | Say(text=said):
                self.heard.append(said)
            case SetLanguage(language):
                self.language = language
            case Collect():
                self.heard += step.prompts
                return self.entries.pop(0)
        return None


async def dial(action, desk, phone, *entries):
    telephone = Telephone(*entries)
    with performing(telephone):
        await Handset(desk, desk, lambda: SITE).flows()[f"handset/{action}"](Caller(channel=f"PJSIP/{phone}-1"))
    assert telephone.entries == []
    return telephone


async def test_at_a_phone_of_nobody_the_seat_is_asked_for():
    """Its number, its PIN; from then on it is his language, and his seat that the codes are for."""
    desk = Desk("ok")
    telephone = await dial("log-in", desk, "lobby", "104", "4711")
    assert desk.asked == [("104", "4711", "lobby")]
    assert telephone.heard == ["handset-seat-number", "handset-pin", "Zalogowano: Agent 104.", "handset-ready"]
    assert telephone.language == "pl"
    await dial("log-out", desk, "lobby")
    assert desk.asked[-1] == ("log-out", "104")


@pytest.mark.parametrize("keys", [["*104", "4711"], ["*", "104", "4711"]])
async def test_at_a_colleagues_phone_a_star_comes_first(keys):
    """With the number, or before it is asked for."""
    desk = Desk("ok")
    await dial("log-in", desk, "101", *keys)
    assert desk.asked == [("104", "4711", "101")]


async def test_ones_own_number_is_ones_own_phone():
    """A star and the seat of that very phone is no other phone."""
    desk = Desk("ok")
    await dial("log-in", desk, "101", "*101", "4711")
    assert desk.asked == [("101", "4711", "")]


async def test_an_unknown_seat_sounds_like_a_wrong_pin():
    """The PIN is asked for all the same, and the words are the same."""
    desk = Desk("wrong-pin", "wrong-pin", "wrong-pin")
    telephone = await dial("log-in", desk, "lobby", "999", "1", "2", "3")
    assert telephone.heard[2::2] == ["handset-wrong-pin"] * 3
    assert [asked[0] for asked in desk.asked] == ["999"] * 3


async def test_no_number_and_no_pin_change_nothing():
    """Nobody is asked."""
    desk = Desk()
    assert (await dial("log-in", desk, "lobby", None)).heard[-1] == "handset-unchanged"
    assert (await dial("log-in", desk, "101", "*", None)).heard[-1] == "handset-unchanged"
    assert (await dial("log-in", desk, "101", "*104", None)).heard[-1] == "handset-unchanged"
    assert desk.asked == []


async def test_a_taken_phone():
    """Who is logged in at his own hears that; anybody else that somebody is there, at once or after his PIN."""
    assert (await dial("log-in", Desk(at={"101": "101"}), "101")).heard == ["handset-already-logged-in"]
    assert (await dial("log-in", Desk(at={"101": "104"}), "101")).heard == ["handset-taken"]
    assert (await dial("log-in", Desk(at={"lobby": "104"}), "lobby")).heard == ["handset-taken"]
    assert (await dial("log-in", Desk("taken"), "lobby", "104", "4711")).heard[-1] == "handset-taken"


async def test_a_phone_whose_agent_sits_elsewhere_is_nobodys():
    """Codes dialled there are not for him; his log-in there takes him home."""
    desk = Desk("ok", at={"lobby": "101"})
    for action in ("log-out", "ready", "my-state", "code"):
        assert (await dial(action, desk, "101")).heard == ["handset-not-logged-in"]
    assert desk.asked == []
    await dial("log-in", desk, "101", "4711")
    assert desk.asked == [("101", "4711", "")]


async def test_a_phone_of_nobody_can_do_nothing_before():
    """Every other code hears that log-in comes first."""
    assert (await dial("ready", Desk(), "lobby")).heard == ["handset-not-logged-in"]


@pytest.mark.parametrize(
    ("phone", "at", "name", "location"),
    [
        ("101", {}, "101", None),
        ("101", {"101": "101"}, "101", None),
        ("101", {"101": "104"}, "104", None),
        ("101", {"lobby": "101"}, "", None),
        ("lobby", {}, "", "Ground floor"),
        ("lobby", {"lobby": "104"}, "104", "Ground floor"),
    ],
)
def test_whose_call_out_it_is_and_where_help_is_to_come(phone, at, name, location):
    """The seat at that phone, if there is one; the place of the phone, whosever the seat."""
    desk = Desk(at=at)
    seat = Handset(desk, desk, lambda: SITE).seat_of(f"PJSIP/{phone}-1")
    assert (seat.rule.name, seat.location) == (name, location)
    assert Handset(desk, desk, lambda: SITE).seat_of("PJSIP/999-1") is None
