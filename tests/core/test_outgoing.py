"""Calls out: lines, one after the other; caps that hold; what becomes of it when nobody looked."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core import Core, State
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, OutRule, QueueRule, SeatRule
from tests.core.house import House

HOUR, DAY, MINUTE = 3_600_000, 86_400_000, 60_000
NUMBER = "+49301234567"


def house_of(*, groups=("first", "second"), trunks=("one", "two"), slots=2, seats=2, lines=None, **rule):
    """Groups of one trunk each, seats that are logged in, and what else the rule says."""
    lines = lines or {}
    site = {
        "line_groups": tuple(
            LineGroupRule(
                name=group, lines=tuple(LineRule(name=f"{trunk}:{slot}") for slot in range(1, slots + 1)), **lines
            )
            for group, trunk in zip(groups, trunks, strict=True)
        ),
        "calling_out": OutRule(groups=tuple(groups), **rule),
    }
    names = [str(101 + number) for number in range(seats)]
    house = House(queues=[QueueRule(name="sales")], seats=[SeatRule(name=name) for name in names], site=site)
    house.log_in(*names)
    return house


def ask(house, number=NUMBER, seat="101", **wish):
    """A seat calls out; gives the answer and what is dialled."""
    return heard(house.give(ev.CallOutAsked(seat=seat, request=1, channel=f"c{house.now}", number=number, **wish)))


def fail(house, leg, outcome="congestion"):
    """A leg is not answered."""
    return heard(house.give(ev.LegFailed(seat="101", request=1, leg=leg, outcome=outcome)))


def heard(commands):
    [reply] = [c for c in commands if isinstance(c, cmd.Reply)]
    dialled = [c for c in commands if isinstance(c, cmd.Dial)]
    assert len(dialled) == (reply.answer == "ok")
    return reply.answer, dialled[0] if dialled else None


def lines_taken(house):
    return {name for name, line in house.state.lines.items() if line.offer}


def test_a_call_out_and_its_end():
    """It holds a line from the wish to the end."""
    house = house_of(ring_ms=30_000, longest_ms=HOUR)
    answer, dial = ask(house)
    assert (answer, dial.line, dial.number, dial.ring_ms, dial.longest_ms) == ("ok", "one:1", NUMBER, 30_000, HOUR)
    house.give(ev.LegAnswered(leg=dial.leg), after_ms=5_000)
    assert lines_taken(house) == {"one:1"}
    house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"), after_ms=HOUR - 1)
    assert not lines_taken(house)
    assert not house.state.legs


def test_congestion_goes_to_another_trunk_first():
    """Then to other lines of those it was tried on, as often as the rule allows; each is left alone for a while."""
    house = house_of(tries=3)
    _, dial = ask(house)
    assert fail(house, dial.leg)[1].line == "two:1"
    assert fail(house, dial.leg)[1].line == "one:2"
    assert lines_taken(house) == {"one:2"}
    assert fail(house, dial.leg) == ("over", None)
    assert [name for name, line in house.state.lines.items() if line.fault_until] == ["one:1", "one:2", "two:1"]
    assert not lines_taken(house)
    assert not house.state.legs


def test_a_trunk_that_forbids_is_not_blamed():
    """The account there may be closed, or the number; another trunk is tried, and this one carries the next call."""
    house = house_of()
    _, dial = ask(house)
    assert fail(house, dial.leg, "forbidden")[1].line == "two:1"
    assert not any(line.fault_until for line in house.state.lines.values())


def test_a_line_that_says_nothing_failed():
    """As one that is congested."""
    house = house_of()
    _, dial = ask(house)
    assert fail(house, dial.leg, "silent")[1].line == "two:1"
    assert [name for name, line in house.state.lines.items() if line.fault_until] == ["one:1"]


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "rejected", "no-such-number"])
def test_what_the_other_side_says_is_an_answer(outcome):
    """No further line is tried, none is blamed; by what only the other side can say one that failed is whole again."""
    house = house_of()
    house.state.lines["one:1"].faults = 2
    _, dial = ask(house)
    assert fail(house, dial.leg, outcome) == ("over", None)
    assert not any(line.fault_until for line in house.state.lines.values())
    assert house.state.lines["one:1"].faults == (0 if outcome in {"busy", "no-answer"} else 2)
    assert not lines_taken(house)


def test_without_a_line():
    """All busy is counted by group, and costs nothing of what one may call."""
    house = house_of(slots=1, number_day_most=3, lines={"keep_inbound": 0})
    assert [ask(house)[0] for _ in range(3)] == ["ok", "ok", "no-line"]
    assert house.state.all_busy == {"first": 1, "second": 1}
    house.give(ev.LineChanged(line="two:1", in_use=True))
    house.give(ev.LegEnded(leg=next(iter(house.state.legs)), outcome="cancelled"))
    assert ask(house)[0] == "ok"


def test_emergencies_pass_everything():
    """No seat, nobody logged in, caps reached, lines kept or faulty: an emergency goes while a line is left at all."""
    house = house_of(slots=1, hour_most=1, lines={"keep_emergency": 1})
    assert ask(house)[0] == "no-line"  # kept
    assert ask(house, "112", seat="", emergency=True)[0] == "ok"
    _, second = ask(house, "112", seat="101", emergency=True)
    assert second.emergency
    assert fail(house, second.leg) == ("over", None)  # every line was tried
    assert house.state.lines[second.line].fault_until
    _, again = ask(house, "112", seat="109", emergency=True)
    assert (again.ring_ms, again.longest_ms) == (120_000, DAY)
    assert again.line == second.line
    assert house.state.guard.site == []


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "rejected", "no-such-number", "congestion"])
def test_for_help_every_line_is_tried(outcome):
    """Whatever a trunk says of 112: one with an old password, or without a way to it, is not the last word."""
    house = house_of(slots=1, tries=1)
    _, dial = ask(house, "112", emergency=True)
    answer, other = fail(house, dial.leg, outcome)
    assert (answer, other.line) == ("ok", "two:1")


def test_a_day_of_short_calls_costs_what_a_day_costs():
    """Money spent minute after minute grows too old minute by minute."""
    house = house_of(spend_day_most=10_000_000, number_day_most=0, seat_hour_most=0, hour_most=0)
    for _ in range(2 * 24 * 60):
        _, dial = ask(house, rate=1)
        house.give(ev.LegAnswered(leg=dial.leg))
        house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"), after_ms=59_000)
        house.pass_time(1_000)
    spent = sum(cost for at, cost in house.state.guard.spent if at > house.now - DAY)
    assert abs(spent - 24 * 60) <= 2


def test_who_may():
    """A seat that is logged in, and a number that is not barred."""
    house = house_of()
    assert ask(house, seat="109")[0] == "unknown-seat"
    assert ask(house, barred="premium")[0] == "barred"
    assert ask(house, "")[0] == "barred"
    house.give(ev.LogOutAsked(seat="101", request=1))
    assert ask(house)[0] == "not-logged-in"
    assert not house.state.legs


@pytest.mark.parametrize(
    ("rule", "most", "cap", "window"),
    [
        ({"hour_most": 3}, 3, "cap-site", HOUR),
        ({"seat_hour_most": 2}, 2, "cap-seat", HOUR),
        ({"number_day_most": 4}, 4, "cap-number", DAY),
    ],
)
def test_caps_are_exact(rule, most, cap, window):
    """So many go, the next not, and the first moment at which one more may go is to the millisecond."""
    house = house_of(slots=9, **rule)
    first = house.now
    assert [ask(house)[0] for _ in range(most)] == ["ok"] * most
    assert ask(house)[0] == cap
    house.pass_time(first + window - 1 - house.now)
    assert ask(house)[0] == cap
    assert heard(house.give(ev.CallOutAsked(seat="101", request=1, channel="x", number=NUMBER), after_ms=1))[0] == "ok"


def test_money_is_counted_before_it_is_spent():
    """Each call reserves its longest talk; a talk is cut where the money ends; what it did not cost comes back."""
    house = house_of(slots=9, spend_day_most=100, longest_ms=30 * MINUTE, number_day_most=0)
    _, first = ask(house, rate=3)
    assert first.longest_ms == 30 * MINUTE - 1_000
    _, second = ask(house, rate=3)
    assert second.longest_ms == 3 * MINUTE - 1_000  # 100 - 90 is worth three minutes
    assert ask(house, rate=3)[0] == "cap-spend"
    assert ask(house, rate=0)[0] == "ok"
    house.give(ev.LegAnswered(leg=first.leg))
    house.give(ev.LegEnded(leg=first.leg, outcome="hung-up"), after_ms=MINUTE + 1)
    assert house.state.guard.spent == [(house.now, 6)]
    house.give(ev.LegEnded(leg=second.leg, outcome="cancelled"))
    _, third = ask(house, rate=50)
    assert third.longest_ms == MINUTE - 1_000
    house.give(ev.LegEnded(leg=third.leg, outcome="cancelled"))
    house.pass_time(DAY)
    assert ask(house, rate=100)[0] == "ok"


def test_a_look_at_the_switch_finds_what_was_missed():
    """An answer, and an end; a leg that began later than the look is not missed."""
    house = house_of()
    _, dial = ask(house)
    early = house.now - 1
    house.give(ev.Snapshot(asked=early, calls=(), legs=(), handsets=()))
    assert dial.leg in house.state.legs
    house.pass_time(10)
    house.look(outgoing=(ev.LiveOut(leg=dial.leg, answered=True),))
    assert house.state.legs[dial.leg].connected_at == house.now
    house.pass_time(10)
    house.look()
    assert not house.state.legs
    assert not lines_taken(house)


def test_a_silent_switch_is_asked():
    """A leg of which nothing is heard is looked for, again and again, and never left standing by itself."""
    house = house_of(ring_ms=10_000)
    ask(house)
    asked = house.pass_time(HOUR // 4)
    assert sum(isinstance(command, cmd.TakeSnapshot) for command in asked) > 2
    house.look()
    assert not house.state.legs


def callback_house(**rule):
    """A callback that waits in a queue, and a seat that has it in hand; lines of which one is kept for callbacks."""
    site = {
        "line_groups": (LineGroupRule(name="out", lines=(LineRule(name="a:1"),), keep_callback=1),),
        "calling_out": OutRule(groups=("out",)),
    }
    queue = QueueRule(name="sales", wrap_up_ms=0, callback_retry_ms=MINUTE, **rule)
    house = House(queues=[queue], seats=[SeatRule(name="101", queues=("sales",))], site=site)
    house.log_in("101")
    house.arrive("back", medium="callback", caller=NUMBER, since=house.now - HOUR)
    house.talk("back")
    return house


def call_back(house):
    """The seat calls the customer."""
    [offer] = house.state.offers
    return ask(house, offer=offer)


def test_a_callback_takes_a_line_that_is_kept_for_it():
    """A seat's own call does not. A customer who answers has had it, and it never waits again."""
    house = callback_house()
    assert ask(house)[0] == "no-line"
    answer, dial = call_back(house)
    assert (answer, dial.line) == ("ok", "a:1")
    assert call_back(house)[0] == "over"  # one call at a time
    told = house.give(ev.LegAnswered(leg=dial.leg))
    assert cmd.CallOver(call="back", reason="called-back") in told
    assert "back" not in house.state.calls
    house.give(ev.OfferEnded(offer=next(iter(house.state.offers)), outcome="hung-up"), after_ms=MINUTE)
    house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"))
    assert not (house.state.calls)
    assert not (house.state.offers)
    assert not (house.state.legs)


