"""Small mistakes that the simulation must notice: each makes the core break one promise, in one place.

A mutant is a context manager that patches the core while it is entered. `caught(name)` says how soon a day fails with
it. One that lives through all its days tells of a check that is missing.
"""

from unittest import mock

from acd.core import (
    callbacks,
    classes,
    closing,
    floor,
    lines,
    offering,
    outgoing,
    overtaking,
    queueing,
    reaching,
    routing,
    tickets,
    wishes,
)
from acd.core import reconcile as reconciling
from acd.core.capacity import Capacity
from acd.core.deadlines import Deadlines
from acd.core.routing import Routing
from tests.sim.day import run
from tests.sim.world import World

SEEDS_MOST = 400
EVENTS = 800

MUTANTS = {}


def mutant(holder, name):
    """Enter a function in the list: it is given the true one, and answers what takes its place."""

    def enter(make):
        MUTANTS[make.__name__] = lambda: mock.patch.object(holder, name, make(getattr(holder, name)))
        return make

    return enter


def caught(name):
    """Seeds and events it takes until a day with this mutant fails, and by what; None if none does."""
    events = 0
    for seed in range(SEEDS_MOST):
        world = World.__new__(World)
        with MUTANTS[name]():
            try:
                run(seed, EVENTS, world)
            except Exception as fault:  # noqa: BLE001 - an assertion in the core has caught it as well
                return seed + 1, events + getattr(world, "events", 0), f"{type(fault).__name__}: {fault}"
        events += world.events
    return None


def _nothing(*_args, **_options):
    return None


@mutant(outgoing, "_give_deadline")
def waits_for_ever_for_a_call_out(_true):
    """Nobody looks for a call out of which nothing is heard."""
    return _nothing


@mutant(outgoing, "end")
def frees_no_line_of_a_call_out(_true):
    """The line of a call out that is over stays taken."""
    return lambda floor, leg: floor.state.legs.pop(leg.id)


@mutant(offering, "bar")
def drops_the_refusal_memory(_true):
    """Who refused a call is asked again at once."""
    return _nothing


@mutant(offering, "unbar")
def never_forgives_a_refusal(_true):
    """A refusal holds for ever."""
    return _nothing


@mutant(Routing, "_new_call_class")
def serves_by_another_lane(true):
    """Seats are ordered by the key of the lane that comes after the right one."""

    def wrong(self, key):
        cls = true(self, key)
        self._matcher.lane(cls.number, (cls.number + 1) % len(self.lanes))
        return cls

    return wrong


@mutant(Routing, "waits")
def serves_the_youngest_first(_true):
    """Of two calls of a class the later goes first."""

    def wrong(self, call):
        cls = self._call_class(call)
        self._calls[call.number] = call
        self._matcher.wait(call.number, cls.number, call.rank, -call.due)

    return wrong


@mutant(Deadlines, "add")
def skips_the_end_of_a_hold(true):
    """Calls that are held for a while are held for ever."""
    return lambda self, at, kind, *names: None if kind == "hold" else true(self, at, kind, *names)


@mutant(Deadlines, "add")
def skips_the_end_of_a_wait(true):
    """Nobody leaves though he waited as long as he may."""
    return lambda self, at, kind, *names: None if kind == "give-up" else true(self, at, kind, *names)


@mutant(Routing, "seat_changed")
def forgets_to_release_a_seat(true):
    """A seat that has worked is never free again."""
    return lambda self, seat: (
        None if seat.turn and not seat.work and seat.number not in self._free else true(self, seat)
    )


@mutant(lines.Lines, "release")
def forgets_to_release_a_line(_true):
    """A line carries its first leg for ever."""
    return _nothing


@mutant(lines.Lines, "set_by_hand")
def keeps_lines_in_service(_true):
    """Nobody can take a line out of service."""
    return _nothing


@mutant(lines.Lines, "seen")
def overlooks_a_trouble(true):
    """A line that cannot be used is taken for one that can."""
    return lambda self, name, *, in_use, trouble: true(self, name, in_use=in_use, trouble=None)


@mutant(lines.Lines, "take")
def takes_a_line_twice(_true):
    """A line is not noted as taken."""

    def wrong(self, line, offer, turn):
        line.turn, offer.line = turn, line.rule.name
        self.changed.add(line.group)

    return wrong


@mutant(Routing, "shut")
def forgets_to_open_a_full_queue(true):
    """A queue that once kept as many seats busy as it may is served no more."""
    return lambda self, queue, *, shut: true(self, queue, shut=shut) if shut else None


@mutant(Routing, "shut")
def forgets_the_cap_on_busy_seats(_true):
    """A queue keeps more seats busy than it may."""
    return _nothing


@mutant(callbacks, "assign")
def decides_without_sight(true):
    """Offers are made while the switch is out of sight."""

    def wrong(floor_):
        fresh, floor_.state.fresh = floor_.state.fresh, True
        true(floor_)
        floor_.state.fresh = fresh

    return wrong


