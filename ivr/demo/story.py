"""What the demo tells: the distributor's own events as sentences, and in the end as a table.

It is told from what happened, never from what was planned; so a caller who is not offered to anyone is seen to wait.
"""

import time
from collections.abc import Callable, Mapping

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.core.commands import AnyCommand, Offer, Reply
from acd.core.events import (
    AnyEvent,
    CallArrived,
    CallEnded,
    CloseAsked,
    Connected,
    DeskChanged,
    HandsetChanged,
    HandsetState,
    OfferEnded,
    Snapshot,
)
from acd.core.floor import NOT_ANSWERING
from acd.core.model import Seat
from ivr.codes import CODES, Action
from ivr.handset_login import HandsetNote
from ivr.screen import clock

_NOTES: dict[HandsetNote, str] = {
    "no-pin": "no PIN came: is your phone's DTMF set to RFC 4733?",
    "wrong-pin": "keys in a wrong PIN",
    "locked": "cannot log in for a while: too many wrong PINs",
    "later": "is heard: it holds from the end of the present call on",
    "not-logged-in": "is not logged in: *11 first",
    "already": "is that already",
    "unknown-seat": "has no seat any more",
    "nobody-waits": "finds nobody waiting",
    "nobody-rings": "finds that nothing rings there",
    "not-served": "does not serve the queue of that call",
    "unable": "cannot take a call now",
    "taken": "finds the phone taken by another seat",
}


_WRITTEN = {"email": "e-mail", "sms": "SMS", "chat": "chat"}
"""What is written, and what that is called."""


class Told(msgspec.Struct):
    """What the story knows of one contact."""

    caller: str
    queue: str
    arrived: int
    medium: str = "voice"
    rung: list[str] = msgspec.field(default_factory=list)
    answered: int | None = None
    by: str = ""
    ended: int | None = None


