"""The floor: the state with its indexes, and what is done to seats and to the marks that others look at.

Every change of a call, a seat, an offer or a line goes through here, `queueing` (calls in line) or `offering` (calls
and seats together), so that the state, the matcher, the books, the deadlines and the lamps cannot disagree. The
handlers in `decide`, `wishes` and `reconcile` say *when*; these files say *how*.
"""

from typing import TYPE_CHECKING

from acd.core.books import Book, books_of, enlist
from acd.core.commands import AnyCommand, SeatLook, ShowSeat, UsePhone
from acd.core.deadlines import Deadlines
from acd.core.lanes import wind_clocks
from acd.core.lines import Lines
from acd.core.model import Call, Offer, Seat, State
from acd.core.promised import callbacks, grounds, sleeps
from acd.core.routing import Routing
from acd.core.rules import SeatRule, rings_many
from acd.core.transitions import OfferState

REST_MS = 5_000
"""A handset that could not be reached, or was busy, is left alone this long (mod_callcenter: 5 s for unregistered)."""
NOT_ANSWERING = "not-answering"
"""The pause reason of a seat that was set aside."""

if TYPE_CHECKING:
    from collections.abc import Callable

_OFFER_LOOKS: dict[OfferState, SeatLook] = {
    "ringing": "ringing",
    "answered": "talking",
    "connected": "talking",
    "suspended": "talking",
    "doubtful": "ringing",
    "withdrawing": "ringing",
    "wrap-up": "wrap-up",
}


