"""The floor: the state with its two indexes, and the few things that are done to it.

Every change of a call, a seat or an offer goes through here, so that the state, the matcher, the deadlines and the
lamps cannot disagree. The handlers in `decide`, `wishes` and `reconcile` say *when*; this file says *how*.
"""

from acd.core import commands
from acd.core.commands import AnyCommand, SendAway, ShowSeat, TakeSnapshot, Withdraw
from acd.core.deadlines import Deadlines
from acd.core.events import OfferOutcome
from acd.core.model import Call, Offer, Seat, State
from acd.core.routing import Routing
from acd.core.transitions import OfferState

RING_GRACE_MS = 5_000
"""The switch ends a ring by itself; this long after it should have, we ask."""
JOIN_MS = 5_000
"""From the agent's answer to the report of the bridge."""
LOOK_MS = 3_000
"""From a doubt to the snapshot that settles it."""
WITHDRAW_MS = 3_000
"""From a withdrawal to its confirmation."""
REST_MS = 5_000
"""A handset that could not be reached, or was busy, is left alone this long (mod_callcenter: 5 s for unregistered)."""
NOT_ANSWERING = "not-answering"
"""The pause reason of a seat that was set aside."""

UNDELIVERED = frozenset({"busy", "unreachable", "failed"})
"""Outcomes that are no fault of the agent."""


