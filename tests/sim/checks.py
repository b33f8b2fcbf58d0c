"""What is checked after each event, with books of the simulation's own.

After each event all that it changed is checked (see `changes`); after every `EVERY`th, and after each that may change
everything, all there is. The core's own invariants; then what it promises to callers and agents, counted here from the
commands and from the plain state before and after, never from the core's indexes: who was passed how often, who stands
where and why, which seat has been idle since when, that no deadline is forgotten, that nobody waits beside a seat that
could serve him.
"""

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core import invariants
from tests.sim import oracle
from tests.sim.changes import Changes
from tests.sim.ledger import Ledger

EVERY = 64
WHOLE = (ev.Started, ev.Configured, ev.SeatsConfigured, ev.SwitchLost)
"""Events that may change everything, as does the first snapshot after a while without sight."""
PULLS = {ev.PullAsked: oracle.pull, ev.PickUpAsked: oracle.pick_up}
"""Wishes that bring a call to who asks, with who says which."""
BLINDING = (ev.Started, ev.SwitchLost)


class Violation(AssertionError):  # noqa: N818 - what it is of is a promise
    """The core broke a promise."""


class Checks:
    """The checks of one world."""

    def __init__(self, world, every=EVERY):
        self.world = world
        self.every = every
        """After so many events all is checked, whatever they changed."""
        self.ledger = Ledger(self.fault)
        self._predicted, self._to_reach = [], []
        self._count = 0

    def fault(self, text):
        """Something is wrong."""
        raise Violation(text)

    def watch(self, core):
        """A new core begins."""
        self._core = core
        core.watch_offers(self._offering)
        self.ledger.begin(core.state)
        self._out = {name for name, line in core.state.lines.items() if line.out_since is not None}
        self.changes = Changes(core.state)

    def before(self, event):
        """An event is about to be taken in."""
        self._predicted.clear()
        self._to_reach.clear()
        state = self._core.state
        self._saw = state.fresh
        kind = type(event)
        self.ledger.callbacks(state, event)
        self._expects_promise = None
        if kind is ev.CallEnded and event.call in state.calls:
            was, state.now = state.now, event.at
            hung_up = event.reason in {"hung-up", "lost"}
            self._expects_promise = hung_up and oracle.is_to_be_called(state, state.calls[event.call])
            state.now = was
        if kind is ev.OfferEnded:
            self.ledger.refused(state, event)
        elif kind in PULLS:
            _, call = self._pulled = PULLS[kind](state, event)
            if call is not None:
                self.ledger.forgive(call, state.seats[event.seat])
        elif kind is ev.Configured:
            self.ledger.rules_change(state)
        elif kind is ev.Snapshot and "" != state.switch_run != event.switch_run:
            self.ledger.switch_died(state, event)

    def _offering(self, call, seat):
        """A pair was chosen, and nothing has been done about it yet: it must be the right one."""
        state = self._core.state
        pair = oracle.next_pair(state)
        if pair is None:
            self.fault(f"{call.id} goes to {seat.name}, which may not have it: {oracle.may_have(state, seat, call)}")
        first, seats = pair
        if first is not call:
            self.fault(f"{call.id} {oracle.turn(call)} goes before {first.id} {oracle.turn(first)} to {seat.name}")
        if seat.name not in seats:
            orders = {
                other.name: oracle.wanted_order(state, other, call)
                for other in state.seats.values()
                if other.name in {*seats, seat.name}
            }
            self.fault(f"{call.id} goes to {seat.name} instead of {sorted(seats)}: {orders}")
        self.ledger.check_refusal(state, call, seat)
        if oracle.calls_first(state, call) is not None:
            self._to_reach.append((call.id, seat.name))
            return
        by_line = seat.rule.line_group and not oracle.at_desk(state, seat, call)
        line = oracle.spare_line(state, seat.rule.line_group) if by_line else ""
        self._predicted.append((call.id, seat.name, line))
        self.ledger.count_passes(state, call, seat)

    def after(self, event, commands):
        """An event was taken in."""
        state, changes = self._core.state, self.changes
        changes.take(state)
        self._count += 1
        whole = self._count % self.every == 0 or isinstance(event, WHOLE) or (state.fresh and not self._saw)
        # The loss of sight comes before what is overdue, see the dispatcher.
        if not isinstance(event, BLINDING):
            self._all(invariants.broken(state) if whole else self._changed(state) if changes.any else ())
            if whole or changes.any:
                self._nobody_is_forgotten(state, changes.watched if whole else changes.queues)
        made = [(c.call, c.seat, c.line) for c in commands if isinstance(c, cmd.Offer)]
        if made != self._predicted:
            self.fault(f"offered {made}, expected {self._predicted}")
        self._all(invariants.broken_offers(state, commands) if made else ())
        self._reached(state, [command for command in commands if isinstance(command, cmd.Reach)])
        if whole or changes.any:
            if state.offers:
                self._offers(state)
            if state.legs and not isinstance(event, BLINDING):  # as above
                self._all(invariants._legs(state))
            self._nobody_waits_in_vain(state, whole=whole or changes.wide)
        if whole:
            self._no_deadline_is_forgotten(state)
            self._no_message_is_lost(state)
        self._commands(state, commands)
        if isinstance(event, ev.QueueSet):
            self._closed(state, event)
        if type(event) in PULLS:
            self._pull(state, event, commands)
        self._lines(state, event, commands)
        self.ledger.after(state, event, changes, whole=whole)

    def _all(self, faults):
        for fault in faults:
            self.fault(fault)

    def _changed(self, state):
        """All that is wrong with what the event changed."""
        changes = self.changes
        for offer in changes.offers:
            yield from invariants._offer(state, offer)
        for call in changes.calls:
            yield from invariants._call(state, call)
        for seat in changes.seats:
            yield from invariants._seat(state, seat)
        if changes.lines or changes.offers_gone:
            yield from invariants._lines(state)
        yield from self._held(state)

    def _held(self, state):
        """What is gone and still held by something, perhaps by what did not change."""
        changes = self.changes
        for offer in changes.offers_gone:
            if offer.call in state.calls and offer.id in state.calls[offer.call].offers:
                yield f"call {offer.call} holds {offer.id}, which has ended"
            if offer.seat in state.seats and offer.id in state.seats[offer.seat].work:
                yield f"seat {offer.seat} holds {offer.id}, which has ended"
        for call in changes.calls_gone:
            for name in call.offers:
                if name in state.offers and state.offers[name].call == call.id:
                    yield f"{name} is out for call {call.id}, which is gone"

    def _offers(self, state):
        lines, owners = set(), {}
        for offer in state.offers.values():
            if offer.line:
                if offer.line in lines:
                    self.fault(f"two legs go over line {offer.line}")
                lines.add(offer.line)
            if offer.call is None:
                if offer.state not in {"withdrawing", "doubtful", "wrap-up", "connected", "suspended"}:
                    self.fault(f"{offer.id} is {offer.state} for nobody")
                continue
            owners.setdefault(offer.call, []).append(offer)
        for name, offers in owners.items():
            self._place(state, state.calls[name], offers)
        for seat in state.seats.values():
            if len(seat.work) > 1:
                self._set_aside(state, seat)

    def _place(self, state, call, offers):
        rule = state.queues.get(call.queue)
        seats = {offer.seat for offer in offers}
        if len(seats) < len(offers):
            self.fault(f"{call.id} was offered twice to one of {sorted(seats)}")
        shared = rule is None or rule.strategy in {"ring-all", "ring-circles"} or self.ledger.is_stale(call)
        if len(offers) > 1 and not shared:
            self.fault(f"{call.id} is in two places: {[offer.id for offer in offers]}")

    def _set_aside(self, state, seat):
        held = [state.offers[name] for name in seat.work]
        for offer in held:
            if offer.state == "suspended" and not any(
                other is not offer and other.medium in oracle.medium_rule(state, offer.medium).interrupted_by
                for other in held
            ):
                self.fault(f"{offer.id} is set aside for nothing at {seat.name}")

    def _reached(self, state, commands):
        """Customers are called for whom a seat was free, each for his own seat; who is not is put off."""
        called = {command.call: state.legs[command.leg].seat for command in commands}
        if len(called) != len(commands) or not called.items() <= set(self._to_reach):
            self.fault(f"customers are called: {commands}, expected {self._to_reach}")
        for name in [name for name, _ in self._to_reach if name not in called and name in state.calls]:
            if state.calls[name].hold_until is None:
                self.fault(f"{name} is neither called nor put off: {state.calls[name]}")
        seats = [leg.seat for leg in state.legs.values() if leg.customer and leg.seat]
        if len(seats) != len(set(seats)):
            self.fault(f"several customers are called for one seat: {seats}")

    def _closed(self, state, event):
        """Who waits when a queue is closed that keeps nobody is gone, or waits for one seat."""
        names = {name for name, rule in state.queues.items() if rule.leave_closed and event.queue in {"", name}}
        for call in state.calls.values() if event.closed else ():
            is_for_one = call.wants and call.wants_until is None
            if call.queue in names and call.state == "waiting" and not call.virtual and not is_for_one:
                self.fault(f"{call.id} waits in {event.queue}, which was closed")

    def _commands(self, state, commands):
        promises = [command for command in commands if isinstance(command, cmd.Promise)]
        if self._expects_promise is not None and len(promises) != self._expects_promise:
            self.fault(f"promised {promises}, expected {self._expects_promise}")
        for command in commands:
            call = state.calls.get(getattr(command, "call", ""))
            match command:
                case cmd.SendAway() | cmd.Announce() if call is not None and call.virtual:
                    self.fault(f"nobody is there to hear it: {command}")
                case cmd.SendAway() if call is not None and call.state != "after":
                    self.fault(f"{call.id} was sent away and is {call.state}")
                case cmd.Withdraw():
                    offer = state.offers.get(command.offer)
                    if offer is not None and offer.state != "withdrawing":
                        self.fault(f"{offer.id} was taken back and is {offer.state}")
                case cmd.Announce() if command.position < 0 or command.wait_most_ms < command.wait_least_ms:
                    self.fault(f"nonsense is told: {command}")

    def _pull(self, state, event, commands):
        """Who pulls, or picks up, is told the truth, and the call is his or on the way: it rings nowhere else."""
        answer, call = self._pulled
        [told] = [command.answer for command in commands if isinstance(command, cmd.Reply)]
        if told != answer:
            self.fault(f"{event} is answered {told}, expected {answer}")
        if call is not None and call.wants != event.seat:
            self.fault(f"{call.id} was pulled to {event.seat} and is kept for {call.wants!r}")
        offers = [state.offers[name] for name in call.offers] if call is not None else []
        elsewhere = [offer for offer in offers if offer.seat != event.seat]
        if any(offer.state not in {"doubtful", "withdrawing"} for offer in elsewhere):
            self.fault(f"{call.id} was pulled to {event.seat} and went elsewhere")
        if isinstance(event, ev.PickUpAsked) and call is not None:
            doubted = any(offer.state == "doubtful" for offer in elsewhere)
            if not doubted or cmd.TakeSnapshot() not in commands:
                self.fault(f"{call.id} was picked up at {event.of}, where nobody looks whether it rings: {commands}")

    def _lines(self, state, event, commands):
        """The switch's word on a line is believed; one out of service is given to nobody until it is put back."""
        known = isinstance(event, ev.LineChanged) and state.lines.get(event.line)
        if known and (known.in_use, known.trouble) != (event.in_use, event.trouble):
            self.fault(f"{event} was said, and it is not believed: {known}")
        if isinstance(event, ev.LinesSet):
            (self._out.update if event.out else self._out.difference_update)(event.lines)
        self._out &= state.lines.keys()
        for command in commands:
            if isinstance(command, cmd.Offer | cmd.Dial | cmd.Reach) and command.line in self._out:
                self.fault(f"a leg goes over line {command.line}, which is out of service: {command}")
        out = {name for name, line in state.lines.items() if line.out_since is not None}
        if out != self._out:
            self.fault(f"lines {sorted(out)} are out of service, {sorted(self._out)} should be")

    def _nobody_waits_in_vain(self, state, *, whole):
        """No call that a seat could have is left; where little changed, none that could not be served before."""
        if whole:
            pair = oracle.next_pair(state)
        else:
            changes = self.changes
            pair = oracle.next_pair(state, calls=changes.calls) if changes.calls else None
            if pair is None and changes.seats:
                pair = oracle.next_pair(state, seats=changes.seats)
        if pair is not None:
            self.fault(f"{pair[0].id} waits while {sorted(pair[1])} could have it")

    def _nobody_is_forgotten(self, state, names):
        """In these queues: steps are taken when their time has come; an empty queue is left; a circle grows."""
        in_line = {}
        for call in state.calls.values() if names else ():
            if call.queue not in names:
                continue
            rule = state.queues[call.queue]
            if call.state == "waiting":
                in_line.setdefault(call.queue, []).append(call)
            elif call.state == "offered" and rule.strategy == "ring-circles" and call.circle_at is None:
                self.fault(f"no more seats will ever ring for {call.id}")
        for name, calls in in_line.items():
            rule = state.queues[name]
            nobody = not oracle.signed_in(state, name) if rule.steps else False
            for call in calls:
                self._steps(state, rule, call, crowd=sum(not one.virtual for one in calls), nobody=nobody)
                if rule.leave_empty is not None and state.fresh and not call.virtual:
                    self._empty(state, rule, call)

    def _empty(self, state, rule, call):
        is_kept = call.wants and (call.wants_until is None or call.pulled_from is not None)
        if not is_kept and not any(
            oracle.is_there(state, seat, call, rule.leave_empty) for seat in state.seats.values()
        ):
            self.fault(f"{call.id} waits in {rule.name}, which is empty: {rule.leave_empty}")

    def _steps(self, state, rule, call, *, crowd, nobody):
        for number, step in enumerate(rule.steps):
            due = step.after_ms is not None and state.now - call.waits_since >= step.after_ms
            due = due and call.step_at != state.now
            crowded = step.when_waiting is not None and crowd >= step.when_waiting
            if not call.steps_done >> number & 1 and (due or crowded or (step.when_nobody and nobody)):
                self.fault(f"{call.id} has not taken step {number} of {rule.name}: {step}, {call}")

    def _no_message_is_lost(self, state):
        self.world.messages &= self.world.switch.callers.keys()  # those that were closed are not there any more
        if not self.world.messages <= state.calls.keys():
            self.fault(f"lost: {sorted(self.world.messages - state.calls.keys())}")

    def _no_deadline_is_forgotten(self, state):
        times = [leg.deadline for leg in (*state.offers.values(), *state.legs.values())]
        times += [seat.resting_until for seat in state.seats.values()]
        times += [line.fault_until for line in state.lines.values()]
        times += [ticket.expires_at for ticket in state.tickets]
        times += [until for _, until in state.last_seats.values()]
        for call in state.calls.values():
            if call.state == "waiting":
                times += [call.give_up_at, call.hold_until, call.step_at, call.tell_at, call.wants_until]
            elif call.state == "offered":
                times += [call.step_at, call.circle_at, call.tell_at]
            times.append(call.expires_at)
            times += (call.barred or {}).values()
        times.append(state.look_at)
        soonest = min((at for at in times if at is not None), default=None)
        due = self._core.next_deadline()  # it may be earlier: a wait that is over needs no watching any more
        if soonest is not None and (due is None or due > soonest):
            self.fault(f"the next deadline is {soonest}, the core says {due}")
        if state.fresh and state.look_at is None:
            self.fault("the switch will never be looked at again")