class Floor:
    """All that a handler works on."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.deadlines = Deadlines(state)
        self.lines = Lines(state, self.deadlines)
        self.routing = Routing(state)
        self.commands: list[AnyCommand] = []
        self.before = state.now
        """Time of the event before."""
        self.on_offer: Callable[[Call, Seat], None] | None = None
        """Told of each pair before it is made, for whoever wants to say why."""
        self.unsettled: set[str] = set()
        """Queues whose seats changed in a way that may leave them empty."""
        self.unwanted: set[str] = set()
        """Seats that calls are kept for, and that may not come back to them."""
        self.derive()

    @property
    def at(self) -> int:
        """Time of the event being handled."""
        return self.state.now

    def derive(self) -> None:
        """Build books and matcher anew from the state."""
        state = self.state
        self.books = books_of(state)
        self.wanting: dict[str, dict[str, Call]] = {}
        self.limited = any(rule.overtake_most for rule in state.queues.values())
        self.lucky = any(rule.strategy in {"random", "weighted-random"} for rule in state.queues.values())
        self.may_empty = {name for name, rule in state.queues.items() if rule.leave_empty is not None}
        self.groups = {seat.rule.line_group for seat in state.seats.values() if seat.rule.line_group}
        self.routing.rebuild()
        self.routing.grounds = grounds(state)
        self.callbacks = callbacks(state)
        self.routing.without_line = {group for group in self.groups if self.lines.pick(group, "seat") is None}
        for name, book in self.books.items():
            self._count_tiers(book)
            self.routing.shut(name, shut=0 < book.rule.seats_most <= book.busy)
            book.steps_on = {
                number
                for number, step in enumerate(book.rule.steps)
                if step.when_waiting is not None and book.callers >= step.when_waiting
            }
        for call in state.calls.values():
            if self.may_be_offered(call):
                self.routing.waits(call)
            if call.wants and call.state == "waiting" and call.queue in self.books:
                self.keep(call)
            for seat_name in call.barred or ():
                self.routing.bar(call, state.seats[seat_name])
            rule = state.queues.get(call.queue)
            if call.state == "offered" and rule is not None and rings_many(rule):
                for name in call.offers:
                    self.routing.rings(call, state.seats[state.offers[name].seat])
        for seat in state.seats.values():
            self.routing.seat_changed(seat)

    def may_be_offered(self, call: Call) -> bool:
        """Whether one more seat may ring for it now. None does for a call that is for one seat alone."""
        if call.queue not in self.books:
            return False
        if call.state == "waiting":
            return call.hold_until is None and not sleeps(self.state, call)
        return call.state == "offered" and not call.wants and len(call.offers) < call.rings

    def let_ring(self, call: Call) -> None:
        """Have one more seat ring for a call, if one may."""
        if self.may_be_offered(call) and not self.routing.is_waiting(call):
            self.routing.waits(call)

    def keep(self, call: Call) -> None:
        """A call in line is kept for the seat that it wants."""
        calls = self.wanting.setdefault(call.wants, {})
        calls[call.id] = call
        if len(calls) == 1:
            self.routing.keep_for(self.state.seats[call.wants], kept=True)

    def keep_no_more(self, call: Call) -> None:
        """It is so no more."""
        calls = self.wanting[call.wants]
        del calls[call.id]
        if not calls:
            del self.wanting[call.wants]
            self.routing.keep_for(self.state.seats[call.wants], kept=False)

    # Seats

    def go_on(self, seat: Seat, *, keep_idle: bool = False) -> None:
        """Some work of a seat is over; when it was the last of it, do what was decided for then."""
        if not seat.work:
            was = seat.presence
            if seat.move(seat.next_word):
                seat.next_word = "ready"
                if not keep_idle:
                    self.begins_idle(seat)
            if seat.presence != was and seat.presence == "logged-out":
                self.signed(seat, -1)
                self.use_phone(seat, seat.name)
        self.show(seat)

    def use_phone(self, seat: Seat, phone: str) -> None:
        """It is at this phone from now on; how that stands the switch will say."""
        if phone != seat.at_phone:
            seat.phone = "" if phone == seat.name else phone
            seat.reachable, seat.busy, seat.resting_until = False, False, None
            self.commands.append(UsePhone(seat=seat.name, phone=phone))

    def begins_idle(self, seat: Seat) -> None:
        """It has nothing to do from now on: its place in every order of free seats."""
        seat.idle_since = self.at
        logged_in_ms = self.at - seat.logged_in_at
        seat.occupancy = min(1000, seat.busy_ms * 1000 // logged_in_ms) if logged_in_ms > 0 else 0
        if self.lucky:
            wind_clocks(self.state, seat)

    def signed(self, seat: Seat, by: int) -> None:
        """A seat logged in or out."""
        for queue in seat.rule.queues:
            book = self.books.get(queue)
            if book is not None:
                book.signed_in += by
                self._count_tiers(book)
                self.unsettled.add(queue)

    def _count_tiers(self, book: Book) -> None:
        if book.rule.tier_seats:
            self.routing.ignore_tiers(book.rule.name, ignore=book.signed_in <= book.rule.tier_seats)

    def show(self, seat: Seat, *, again: bool = False) -> None:
        """Something of the seat may have changed: tell the matcher, and the lamp if it looks different, or `again`."""
        self.routing.seat_changed(seat)
        look = self._look(seat) if seat.work else seat.presence
        if seat.name in self.wanting:
            self.unwanted.add(seat.name)
        if self.may_empty:
            self.unsettled.update(self.may_empty.intersection(seat.rule.queues))
        if look != seat.shown or again:
            if look != seat.shown:
                seat.since = self.state.now
            seat.shown = look
            self.commands.append(ShowSeat(seat=seat.name, look=look))

    def _look(self, seat: Seat) -> SeatLook:
        if len(seat.work) == 1:  # nearly always
            return _OFFER_LOOKS[self.state.offers[seat.work[0]].state]
        looks = {_OFFER_LOOKS[self.state.offers[name].state] for name in seat.work}
        return "talking" if "talking" in looks else "ringing" if "ringing" in looks else "wrap-up"

    def rest(self, seat: Seat) -> None:
        """Leave its handset alone for a moment."""
        seat.resting_until = self.at + REST_MS
        self.deadlines.add(seat.resting_until, "rest", seat.name)

    def lines_changed(self) -> None:
        """Seats that are reached through lines come and go with them."""
        changed, self.lines.changed = self.lines.changed & self.groups, set()
        for group in changed:
            without = self.lines.pick(group, "seat") is None
            if without == (group in self.routing.without_line):
                continue
            (self.routing.without_line.add if without else self.routing.without_line.discard)(group)
            for seat in self.state.seats.values():
                if seat.rule.line_group == group:
                    self.routing.seat_changed(seat)

    def change_seat(self, seat: Seat, rule: SeatRule) -> None:
        """Give a seat other rules, those of a new one included."""
        if seat.name in self.state.seats:
            self._enlist(seat, -1)
        self.state.seats[seat.name] = seat
        seat.rule = rule
        self._enlist(seat, 1)
        if rule.line_group and rule.line_group not in self.groups:
            self.groups.add(rule.line_group)
            if self.lines.pick(rule.line_group, "seat") is None:
                self.routing.without_line.add(rule.line_group)
        self.show(seat)

    def remove_seat(self, seat: Seat) -> None:
        """A seat without work is gone from the rules."""
        self._enlist(seat, -1)
        seat.presence = "logged-out"
        self.routing.seat_gone(seat)
        del self.state.seats[seat.name]

    def _enlist(self, seat: Seat, by: int) -> None:
        """Enter a seat in the books of its queues, or with `by` -1 take it out."""
        enlist(self.books, seat, by=by)
        for queue in seat.rule.queues:
            if queue in self.books:
                self._count_tiers(self.books[queue])
                self.unsettled.add(queue)

    # Offers

    def give_deadline(self, offer: Offer, after_ms: int) -> None:
        """The switch's word on an offer, or the end of its wrap-up, is due."""
        offer.deadline = self.at + after_ms
        self.deadlines.add(offer.deadline, "offer", offer.id)

    def plan_look(self) -> None:
        """The next snapshot is due a while from now."""
        self.state.look_at = self.at + self.state.look_ms
        self.deadlines.add(self.state.look_at, "look")
