"""What can happen to the distributor: the one door in.

An event is a fact with a time. `at` is integer milliseconds since the Unix epoch, stamped once by the dispatcher;
nothing below it reads a clock. Events are journaled before anything follows from them, so each one holds all that
`decide` needs, and never a secret: no PIN, no password, no body of a message.

Who says what:

    the switch      CallArrived CallEnded OfferRinging OfferAnswered Connected OfferEnded HandsetChanged LineChanged
                    CallTransferred KeyPressed Leg... Listening SwitchLost Snapshot
    the agent       LogInAsked LogOutAsked ReadyAsked PauseAsked WrapUpEndAsked WrapUpExtendAsked CodeAsked CloseAsked
                    DeferAsked PickUpAsked CallOutAsked LegFailed; each is answered by a `Reply`
    the supervisor  QueueSet CallSet LinesSet PullAsked
    the server      Started Configured SeatsConfigured DayBegan HoursChanged DeskChanged DeadlineReached
"""

from typing import Literal

from msgspec import field

from acd.core import event, held, leg_events
from acd.core.line import Trouble
from acd.core.outcomes import LegOutcome, OfferOutcome
from acd.core.rules import MEDIA, LineGroupRule, MediumRule, Needs, OutRule, QueueRule, SeatRule

HeldCall = held.HeldCall
LiveLeg = held.LiveLeg
LiveTalk = held.LiveTalk
HandsetState = held.HandsetState
LiveOut = held.LiveOut
Event = event.Event
LegJoined = leg_events.LegJoined
LegLeft = leg_events.LegLeft
LegHeld = leg_events.LegHeld
Listening = leg_events.Listening


class Started(Event, frozen=True, kw_only=True):
    """The server came up. Everything known of the switch is stale until the next `Snapshot`."""

    run: str
    """A word unlike that of every earlier start; offer ids carry it, so an old leg is never taken for a new one."""


class Configured(Event, frozen=True, kw_only=True):
    """The rules of the site, whole. Seats and queues that are absent from it are gone."""

    queues: tuple[QueueRule, ...]
    seats: tuple[SeatRule, ...] | None
    """None: as they are, `SeatsConfigured` tells what is new of them."""
    media: tuple[MediumRule, ...] = MEDIA
    line_groups: tuple[LineGroupRule, ...] = ()
    calling_out: OutRule = OutRule()
    look_ms: int = 60_000
    """How often the switch is asked for a snapshot while it is well."""
    ticket_ms: int = 14_400_000
    """How long a customer's place is kept for him after he was cut off."""


class SeatsConfigured(Event, frozen=True, kw_only=True):
    """Some seats are new or have other rules. A large change comes in slices, so that calls are served in between."""

    seats: tuple[SeatRule, ...] = ()
    gone: tuple[str, ...] = ()


class DayBegan(Event, frozen=True, kw_only=True):
    """Another day, where the site is: what is counted by the day begins anew."""

    day: str
    """Its date, such as 2026-11-29."""


class HoursChanged(Event, frozen=True, kw_only=True):
    """The time of day at which customers are called back has begun in some queues, or is over."""

    quiet: tuple[str, ...]
    """Those where nobody is called now; all others are not quiet."""


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
    needs: Needs = ()
    """Skills it asks for, besides what its queue asks."""
    head_start_ms: int = 0
    """Served as if it had come so much earlier."""
    seat: str = ""
    """The seat it would like to have, for as long as its queue allows."""
    dial: str = ""
    """The number at which the caller can be called back, E.164, as the house has judged it; empty if he cannot."""
    rate: int = 0
    """What a minute of a call there costs."""
    language: str = ""
    since: int | None = None
    """When the wait began, if that was before `at`: a call met by a `Snapshot`."""


class CallEnded(Event, frozen=True, kw_only=True):
    """The caller is gone: hung up, or left the queue by a key. In whatever state the call was."""

    call: str
    reason: Literal["hung-up", "key-exit", "lost", "done"] = "hung-up"
    """lost: it ended while nobody was looking; the true moment lies in the gap before `at`. done: there is nothing left
    to do for it, of a virtual call that no agent has closed."""


