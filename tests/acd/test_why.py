"""Why a call went where it went: told from the journal alone, in a supervisor's words."""

import msgspec
import pytest

from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, QueueRule, SeatRule, Step
from acd.history import Tape
from acd.why.search import NotFoundError, find
from acd.why.story import Story, follow
from acd.why.waiting import Waiting, call_named, waiting
from acd.why.waiting_words import waiting_lines
from acd.why.words import Names, story_lines, why_not_lines
from tests.core.house import House

AGENTS = {"101": "Anna Nowak", "102": "Ben Carter", "103": "Chloe Martin", "104": "Dawid Lis"}
NAMES = Names(AGENTS)
FRENCH = ((("french", 3),),)
SEATS = dict.fromkeys(AGENTS, ("sales", "support"))


class Taped(House):
    """A house with a journal."""

    def __init__(self, *, skills=None, strategy="longest-idle", tiers=None, **rule):
        self.tape = Tape()
        super().__init__(seats=SEATS)
        decide = self.core.decide

        def noted(event):
            commands = decide(event)
            self.tape.note(event, commands)
            return commands

        self.core = type(self.core)()
        decide = self.core.decide
        self.core.decide = noted
        self.give(ev.Started(run="t"))
        self.give(
            ev.Configured(
                queues=(QueueRule(name="sales", strategy=strategy, **rule), QueueRule(name="support")),
                seats=tuple(
                    SeatRule(
                        name=name,
                        queues=SEATS[name],
                        skills=(skills or {}).get(name, ()),
                        tiers=(tiers or {}).get(name, ()),
                        order=place,
                    )
                    for place, name in enumerate(SEATS, 1)
                ),
            )
        )
        self.look()

    def story(self, name):
        return follow(self.tape, *find(self.tape, name, self.now))

    def why(self, name):
        return "\n".join(story_lines(self.story(name), NAMES))

    def why_not(self, name, seat):
        return "\n".join(why_not_lines(self.story(name), seat, NAMES))

    def waits(self, name):
        call = call_named(self.state, name)
        return waiting(self.state, call, self.now, live=True)


def french_house():
    """Ben and Dawid speak French, Ben is idle longer; Chloe speaks none; Anna is not there."""
    house = Taped(skills={"102": (("french", 5),), "104": (("french", 3),)}, steps=(), wrap_up_ms=0)
    house.log_in("102")
    house.pass_time(90_000)
    house.log_in("104", "103")
    house.pass_time(39_000)
    house.arrive("a", "sales", caller="5550203", needs=FRENCH)
    return house


def test_who_was_chosen_and_who_was_passed_over():
    """The chosen, the order that chose him, the runner-up, and the rule that kept out each of the others."""
    text = french_house().why("5550203")
    assert "offered to Ben Carter (102), which rings" in text
    assert (
        "Ben Carter (102) and Dawid Lis (104) were free; longest idle goes first: Ben idle 2 min 11 s, Dawid idle 40 s"
        in text
    )
    assert "Chloe Martin (103) was passed over: lacks skill french 3, has none" in text
    assert "Anna Nowak (101) was passed over: is logged out" in text


def test_how_each_offer_ended():
    """Let ring, taken back, answered: each offer says how long it rang and what came of it."""
    house = french_house()
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="no-answer"), after_ms=15_000)
    assert house.state.seats["104"].work
    offer = house.talk("a")
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=60_000)
    house.give(ev.CallEnded(call="a"))
    text = house.why("a")
    assert "offered to Ben Carter (102), who let it ring for 15 s" in text
    assert "offered to Dawid Lis (104), who answered after 0 s" in text
    assert "Ben Carter (102) was passed over: did not take this call, is not asked again for 30 s" in text
    assert text.endswith("gone: the caller hung up")
    assert [told.outcome for told in house.story("a").offers] == ["no-answer", "answered"]


def test_a_caller_who_leaves_while_a_phone_rings():
    """The offer was taken back; the story ends with the caller."""
    house = french_house()
    house.give(ev.CallEnded(call="a"), after_ms=4_000)
    text = house.why("a")
    assert "offered to Ben Carter (102), taken back after 4 s" in text
    assert text.endswith("gone: the caller hung up")