def test_a_customer_who_does_not_answer_is_called_again_later():
    """At his old place, so often as the queue says; then no more."""
    house = callback_house(callback_tries=2)
    arrived = house.state.calls["back"].arrived
    _, dial = call_back(house)
    fail(house, dial.leg, "no-answer")
    house.give(ev.OfferEnded(offer=next(iter(house.state.offers)), outcome="hung-up"))
    assert house.state.calls["back"].state == "waiting"
    assert not [c for c in house.pass_time(MINUTE - 1_000) if isinstance(c, cmd.Offer)]
    assert [c.call for c in house.pass_time(2_000) if isinstance(c, cmd.Offer)] == ["back"]
    assert house.state.calls["back"].arrived == arrived
    house.talk("back")
    _, dial = call_back(house)
    told = house.give(ev.LegFailed(seat="101", request=1, leg=dial.leg, outcome="busy"))
    assert cmd.CallOver(call="back", reason="not-reached") in told
    assert not house.state.calls


def test_an_agent_who_hangs_up_before_the_customer_answers():
    """That is no attempt: it waits again."""
    house = callback_house()
    _, dial = call_back(house)
    [offer] = house.state.offers
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.LegEnded(leg=dial.leg, outcome="cancelled"))
    back = house.state.calls["back"]
    assert (back.state, back.attempts) == ("waiting", 0)
    assert not lines_taken(house)


