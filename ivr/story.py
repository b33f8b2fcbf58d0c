"""What the demo tells: the distributor's own events as sentences, and in the end as a table.

It is told from what happened, never from what was planned; so a caller who is not offered to anyone is seen to wait.
"""

import time
from collections.abc import Callable, Mapping

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.core.commands import AnyCommand, Offer
from acd.core.events import AnyEvent, CallArrived, CallEnded, Connected, OfferEnded, Snapshot
from acd.core.floor import NOT_ANSWERING
from acd.core.model import Seat
from ivr.screen import clock


class Told(msgspec.Struct):
    """What the story knows of one caller."""

    caller: str
    queue: str
    arrived: int
    rung: list[str] = msgspec.field(default_factory=list)
    answered: int | None = None
    by: str = ""
    ended: int | None = None


class Story:
    """Listens to the distributor and tells it in sentences, then in a table."""

    def __init__(
        self, console: Console, agents: Mapping[str, str], names: Mapping[str, str], seat: Callable[[str], Seat]
    ) -> None:
        """Begin it.

        Args:
            console: where it is told.
            agents: a seat's name -> who sits there.
            names: a caller's number -> who calls.
            seat: gives what the distributor knows of a seat now.

        """
        self._console = console
        self._seat = seat
        self._over = False
        self._agents = agents
        self._names = names
        self._began = time.monotonic()
        self._calls: dict[str, Told] = {}
        self._offers: dict[str, tuple[str, str]] = {}

    def tell(self, who: str, what: str, style: str = "") -> None:
        """Print one line of the story, unless it is over."""
        if self._over:
            return
        stamp = Text(f"{time.monotonic() - self._began:6.1f} s  ", style="bright_black")
        self._console.print(stamp + Text(f"{who:<16}", style="bold") + Text(what, style=style))

    def end(self) -> None:
        """What happens from now on is clearing away: nobody gives up or refuses, they are sent home."""
        self._over = True

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Take in an event of the distributor."""
        match event:
            case CallArrived(call=call):
                self._calls[call] = Told(caller=event.caller, queue=event.queue, arrived=event.at)
                self.tell(self._name(call), f"waits in {event.queue}, with music", "yellow")
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
        for command in commands:
            if isinstance(command, Offer):
                self._offers[command.offer] = (command.call, command.seat)
                self._calls[command.call].rung.append(command.seat)
                self.tell(self._agents[command.seat], f"phone {command.seat} rings for {self._name(command.call)}")

    def _connected(self, offer: str, at: int) -> None:
        call, seat = self._offers[offer]
        told = self._calls[call]
        told.answered, told.by = at, seat
        waited = _seconds(at - told.arrived)
        self.tell(self._agents[seat], f"answers {self._name(call)}, who waited {waited}", "green")

    def _offer_ended(self, offer: str, outcome: str) -> None:
        call, seat = self._offers.pop(offer)
        if outcome == "hung-up":
            self.tell(self._agents[seat], "hangs up; a moment for notes (wrap-up)", "cyan")
        elif outcome in {"no-answer", "refused"}:
            what = "does not answer" if outcome == "no-answer" else "refuses"
            self.tell(self._agents[seat], f"{what}: {self._name(call)} is again first in line", "magenta")
            known = self._seat(seat)
            if known.state == "paused" and known.pause_reason == NOT_ANSWERING:
                calls = known.rule.set_aside_after
                self.tell(self._agents[seat], f"is paused: did not answer {calls} calls; *13 makes ready", "red")

    def _name(self, call: str) -> str:
        told = self._calls[call]
        return self._names.get(told.caller, told.caller or "unknown")

    def summary(self) -> Table:
        """Who waited how long, answered by whom."""
        table = Table(
            title="What happened", title_justify="left", title_style="bold", box=None, header_style="bright_black"
        )
        for column in ("caller", "queue", "phones rung", "waited", "answered by"):
            table.add_column(column, justify="right" if column == "waited" else "left")
        for call, told in self._calls.items():
            end = told.answered or told.ended or told.arrived
            answered = self._agents.get(told.by) or "nobody: hung up while waiting"
            table.add_row(
                Text(self._name(call)),
                told.queue,
                ", ".join(told.rung),
                _seconds(end - told.arrived),
                Text(answered, style="green" if told.by else "red"),
            )
        return table


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s" if ms < 60_000 else clock(ms)