@mutant(queueing, "line_up")
def forgets_the_hold(true):
    """A call is offered before it has waited as long as it shall."""

    def wrong(floor_, call):
        true(floor_, call)
        waits = call.hold_until is not None and call.state == "waiting"
        if waits and call.queue in floor_.books and floor_.books[call.queue].holds(call):
            floor_.routing.waits(call)

    return wrong


@mutant(classes.CallClass, "cost")
def takes_tiers_the_wrong_way_round(true):
    """The seats of the highest tier come first."""

    def wrong(self, seats, *, flat):
        cost = true(self, seats, flat=flat)
        return None if cost is None else -cost

    return wrong


@mutant(classes.Skills, "had")
def takes_everybody_for_skilled(_true):
    """A seat can do all that anybody asks."""
    return lambda self, skills: (1 << 64) - 1


@mutant(offering, "withdraw")
def lets_the_losers_ring(true):
    """The seats that rang with the one that answered ring on."""
    return lambda floor_, offer: None if offer.call is None else true(floor_, offer)


@mutant(offering, "doubt")
def takes_back_without_a_look(_true):
    """An offer is taken back though they may talk, and the word of it be late."""
    return offering.withdraw


@mutant(offering, "go_on_with_others")
def forgets_what_was_set_aside(_true):
    """A contact that was set aside stays so."""
    return _nothing


@mutant(overtaking, "count_passes")
def counts_no_passes(_true):
    """Calls are overtaken as often as it happens."""
    return _nothing


@mutant(offering, "requeue")
def loses_the_place(true):
    """A call that was not answered stands at the end of the line."""

    def wrong(floor_, call):
        call.due = floor_.at
        true(floor_, call)

    return wrong


@mutant(floor.Floor, "go_on")
def makes_the_interrupted_wait(true):
    """A seat whose offer was taken back counts as idle from then only."""

    def wrong(self, seat, *, keep_idle=False):
        true(self, seat)

    return wrong


@mutant(tickets, "redeem")
def takes_no_tickets(_true):
    """Whoever was cut off stands at the end of the line."""
    return _nothing


@mutant(Capacity, "open_media")
def knows_no_budget(true):
    """Whatever a seat has in hand, it has room, unless that takes the whole seat."""

    def wrong(self, seat):
        found = true(self, seat)
        return self._all if found else found

    return wrong


@mutant(Routing, "rings")
def rings_a_seat_twice(_true):
    """A seat with room for two contacts is offered the same one twice."""
    return _nothing


@mutant(routing, "PULLED")
def serves_others_before_who_was_pulled(_true):
    """A supervisor pulls a call, and his phone rings for another."""
    return 1_000


@mutant(queueing, "plan_step")
def takes_no_steps(_true):
    """Nothing is ever eased for a waiting call."""
    return _nothing


@mutant(queueing, "look_around")
def stays_in_an_empty_queue(_true):
    """Who joins an empty queue that he should leave stays."""
    return _nothing


@mutant(floor, "books_of")
def cannot_derive_who_is_busy(true):
    """A restored core thinks that nobody is busy."""

    def wrong(state):
        books = true(state)
        for book in books.values():
            book.busy = 0
        return books

    return wrong


@mutant(wishes, "_keep_for")
def picks_up_for_anybody(_true):
    """What is taken back at a seat goes to whoever is next."""
    return _nothing


@mutant(reconciling, "_legs")
def misses_what_a_snapshot_lacks(_true):
    """A leg that the switch does not hold any more is believed in."""
    return _nothing


@mutant(reconciling, "_misses")
def misses_messages_in_a_snapshot(_true):
    """What the switch cannot know of ends, because it does not name it."""

    def wrong(snapshot, held, call):
        return call.known_at < snapshot.asked and call.id not in held

    return wrong


@mutant(offering, "_give_back")
def ends_a_message_with_its_leg(_true):
    """Who hangs up in the midst of a message is rid of it."""

    def wrong(floor_, call, _seat):
        del floor_.state.calls[call.id]

    return wrong


@mutant(offering, "_give_back")
def rings_again_at_once(_true):
    """A message that an agent left goes back to him."""

    def wrong(floor_, call, _seat):
        floor_.routing.leaves(call)
        if call.move("give_back", floor_.at):
            offering._line_up_again(floor_, call)

    return wrong


@mutant(reaching, "in_line")
def keeps_his_ground_for_ever(_true):
    """For a seat for which one customer was called none is ever called again."""
    return _nothing


@mutant(reaching, "answered")
def calls_who_was_called_back(_true):
    """A customer who has answered keeps his callback."""

    def wrong(_floor, leg):
        leg.call = ""

    return wrong


@mutant(outgoing, "learn")
def forgets_who_answered_unseen(_true):
    """What the switch noted of calls that are over is not read."""
    return _nothing


@mutant(callbacks, "abandoned")
def lets_who_hangs_up_go(_true):
    """Nobody is called back who gave up."""
    return _nothing


@mutant(callbacks, "take_place")
def calls_who_has_called_again(_true):
    """A customer who calls by himself stands at the end, and is called back besides."""
    return _nothing


@mutant(closing, "set_queue")
def lets_callbacks_sleep_on(_true):
    """A queue is opened, and nobody is called."""
    return _nothing
