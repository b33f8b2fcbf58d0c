"""From events and commands to facts: who waited where and how that ended, who was rung, what each seat did when.

A fold: it reads each entry once, in order, and holds only what is still open, so a journal of any length will do. What
is finished is in `stays`, `attempts`, `spans` and `gaps` until somebody takes it from there. It needs no replay of the
core: an event says what happened, the commands say what came of it. Where the core may ignore an event (a late word
about a dead offer, a call that a snapshot knows), the same rule stands here; a test holds the two side by side.
"""

from collections.abc import Callable, Sequence
from typing import Any

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import Gap, State
from acd.core.outgoing import CUSTOMER
from acd.core.reconcile import SETTLE_MS
from acd.core.rules import MEDIA
from acd.reports.facts import ABANDONED, ANSWERED, LOST, Attempt, Contact, Span, Stay, attempt_of, contact_of
from acd.reports.legs import Legs


class Ledger:
    """The fold. `note` it every entry, in order; given a state, every entry after that state."""

    def __init__(self, state: State | None = None) -> None:
        self.now = 0
        self.stays: list[Stay] = []
        self.attempts: list[Attempt] = []
        self.spans: list[Span] = []
        self.gaps: list[Gap] = []
        self.legs = Legs(state)
        self.served: dict[str, tuple[str, ...]] = {}
        """Seat -> the queues that it serves, by the latest rules."""
        self._contacts: dict[str, Contact] = {}
        self._offers: dict[str, Attempt] = {}
        self._wrapping: dict[str, list[Attempt]] = {}
        self._doing: dict[str, tuple[str, int]] = {}
        self._looks: dict[str, str] = {}
        self._reachable: dict[str, bool] = {}
        self._blind: tuple[int, str] | None = None
        self._fresh, self._switch_run = False, ""
        self._virtual = {rule.name for rule in MEDIA if rule.virtual}
        """Media whose calls the switch does not know."""
        self._closing = ""
        """The virtual call that an agent is done with."""
        self._handlers: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.CallArrived: self._arrived,
            ev.CallEnded: self._call_ended,
            ev.CallTransferred: self._transferred,
            ev.Connected: self._joined,
            ev.OfferEnded: self._leg_ended,
            ev.HandsetChanged: self._handset_changed,
            ev.Snapshot: self._snapshot,
            ev.SwitchLost: self._switch_lost,
            ev.Started: self._started,
            ev.Configured: self._configured,
            ev.SeatsConfigured: self._seats_configured,
        }
        self._before = 0  # time of the event before
        if state is not None:
            self._open(state)

    @property
    def open_stays(self) -> list[Stay]:
        """Those who wait now, and those whose talk or wrap-up lasts."""
        waiting = [one.stay for one in self._contacts.values() if one.stay.ended is None]
        lasting = [one for one in self._offers.values() if one.connected is not None]
        lasting += [one for wrapping in self._wrapping.values() for one in wrapping]
        return waiting + [one.stay for one in lasting if one.stay is not None and one.stay.how == ANSWERED]

    def open_spans(self) -> list[Span]:
        """What each seat does now, up to now."""
        return [Span(seat, doing, start, self.now) for seat, (doing, start) in self._doing.items()]

    def stay_of(self, call: str) -> Stay | None:
        """Return the latest stay of a call that is in the house."""
        contact = self._contacts.get(call)
        return contact.stay if contact is not None else None

    def doing(self, seat: str) -> str:
        """Return what a seat does now, see `Span`; empty for one that is not known."""
        return self._doing.get(seat, ("", 0))[0]

    def waiting(self) -> dict[str, str]:
        """Call -> its queue, of those who wait now or are being rung for."""
        lasting = {"waiting", "offered"}
        return {name: one.stay.queue for name, one in self._contacts.items() if one.state in lasting}

    def talking(self) -> dict[str, str]:
        """Offer -> its seat, of those who talk now."""
        return {name: one.seat for name, one in self._offers.items() if one.connected is not None}

    def note(self, event: ev.AnyEvent, commands: Sequence[cmd.AnyCommand]) -> None:
        """Take in an event and what followed from it."""
        self._before, self.now = self.now, event.at
        self.legs.note(event, commands)
        closing = self._offers.get(event.offer) if isinstance(event, ev.CloseAsked) else None
        self._closing = closing.call if closing is not None else ""
        if (handle := self._handlers.get(type(event))) is not None:
            handle(event)
        for command in commands:
            self._follow(command)
        if self._wrapping and isinstance(event, ev.OfferEnded | ev.Snapshot):
            for seat in [name for name in self._wrapping if self._looks.get(name) != "wrap-up"]:
                self._wrapped_up(seat)  # no wrap-up, or none that shows beside other work

    def _follow(self, command: cmd.AnyCommand) -> None:
        match command:
            case cmd.ShowSeat():
                self._looks[command.seat] = command.look
                self._shown(command.seat)
            case cmd.Offer():
                self._offer(command)
            case cmd.Withdraw():
                if (attempt := self._offers.get(command.offer)) is not None:
                    attempt.withdrawing = True
            case cmd.SendAway():
                self._send_away(command)
            case cmd.ChangeQueue():
                self._change_queue(command)
            case cmd.Reply() | cmd.CallOver() | cmd.Promise():
                self._over(command)
            case cmd.Announce() if command.wait_most_ms:
                contact = self._contacts.get(command.call)
                if contact is not None and contact.stay.told_at is None:
                    contact.stay.told_at, contact.stay.told_most_ms = self.now, command.wait_most_ms

    def _over(self, command: cmd.Reply | cmd.CallOver | cmd.Promise) -> None:
        if isinstance(command, cmd.Promise):
            self._admit(command.call, command.caller, command.queue, command.medium, self.now)
        elif isinstance(command, cmd.CallOver):
            self._gone(command.call, "done" if command.reason == "called-back" else command.reason)
        elif command.answer == "ok" and self._closing:
            self._gone(self._closing, "done")

    def _open(self, state: State) -> None:
        """Begin in the midst of a journal, with what a state says is open."""
        self.now, self._fresh, self._switch_run = state.now, state.fresh, state.switch_run
        if state.blind_since is not None:
            self._blind = state.blind_since, state.blind_why
        self._contacts = {call.id: contact_of(call, state) for call in state.calls.values()}
        for offer in state.offers.values():
            known = self._contacts.get(offer.call or "")
            attempt = attempt_of(offer, known.stay if known is not None else None)
            if offer.state == "wrap-up":
                wrapping = self._wrapping.setdefault(offer.seat, [])
                if all(one.offer != offer.id for one in wrapping):
                    wrapping.append(attempt)
            else:
                self._offers[offer.id] = attempt
        self.served = {seat.name: seat.rule.queues for seat in state.seats.values()}
        self._virtual = {rule.name for rule in state.media.values() if rule.virtual}
        for seat in state.seats.values():
            self._reachable[seat.name], self._looks[seat.name] = seat.reachable, seat.shown
            self._shown(seat.name)

    def restate(self, state: State, why: str, *, lost: int) -> None:
        """Go on from a state: what it does not hold is over; with entries `lost`, whatever was open is."""
        if lost:
            self.gaps.append(Gap(start=self.now or state.now, end=state.now, why=why))
        for name in [name for name in self._contacts if lost or name not in state.calls]:
            self._gone(name, LOST)
        for attempt in [one for name, one in self._offers.items() if lost or name not in state.offers]:
            self._offer_ended(attempt, "failed")
        contacts, offers = self._contacts, self._offers
        if lost:
            for seat in list(self._wrapping):
                self._wrapped_up(seat)
            contacts, offers = {}, {}
        self._open(state)
        self._contacts.update(contacts)
        self._offers.update(offers)

    # Calls

    def _call_ended(self, event: ev.CallEnded) -> None:
        self._gone(event.call, ABANDONED if event.reason == "hung-up" else event.reason)

    def _arrived(self, event: ev.CallArrived) -> None:
        known = self._contacts.get(event.call)
        if known is not None:
            if known.state in {"waiting", "offered"} or known.stay.virtual:
                return
            self._gone(event.call, ABANDONED)
        given = (known is not None and known.given) or event.call.startswith(CUSTOMER)  # what was before was no wait
        began = event.at if given or event.since is None else event.since
        self._admit(event.call, event.caller, event.queue, event.medium, began)

    def _transferred(self, event: ev.CallTransferred) -> None:
        contact = self._contacts.get(event.call)
        for offer in contact.give_away(self._contacts.get(event.takes), self.now) if contact is not None else ():
            self._offers[offer].call = event.call

    def _admit(self, call: str, caller: str, queue: str, medium: str, began: int) -> None:
        now = self.now
        stay = Stay(call=call, caller=caller, queue=queue, medium=medium, began=began, came=now, joined=now)
        stay.virtual = medium in self._virtual
        self._contacts[call] = Contact(stay=stay, state="waiting", since=now, known_at=now, offers=[])

    def _gone(self, call: str, how: str) -> None:
        contact = self._contacts.pop(call, None)
        if contact is None:
            return
        if contact.stay.ended is None:
            self._end_stay(contact.stay, how)
        for offer in contact.offers:
            attempt = self._offers[offer]
            if attempt.connected is None:
                attempt.withdrawing, attempt.stay = True, None

    def _end_stay(self, stay: Stay, how: str, to: str = "") -> None:
        stay.ended, stay.how, stay.to = self.now, how, to
        if how != ANSWERED:  # a talk and wrap-up are still to come
            self.stays.append(stay)

    def _send_away(self, command: cmd.SendAway) -> None:
        contact = self._contacts.get(command.call)
        if contact is not None and contact.stay.ended is None:
            self._end_stay(contact.stay, command.reason, command.to)
            contact.state, contact.since = "after", self.now

    def _change_queue(self, command: cmd.ChangeQueue) -> None:
        contact = self._contacts.get(command.call)
        if contact is None or contact.stay.ended is not None:
            return
        old = contact.stay
        self._end_stay(old, command.reason, f"queue {command.queue}")
        contact.stay = old.in_queue(command.queue, self.now)

    # Offers

    def _joined(self, event: ev.Connected) -> None:
        if (attempt := self._offers.get(event.offer)) is not None and not attempt.withdrawing:
            self._connected(attempt)

    def _leg_ended(self, event: ev.OfferEnded) -> None:
        if (attempt := self._offers.get(event.offer)) is not None:
            self._offer_ended(attempt, event.outcome)

    def _offer(self, command: cmd.Offer) -> None:
        contact = self._contacts.get(command.call)
        assert contact is not None, f"{command.offer} is for call {command.call}, which never came"
        self._offers[command.offer] = Attempt(
            offer=command.offer,
            call=command.call,
            seat=command.seat,
            queue=contact.stay.queue,
            made=self.now,
            stay=contact.stay,
        )
        contact.offers.append(command.offer)
        if contact.state == "waiting":
            contact.state, contact.since = "offered", self.now

    def _connected(self, attempt: Attempt) -> None:
        if attempt.connected is not None:
            return
        attempt.connected, attempt.withdrawing = self.now, False
        contact = self._contacts.get(attempt.call)
        if contact is None or attempt.offer not in contact.offers:
            return
        for name in contact.offers:
            if name != attempt.offer:
                self._offers[name].stay = None
        contact.offers = [attempt.offer]
        contact.state, contact.since = "talking", self.now
        contact.stay.seat = attempt.seat
        if contact.stay.ended is None:
            self._end_stay(contact.stay, ANSWERED)

    def _offer_ended(self, attempt: Attempt, outcome: str) -> None:
        del self._offers[attempt.offer]
        attempt.ended = self.now
        contact = self._contacts.get(attempt.call)
        if contact is not None and attempt.offer in contact.offers:
            contact.offers.remove(attempt.offer)
            if not contact.offers:
                contact.since = self.now
                if contact.stay.ended is not None and contact.stay.virtual:
                    contact.stay = contact.stay.given_back(self.now)
                contact.state = "waiting" if contact.stay.ended is None else "after"
        if attempt.connected is None:
            attempt.outcome = "withdrawn" if attempt.withdrawing else outcome
            self.attempts.append(attempt)
            return
        attempt.outcome = ANSWERED
        if attempt.stay is not None:
            attempt.stay.talk_ms = self.now - attempt.connected
        self._wrapping.setdefault(attempt.seat, []).append(attempt)  # what the seat shows next tells whether it is so

    def _wrapped_up(self, seat: str) -> None:
        for attempt in self._wrapping.pop(seat, ()):
            attempt.wrapped = self.now
            if attempt.stay is not None:
                assert attempt.ended is not None, f"{attempt.offer} is wrapped up, and has not ended"
                attempt.stay.wrap_up_ms = self.now - attempt.ended
                self.stays.append(attempt.stay)
            self.attempts.append(attempt)

    # Seats

    def _handset_changed(self, event: ev.HandsetChanged) -> None:
        self._handset(event.seat, reachable=event.reachable)

    def _configured(self, event: ev.Configured) -> None:
        self._virtual = {rule.name for rule in event.media if rule.virtual}
        if event.seats is not None:
            self.served = {rule.name: rule.queues for rule in event.seats}
            self._seats_gone(set(self._looks) - set(self.served))

    def _seats_configured(self, event: ev.SeatsConfigured) -> None:
        self.served.update((rule.name, rule.queues) for rule in event.seats)
        for name in event.gone:
            self.served.pop(name, None)
        self._seats_gone(set(event.gone))

    def _handset(self, seat: str, *, reachable: bool) -> None:
        if self._reachable.get(seat) != reachable:
            self._reachable[seat] = reachable
            if seat in self._looks:
                self._shown(seat)

    def _shown(self, seat: str) -> None:
        look = self._looks[seat]
        doing = "unreachable" if look == "ready" and not self._reachable.get(seat, False) else look
        if look != "wrap-up" and seat in self._wrapping:
            self._wrapped_up(seat)
        was, start = self._doing.get(seat, ("", self.now))
        if was == doing:
            return
        if was and start < self.now:
            self.spans.append(Span(seat, was, start, self.now))
        self._doing[seat] = doing, self.now

    def _seats_gone(self, names: set[str]) -> None:
        """Seats that are in the rules no more; one at work leaves when its work is over, and then shows it."""
        at_work = {attempt.seat for attempt in self._offers.values()} | set(self._wrapping)
        for name in names - at_work:
            if name in self._looks:
                self._looks[name] = "logged-out"
                self._shown(name)

    # The switch

    def _lose_sight(self, at: int, why: str) -> None:
        if self._blind is None:
            self._blind = at, why
        self._fresh = False

    def _switch_lost(self, event: ev.SwitchLost) -> None:
        self._lose_sight(event.at, "the link to the switch was lost")

    def _started(self, event: ev.Started) -> None:
        self._lose_sight(self._before or event.at, "the server was down" if self._before else "")

    def _snapshot(self, snapshot: ev.Snapshot) -> None:
        """Judge as `reconcile` does: what the switch lacks has ended, what it holds and is new to us has come."""
        died = bool(snapshot.switch_run and self._switch_run and snapshot.switch_run != self._switch_run)
        self._switch_run = snapshot.switch_run or self._switch_run
        asked = snapshot.asked
        younger = {name for name, one in self._contacts.items() if max(one.known_at, one.since) >= asked}
        self._legs(snapshot)
        held = {call.call for call in snapshot.calls}
        for name, contact in list(self._contacts.items()):
            if contact.known_at < asked and name not in held and not contact.stay.virtual:
                self._gone(name, LOST)
        for call in snapshot.calls:
            if call.call not in younger:
                self._held(call)
        for handset in snapshot.handsets:
            self._handset(handset.seat, reachable=handset.reachable)
        if self._blind is not None and self._blind[1]:
            self.gaps.append(Gap(start=self._blind[0], end=self.now, why=self._blind[1]))
        if died:
            self.gaps.append(Gap(start=self._before, end=self.now, why="the switch died"))
        self._blind, self._fresh = None, True

    def _legs(self, snapshot: ev.Snapshot) -> None:
        live = {leg.offer: leg for leg in snapshot.legs}
        for attempt in list(self._offers.values()):
            leg = live.get(attempt.offer)
            if leg is None and attempt.made < snapshot.asked:
                self._offer_ended(attempt, "failed")
            elif leg is not None and leg.joined:
                self._connected(attempt)

    def _held(self, held: ev.HeldCall) -> None:
        contact = self._contacts.get(held.call)
        if contact is None:
            if held.waiting:
                self._admit(held.call, held.caller, held.queue, held.medium, held.since)
        elif contact.stay.virtual:
            return
        elif held.waiting and contact.state in {"talking", "after"}:
            if not self._fresh or self.now - contact.since >= SETTLE_MS:
                self._gone(held.call, LOST)
                self._admit(held.call, held.caller, held.queue, held.medium, held.since)
        elif not held.waiting and contact.state == "waiting":
            self._end_stay(contact.stay, LOST)
            contact.state, contact.since = "after", self.now
