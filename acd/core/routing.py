"""Who gets whom: keeps the matcher in step with the state.

Orders are tuples, never weighted sums: calls by (rank, due time, arrival number), seats by (tier, fit, the strategy's
key, seat number). There is one order over all queues of a seat, and eligibility comes before order, so a call that
nobody present can serve never holds up one behind it.

The matcher knows integers only: calls and seats by their numbers, classes by those given here. All of it can be derived
from the state; `Routing(state)` does so. Nothing here grows with what has been: a class without members goes when there
are many.
"""

from typing import TYPE_CHECKING

from _fastpath import Matcher
from acd.core.capacity import Capacity
from acd.core.classes import CallClass, CallKey, SeatClass, SeatKey, Skills
from acd.core.lanes import LANE_OF, lanes_of, seat_key
from acd.core.model import Call, Seat, State
from acd.core.promised import reached_as
from acd.core.rules import PULLED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acd.core.rules import SeatRule

REACHED = ">"
"""Before the medium of a customer who is called first: the medium of his callback, for the matcher."""
CLASSES_MOST = 4_096
"""With more classes of a kind, those without members are forgotten."""


class Routing:
    """The matcher over one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.capacity = Capacity(state)
        self.rebuild()

    def rebuild(self) -> None:
        """Begin anew, with nobody there: the rules of queues or media have changed."""
        self.capacity.learn()
        self.lanes = lanes_of(self._state.queues)
        self._matcher = Matcher(len(self.lanes))
        self._skills = Skills()
        self._call_classes: dict[CallKey, CallClass] = {}
        self._seat_classes: dict[SeatKey, SeatClass] = {}
        self._of_queue: dict[str, list[CallClass]] = {}
        self._serving: dict[str, list[SeatClass]] = {}
        self._numbers = 0
        first = any(rule.callback_first == "customer" for rule in self._state.queues.values())
        self._becomes = {rule.becomes for rule in self._state.media.values() if rule.becomes} if first else set()
        self._of_desks = frozenset(rule.name for rule in self._state.media.values() if rule.desk)
        self._wide: dict[frozenset[str], frozenset[str]] = {}
        self._shut: set[str] = set()
        self._flat: set[str] = set()
        self._calls: dict[int, Call] = {}
        self._free: dict[int, tuple[Seat, SeatClass, tuple[int, ...]]] = {}
        self._last_classes: dict[int, tuple[SeatRule, frozenset[str], SeatClass]] = {}
        """Seat -> its class when it was last free, and of what that was made: to hash all this takes a microsecond."""
        self._kept: set[str] = set()
        self._ringing: set[tuple[int, int]] = set()
        self.without_line: set[str] = set()
        """Line groups that have no line for a seat's leg."""
        self.grounds: set[str] = set()
        """Seats for which a customer is called: no second one is."""

    # Calls

    def waits(self, call: Call) -> None:
        """A call of a known queue may be offered."""
        cls = self._call_class(call)
        self._calls[call.number] = call
        rank = call.rank if call.pulled_from is None else PULLED
        self._matcher.wait(call.number, cls.number, rank, call.due)

    def leaves(self, call: Call) -> None:
        """It may no longer."""
        if self._calls.pop(call.number, None) is not None:
            self._matcher.leave(call.number)

    def is_waiting(self, call: Call) -> bool:
        """Whether it may be offered."""
        return call.number in self._calls

    def bar(self, call: Call, seat: Seat) -> None:
        """Keep a call from a seat, until `unbar`."""
        self._matcher.bar(call.number, seat.number)

    def unbar(self, call: Call, seat: Seat) -> None:
        """Let it go there again."""
        self._matcher.unbar(call.number, seat.number)

    def rings(self, call: Call, seat: Seat) -> None:
        """Keep a call for which more seats may ring from one that rings for it, though that has room for more."""
        self._ringing.add((call.number, seat.number))
        self.bar(call, seat)

    def rings_no_more(self, call: Call, seat: Seat) -> None:
        """That is over, if it was so."""
        pair = call.number, seat.number
        if pair in self._ringing:
            self._ringing.discard(pair)
            self.unbar(call, seat)

    def keep_for(self, seat: Seat, *, kept: bool) -> None:
        """Calls are kept for a seat, or none any more."""
        (self._kept.add if kept else self._kept.discard)(seat.name)
        self.seat_changed(seat)

    def serves(self, seat: Seat, call: Call, media: frozenset[str]) -> bool:
        """Whether a seat with room for these media may be given a call that waits, as far as classes say."""
        if call.number not in self._calls or call.queue in self._shut:
            return False
        return self._call_class(call).cost(self._class_with(seat, media), flat=call.queue in self._flat) is not None

    # Queues

    def shut(self, queue: str, *, shut: bool) -> None:
        """Offer the calls of a queue to nobody, or to everybody again."""
        if shut == (queue in self._shut):
            return
        (self._shut.add if shut else self._shut.discard)(queue)
        for cls in self._of_queue.get(queue, ()):
            (self._matcher.close if shut else self._matcher.open)(cls.number)

    def is_shut(self, queue: str) -> bool:
        """Whether its calls are offered to nobody at present."""
        return queue in self._shut

    def ignore_tiers(self, queue: str, *, ignore: bool) -> None:
        """Let tiers count in a queue, or not."""
        if ignore == (queue in self._flat):
            return
        (self._flat.add if ignore else self._flat.discard)(queue)
        for cls in self._serving.get(queue, ()):
            self._link(cls)

    # Seats

    def seat_changed(self, seat: Seat) -> None:
        """Bring the matcher's view of a seat in line with whether it may be offered a call now."""
        known = self._free.get(seat.number)
        if known is None and seat.work and self.capacity.is_taken(seat):  # nearly always, and nothing to do
            return
        media = self._open_media(seat)
        if not media:
            if known is not None:
                del self._free[seat.number]
                self._matcher.busy(seat.number)
            return
        cls = self._class_with(seat, media)
        keys = tuple([seat_key(seat, lane) for lane in self.lanes])
        if known is not None:
            if known[1] is cls and known[2] == keys:
                return
            self._matcher.busy(seat.number)
        self._free[seat.number] = seat, cls, keys
        self._matcher.free(seat.number, cls.number, *keys)

    def seat_gone(self, seat: Seat) -> None:
        """It is gone from the rules, and offered nothing any more."""
        self.seat_changed(seat)
        self._last_classes.pop(seat.number, None)

    def room(self, seat: Seat) -> frozenset[str]:
        """Name the media of which a seat may be given a contact now: all that it has room for, or those of desks."""
        if seat.listens and not (seat.rule.line_group and seat.rule.line_group in self.without_line):
            return self.capacity.open_media(seat)
        return self.capacity.open_media(seat) & self._of_desks if seat.sits_at_desk else frozenset()

    def _open_media(self, seat: Seat) -> frozenset[str]:
        media = self.room(seat)
        return self._with_customers(media) if self._becomes and seat.name not in self.grounds else media

    def _with_customers(self, media: frozenset[str]) -> frozenset[str]:
        """Add what says that a customer may be called for a seat with room for these media."""
        wide = self._wide.get(media)
        if wide is None:
            wide = self._wide[media] = media | {f"{REACHED}{name}" for name in self._becomes & media}
        return wide

    def match(self) -> tuple[Call, Seat] | None:
        """Take out the best pair, None if there is none."""
        pair = self._matcher.match()
        if pair is None:
            return None
        return self._calls.pop(pair[0]), self._free.pop(pair[1])[0]

    # Classes

    def _call_class(self, call: Call) -> CallClass:
        medium = call.medium
        if call.virtual and (becomes := reached_as(self._state, call)):
            medium = f"{REACHED}{becomes}"
        key = (call.queue, call.needs, call.tiers, medium, call.wants)
        cls = self._call_classes.get(key)
        return cls if cls is not None else self._new_call_class(key)

    def _new_call_class(self, key: CallKey) -> CallClass:
        if len(self._call_classes) >= CLASSES_MOST:
            self._forget_call_classes()
        strategy = self._state.queues[key[0]].strategy
        self._numbers += 1
        cls = CallClass(self._numbers, key, self._skills, wants_fit=strategy == "best-fit")
        self._call_classes[key] = cls
        self._of_queue.setdefault(key[0], []).append(cls)
        self._matcher.lane(cls.number, self.lanes.index(LANE_OF[strategy]))
        if key[0] in self._shut:
            self._matcher.close(cls.number)
        serving: Iterable[SeatClass] = self._seat_classes.values() if key[4] else self._serving.get(key[0], ())
        for seats in list(serving):
            if cls.cost(seats, flat=key[0] in self._flat) is not None:
                self._link(seats)
        return cls

    def _forget_call_classes(self) -> None:
        used = {self._call_class(call).number for call in self._calls.values()}
        for key, cls in list(self._call_classes.items()):
            if cls.number not in used:
                del self._call_classes[key]
                self._of_queue[key[0]].remove(cls)
                self._matcher.drop_call_class(cls.number)

    def _class_with(self, seat: Seat, media: frozenset[str]) -> SeatClass:
        rule = seat.rule
        last = self._last_classes.get(seat.number)
        kept = seat.name in self._kept
        if last is not None and last[0] is rule and last[1] is media and bool(last[2].wanted) == kept:
            return last[2]
        cls = self._known_class(seat, media)
        self._last_classes[seat.number] = rule, media, cls
        return cls

    def _known_class(self, seat: Seat, media: frozenset[str]) -> SeatClass:
        rule = seat.rule
        key = (rule.queues, rule.tiers, rule.skills, media, seat.name if seat.name in self._kept else "")
        cls = self._seat_classes.get(key)
        if cls is not None:
            return cls
        if len(self._seat_classes) >= CLASSES_MOST:
            self._forget_seat_classes()
        self._numbers += 1
        cls = self._seat_classes[key] = SeatClass(self._numbers, key, self._skills)
        for queue in cls.tiers:
            self._serving.setdefault(queue, []).append(cls)
        self._link(cls)
        return cls

    def _forget_seat_classes(self) -> None:
        self._last_classes.clear()
        used = {cls.number for _, cls, _ in self._free.values()}
        for key, cls in list(self._seat_classes.items()):
            if cls.number not in used:
                del self._seat_classes[key]
                for queue in cls.tiers:
                    self._serving[queue].remove(cls)
                self._matcher.drop_seat_class(cls.number)

    def _link(self, seats: SeatClass) -> None:
        links = []
        for queue in seats.tiers:
            flat = queue in self._flat
            for cls in self._of_queue.get(queue, ()):
                cost = cls.cost(seats, flat=flat)
                if cost is not None:
                    links.append((cls.number, cost))
        if seats.wanted:
            for key, cls in self._call_classes.items():
                if key[4] == seats.wanted and key[0] not in seats.tiers and key[3] in seats.media:
                    links.append((cls.number, 0))
        self._matcher.link(seats.number, links)
