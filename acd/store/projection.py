"""From journal entries to facts of the customer file: a fold over events and commands, as reports are.

A contact is a call from its arrival to its end, whatever queues and seats it goes through: of a caller by the switch's
id of his channel; a callback or a message by its own; a call out by its leg, and of a callback by that.

It holds only what is in the house, so it begins from any stored state. Where the core may ignore an event (a late word
about a dead offer, a call that a snapshot knows), the same rule stands here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import State
from acd.core.outgoing import CUSTOMER
from acd.core.rules import MEDIA, MediumRule
from acd.store.facts import LOST, Answered, Arrived, Coded, Ended, Fact, Moved, Remaining, SentAway

ABANDONED = "abandoned"
IN, OUT = "in", "out"
CODE_MS = 1_000
"""A desk that closes a contact with a code tells the code at once after it; nobody dials one so soon."""


class _Known(Struct):
    """A call that is in the house."""

    came: int
    virtual: bool
    is_callback: bool
    """It is answered when its customer is, not when an agent is told to call him."""


class _Out(Struct):
    """A call out that is not over."""

    contact: str
    """Itself, or the callback that it is of."""
    since: int


class Projection:
    """The fold: ask it for the facts of every entry, in order; given a state, of every entry after that state."""

    def __init__(self, state: State | None = None) -> None:
        self._calls: dict[str, _Known] = {}
        self._offers: dict[str, tuple[str, str]] = {}
        """Offer -> its call and seat."""
        self._closings: list[tuple[int, str, str]] = []
        """When which seat closed which call, as far as a code may still be told of it."""
        self._outs: dict[str, _Out] = {}
        self._media: dict[str, MediumRule] = {rule.name: rule for rule in MEDIA}
        self._handlers: dict[type[ev.Event], Callable[[Any, Sequence[cmd.AnyCommand]], Iterator[Fact]]] = {
            ev.CallArrived: self._arrived,
            ev.CallEnded: self._call_ended,
            ev.CallTransferred: self._transferred,
            ev.Connected: self._connected,
            ev.OfferEnded: self._offer_ended,
            ev.CodeAsked: self._coded,
            ev.CloseAsked: self._closed,
            ev.CallOutAsked: self._out_asked,
            ev.LegAnswered: self._out_answered,
            ev.LegFailed: self._out_failed,
            ev.LegEnded: self._out_ended,
            ev.Configured: self._configured,
            ev.Snapshot: self._snapshot,
        }
        if state is not None:
            self._open(state)

    def _open(self, state: State) -> None:
        self._media = dict(state.media)
        self._calls = {
            call.id: _Known(call.known_at, call.virtual, self._is_callback(call.medium))
            for call in state.calls.values()
        }
        offers = ((one.id, one.call, one.seat) for one in state.offers.values())
        self._offers = {offer: (call, seat) for offer, call, seat in offers if call is not None}
        self._outs = {}
        for leg in state.legs.values():
            offer = self._offers.get(leg.offer)
            self._outs[leg.id] = _Out(leg.call or (offer[0] if offer is not None else leg.id), leg.asked_at)

    def _is_callback(self, medium: str) -> bool:
        return medium in self._media and self._media[medium].becomes != ""

    def restate(self, state: State, at: int) -> list[Fact]:
        """Go on from a state, because entries are missing before it."""
        self._open(state)
        return [Remaining(at=at, calls=frozenset(self._calls) | frozenset(out.contact for out in self._outs.values()))]

    def facts(self, event: ev.AnyEvent, commands: Sequence[cmd.AnyCommand]) -> list[Fact]:
        """Return what follows from an entry."""
        handle = self._handlers.get(type(event))
        found = list(handle(event, commands)) if handle is not None else []
        for command in commands:
            found += self._follow(event.at, command)
        return found

    def _follow(self, at: int, command: cmd.AnyCommand) -> Iterator[Fact]:
        match command:
            case cmd.Offer():
                self._offers[command.offer] = command.call, command.seat
            case cmd.ChangeQueue():
                yield Moved(at=at, call=command.call, queue=command.queue)
            case cmd.SendAway():
                yield SentAway(at=at, call=command.call, reason=command.reason)
            case cmd.Reach():
                self._outs[command.leg] = _Out(command.call, at)
            case cmd.CallOver():
                yield from self._over(at, command.call, command.reason)
            case cmd.Promise():
                yield self._admit(at, command.call, command.queue, command.medium, command.caller)

    # Callers and virtual calls

    def _admit(self, at: int, call: str, queue: str, medium: str, caller: str, **more: Any) -> Fact:
        rule = self._media.get(medium, MediumRule(name=medium))
        is_callback = self._is_callback(medium)
        self._calls[call] = _Known(at, rule.virtual, is_callback)
        direction = OUT if is_callback or call.startswith(CUSTOMER) else IN
        return Arrived(
            at=at,
            call=call,
            medium=medium,
            direction=direction,
            queue=queue,
            caller=caller,
            virtual=rule.virtual,
            **more,
        )

    def _arrived(self, event: ev.CallArrived, _: object) -> Iterator[Fact]:
        known = self._calls.get(event.call)
        if known is None:
            caller = event.dial or event.caller
            more = {"language": event.language, "since": event.since}
            yield self._admit(event.at, event.call, event.queue, event.medium, caller, **more)
        elif not known.virtual:  # an agent gave it to a queue; of one that waits the queue is the same
            yield Moved(at=event.at, call=event.call, queue=event.queue)

    def _call_ended(self, event: ev.CallEnded, _: object) -> Iterator[Fact]:
        yield from self._over(event.at, event.call, ABANDONED if event.reason == "hung-up" else event.reason)

    def _over(self, at: int, call: str, how: str) -> Iterator[Fact]:
        if self._calls.pop(call, None) is not None:
            yield Ended(at=at, call=call, how=how)

    # Talks

    def _connected(self, event: ev.Connected, _: object) -> Iterator[Fact]:
        yield from self._talks(event.at, event.offer)

    def _talks(self, at: int, offer: str) -> Iterator[Fact]:
        call, seat = self._offers.get(offer, ("", ""))
        known = self._calls.get(call)
        if known is not None and not known.is_callback:
            yield Answered(at=at, call=call, seat=seat)

    def _offer_ended(self, event: ev.OfferEnded, _: object) -> Iterator[Fact]:
        self._offers.pop(event.offer, None)
        yield from ()

    def _transferred(self, event: ev.CallTransferred, _: object) -> Iterator[Fact]:
        for offer, (call, seat) in self._offers.items():
            if event.takes and call == event.takes:
                self._offers[offer] = event.call, seat
                yield Answered(at=event.at, call=event.call, seat=seat)

    # Agents

    def _coded(self, event: ev.CodeAsked, commands: Sequence[cmd.AnyCommand]) -> Iterator[Fact]:
        """It is of what he closed just now, as a desk tells both in one; else of his latest contact, if he has one."""
        done = next((one for one in self._closings if one[1] == event.seat and event.at - one[0] <= CODE_MS), None)
        if done is not None:
            self._closings.remove(done)
        if done is not None or _granted(commands):
            yield Coded(at=event.at, seat=event.seat, code=event.code, call=done[2] if done is not None else "")

    def _closed(self, event: ev.CloseAsked, commands: Sequence[cmd.AnyCommand]) -> Iterator[Fact]:
        offer = self._offers.get(event.offer)
        if offer is not None and _granted(commands):
            recent = [one for one in self._closings if event.at - one[0] <= CODE_MS]
            self._closings = [*recent, (event.at, event.seat, offer[0])]
            yield from self._over(event.at, offer[0], "done")

    # Calls out

    def _out_asked(self, event: ev.CallOutAsked, commands: Sequence[cmd.AnyCommand]) -> Iterator[Fact]:
        dial = next((one for one in commands if isinstance(one, cmd.Dial)), None)
        if dial is None or event.emergency:
            return
        if event.offer in self._offers:
            self._outs[dial.leg] = _Out(self._offers[event.offer][0], event.at)
            return
        self._outs[dial.leg] = _Out(dial.leg, event.at)
        yield Arrived(at=event.at, call=dial.leg, medium="voice", direction=OUT, caller=event.number, seat=event.seat)

    def _out_answered(self, event: ev.LegAnswered, _: object) -> Iterator[Fact]:
        yield from self._out_talks(event.at, event.leg)

    def _out_talks(self, at: int, leg: str) -> Iterator[Fact]:
        out = self._outs.get(leg)
        if out is not None:
            seat = next((seat for call, seat in self._offers.values() if call == out.contact), "")
            yield Answered(at=at, call=out.contact, seat=seat)

    def _out_failed(self, event: ev.LegFailed, commands: Sequence[cmd.AnyCommand]) -> Iterator[Fact]:
        if not any(isinstance(one, cmd.Dial) for one in commands):  # else another line is tried
            yield from self._out_over(event.at, event.leg, event.outcome)

    def _out_ended(self, event: ev.LegEnded, _: object) -> Iterator[Fact]:
        yield from self._out_over(event.at, event.leg, event.outcome)

    def _out_over(self, at: int, leg: str, how: str) -> Iterator[Fact]:
        out = self._outs.pop(leg, None)
        if out is not None and out.contact == leg:
            yield Ended(at=at, call=leg, how=how)

    # The switch

    def _configured(self, event: ev.Configured, _: object) -> Iterator[Fact]:
        self._media = {rule.name: rule for rule in event.media}
        yield from ()

    def _snapshot(self, event: ev.Snapshot, _: object) -> Iterator[Fact]:
        held = {call.call for call in event.calls}
        for call, known in list(self._calls.items()):
            if known.came < event.asked and call not in held and not known.virtual:
                yield from self._over(event.at, call, LOST)
        for one in event.calls:
            if one.call not in self._calls and one.waiting:
                caller, more = one.dial or one.caller, {"language": one.language, "since": one.since}
                yield self._admit(event.at, one.call, one.queue, one.medium, caller, **more)
        for leg in event.legs:
            if leg.joined:
                yield from self._talks(event.at, leg.offer)
        yield from self._look_at_outs(event)

    def _look_at_outs(self, event: ev.Snapshot) -> Iterator[Fact]:
        answered = {out.leg for out in event.outgoing if out.answered} | set(event.answered)
        live = {out.leg for out in event.outgoing}
        for leg, out in list(self._outs.items()):
            if leg in answered:
                yield from self._out_talks(event.at, leg)
            if leg not in live and out.since < event.asked:
                yield from self._out_over(event.at, leg, LOST)


def _granted(commands: Sequence[cmd.AnyCommand]) -> bool:
    return any(isinstance(one, cmd.Reply) and one.answer in {"ok", "later"} for one in commands)