def test_the_explanation_is_that_of_the_moment():
    """A day later, with the agents gone and other rules, the answer is what held when the offer was made."""
    house = french_house()
    before = house.why("a").split("\n")[:3]
    house.give(ev.LogOutAsked(seat="103"))
    house.give(ev.LogOutAsked(seat="104"))
    house.give(ev.Configured(queues=tuple(house.state.queues.values()), seats=(SeatRule(name="102"),)))
    assert house.why("a").split("\n")[:2] == before[:2]
    assert "lacks skill french 3" in house.why("a")


def test_moves_steps_and_announcements_are_told():
    """Escalation, announcements and the way to another queue stand in the story with their reasons."""
    house = Taped(
        steps=(
            Step(after_ms=10_000, drop=("french",), priority=1),
            Step(after_ms=20_000, announce="please-wait"),
            Step(after_ms=30_000, go="queue support"),
        ),
        tell_first_ms=5_000,
    )
    house.arrive("a", "sales", caller="1", needs=FRENCH)
    house.pass_time(40_000)
    lines = [line[10:] for line in house.why("1").split("\n")[1:]]
    assert lines[:6] == [
        "came to queue sales, 1st in line",
        "the caller was told: 1st in line",
        "escalation step 1, after 10 s: french is asked for no more; class 1",
        "escalation step 2, after 20 s: hears 'please-wait'",
        "the caller was told: prompt 'please-wait'",
        "moved to queue support, because an escalation step said so",
    ]


def test_a_step_that_held_on_arrival_is_told():
    """Nobody is logged in: what that eases is part of the story from the first moment."""
    house = Taped(steps=(Step(when_nobody=True, drop=("french",)),))
    house.arrive("a", "sales", needs=FRENCH)
    assert "escalation step 1, when nobody is logged in: french is asked for no more" in house.why("a")


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ("fewest-calls", "fewest calls goes first: Chloe 0 calls, Ben 1 calls"),
        ("ordered", "first in the file goes first: Ben place 2, Chloe place 3"),
        ("least-occupied", "least occupied goes first: Chloe 0.0 % busy, Ben 95.2 % busy"),
    ],
)
def test_every_order_is_put_into_words(strategy, says):
    """What decided is named in the terms of the queue's strategy."""
    house = Taped(strategy=strategy, wrap_up_ms=0)
    house.log_in("102", "103")
    house.arrive("x", "sales")
    offer = house.talk("x")
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=20_000)
    house.give(ev.CallEnded(call="x"))
    house.arrive("a", "sales")
    assert says in house.why("a")


def test_the_lower_tier_goes_first():
    """Where tiers differ, nothing else decides."""
    house = Taped(tiers={"102": (4,), "103": (1,)})
    house.log_in("102", "103")
    house.arrive("a", "sales")
    assert "the lower tier goes first: Chloe tier 1, Ben tier 4" in house.why("a")


@pytest.mark.parametrize(
    ("pick", "line", "says"),
    [
        ("ordered", "t2", "the first free one in the file"),
        ("least-cost", "t4", "the cheapest free one"),
        ("round-robin", "t2", "the free one whose turn was longest ago"),
    ],
)
def test_the_line_that_an_offer_went_over(pick, line, says):
    """Which one it was, by which rule of its group, and how the others of the group stood."""
    house = Taped()
    lines = tuple(LineRule(name=f"t{number}", cost=9 - number) for number in range(1, 5))
    group = LineGroupRule(name="outside", lines=lines, pick=pick)
    house.give(
        ev.Configured(
            queues=(QueueRule(name="sales", refusal_ms=0),),
            seats=(SeatRule(name="101", queues=("sales",), line_group="outside"),),
            line_groups=(group,),
        )
    )
    house.look()
    house.give(ev.LineChanged(line="t1", in_use=True))
    house.log_in("101")
    house.arrive("a", "sales", caller="5550203")
    assert f"over line {line} of outside, {says}; beside it 2 free, 1 in use" in house.why("5550203")
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="failed"))
    house.pass_time(6_000)
    assert "beside it 1 free, 1 in use, 1 left alone after a failure" in house.why("5550203")