def test_a_callback_is_the_seats_that_has_it():
    """Another seat's wish, or one of an offer that is over, is refused."""
    house = callback_house()
    [offer] = house.state.offers
    assert ask(house, offer="offer-t-99")[0] == "over"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert ask(house, offer=offer)[0] == "over"


def test_a_caller_leaves_by_a_key():
    """Where the key says; while a seat rings for him he is kept, and goes if that comes to nothing."""
    house = House(queues=[QueueRule(name="sales", keys=(("1", "callback"),))], seats={"101": ("sales",)})
    house.arrive("a")
    assert house.give(ev.KeyPressed(call="a", key="2")) == []
    assert house.give(ev.KeyPressed(call="a", key="1")) == [cmd.SendAway(call="a", to="callback", reason="key")]
    house.log_in("101")
    house.arrive("b")
    assert house.give(ev.KeyPressed(call="b", key="1")) == []
    told = house.give(ev.OfferEnded(offer=house.offer_of("b"), outcome="no-answer"))
    assert cmd.SendAway(call="b", to="callback", reason="key") in told


WISHES = st.lists(
    st.tuples(
        st.sampled_from(["ask", "fail", "busy", "answer", "end", "restart", "look"]),
        st.integers(0, 3),
        st.integers(0, 20 * MINUTE),
    ),
    max_size=120,
)
CAPS = {"hour_most": 6, "seat_hour_most": 4, "number_day_most": 3, "spend_day_most": 200, "longest_ms": 10 * MINUTE}