class KeyPressed(Event, frozen=True, kw_only=True):
    """A caller pressed a key while he waited."""

    call: str
    key: str


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


class CallTransferred(Event, frozen=True, kw_only=True):
    """An agent gave his caller to somebody else: their talk is over, and his own leg ends by itself (`OfferEnded`)."""

    call: str
    seat: str = ""
    to: str = ""
    """What he dialled for it, or whom he asked first, or rang: hostile text, as all that is dialled."""
    asked_first: bool = False
    takes: str = ""
    """The agent's own call to a queue, which is answered: the caller takes over its talk."""


class HandsetChanged(Event, frozen=True, kw_only=True):
    """What the switch knows of a seat's handset: of the phone that it is at."""

    seat: str
    reachable: bool
    busy: bool
    """In a call of its own, a feature code included. Offers do not count."""


class DeskChanged(Event, frozen=True, kw_only=True):
    """An agent has a desk open, such as a page in a browser, or has none any more."""

    seat: str
    open: bool


class LineChanged(Event, frozen=True, kw_only=True):
    """What the switch knows of a trunk line."""

    line: str
    in_use: bool
    """It carries a call, ours or another; or cannot be used, in journals from before there was `trouble`."""
    trouble: Trouble | None = None  # why it cannot be used


class SwitchLost(Event, frozen=True, kw_only=True):
    """The link to the switch is down: nothing is decided until the next `Snapshot`."""


class Snapshot(Event, frozen=True, kw_only=True):
    """All that the switch holds, taken after a start, a lost link, and now and then to heal what a lost event broke.

    Whatever we believed and is not here has ended; whatever is here and is new to us is adopted.
    """

    asked: int
    """When it was asked for: what began later is not missed for being absent."""
    calls: tuple[HeldCall, ...]
    legs: tuple[LiveLeg, ...]
    handsets: tuple[HandsetState, ...]
    lines: dict[str, bool] = field(default_factory=dict)  # line -> whether it is in use
    troubles: dict[str, Trouble] = field(default_factory=dict)  # line -> why it cannot be used
    outgoing: tuple[LiveOut, ...] = ()
    answered: tuple[str, ...] = ()
    """Calls out that are over, and of which the switch knows that they were answered."""
    talks: tuple[LiveTalk, ...] | None = None  # after a gap in our sight
    switch_run: str = ""
    """A word unlike that of every other life of the switch; empty where it is not known. Another one than before
    means that the switch died, and all calls with it."""


class Asked(Event, frozen=True, kw_only=True):
    """An agent's wish, from a handset or a desk. Answered by a `Reply` that names the same request."""

    seat: str
    request: int = 0
    """Numbers the wish; 0 until the dispatcher gives it one."""


class LogInAsked(Asked, frozen=True, kw_only=True):
    """Begin a shift, or go on at another phone. The desk compared the PIN; tries and lock are counted here."""

    pin_matches: bool
    phone: str = ""
    """The phone at which the agent sits down, by its name; empty for the seat's own, which has the seat's name."""


class LogOutAsked(Asked, frozen=True, kw_only=True):
    """End a shift; during a talk, when that talk is over."""


class ReadyAsked(Asked, frozen=True, kw_only=True):
    """Take calls again: ends a pause, ends wrap-up."""


class PauseAsked(Asked, frozen=True, kw_only=True):
    """Take no calls; during a talk or wrap-up, from its end on."""

    reason: str


class WrapUpEndAsked(Asked, frozen=True, kw_only=True):
    """Wrap-up is done before its time is."""


class WrapUpExtendAsked(Asked, frozen=True, kw_only=True):
    """More time for wrap-up."""

    more_ms: int


class CodeAsked(Asked, frozen=True, kw_only=True):
    """The agent gives the last call a code (a disposition); it ends a wrap-up that waits for one."""

    code: str