def test_why_not():
    """For each offer: the rule that kept the seat out, its place among the able, or that it was rung itself."""
    house = french_house()
    assert "Ben Carter (102) was rung; Chloe: lacks skill french 3, has none" in house.why_not("a", "103")
    assert "Dawid stood 2nd of 2; longest idle goes first: Ben idle 2 min 11 s, Dawid idle 40 s" in house.why_not(
        "a", "104"
    )
    assert "offered to Ben Carter (102), which rings" in house.why_not("a", "102")
    assert "there was no seat 999 then" in house.why_not("a", "999")


def test_why_not_now():
    """A call that waits: what keeps the seat out at this moment."""
    house = Taped()
    house.arrive("a", "sales", needs=FRENCH)
    house.log_in("103")
    assert "it waits; Chloe: lacks skill french 3, has none" in house.why_not("a", "103")
    assert "it waits; Anna: is logged out" in house.why_not("a", "101")


def test_a_caller_is_found_by_his_number_and_the_latest_call_counts():
    """Two calls of one number: the later one; the switch's id finds each."""
    house = Taped()
    house.arrive("a", "sales", caller="5550203")
    house.give(ev.CallEnded(call="a"))
    house.arrive("b", "support", caller="5550203")
    assert house.story("5550203").call == "b"
    assert house.story("a").call == "a"
    with pytest.raises(NotFoundError, match="no call and no caller '5550999'"):
        house.story("5550999")


def test_a_call_met_by_a_snapshot_is_found():
    """It never said that it arrived; the switch held it when the server came up."""
    house = Taped()
    held = ev.HeldCall(call="a", queue="sales", since=house.now - 60_000, caller="5550203")
    house.look(calls=[held])
    assert "came to queue sales" in house.why("5550203")


def test_the_story_as_data():
    """It survives JSON, for programs."""
    story = french_house().story("a")
    assert msgspec.json.decode(msgspec.json.encode(story), type=Story) == story


def test_nothing_of_a_caller_reaches_the_terminal():
    """Escapes, line breaks and direction marks in a caller ID are shown as text, in each of the three answers."""
    house = Taped()
    caller = "\x1b]0;owned\x07\r\nBen\u202e"
    house.arrive("a\x1b[2J", "sales", caller=caller)
    text = house.why(caller) + house.why_not(caller, "10\x1b1") + "\n".join(waiting_lines(house.waits(caller), NAMES))
    assert "\\x1b]0;owned\\x07\\r\\nBen\\u202e" in text
    assert all(character.isprintable() or character == "\n" for character in text)


# why-waiting


