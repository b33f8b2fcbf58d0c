"""What the distributor needs of the world outside, as typing Protocols.

The composition root (`ivr/server`) gives the dispatcher one object for each. A test gives it a fake.
"""

from collections.abc import Callable
from typing import Protocol

from acd.channels.contact import Card, Choice, Notice, Reply
from acd.core import Core, State
from acd.core.commands import (
    Announce,
    Answer,
    AnyCommand,
    ChangeQueue,
    Dial,
    GiveUp,
    Offer,
    Reach,
    SeatLook,
    SendAway,
    Withdraw,
)
from acd.core.events import AnyEvent


class Switch(Protocol):
    """Carries out what concerns calls, at once; what comes of it is an event. Never raises for a peer's fault."""

    def offer(self, command: Offer) -> None:
        """Ring a seat for a call."""

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back; doing it twice does no harm."""

    def announce(self, command: Announce) -> None:
        """Tell a waiting caller something, beside all else; whoever takes him cuts it short."""

    def change_queue(self, command: ChangeQueue) -> None:
        """Note which queue a waiting call is in by now, for a later snapshot and for its music."""

    def send_away(self, command: SendAway) -> None:
        """Move a waiting call to the overflow, or where the command says."""

    def dial(self, command: Dial) -> None:
        """Note that a channel calls out; its own flow carries it out, when it hears of the answer."""

    def reach(self, command: Reach) -> None:
        """Call a customer, who comes to his queue when he answers."""

    def give_up(self, command: GiveUp) -> None:
        """Hang that call up; one that is answered or over is left alone."""

    def show_seat(self, seat: str, look: SeatLook) -> None:
        """Set the lamp of a seat."""

    def use_phone(self, seat: str, phone: str) -> None:
        """Ring a seat at this phone from now on, and say how that stands."""

    def take_snapshot(self) -> None:
        """Ask for all the switch holds."""


class Medium(Protocol):
    """Brings the virtual calls of one medium to seats, as `Switch` does with those that it holds itself.

    It is registered by the medium's name (`Dispatcher.media`). Whoever makes such a call submits `CallArrived` with an
    id of its own, which no other call has or had, and keeps what belongs to it; that it waits, and where, stands in the
    core's state alone, and outlives a restart there. Of an offer are told: `OfferAnswered`, `Connected` when the agent
    has the call before him, and once `OfferEnded`. What he makes of it are his wishes `CloseAsked` and `DeferAsked`.
    """

    def offer(self, command: Offer) -> None:
        """Bring a call to a seat; what comes of it is an event. Never raises for a peer's fault."""

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back; doing it twice does no harm."""


class Channel(Protocol):
    """A medium of written contacts, for whoever answers them: a desk, a handset, a program.

    It receives and stores, submits `CallArrived`, and keeps what is not the core's: texts, addresses, drafts. Who has a
    contact before him, and for how long, is the core's business (`Medium`); so is closing it, and putting it off
    (`Desk`).
    """

    medium: str
    takes_files: bool
    """Whether files can go along with an answer, such as a spoken one."""
    is_live: bool
    """The customer is there and reads an answer at once: a desk does not close the contact with it."""

    async def card(self, call: str) -> Card | None:
        """Give a contact to be shown or read aloud; None if there is nothing of it any more."""

    def choices(self, queue: str, language: str) -> tuple[Choice, ...]:
        """Name the replies that the site has ready for a queue, in their order."""

    async def reply(self, call: str, seat: str, reply: Reply) -> None:
        """Answer in the medium. When this returns the reply is stored, and will be sent once, whatever breaks down.

        Raises:
            ReplyError: it cannot be sent: nobody to send it to, nothing in it, no such choice.

        """

    def typing(self, call: str) -> None:
        """Say that its agent writes: again every few seconds, for as long as he does. Not every medium shows it."""

    async def notify(self, notice: Notice) -> None:
        """Say something unasked. When this returns it is stored, and will be sent once, however often it was told.

        Raises:
            ReplyError: it cannot be sent.
            StoreError: it cannot be stored at present.

        """

    async def closed(self, call: str, seat: str, code: str) -> None:
        """Note that its agent is done with it, before that is asked of the core; done twice it does no harm."""


class Journal(Protocol):
    """The one truth: an append-only log of events with the commands that followed. Never raises for the disk."""

    failed: str | None
    """Why the store takes no entries at present; calls go on meanwhile."""
    alarms: list[str]
    """What it got over when it was read, and what it lacks."""
    on_stored: Callable[[], None]
    """The dispatcher's, called on the event loop whenever `commit` would give a later entry than before."""

    def append(self, event: AnyEvent, commands: list[AnyCommand]) -> int:
        """Take in an event with what followed from it; gives the entry's number, counted upwards.

        Raises:
            TypeError, ValueError: it cannot be written; nothing was taken in.

        """

    def refuse(self, event: AnyEvent, reason: str) -> int:
        """Take in that an event could not be decided and changed nothing; gives the entry's number."""

    def restate(self, state: State, why: str) -> int:
        """Take in the state as it is now, because a replay could not arrive at it; gives the entry's number."""

    def commit(self) -> int:
        """Store what was taken in; gives the last entry whose commands may be carried out now."""

    def tend(self, state: State) -> None:
        """Do what is due now and then; `state` is the core's after the last entry. Called when the commands are out."""

    def restore(self) -> Core:
        """Build the core as it was after the last entry.

        Raises:
            Exception: it cannot be had.

        """

    def flush(self) -> None:
        """Store what was taken in before returning, or set `failed`."""


Watcher = Callable[[AnyEvent, list[AnyCommand]], None]
"""Sees each event with the commands that followed, after these were handed out: status pages, reports, tests. Must
neither raise nor wait."""


class Desk(Protocol):
    """An agent's wishes, from whatever the agent holds: a handset, later a web page."""

    async def log_in(self, seat: str, pin: str, phone: str = "") -> Answer:
        """Begin a shift, at this phone or the seat's own. Never says whether the seat or the PIN was wrong."""

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

    async def close(self, seat: str, offer: str) -> Answer:
        """Be done with the virtual call of an offer; "already" if the seat does not have it, or not any more."""

    async def defer(self, seat: str, offer: str, for_ms: int) -> Answer:
        """Put it off; answers as `close`."""

    async def pull(self, seat: str, queue: str) -> Answer:
        """Have the call that waited longest go to a supervisor's seat next: of a queue, or with "" of all of his."""

    async def pick_up(self, seat: str, of: str) -> Answer:
        """Have the call that rings at another seat go to this one next."""
