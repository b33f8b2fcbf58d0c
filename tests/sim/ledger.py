"""The simulation's own books about calls and seats, kept from what happened, compared with what the core believes."""

from collections import Counter

from acd.core import events as ev
from acd.core.rules import FRONT
from tests.sim import oracle

TALK = frozenset({"connected", "suspended"})


class Ledger:
    """Books over one life of the core; `begin` adopts what a restarted one knows."""

    def __init__(self, fault):
        self.fault = fault
        self._waited, self._places = {}, {}
        self.tickets = []
        """[caller, queue, arrived, expires] of those whom the switch's death cut off."""

    def begin(self, state):
        """Adopt a state as it is."""
        self._seen, self._stale = {}, set()
        self._passed, self._passers, self._last = Counter(), {}, {}
        self._seats, self._talked = {}, set()
        for call in state.calls.values():
            self._adopt(call)
            self._seen[call.number] = self._look(call)
            self._stale.add(call.number)
        for offer in state.offers.values():
            if offer.connected_at is not None:
                self._talked.add(offer.id)
        for seat in state.seats.values():
            self._seats[seat.number] = [seat.work, seat.presence, seat.idle_since, seat.taken, seat.turn]
        self._states = {offer.id: offer.state for offer in state.offers.values()}
        self._counted = False
        """Whether calls were passed in this event."""
        self._refused = {}
        """(call's number, seat) -> until when the call is kept from the seat."""

    # Refusals

    def refused(self, state, event):
        """An offer is about to end, perhaps because the agent did not want it."""
        offer = state.offers.get(event.offer)
        if offer is None or offer.call is None:
            return
        call = state.calls[offer.call]
        rule = state.queues.get(call.queue)
        if call.virtual and offer.state in TALK and call.hold_until is None:
            again = max(rule.refusal_ms if rule is not None else 0, 5_000)
            self._refused[call.number, state.seats[offer.seat].number] = event.at + again
        if event.outcome not in {"refused", "no-answer"}:
            return
        if rule is not None and offer.state not in {*TALK, "withdrawing", "wrap-up"}:
            seat = state.seats[offer.seat].number  # one that is gone from the rules and comes back is another
            self._refused[call.number, seat] = event.at + rule.refusal_ms

    def check_refusal(self, state, call, seat):
        """A call goes to a seat: it must not be one that refused it lately."""
        if self._refused.get((call.number, seat.number), 0) > state.now:
            self.fault(f"{call.id} goes to {seat.name}, which did not take it just now")

    def forgive(self, call, seat):
        """The agent who did not want it then wants it now."""
        self._refused.pop((call.number, seat.number), None)

    def is_stale(self, call):
        """Whether a call has lived through other rules than those of today."""
        return call.number in self._stale

    def rules_change(self, state):
        """Who is here by now was, in part, judged by other rules."""
        self._stale.update(call.number for call in state.calls.values())

    # Overtaking

    def count_passes(self, state, call, seat):
        """A call gets a seat: it passes all who came before and could have had the seat, unless it was pulled there."""
        if call.pulled_from is not None:
            return
        for other in state.calls.values():
            rule = state.queues.get(other.queue)
            if other is call or rule is None or not rule.overtake_most or other.state != "waiting":
                continue
            if (other.arrived, other.number) >= (call.arrived, call.number):
                continue
            if not _could_have(state, seat, other):
                continue
            if self._last.get(other.number) != call.number:
                self._last[other.number] = call.number
                self._passed[other.number] += 1
                self._counted = True
            seen = self._seen.get(other.number)
            if seen is not None and seen[:2] != (other.queue, other.hops):  # it moved within this event: a new count
                self._passers.pop(other.number, None)
            passers = self._passers.setdefault(other.number, set())
            passers.add(call.number)
            if len(passers) > rule.overtake_most:
                self.fault(f"{other.id} was passed by {len(passers)} calls, {rule.overtake_most} are allowed")

    def _adopt(self, call):
        self._passed[call.number] = call.passed
        self._passers.pop(call.number, None)
        self._last[call.number] = call.passed_by

    # Calls

    @staticmethod
    def _look(call):
        return call.queue, call.hops, call.steps_done, call.rank, call.due, call.needs, call.tiers, call.priority

    def after(self, state, event, changes, *, whole):
        """Compare what the event changed, or all."""
        if isinstance(event, ev.Configured):
            for call in state.calls.values():
                self._adopt(call)
        moved = event.call if isinstance(event, ev.CallSet) and event.queue is not None else None
        for call in state.calls.values() if whole or moved or self._counted else changes.calls:
            self._of_call(state, event, call, moved=call.id == moved)
        self._counted = False
        if len(self._seen) > 4 * len(state.calls) + 50:
            self._forget(state)
        if whole:
            self._of_seats(state, event, state.seats.values())
        elif changes.seats or changes.offers or changes.offers_gone:
            of_offers = {offer.seat for offer in (*changes.offers, *changes.offers_gone)}
            names = {*of_offers, *(seat.name for seat in changes.seats)} & state.seats.keys()
            self._of_seats(state, event, [state.seats[name] for name in sorted(names)])

    def _of_call(self, state, event, call, *, moved):
        look, seen = self._look(call), self._seen.get(call.number)
        if seen is None or seen[:2] != look[:2] or moved:
            self._adopt(call)
            if seen is None or seen[0] != look[0]:
                self._stale.discard(call.number)
        elif call.state == "waiting" and call.passed != self._passed[call.number]:
            self.fault(f"{call.id} was passed {self._passed[call.number]} times, the core counts {call.passed}")
        if seen is None:
            self._arrived(state, call, event)
        if look != seen:
            self._seen[call.number] = look
            if call.queue in state.queues and call.number not in self._stale:
                self._place(state, call)

    def _forget(self, state):
        numbers = {call.number for call in state.calls.values()}
        for book in (self._seen, self._passed, self._passers, self._last):
            for number in book.keys() - numbers:
                del book[number]
        self._stale &= numbers
        self._refused = {pair: until for pair, until in self._refused.items() if until > state.now}
        self._talked &= state.offers.keys()

    def _place(self, state, call):
        """Needs, tiers, rank and due time follow from the rules and the steps that were taken."""
        rule = state.queues[call.queue]
        steps = [step for number, step in enumerate(rule.steps) if call.steps_done >> number & 1]
        self._needs(call, rule, steps)
        tiers = [step.tiers for step in steps if step.tiers] or [rule.tiers]
        if call.tiers not in tiers:
            self.fault(f"{call.id} is for tiers {call.tiers}, by the rules {tiers}")
        if call.rank == FRONT:
            if not rule.overtake_most or call.passed < rule.overtake_most or call.due != call.arrived:
                self.fault(f"{call.id} stands in front, passed {call.passed} times, due {call.due}")
            return
        ranks = [rule.priority] if call.priority is None else [max(call.priority, 0)]
        ranks += [step.priority for step in steps if step.priority is not None]
        if call.rank not in ranks or (len(ranks) == 2 and call.priority is None and call.rank != ranks[1]):
            self.fault(f"{call.id} is of rank {call.rank}, by the rules {ranks}")
        due = call.arrived - call.ahead_ms - rule.ahead_ms - sum(step.ahead_ms for step in steps)
        if call.due != due:
            self.fault(f"{call.id} is due {call.due}, by the rules {due}")

    def _needs(self, call, rule, steps):
        needs = []
        for need in {*call.asked, *rule.needs}:
            levels = dict(need)
            for step in steps:
                if levels.keys() & set(step.drop):
                    break
                for skill, level in step.lower:
                    if skill in levels:
                        levels[skill] = min(levels[skill], level)
            else:
                needs.append(tuple(sorted(levels.items())))
        if set(needs) != {tuple(sorted(need)) for need in call.needs}:
            self.fault(f"{call.id} asks for {call.needs}, by the rules {needs}")

    # Arrivals and tickets

    def switch_died(self, state, event):
        """Whoever was cut off keeps his place: note what is known of him, before the core hears of it."""
        held = {call.call for call in event.calls}
        for call in sorted(state.calls.values(), key=oracle.standing):
            cut_off = call.known_at < event.asked and call.state != "after" and not call.virtual
            if call.id not in held and cut_off:
                self.tickets.append([call.caller, call.queue, call.arrived, event.at + state.ticket_ms])

    def callbacks(self, state, event):
        """Note who waits and would be called back, and what places callbacks have, before the core hears of it."""
        self._waited, self._places = {}, {}
        if not isinstance(event, ev.CallEnded | ev.CallArrived | ev.Snapshot):
            return
        is_look = isinstance(event, ev.Snapshot)
        for call in state.calls.values():
            if not call.virtual:
                self._waited[f"callback-{call.id}"] = call.arrived
            elif oracle.is_callback(state, call) and (is_look or call.caller not in self._places):
                free = is_look or call.state not in {
                    "talking",
                    "after",
                }  # by a look it may be, before its caller is met
                self._places.setdefault(call.caller, []).extend([(call.queue, call.arrived)] if free else [])

    def _came(self, call, event):
        """When and where a call came, by the event or by the call that it comes of."""
        since, queue = None, call.queue
        if isinstance(event, ev.CallArrived) and event.call == call.id:
            since, queue = event.at if event.since is None else event.since, event.queue
        elif isinstance(event, ev.Snapshot):
            for held in event.calls:
                if held.call == call.id:
                    since, queue = held.since, held.queue
        if since is None and call.id in self._waited:
            since = self._waited[call.id]
        if since is None:
            self.fault(f"{call.id} came out of nothing")
        return since, queue

    def _arrived(self, state, call, event):
        since, queue = self._came(call, event)
        of_number = self._places.get(call.dial, ()) if call.dial and not call.virtual else ()
        places = [place for of_queue, place in of_number if of_queue == queue]
        self.tickets = [ticket for ticket in self.tickets if ticket[3] > state.now]
        for ticket in self.tickets if call.caller and not call.virtual else ():
            if ticket[0] == call.caller and ticket[1] == queue:
                self.tickets.remove(ticket)
                since = min(since, ticket[2])
                break
        if isinstance(event, ev.Snapshot):
            # Of several with one number, who has the callback's place; by then a step may have moved that here.
            if call.arrived in {place for _, place in of_number} | set(self._waited.values()):
                return
        else:
            since = min([since, *places])
        if call.arrived != since:
            self.fault(f"{call.id} stands as if it had come at {call.arrived}, its place is of {since}")

    # Seats

    def _of_seats(self, state, event, seats):
        ended = self._states.keys() - state.offers.keys()
        worked = {name for name in ended if self._states[name] in TALK or self._states[name] == "wrap-up"}
        logs_in = isinstance(event, ev.LogInAsked)
        for seat in seats:
            was = self._seats.get(seat.number)
            took = 0
            for name in seat.work:
                if state.offers[name].connected_at is not None and name not in self._talked:
                    self._talked.add(name)
                    took += 1
            if was is not None and not (logs_in and event.seat == seat.name):
                self._of_seat(state, seat, was, took, worked)
            self._seats[seat.number] = [seat.work, seat.presence, seat.idle_since, seat.taken, seat.turn]
        self._states = {offer.id: offer.state for offer in state.offers.values()}

    def _of_seat(self, state, seat, was, took, worked):
        work, presence, idle_since, taken, turn = was
        if seat.taken != taken + took:
            self.fault(f"seat {seat.name} has taken {taken + took} calls, the core counts {seat.taken}")
        new = [name for name in seat.work if name not in work]
        made = max((int(name.rpartition("-")[2]) for name in new), default=turn)
        if seat.turn != made:
            self.fault(f"seat {seat.name} had its turn at {made}, the core says {seat.turn}")
        did_nothing = not work and not new and seat.presence == presence != "paused"
        if did_nothing and seat.idle_since not in {idle_since, state.now if presence == "ready" else idle_since}:
            self.fault(f"seat {seat.name} did nothing, and is idle since {seat.idle_since}")
        if work and not seat.work and worked & set(work) and seat.idle_since != state.now:
            self.fault(f"seat {seat.name} is idle since {seat.idle_since}, it was busy until {state.now}")
        over = work and not seat.work and presence == seat.presence and not worked & set(work)
        if over and seat.idle_since != idle_since and all(self._states[name] == "withdrawing" for name in work):
            self.fault(f"seat {seat.name} lost its place among the idle by an offer that was taken back")


def _could_have(state, seat, call):
    """Whether a seat could be given a call now."""
    if not oracle.rings_more(state, call) or not oracle.may_have(state, seat, call):
        return False
    if oracle.calls_first(state, call) is not None:  # no seat is for it alone
        return False
    return oracle.takes_calls(state, seat) or oracle.at_desk(state, seat, call)