class Floor:
    """All that a handler works on."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.routing = Routing(state)
        self.deadlines = Deadlines(state)
        self.commands: list[AnyCommand] = []

    @property
    def at(self) -> int:
        """Time of the event being handled."""
        return self.state.now

    def plan_look(self) -> None:
        """The next snapshot is due a while from now."""
        self.state.look_at = self.at + self.state.look_ms
        self.deadlines.add(self.state.look_at, "look")

    # Calls

    def arrive(self, call: Call) -> None:
        """A call joins its queue. One for an unknown queue is sent away at once: it must not wait for nobody."""
        self.state.calls[call.id] = call
        self.deadlines.add(call.give_up_at, "give-up", call.id)
        if call.queue in self.state.queues:
            self.routing.waits(call)
        else:
            self.send_away(call)

    def leave_queue(self, call: Call) -> bool:
        """It waits no longer, though the caller is still there. Answers whether it did wait."""
        if not call.move("leave", self.at):
            return False
        self.routing.leaves(call)
        return True

    def send_away(self, call: Call) -> None:
        """The wait is over without an agent."""
        if self.leave_queue(call):
            self.commands.append(SendAway(call=call.id))

    def forget(self, call: Call) -> None:
        """The caller is gone. A seat that rings for it is told to stop; one that talks hears it by itself."""
        self._drop(call)
        if call.offer is not None:
            offer = self.state.offers[call.offer]
            self.withdraw(offer)
            offer.call = None

    def _drop(self, call: Call) -> None:
        self.routing.leaves(call)
        for seat_name in list(call.barred):
            self.unbar(call, seat_name)
        del self.state.calls[call.id]

    def requeue(self, call: Call) -> None:
        """Back to its old place: rank, due time and number are what they were."""
        call.offer = None
        if call.move("requeue", self.at):
            if call.queue in self.state.queues and call.give_up_at > self.at:
                self.routing.waits(call)
            else:
                self.send_away(call)

    def bar(self, call: Call, seat: Seat) -> None:
        """Remember that this call was refused by this seat."""
        queue = self.state.queues.get(call.queue)
        if queue is None or not queue.refusal_ms:
            return
        until = self.at + queue.refusal_ms
        if seat.name not in call.barred:
            self.routing.bar(call, seat)
        call.barred[seat.name] = until
        self.deadlines.add(until, "bar", call.id, seat.name)

    def unbar(self, call: Call, seat_name: str) -> None:
        """That was long enough ago."""
        del call.barred[seat_name]
        self.routing.unbar(call, self.state.seats[seat_name])

    # Offers

    def assign(self) -> None:
        """Give every call that can be served to a seat."""
        if not self.state.fresh:
            return
        for call, seat in self.routing.pairs():
            self._offer(call, seat)

    def _offer(self, call: Call, seat: Seat) -> None:
        rule = self.state.queues[call.queue]
        self.state.offers_counted += 1
        offer = Offer(
            id=f"offer-{self.state.run}-{self.state.offers_counted}",
            call=call.id,
            seat=seat.name,
            queue=call.queue,
            wrap_up_ms=rule.wrap_up_ms,
            since=self.at,
            made_at=self.at,
            deadline=None,
        )
        granted = call.move("offer", self.at) and seat.move("offer", self.at)
        assert granted, f"the matcher paired {call.id} ({call.state}) with {seat.name} ({seat.state})"
        self.state.offers[offer.id] = offer
        call.offer = seat.offer = offer.id
        call.offers_made += 1
        self._give_deadline(offer, rule.ring_ms + RING_GRACE_MS)
        self.commands.append(commands.Offer(offer=offer.id, call=call.id, seat=seat.name, ring_ms=rule.ring_ms))
        self.show(seat)

    def answered(self, offer: Offer) -> None:
        """The agent picked up."""
        if offer.move("answer", self.at):
            self._give_deadline(offer, JOIN_MS)
            self.show(self.state.seats[offer.seat])

    def connected(self, offer: Offer, *, seen: bool = False) -> None:
        """They talk. Of an offer that is being withdrawn this counts only if a snapshot has `seen` it.

        An event may tell of a joining that our withdrawal, on its way, ends at once. But a withdrawal that never
        reached the switch must not be repeated into a talk that has been going on for a while.
        """
        if offer.move("connect", self.at) or (seen and offer.move("talk", self.at)):
            offer.deadline = None
            seat = self.state.seats[offer.seat]
            seat.move("connect", self.at)
            seat.unanswered = 0
            if offer.call is not None:
                self.state.calls[offer.call].move("connect", self.at)
            self.show(seat)

    def overdue(self, offer: Offer) -> None:
        """The switch's word did not come in time: see for ourselves. Only what is no talk by then is taken back."""
        if not self.state.fresh:  # no word can come; the snapshot that ends this will tell
            self._give_deadline(offer, LOOK_MS)
            return
        if offer.move("doubt", self.at):
            self._give_deadline(offer, LOOK_MS)
            self.commands.append(TakeSnapshot())
            return
        if offer.state is OfferState.WITHDRAWING:
            self.commands.append(TakeSnapshot())
        self.withdraw(offer)

    def withdraw(self, offer: Offer) -> None:
        """Take it back, or ask once more for it to be taken back."""
        if offer.move("withdraw", self.at):
            self._give_deadline(offer, WITHDRAW_MS)
            self.commands.append(Withdraw(offer=offer.id, call=offer.call or ""))

    def end(self, offer: Offer, outcome: OfferOutcome) -> None:
        """The seat's leg is gone: settle what becomes of the call and of the seat."""
        del self.state.offers[offer.id]
        seat = self.state.seats[offer.seat]
        seat.offer = None
        talked = offer.state is OfferState.CONNECTED
        call = self.state.calls[offer.call] if offer.call is not None else None
        if call is not None and talked:
            call.offer = None
            call.move("part", self.at)
        elif call is not None:
            if offer.state is not OfferState.WITHDRAWING and outcome not in UNDELIVERED:
                self.bar(call, seat)
            self.requeue(call)
        if talked:
            self._finish_talk(seat, offer.wrap_up_ms)
        else:
            self._finish_ring(seat, outcome if offer.state is not OfferState.WITHDRAWING else "withdrawn")

    def _finish_talk(self, seat: Seat, wrap_up_ms: int) -> None:
        if wrap_up_ms and seat.next_word != "log_out" and seat.move("wrap_up", self.at):
            seat.wrap_up_until = self.at + wrap_up_ms
            self.deadlines.add(seat.wrap_up_until, "wrap-up", seat.name)
            self.show(seat)
        else:
            self.go_on(seat)

    def _finish_ring(self, seat: Seat, outcome: OfferOutcome) -> None:
        declines_for_ever = outcome == "refused" and not seat.rule.set_aside_after
        if outcome in UNDELIVERED or declines_for_ever:
            seat.resting_until = self.at + REST_MS
            self.deadlines.add(seat.resting_until, "rest", seat.name)
        elif outcome != "withdrawn":
            seat.unanswered += 1
            if seat.rule.set_aside_after and seat.unanswered >= seat.rule.set_aside_after:
                seat.unanswered = 0
                if seat.next_word == "ready":
                    seat.next_word, seat.pause_reason = "pause", NOT_ANSWERING
        self.go_on(seat, keep_idle=outcome == "withdrawn")

    # Seats

    def go_on(self, seat: Seat, *, keep_idle: bool = False) -> None:
        """The present call, or its wrap-up, is over: do what was decided for then."""
        seat.wrap_up_until = None
        if seat.move(seat.next_word, self.at):
            seat.next_word = "ready"
            if not keep_idle:
                seat.idle_since = self.at
        self.show(seat)

    def show(self, seat: Seat, *, again: bool = False) -> None:
        """Something of the seat may have changed: tell the matcher, and the lamp if it looks different, or `again`."""
        self.routing.seat_changed(seat)
        look = seat.look(self.state.offers.get(seat.offer) if seat.offer else None)
        if look != seat.shown or again:
            seat.shown = look
            self.commands.append(ShowSeat(seat=seat.name, look=look))

    def _give_deadline(self, offer: Offer, after_ms: int) -> None:
        offer.deadline = self.at + after_ms
        self.deadlines.add(offer.deadline, "offer", offer.id)
