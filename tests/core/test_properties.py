"""Whatever happens, in whatever order: the invariants hold, a replay is equal, and in calm weather everybody is served.

The switch of these tests is hostile: it forgets, repeats and invents. `House` checks the invariants after each event.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import MEDIA
from tests.core.house import House, same

SEATS = {"101": ("sales", "support"), "102": ("sales",), "103": ("support",)}
CALLS = [f"c{number}" for number in range(8)]
OUTCOMES = ["no-answer", "refused", "busy", "unreachable", "withdrawn", "hung-up", "failed"]

messages = st.sampled_from(["m0", "m1", "m2"])
calls, seats = st.sampled_from(CALLS), st.sampled_from([*SEATS, "999"])
queues = st.sampled_from(["sales", "support", "nowhere"])
offer_ids = st.integers(1, 12).map("offer-t-{}".format)
flags = st.booleans()

happenings = st.one_of(
    st.builds(ev.CallArrived, call=calls, queue=queues, priority=st.none() | st.integers(0, 3)),
    st.builds(ev.CallArrived, call=messages, queue=queues, medium=st.just("voicemail")),
    st.builds(ev.CallEnded, call=calls),
    st.builds(ev.CallTransferred, call=calls, seat=seats, takes=calls | st.just("")),
    st.builds(ev.OfferRinging, offer=offer_ids),
    st.builds(ev.OfferAnswered, offer=offer_ids),
    st.builds(ev.Connected, offer=offer_ids),
    st.builds(ev.OfferEnded, offer=offer_ids, outcome=st.sampled_from(OUTCOMES)),
    st.builds(ev.HandsetChanged, seat=seats, reachable=flags, busy=flags),
    st.builds(ev.DeskChanged, seat=seats, open=flags),
    st.builds(ev.CallArrived, call=st.sampled_from(["mail-1", "mail-2"]), queue=queues, medium=st.just("email")),
    st.builds(ev.SwitchLost),
    st.builds(ev.LogInAsked, seat=seats, pin_matches=flags),
    st.builds(ev.LogInAsked, seat=seats, pin_matches=st.just(value=True)),
    st.builds(ev.LogOutAsked, seat=seats),
    st.builds(ev.ReadyAsked, seat=seats),
    st.builds(ev.PauseAsked, seat=seats, reason=st.just("break")),
    st.builds(ev.WrapUpEndAsked, seat=seats),
    st.builds(ev.CloseAsked, seat=seats, offer=offer_ids),
    st.builds(ev.DeferAsked, seat=seats, offer=offer_ids, for_ms=st.sampled_from([-1, 500, 60_000])),
    st.sampled_from(["true snapshot", "empty snapshot", "stale snapshot", "new rules"]),
)
days = st.lists(st.tuples(st.sampled_from([0, 0, 1, 700, 4_000, 31_000]), happenings), max_size=80)


def true_snapshot(house):
    """What a switch that agrees with us would say."""
    state = house.state
    house.pass_time(1)
    house.look(
        calls=[
            ev.HeldCall(call=call.id, queue=call.queue, since=call.due, waiting=call.state in {"waiting", "offered"})
            for call in state.calls.values()
        ],
        legs=[
            ev.LiveLeg(offer=offer.id, call=offer.call or "", seat=offer.seat, joined=offer.state == "connected")
            for offer in state.offers.values()
        ],
    )


def happen(house, what):
    """One thing happens."""
    if what == "true snapshot":
        true_snapshot(house)
    elif what == "empty snapshot":
        house.look()
    elif what == "stale snapshot":
        house.give(ev.Snapshot(asked=house.now - 3_000, calls=(), legs=(), handsets=()))
    elif what == "new rules":
        rules = [seat.rule for seat in house.state.seats.values()][::-1]
        house.give(ev.Configured(queues=tuple(house.state.queues.values())[::-1], seats=tuple(rules)))
    else:
        house.give(what)


def messages_of(house):
    """The virtual calls."""
    return {call.id for call in house.state.calls.values() if call.virtual}


def calm(house):
    """Every agent works, the switch is honest: serve until nobody waits. Answers the calls in order of service."""
    true_snapshot(house)
    house.pass_time(600_000)
    for seat in list(house.state.seats):
        house.give(ev.HandsetChanged(seat=seat, reachable=True, busy=False))
        house.give(ev.LogInAsked(seat=seat, request=1, pin_matches=True))
        house.give(ev.ReadyAsked(seat=seat, request=1))
    served = []
    for _ in range(200):
        live = list(house.state.offers.values())
        for offer in live:
            if offer.call is not None and offer.state == "ringing":
                served.append(offer.call)
                house.talk(offer.call)
            if offer.call is not None and offer.call in messages_of(house):
                house.give(ev.CloseAsked(seat=offer.seat, offer=offer.id))
            house.give(ev.OfferEnded(offer=offer.id, outcome="hung-up"))
        house.pass_time(1_000)
        if not live and not any(call.state == "waiting" for call in house.state.calls.values()):
            return served
    raise AssertionError(
        f"still waiting: {[call.id for call in house.state.calls.values() if call.state == 'waiting']}"
    )


@settings(max_examples=300, deadline=None)
@given(days)
def test_whatever_happens_nothing_breaks_and_calm_drains_every_queue(day):
    """Invariants after each event; then an honest switch and willing agents serve all who wait; a replay is equal."""
    house = House(seats=SEATS, wrap_up_ms=2_000, max_wait_ms=24 * 3_600_000)
    for pause_ms, what in day:
        house.pass_time(pause_ms)
        happen(house, what)
    calm(house)
    assert same(house.replayed(), house.state)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["sales", "support"]), st.integers(0, 2)), min_size=1, max_size=20))
def test_one_agent_serves_in_the_promised_order(arrivals):
    """One seat for all queues: service follows (rank, arrival), nothing else."""
    house = House(seats={"101": ("sales", "support")}, wrap_up_ms=0)
    for number, (queue, priority) in enumerate(arrivals):
        house.arrive(f"n{number}", queue, priority=priority)
    expected = sorted(range(len(arrivals)), key=lambda number: (arrivals[number][1], number))
    assert calm(house) == [f"n{number}" for number in expected]


@settings(max_examples=100, deadline=None)
@given(days)
def test_every_offer_names_two_ends_that_are_free(day):
    """No seat is offered two calls at once, unless one interrupts the other, and no call to two seats."""
    house = House(seats=SEATS)
    seat_of, call_of = {}, {}
    interrupted_by = {rule.name: rule.interrupted_by for rule in MEDIA}
    original = house.core.decide

    def watched(event):
        commands = original(event)
        for name in [name for name in seat_of if name not in house.state.offers]:
            seat_of.pop(name)
            call_of.pop(name)
        for command in commands:
            if isinstance(command, cmd.Offer):
                medium = command.medium or "voice"
                there = [held for seat, held in seat_of.values() if seat == command.seat]
                assert all(medium in interrupted_by[held] for held in there)
                assert command.call not in call_of.values()
                seat_of[command.offer], call_of[command.offer] = (command.seat, medium), command.call
        for name, offer in house.state.offers.items():
            call_of[name] = offer.call or f"gone-{name}"
        return commands

    house.core.decide = watched
    for pause_ms, what in day:
        house.pass_time(pause_ms)
        happen(house, what)
