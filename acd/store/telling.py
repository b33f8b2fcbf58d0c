"""From journal entries to happenings: a fold over events, commands and the facts that follow from them.

So what it says is the same whether it watches or reads the journal afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import State
from acd.happenings import Happening
from acd.store.facts import Arrived, Ended, Fact, Moved, Remaining, SentAway

REMEMBERED_MOST = 20_000


class _Offer(Struct):
    call: str
    seat: str
    medium: str
    queue: str
    is_taken: bool = False


class Happenings:
    """The fold: ask it for what every entry says, in order; given a state, of every entry after that state."""

    def __init__(self, state: State | None = None) -> None:
        self._queues: dict[str, str] = {}
        self._media: dict[str, str] = {}
        self._offers: dict[str, _Offer] = {}
        self._latest: dict[str, str] = {}
        """Seat -> the contact that it had last."""
        if state is not None:
            self.open(state)

    def open(self, state: State) -> None:
        """Go on from a state."""
        self._queues = {call.id: call.queue for call in state.calls.values()}
        self._media = {call.id: call.medium for call in state.calls.values()}
        taken = {one.id: one.in_talk or one.state == "wrap-up" for one in state.offers.values()}
        self._offers = {
            one.id: _Offer(one.call, one.seat, one.medium, one.queue, taken[one.id])
            for one in state.offers.values()
            if one.call is not None
        }
        self._latest = {one.seat: one.call for name, one in self._offers.items() if taken[name]}

    def of(self, event: ev.AnyEvent, commands: Sequence[cmd.AnyCommand], facts: Sequence[Fact]) -> list[Happening]:
        """Return what an entry says, with the facts that follow from it (`acd.store.projection`)."""
        told = [*self._of_event(event, commands)]
        told += [self._called_back(event.at, one) for one in commands if isinstance(one, cmd.CallOver)]
        for fact in facts:
            told += self._of_fact(fact)
        for command in commands:
            told += self._of_command(event.at, command)
        return told

    # Facts

    def of_gap(self, facts: Sequence[Fact]) -> list[Happening]:
        """Return what is known of a time that the journal lacks."""
        return [one for fact in facts for one in self._of_fact(fact)]

    def _of_fact(self, fact: Fact) -> Iterator[Happening]:
        match fact:
            case Arrived():
                yield from self._arrived(fact)
            case Moved():
                _note(self._queues, fact.call, fact.queue)
                what = {"type": "contact-moved", "call": fact.call, "queue": fact.queue}
                yield Happening(at=fact.at, what=what, queue=fact.queue, call=fact.call)
            case SentAway():
                what = {"type": "contact-sent-away", "call": fact.call, "reason": fact.reason}
                yield self._told(fact.at, what, fact.call)
            case Ended():
                yield self._over(fact.at, fact.call, fact.how)
            case Remaining():
                for call in [one for one in self._queues if one not in fact.calls]:
                    yield self._over(fact.at, call, "lost")

    def _arrived(self, fact: Arrived) -> Iterator[Happening]:
        call = fact.call
        _note(self._queues, call, fact.queue)
        _note(self._media, call, fact.medium)
        is_out = fact.direction == "out"
        if is_out and fact.seat:
            _note(self._latest, fact.seat, call)
            what = {"type": "call-out", "call": call, "seat": fact.seat, "number": fact.caller}
            yield Happening(at=fact.at, what=what, seat=fact.seat, call=call)
            return
        said = {"call": call, "medium": fact.medium, "queue": fact.queue, "caller": fact.caller}
        yield self._told(fact.at, {"type": "contact-waits", **said}, call)
        if is_out and fact.virtual:
            del said["medium"]
            yield self._told(fact.at, {"type": "callback-promised", **said}, call)

    def _over(self, at: int, call: str, how: str) -> Happening:
        told = self._told(at, {"type": "contact-over", "call": call, "outcome": how}, call)
        self._queues.pop(call, None)
        self._media.pop(call, None)
        return told

    def _told(self, at: int, what: dict[str, Any], call: str) -> Happening:
        return Happening(at=at, what=what, queue=self._queues.get(call, ""), call=call)

    # Events

    def _of_event(self, event: ev.AnyEvent, commands: Sequence[cmd.AnyCommand]) -> Iterator[Happening]:
        match event:
            case ev.OfferAnswered() if (offer := self._offers.get(event.offer)) is not None and not offer.is_taken:
                yield self._at_seat(event.at, "contact-answered", event.offer, offer)
            case ev.Connected():
                yield from self._taken(event.at, event.offer)
            case ev.Snapshot():
                for leg in event.legs:
                    yield from self._taken(event.at, leg.offer) if leg.joined else ()
            case ev.OfferEnded() if (offer := self._offers.pop(event.offer, None)) is not None:
                what = {"type": "offer-over", "offer": event.offer, "call": offer.call, "seat": offer.seat}
                what["outcome"] = event.outcome
                yield Happening(at=event.at, what=what, seat=offer.seat, queue=offer.queue, call=offer.call)
            case ev.CallTransferred():
                yield from self._transferred(event)
            case ev.Asked() if any(isinstance(one, cmd.Reply) and one.answer in {"ok", "later"} for one in commands):
                yield from self._granted(event)

    def _at_seat(self, at: int, kind: str, name: str, offer: _Offer) -> Happening:
        what = {"type": kind, "offer": name, "call": offer.call, "medium": offer.medium, "seat": offer.seat}
        return Happening(at=at, what=what, seat=offer.seat, queue=offer.queue, call=offer.call)

    def _taken(self, at: int, name: str) -> Iterator[Happening]:
        offer = self._offers.get(name)
        if offer is not None and not offer.is_taken:
            offer.is_taken = True
            _note(self._latest, offer.seat, offer.call)
            yield self._at_seat(at, "contact-taken", name, offer)

    def _transferred(self, event: ev.CallTransferred) -> Iterator[Happening]:
        giver = next((one.seat for one in self._offers.values() if one.call == event.call and one.is_taken), "")
        what = {"type": "contact-transferred", "call": event.call, "seat": giver}
        yield self._told(event.at, {**what, "to": event.to or event.seat, "asked_first": event.asked_first}, event.call)
        for name, offer in self._offers.items():
            if event.takes and offer.call == event.takes:
                offer.call, offer.is_taken = event.call, False
                yield from self._taken(event.at, name)

    def _granted(self, event: ev.Asked) -> Iterator[Happening]:
        match event:
            case ev.CodeAsked():
                call = self._latest.get(event.seat, "")
                what = {"type": "contact-coded", "seat": event.seat, "call": call, "code": event.code}
                yield Happening(at=event.at, what=what, seat=event.seat, queue=self._queues.get(call, ""), call=call)
            case ev.CloseAsked() | ev.DeferAsked() if (offer := self._offers.get(event.offer)) is not None:
                kind = "contact-closed" if isinstance(event, ev.CloseAsked) else "contact-put-off"
                what = {"type": kind, "offer": event.offer, "call": offer.call, "seat": event.seat}
                yield Happening(at=event.at, what=what, seat=event.seat, queue=offer.queue, call=offer.call)

    # Commands

    def _of_command(self, at: int, command: cmd.AnyCommand) -> Iterator[Happening]:
        match command:
            case cmd.Offer():
                yield self._offered(at, command)
            case cmd.ShowSeat():
                what = {"type": "seat", "seat": command.seat, "look": command.look}
                yield Happening(at=at, what=what, seat=command.seat)
            case cmd.Suspend() | cmd.Resume() if (offer := self._offers.get(command.offer)) is not None:
                kind = "contact-suspended" if isinstance(command, cmd.Suspend) else "contact-resumed"
                what = {"type": kind, "offer": command.offer, "call": command.call}
                yield Happening(at=at, what=what, seat=offer.seat, queue=offer.queue, call=command.call)

    def _called_back(self, at: int, command: cmd.CallOver) -> Happening:
        what: dict[str, Any] = {"type": "callback-dropped", "call": command.call, "reason": command.reason}
        if command.reason == "called-back":
            what = {"type": "callback-kept", "call": command.call}
        return self._told(at, what, command.call)

    def _offered(self, at: int, command: cmd.Offer) -> Happening:
        queue, medium = self._queues.get(command.call, ""), self._media.get(command.call, command.medium)
        _note(self._offers, command.offer, _Offer(command.call, command.seat, medium, queue))
        what: dict[str, Any] = {"type": "offer", "offer": command.offer, "call": command.call, "seat": command.seat}
        what |= {"medium": medium, "ring_ms": command.ring_ms}
        return Happening(at=at, what=what, seat=command.seat, queue=queue, call=command.call)


def _note(where: dict[str, Any], name: str, value: Any) -> None:
    """Keep something, and no more than so much: when it is over is not always said."""
    where[name] = value
    if len(where) > REMEMBERED_MOST:
        del where[next(iter(where))]