class CallOutAsked(Asked, frozen=True, kw_only=True):
    """Call a number. The `Reply` that says "ok" comes after a `Dial`; of an emergency the seat may be unknown."""

    channel: str
    """The switch's unique id of the channel that calls."""
    number: str
    """As it is dialled: E.164, or a short number; empty if what was asked for is none."""
    country: str = ""
    emergency: bool = False
    barred: str = ""
    """Why it may not be called, see `acd.numbers`; empty if it may."""
    rate: int = 0
    """What a minute costs."""
    offer: str = ""
    """The offer of the callback that the seat has in hand, if this is to call the customer back."""


class LegFailed(Asked, frozen=True, kw_only=True):
    """A call out was not answered. "ok" after another `Dial`: the next line is tried; else it is over."""

    leg: str
    outcome: LegOutcome
    cause: int = 0
    """Of ITU-T Q.850."""


class LegAnswered(Event, frozen=True, kw_only=True):
    """The other side of a call out has answered."""

    leg: str


class LegEnded(Event, frozen=True, kw_only=True):
    """Who called out has hung up, or was hung up. The last word on it."""

    leg: str
    outcome: LegOutcome


class CloseAsked(Asked, frozen=True, kw_only=True):
    """The agent is done with a virtual call: it is over, and does not wait again when the leg ends."""

    offer: str
    """On which he has it; with any other one nothing is closed."""


class DeferAsked(Asked, frozen=True, kw_only=True):
    """The agent puts a virtual call off: when the leg ends it waits at its old place, offered to nobody for a while."""

    offer: str
    for_ms: int
    """From now."""


class PullAsked(Asked, frozen=True, kw_only=True):
    """A supervisor takes the call that has waited longest for himself: it is the next that his seat is offered."""

    queue: str = ""
    """Of this queue, also if he does not serve it; empty for all of his."""


class PickUpAsked(Asked, frozen=True, kw_only=True):
    """An agent takes the call that rings at another seat: it is taken back there, and is his next one."""

    of: str
    """The other seat."""


class QueueSet(Event, frozen=True, kw_only=True):
    """A queue is closed or opened by hand."""

    queue: str
    """Empty for the whole site: none of its queues takes anybody while that is closed, whatever is said of the one."""
    closed: bool


class CallSet(Event, frozen=True, kw_only=True):
    """A supervisor moves a waiting call: another class, another queue, or out of it. What is None stays."""

    call: str
    priority: int | None = None
    queue: str | None = None
    withdraw: str | None = None
    """Where it goes instead of waiting, see `commands.SendAway`."""


class LinesSet(Event, frozen=True, kw_only=True):
    """Trunk lines are taken out of service by hand, or put back. A call on one of them goes on to its end."""

    lines: tuple[str, ...]
    out: bool
    why: str = ""


class DeadlineReached(Event, frozen=True, kw_only=True):
    """`next_deadline()` has come. Which states it ends follows from `at` alone."""


AnyEvent = (
    Started
    | Configured
    | SeatsConfigured
    | DayBegan
    | HoursChanged
    | CallArrived
    | CallEnded
    | KeyPressed
    | OfferRinging
    | OfferAnswered
    | Connected
    | OfferEnded
    | CallTransferred
    | LegJoined
    | LegLeft
    | LegHeld
    | HandsetChanged
    | DeskChanged
    | LineChanged
    | Listening
    | SwitchLost
    | Snapshot
    | LogInAsked
    | LogOutAsked
    | ReadyAsked
    | PauseAsked
    | WrapUpEndAsked
    | WrapUpExtendAsked
    | CodeAsked
    | CallOutAsked
    | LegFailed
    | LegAnswered
    | LegEnded
    | CloseAsked
    | DeferAsked
    | PullAsked
    | PickUpAsked
    | QueueSet
    | CallSet
    | LinesSet
    | DeadlineReached
)
"""Every event there is; the journal decodes to this."""
