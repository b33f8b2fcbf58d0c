"""What the distributor needs of the world outside, as typing Protocols.

The composition root (`ivr/server`) gives the dispatcher one object for each. A test gives it a fake.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from acd.core.commands import Announce, Answer, AnyCommand, Offer, SeatLook, SendAway, Withdraw
from acd.core.events import AnyEvent


class Switch(Protocol):
    """Carries out what concerns calls, at once; what comes of it is an event. Never raises for a peer's fault."""

    def offer(self, command: Offer) -> None:
        """Ring a seat for a call."""

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back; doing it twice does no harm."""

    def announce(self, command: Announce) -> None:
        """Tell a waiting caller something, beside all else; whoever takes him cuts it short."""

    def send_away(self, command: SendAway) -> None:
        """Move a waiting call to the overflow, or where the command says."""

    def show_seat(self, seat: str, look: SeatLook) -> None:
        """Set the lamp of a seat."""

    def take_snapshot(self) -> None:
        """Ask for all the switch holds."""


class Journal(Protocol):
    """The one truth: an append-only log of events."""

    def append(self, events: Iterable[AnyEvent]) -> None:
        """Store these events, in order, before returning.

        Raises:
            OSError: the store cannot take them (disk full, read-only); none of them is stored.

        """

    def close(self) -> None:
        """Flush and close."""


Watcher = Callable[[AnyEvent, list[AnyCommand]], None]
"""Sees each event with the commands that followed, after these were handed out: status pages, reports, tests. Must
neither raise nor wait."""


class Desk(Protocol):
    """An agent's wishes, from whatever the agent holds: a handset, later a web page."""

    async def log_in(self, seat: str, pin: str) -> Answer:
        """Begin a shift. Never says whether the seat or the PIN was wrong."""

    async def log_out(self, seat: str) -> Answer:
        """End it."""

    async def ready(self, seat: str) -> Answer:
        """Take calls again."""

    async def pause(self, seat: str, reason: str) -> Answer:
        """Take none."""

    async def end_wrap_up(self, seat: str) -> Answer:
        """Wrap-up is done."""

    async def extend_wrap_up(self, seat: str) -> Answer:
        """More time for it."""

    async def code(self, seat: str, code: str) -> Answer:
        """Say what the last call was about."""
