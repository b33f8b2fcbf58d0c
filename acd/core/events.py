"""What can happen to the distributor: the one door in.

An event is a fact with a time. `at` is integer milliseconds since the Unix epoch, stamped once by the dispatcher;
nothing below it reads a clock. Events are journaled before anything follows from them, so each one holds all that
`decide` needs, and never a secret: no PIN, no password, no body of a message.

Who says what:

    the switch    CallArrived CallEnded OfferRinging OfferAnswered Connected OfferEnded HandsetChanged
                  SwitchLost Snapshot
    the agent     LogInAsked LogOutAsked ReadyAsked PauseAsked WrapUpEndAsked      each is answered by a `Reply`
    the server    Started Configured DeadlineReached
"""

from typing import Literal

from msgspec import Struct

from acd.core.rules import QueueRule, SeatRule

OfferOutcome = Literal["no-answer", "refused", "busy", "unreachable", "withdrawn", "hung-up", "failed"]
"""How an offer or the talk it led to ended, in the switch's words made uniform.

no-answer    it rang until the ring time-out, or until the phone itself gave up
refused      the agent pressed it away
busy         the handset was in another call
unreachable  the handset is not registered, does not exist, or never so much as rang
withdrawn    we took it back
hung-up      the leg was answered and has ended: the normal end
failed       anything else, the switch's own failures included
"""


class Event(Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened."""

    at: int = 0
    """When, integer milliseconds since the epoch; 0 until the dispatcher stamps it. Never runs backwards."""


class Started(Event, frozen=True, kw_only=True):
    """The server came up. Everything known of the switch is stale until the next `Snapshot`."""

    run: str
    """A word unlike that of every earlier start; offer ids carry it, so an old leg is never taken for a new one."""


class Configured(Event, frozen=True, kw_only=True):
    """The rules of the site, whole. Seats and queues that are absent from it are gone."""

    queues: tuple[QueueRule, ...]
    seats: tuple[SeatRule, ...]
    look_ms: int = 60_000
    """How often the switch is asked for a snapshot while it is well."""


class CallArrived(Event, frozen=True, kw_only=True):
    """A contact waits in a queue. For a call that waits already this changes nothing: a place is never lost by it."""

    call: str
    """The switch's unique id of the caller's channel; a virtual call has its own id."""
    queue: str
    caller: str = ""
    """Who calls, as the line gave it: hostile text, shown escaped, never evaluated."""
    medium: str = "voice"
    priority: int | None = None
    """Priority class, 0 first; None takes the queue's."""
    since: int | None = None
    """When the wait began, if that was before `at`: a call met by a `Snapshot`."""


class CallEnded(Event, frozen=True, kw_only=True):
    """The caller is gone: hung up, or left the queue by a key. In whatever state the call was."""

    call: str
    reason: Literal["hung-up", "key-exit", "lost"] = "hung-up"
    """lost: it ended while nobody was looking; the true moment lies in the gap before `at`."""


class OfferRinging(Event, frozen=True, kw_only=True):
    """The handset rings."""

    offer: str


class OfferAnswered(Event, frozen=True, kw_only=True):
    """The agent picked up; the switch is joining the two."""

    offer: str


class Connected(Event, frozen=True, kw_only=True):
    """Caller and agent hear each other."""

    offer: str


class OfferEnded(Event, frozen=True, kw_only=True):
    """The seat's leg is gone: unanswered, withdrawn, or after the talk. The last word on an offer."""

    offer: str
    outcome: OfferOutcome


class HandsetChanged(Event, frozen=True, kw_only=True):
    """What the switch knows of a seat's handset."""

    seat: str
    reachable: bool
    busy: bool
    """In a call of its own, a feature code included. Offers do not count."""


class SwitchLost(Event, frozen=True, kw_only=True):
    """The link to the switch is down: nothing is decided until the next `Snapshot`."""


class HeldCall(Struct, frozen=True, kw_only=True):
    """A call that the switch holds at the moment of a `Snapshot`."""

    call: str
    queue: str
    since: int
    caller: str = ""
    medium: str = "voice"
    priority: int | None = None
    waiting: bool = True
    """In the hold context; False: joined with a seat, or on its way after the talk."""


class LiveLeg(Struct, frozen=True, kw_only=True):
    """A seat's leg that exists at the moment of a `Snapshot`."""

    offer: str
    call: str
    seat: str
    joined: bool
    """In a bridge with its caller."""


class HandsetState(Struct, frozen=True, kw_only=True):
    """One handset at the moment of a `Snapshot`."""

    seat: str
    reachable: bool
    busy: bool


class Snapshot(Event, frozen=True, kw_only=True):
    """All that the switch holds, taken after a start, a lost link, and now and then to heal what a lost event broke.

    Whatever we believed and is not here has ended; whatever is here and is new to us is adopted.
    """

    asked: int
    """When it was asked for: what began later is not missed for being absent."""
    calls: tuple[HeldCall, ...]
    legs: tuple[LiveLeg, ...]
    handsets: tuple[HandsetState, ...]


class Asked(Event, frozen=True, kw_only=True):
    """An agent's wish, from a handset or a desk. Answered by a `Reply` that names the same request."""

    seat: str
    request: int = 0
    """Numbers the wish; 0 until the dispatcher gives it one."""


class LogInAsked(Asked, frozen=True, kw_only=True):
    """Begin a shift. The PIN was compared by the desk; the tries are counted, and the lock kept, here."""

    pin_matches: bool


class LogOutAsked(Asked, frozen=True, kw_only=True):
    """End a shift; during a talk, when that talk is over."""


class ReadyAsked(Asked, frozen=True, kw_only=True):
    """Take calls again: ends a pause, ends wrap-up."""


class PauseAsked(Asked, frozen=True, kw_only=True):
    """Take no calls; during a talk or wrap-up, from its end on."""

    reason: str


class WrapUpEndAsked(Asked, frozen=True, kw_only=True):
    """Wrap-up is done before its time is."""


class DeadlineReached(Event, frozen=True, kw_only=True):
    """`next_deadline()` has come. Which states it ends follows from `at` alone."""


AnyEvent = (
    Started
    | Configured
    | CallArrived
    | CallEnded
    | OfferRinging
    | OfferAnswered
    | Connected
    | OfferEnded
    | HandsetChanged
    | SwitchLost
    | Snapshot
    | LogInAsked
    | LogOutAsked
    | ReadyAsked
    | PauseAsked
    | WrapUpEndAsked
    | DeadlineReached
)
"""Every event there is; the journal decodes to this."""