def test_place_seats_and_what_comes_next():
    """Its place, who is before it and why, what keeps each seat, the next steps with their times."""
    house = Taped(
        skills={"102": (("french", 5),)},
        steps=(Step(after_ms=60_000, drop=("french",)), Step(after_ms=90_000, priority=1)),
        overflow={"wait": "voicemail"},
        max_wait_ms=120_000,
    )
    house.log_in("102", "103")
    house.arrive("t", "sales", needs=FRENCH)
    house.talk("t")
    house.arrive("u", "support")
    house.talk("u")
    house.arrive("b", "support", caller="before", priority=1)
    house.arrive("c", "sales", caller="earlier", needs=FRENCH)
    house.arrive("a", "sales", caller="5550203", needs=FRENCH)
    house.arrive("z", "sales", caller="later")
    house.pass_time(5_000)
    found = house.waits("5550203")
    assert (found.position, found.waited_ms) == (2, 5_001)
    assert [(one.caller, one.why) for one in found.before] == [("before", "class"), ("earlier", "earlier")]
    assert [one.seat for one in found.seats if one.suited] == ["102"]
    text = "\n".join(waiting_lines(found, NAMES))
    assert "waits in queue sales for 5 s, asking for french 3: 2nd in line, class 10" in text
    assert "before of queue support: waits for 5 s, is of a class that goes first" in text
    assert "Ben Carter (102) has in hand a voice contact of queue sales, talking for 5 s" in text
    assert "Anna Nowak (101) and Dawid Lis (104): is logged out" in text
    assert [(one.kind, (one.at - house.now) // 1000) for one in found.next] == [
        ("step", 54),
        ("step", 84),
        ("leave", 114),
    ]
    assert "leaves for voicemail" in text
    assert msgspec.json.decode(msgspec.json.encode(found), type=Waiting) == found


def test_a_seat_that_wraps_up_is_named_with_its_time():
    """The end of the soonest wrap-up of a seat that could have the call is among what comes."""
    house = Taped(wrap_up_ms=30_000)
    house.log_in("102")
    house.arrive("t", "sales")
    house.give(ev.OfferEnded(offer=house.talk("t"), outcome="hung-up"), after_ms=9_000)
    house.arrive("a", "sales")
    [soonest] = [one for one in house.waits("a").next if one.kind == "wrap-up"]
    assert (soonest.seat, soonest.at - house.now) == ("102", 29_999)


def test_a_call_that_does_not_wait():
    """Who asks about a call in a talk is told so."""
    house = Taped()
    house.log_in("102")
    house.arrive("a", "sales")
    house.talk("a")
    assert "does not wait: it is in a talk" in "\n".join(waiting_lines(house.waits("a"), NAMES))
    assert call_named(house.state, "nobody") is None


def test_a_message_is_told_like_a_call():
    """Who heard it and gave it back, for how long it was put off, and that it was closed; it never leaves by itself."""
    house = Taped(wrap_up_ms=0)
    house.log_in("101")
    house.arrive("m", "sales", caller="5550203", medium="voicemail")
    offer = house.talk("m")
    house.ask(ev.DeferAsked, "101", offer=offer, for_ms=600_000)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"), after_ms=5_000)
    text = "\n".join(waiting_lines(house.waits("m"), NAMES))
    assert "it was put off" in text
    assert "leaves" not in text
    house.pass_time(600_000)
    house.ask(ev.CloseAsked, "101", offer=house.talk("m"))
    text = house.why("m")
    assert "not closed, waits again, put off for" in text
    assert "gone: closed in the talk" in text


def test_a_pull_is_told():
    """Who took the call out of the order, and that it went to him for that."""
    house = Taped()
    house.log_in("104")
    house.give(ev.HandsetChanged(seat="104", reachable=True, busy=True))
    house.arrive("c1", caller="5550203")
    assert house.ask(ev.PullAsked, "104") == "ok"
    assert house.log_in("102")
    house.give(ev.HandsetChanged(seat="104", reachable=True, busy=False), after_ms=1_000)
    told = house.why("c1")
    assert "pulled by Dawid Lis (104), to be the next call of that seat" in told
    assert "offered to Dawid Lis (104)" in told
    assert "Ben Carter (102) was passed over: the call is kept for seat 104" in told


def test_a_pick_up_is_told():
    """Who took it, where it rang, and that it was taken back there for that."""
    house = Taped()
    house.log_in("102")
    house.arrive("c1", caller="5550203")
    first = house.offer_of("c1")
    house.log_in("104")
    assert house.ask(ev.PickUpAsked, "104", of="102") == "ok"
    house.give(ev.OfferEnded(offer=first, outcome="withdrawn"), after_ms=1_000)
    told = house.why("c1")
    assert "picked up by Dawid Lis (104), while it rang at Ben Carter (102)" in told
    assert "offered to Dawid Lis (104)" in told
    assert "the call is kept for seat 104" in told


def test_a_head_start_is_told():
    """Of what is written it comes of a wait that its customer gave up; a call may have it from its menu, too."""
    house = Taped()
    house.arrive("m", medium="sms", head_start_ms=130_000)
    house.arrive("c", head_start_ms=60_000)
    house.arrive("n")
    given_up = "its customer had given up such a wait before"
    assert f"came to queue sales, served as if 2 min 10 s earlier: {given_up}" in house.why("m")
    assert f"served as if 1 min earlier: its menu says so, or {given_up}" in house.why("c")
    assert "served as if" not in house.why("n")