class Story:
    """Listens to the distributor and tells it in sentences, then in a table."""

    def __init__(
        self, console: Console, agents: Mapping[str, str], names: Mapping[str, str], seat: Callable[[str], Seat | None]
    ) -> None:
        """Begin it.

        Args:
            console: where it is told.
            agents: a seat's name -> who sits there.
            names: a caller's number -> who calls.
            seat: gives what the distributor knows of a seat now, if it does.

        """
        self._console = console
        self._seat = seat
        self._over = False
        self._agents = agents
        self._names = names
        self._began: float | None = None
        self._calls: dict[str, Told] = {}
        self._offers: dict[str, tuple[str, str]] = {}
        self._closed: set[str] = set()
        """Offers whose contact is done with."""
        self._registered: set[str] = set()

    def tell(self, who: str, what: str, style: str = "") -> None:
        """Print one line of the story, unless it is over. The first one stands at 0 s."""
        if self._over:
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now
        stamp = Text(f"{now - self._began:6.1f} s  ", style="bright_black")
        self._console.print(stamp + Text(f"{who:<18}", style="bold") + Text(what, style=style))

    def end(self) -> None:
        """What happens from now on is clearing away: nobody gives up or refuses, they are sent home."""
        self._over = True

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Take in an event of the distributor."""
        self._watch_phones(event)
        match event:
            case CallArrived(call=call):
                told = Told(caller=event.caller, queue=event.queue, arrived=event.at, medium=event.medium)
                self._calls[call] = told
                how = f"by {_WRITTEN[told.medium]}" if told.medium in _WRITTEN else "with music"
                self.tell(self._name(call), f"waits in {event.queue}, {how}", "yellow")
            case Snapshot(calls=held):  # after a lost link: callers who came while nobody was looking
                for one in held:
                    self._calls.setdefault(one.call, Told(caller=one.caller, queue=one.queue, arrived=one.since))
            case CallEnded(call=call) if call in self._calls:
                told = self._calls[call]
                told.ended = event.at
                if told.answered is None:
                    self.tell(self._name(call), f"gives up after {_seconds(event.at - told.arrived)}", "red")
            case Connected(offer=offer) if offer in self._offers:
                self._connected(offer, event.at)
            case OfferEnded(offer=offer) if offer in self._offers:
                self._offer_ended(offer, event.outcome)
            case CloseAsked(offer=offer) if Reply(request=event.request, answer="ok") in commands:
                self._closed.add(offer)
        self._watch_offers(commands)

    def _watch_offers(self, commands: list[AnyCommand]) -> None:
        for command in commands:
            if isinstance(command, Offer):
                self._offered(command)

    def _offered(self, offer: Offer) -> None:
        self._offers[offer.offer] = (offer.call, offer.seat)
        self._calls[offer.call].rung.append(offer.seat)
        what = "the desk shows" if offer.desk else f"phone {offer.seat} rings for"
        self.tell(self._agent(offer.seat), f"{what} {self._what(offer.call)}")

    def watch_handset(self, seat: str, action: Action, note: HandsetNote) -> None:
        """Take in what an agent does with a feature code; as `ivr.handset` notes it."""
        who = self._agent(seat)
        if note == "dialled":
            self.tell(who, f"dials {CODES[action].dial} on phone {seat}")
        elif note == "ok":
            known = self._seat(seat)
            reason = f" ({known.pause_reason})" if known and known.pause_reason else ""
            look = known.shown if known and known.shown != "logged-out" else "logged out"
            self.tell(who, f"is {look}{reason}", "green")
        else:
            self.tell(who, _NOTES[note], "red")

    def _watch_phones(self, event: AnyEvent) -> None:
        """Tell which phones and desks are there, whether that is news of one or a look at all of them."""
        match event:
            case DeskChanged(seat=seat, open=is_open):
                self.tell(self._agent(seat), f"{'opens' if is_open else 'closes'} the desk in a browser", "green")
                return
            case HandsetChanged():
                handsets: tuple[HandsetChanged | HandsetState, ...] = (event,)
            case Snapshot():
                handsets = event.handsets
            case _:
                return
        for phone in handsets:
            if phone.reachable and phone.seat not in self._registered:
                self._registered.add(phone.seat)
                self.tell(self._agent(phone.seat), f"phone {phone.seat} is registered")
            elif not phone.reachable and phone.seat in self._registered:
                self._registered.discard(phone.seat)
                self.tell(self._agent(phone.seat), f"phone {phone.seat} is not registered any more", "red")

    def _connected(self, offer: str, at: int) -> None:
        call, seat = self._offers[offer]
        told = self._calls[call]
        told.answered, told.by = at, seat
        does = "takes" if told.medium in _WRITTEN else "answers"
        who = "which" if told.medium in _WRITTEN else "who"
        self.tell(self._agent(seat), f"{does} {self._what(call)}, {who} waited {_seconds(at - told.arrived)}", "green")

    def _offer_ended(self, offer: str, outcome: str) -> None:
        call, seat = self._offers.pop(offer)
        if outcome == "hung-up" and self._calls[call].medium in _WRITTEN:
            is_closed = offer in self._closed
            what = f"is done with {self._what(call)}" if is_closed else f"leaves {self._what(call)}, which waits again"
            self.tell(self._agent(seat), what, "cyan" if is_closed else "magenta")
        elif outcome == "hung-up":
            self.tell(self._agent(seat), "hangs up; a moment for notes (wrap-up)", "cyan")
        elif outcome in {"no-answer", "refused"}:
            what = "does not answer" if outcome == "no-answer" else "refuses"
            self.tell(self._agent(seat), f"{what}: {self._what(call)} is again first in line", "magenta")
            known = self._seat(seat)
            if known and known.state == "paused" and known.pause_reason == NOT_ANSWERING:
                calls = known.rule.set_aside_after
                self.tell(self._agent(seat), f"is paused: did not answer {calls} calls; *13 makes ready", "red")

    def _agent(self, seat: str) -> str:
        """Who sits there; a seat that came with a reload goes by its number."""
        return self._agents.get(seat, f"seat {seat}")

    def _name(self, call: str) -> str:
        told = self._calls[call]
        return self._names.get(told.caller, told.caller or "unknown")

    def _what(self, call: str) -> str:
        """Say what an agent has before him: a caller, or what somebody wrote."""
        word = _WRITTEN.get(self._calls[call].medium)
        return self._name(call) if word is None else f"{self._name(call)}'s {word}"

    def summary(self) -> Table:
        """Who waited how long, answered by whom."""
        table = Table(
            title="What happened", title_justify="left", title_style="bold", box=None, header_style="bright_black"
        )
        for column in ("who", "by", "queue", "seats asked", "waited", "answered by"):
            table.add_column(column, justify="right" if column == "waited" else "left")
        for call, told in self._calls.items():
            end = told.answered or told.ended or told.arrived
            answered = self._agent(told.by) if told.by else "nobody: hung up while waiting"
            table.add_row(
                Text(self._name(call)),
                _WRITTEN.get(told.medium, "telephone"),
                told.queue,
                ", ".join(told.rung),
                _seconds(end - told.arrived),
                Text(answered, style="green" if told.by else "red"),
            )
        return table


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s" if ms < 60_000 else clock(ms)
