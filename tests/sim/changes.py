"""What an event changed, found by holding the state against a copy of it as it was.

So nobody has to be believed: whatever part of the core changed a call, a seat, an offer or a line, and whether it
should have or not, it is found at the event that did it. The comparison is made in C, and costs a microsecond or two.
"""

from copy import copy


class Changes:
    """What is not as it was at the last `take`."""

    def __init__(self, state):
        self.calls, self.seats, self.offers, self.lines = [], [], [], []
        """New ones and changed ones, as they are now."""
        self.calls_gone, self.seats_gone, self.offers_gone, self.lines_gone = [], [], [], []
        """Those that are no more, as they were."""
        self.any = True
        """Whether anything changed that says who may get what."""
        self.wide = True
        """Whether that may let others than those that changed have each other: they share lines, limits and tiers."""
        self.watched = set()
        """Queues in which something is to happen to who waits, beside his being served."""
        self._was = ({}, {}, {}, {})
        self._rules = self._signed_in = None
        self._lists = (
            (self.calls, self.calls_gone),
            (self.seats, self.seats_gone),
            (self.offers, self.offers_gone),
            (self.lines, self.lines_gone),
        )
        self.take(state)

    @property
    def queues(self):
        """Those of the watched where such calls and seats are."""
        queues = {call.queue for call in self.calls}
        queues.update(call.queue for call in self.calls_gone)
        for seat in self.seats:
            queues.update(seat.rule.queues)
        return queues & self.watched

    def take(self, state):
        """Find out, and remember the state as it is now."""
        self.any = False
        books = (state.calls, state.seats, state.offers, state.lines)
        for now, was, (changed, gone) in zip(books, self._was, self._lists, strict=True):
            if changed or gone:
                changed.clear()
                gone.clear()
            if now != was:
                self.any = True
                _differ(now, was, changed, gone)
        rules = state.fresh, state.queues, state.media, state.groups
        self.wide = bool(self.lines or self.lines_gone or self.offers_gone or state.legs)
        if self.seats or self.seats_gone:
            signed_in = [seat.name for seat in state.seats.values() if seat.presence != "logged-out"]
            self.wide = self.wide or signed_in != self._signed_in
            self._signed_in = signed_in
        if rules != self._rules:
            self.any = self.wide = True
            self.watched = {name for name, rule in state.queues.items() if _acts_alone(rule)}
            self._rules = state.fresh, dict(state.queues), dict(state.media), dict(state.groups)


def _acts_alone(rule):
    return rule.steps or rule.leave_empty is not None or rule.strategy == "ring-circles"


def _differ(now, was, changed, gone):
    for name, thing in now.items():
        if was.get(name) != thing:
            changed.append(thing)
            was[name] = twin = copy(thing)
            if getattr(twin, "barred", None):
                twin.barred = dict(twin.barred)  # the one field that changes in place
    if len(was) > len(now):
        gone += [was.pop(name) for name in was.keys() - now.keys()]