class Watched:
    """A house whose calls out are counted a second time, apart from the core."""

    def __init__(self):
        self.house = house_of(seats=3, **CAPS)
        self.went, self.paid, self.talks = [], [], {}

    def ask(self, which):
        seat, number, rate = str(101 + which % 3), f"+4930{which}", 10 * which
        answer, dial = ask(self.house, number, seat, rate=rate)
        assert answer in {"ok", "no-line", "cap-site", "cap-seat", "cap-number", "cap-spend"}
        if dial is not None:
            self.went.append((self.house.now, seat, number))
            self.talks[dial.leg] = rate, dial.longest_ms

    def end(self, leg):
        since, now = self.house.state.legs[leg].connected_at, self.house.now
        if since is not None:
            rate, longest = self.talks[leg]
            self.paid.append((now, rate * max(1, -(-min(now - since, longest) // MINUTE))))
        self.house.give(ev.LegEnded(leg=leg, outcome="hung-up"))

    def restart(self):
        stored = msgspec.json.decode(msgspec.json.encode(self.house.state), type=State)
        self.house.core = Core(stored)
        self.house.give(ev.Started(run="u"))
        self.look()

    def look(self):
        live = tuple(ev.LiveOut(leg=leg, answered=False) for leg in self.house.state.legs)
        self.house.look(outgoing=live)

    def check(self):
        for at, seat, number in self.went:
            hour = [one for one in self.went if at - HOUR < one[0] <= at]
            assert len(hour) <= CAPS["hour_most"]
            assert sum(one[1] == seat for one in hour) <= CAPS["seat_hour_most"]
            day = [one for one in self.went if at - DAY < one[0] <= at]
            assert sum(one[2] == number for one in day) <= CAPS["number_day_most"]
            assert sum(cost for then, cost in self.paid if at - DAY < then <= at) <= CAPS["spend_day_most"]


@settings(max_examples=150, deadline=None)
@given(WISHES)
def test_no_cap_is_ever_broken(wishes):
    """Whatever happens, restarts among it, no window holds more than its cap."""
    watched = Watched()
    for what, which, after_ms in wishes:
        watched.house.pass_time(after_ms)
        legs = list(watched.house.state.legs)
        leg = legs[which % len(legs)] if legs else ""
        if what == "ask":
            watched.ask(which)
        elif what in {"look", "restart"}:
            getattr(watched, what)()
        elif leg and what == "end":
            watched.end(leg)
        elif what == "answer":
            watched.house.give(ev.LegAnswered(leg=leg))
        elif what in {"fail", "busy"}:
            outcome = "busy" if what == "busy" else "congestion"
            watched.house.give(ev.LegFailed(seat="101", request=1, leg=leg, outcome=outcome))
    watched.check()
