"""What entries of the journal say, in the words of the live events: each thing once, whatever the switch says."""

from hypothesis import given, settings

from acd.core import commands as cmd
from acd.core import events as ev
from acd.happenings import TOLD
from acd.store.projection import Projection
from acd.store.telling import Happenings
from tests.core import test_callbacks
from tests.core.house import House
from tests.core.test_outgoing import ask, house_of
from tests.core.test_properties import SEATS, days, happen


def told_of(house):
    """Have happenings told of a house from now on; gives what will be told."""
    state = house.state if house.state.now else None
    projection, fold, found = Projection(state), Happenings(state), []
    decide = house.core.decide

    def watched(event):
        commands = decide(event)
        found.extend(fold.of(event, commands, projection.facts(event, commands)))
        return commands

    house.core.decide = watched
    return found


def types(found):
    return [one.what["type"] for one in found]


def without_seats(found):
    return [one.what for one in found if one.what["type"] != "seat"]


def test_a_call_from_its_arrival_to_its_code():
    """Each step, with what it is about; the queue stands with each for who wants that queue alone."""
    house = House()
    house.log_in("101")
    found = told_of(house)
    house.arrive("1.1", caller="5550100")
    offer = house.talk("1.1")
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallEnded(call="1.1"))
    house.ask(ev.CodeAsked, "101", code="sold")
    at_seat = {"offer": offer, "call": "1.1", "seat": "101"}
    [waits, offered, answered, taken, over, ended, coded] = without_seats(found)
    said = {"call": "1.1", "medium": "voice", "queue": "sales", "caller": "5550100"}
    assert waits == {"type": "contact-waits", **said}
    assert offered == {"type": "offer", **at_seat, "medium": "voice", "ring_ms": offered["ring_ms"]}
    assert answered == {"type": "contact-answered", **at_seat, "medium": "voice"}
    assert taken == {"type": "contact-taken", **at_seat, "medium": "voice"}
    assert over == {"type": "offer-over", **at_seat, "outcome": "hung-up"}
    assert ended == {"type": "contact-over", "call": "1.1", "outcome": "abandoned"}
    assert coded == {"type": "contact-coded", "call": "1.1", "seat": "101", "code": "sold"}
    assert {one.queue for one in found if one.what["type"] not in {"seat", "contact-coded"}} == {"sales"}
    looks = [one.what["look"] for one in found if one.what["type"] == "seat"]
    assert looks == ["ringing", "talking", "wrap-up"]


def test_what_comes_late_or_twice_is_told_once():
    """An answer to an offer that is over, a talk that is told again, a snapshot that shows what is known."""
    house = House()
    house.log_in("101")
    found = told_of(house)
    house.arrive("1.1")
    offer = house.talk("1.1")
    house.give(ev.Connected(offer=offer))
    for _ in range(3):
        leg = ev.LiveLeg(offer=offer, call="1.1", seat="101", joined=True)
        house.look(calls=[ev.HeldCall(call="1.1", queue="sales", since=house.now, waiting=False)], legs=[leg])
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.OfferAnswered(offer=offer))
    house.give(ev.Connected(offer=offer))
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert [types(found).count(one) for one in ("contact-answered", "contact-taken", "offer-over")] == [1, 1, 1]


def test_a_call_that_ended_while_nobody_looked():
    """A snapshot without it says that it is over; one with a stranger that he waits."""
    house = House()
    house.arrive("1.1")
    found = told_of(house)
    house.pass_time(10)
    house.look(calls=[ev.HeldCall(call="1.2", queue="support", since=house.now, waiting=True, caller="5550101")])
    told = {(one.what["type"], one.call, one.queue) for one in found if one.call}
    assert told == {("contact-over", "1.1", "sales"), ("contact-waits", "1.2", "support")}


def test_a_caller_who_is_given_away():
    """Who gave him to whom; then the talk that he takes over."""
    house = House()
    house.log_in("101")
    found = told_of(house)
    house.arrive("1.1")
    house.talk("1.1")
    house.give(ev.CallTransferred(call="1.1", to="0600100200", asked_first=True))
    [given_away] = [one for one in found if one.what["type"] == "contact-transferred"]
    what = {"call": "1.1", "seat": "101", "to": "0600100200", "asked_first": True}
    assert given_away.what == {"type": "contact-transferred", **what}
    assert given_away.queue == "sales"


def test_an_agent_calls_out():
    """It is a contact of his, and what he says of it is told of that."""
    house = house_of(ring_ms=30_000, longest_ms=3_600_000)
    found = told_of(house)
    _, dial = ask(house)
    house.give(ev.LegAnswered(leg=dial.leg))
    house.give(ev.LegEnded(leg=dial.leg, outcome="hung-up"))
    call = {"call": dial.leg, "seat": "101", "number": "+49301234567"}
    assert {"type": "call-out", **call} in without_seats(found)
    assert {"type": "contact-over", "call": dial.leg, "outcome": "hung-up"} in without_seats(found)


def test_a_callback_that_is_promised_and_kept():
    """Promised, then kept when its customer answers; he waits as a contact of his own."""
    house = test_callbacks.house_of()
    found = told_of(house)
    test_callbacks.promise(house, "+48221234567")
    [reach] = test_callbacks.only(test_callbacks.work(house, "101"), cmd.Reach)
    test_callbacks.answers(house, reach)
    of_back = [one for one in found if one.call == "back"]
    assert types(of_back) == ["contact-waits", "callback-promised", "callback-kept", "contact-over"]
    assert {one.queue for one in of_back} == {"sales"}
    assert of_back[1].what["caller"] == "+48221234567"


def test_a_callback_that_comes_to_nothing():
    """Why is told."""
    house = test_callbacks.house_of()
    found = told_of(house)
    test_callbacks.promise(house, "+48221234567")
    house.arrive("1.1", caller="+48221234567", dial="+48221234567")
    dropped = [one.what for one in found if one.what["type"] == "callback-dropped"]
    assert dropped == [{"type": "callback-dropped", "call": "back", "reason": "called-again"}]


@settings(max_examples=150, deadline=None)
@given(days)
def test_who_listens_knows_who_is_in_the_house(day):
    """Whatever the switch says: who was told to wait and not to be over is in the house, once; no word is unknown."""
    house = House(seats=SEATS, wrap_up_ms=2_000)
    found, here, done = told_of(house), set(), 0
    for pause_ms, what in day:
        house.pass_time(pause_ms)
        happen(house, what)
        for one in found[done:]:
            kind = one.what["type"]
            assert kind in TOLD
            if kind == "contact-waits":
                assert one.call not in here
                here.add(one.call)
            elif kind == "contact-over":
                here.remove(one.call)
        done = len(found)
        assert here == set(house.state.calls)


@settings(max_examples=100, deadline=None)
@given(days, days)
def test_begun_in_the_midst_it_goes_on_like_one_from_the_start(morning, afternoon):
    """A state holds what it needs: a server that begins anew tells the same, but of whom a seat had before."""
    house = House(seats=SEATS, wrap_up_ms=2_000)
    whole = told_of(house)
    for pause_ms, what in morning:
        house.pass_time(pause_ms)
        happen(house, what)
    half, before = told_of(house), len(whole)
    for pause_ms, what in afternoon:
        house.pass_time(pause_ms)
        happen(house, what)
    assert types(half) == types(whole[before:])
