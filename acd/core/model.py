"""What is known: one `State`, made of plain structs, that can be stored and read back whole.

A deadline is a field of the thing that has it; `deadlines` keeps only an index over these fields. What can be derived
(who is free, who waits in which order, how many seats a queue keeps busy) is not kept here but in `routing` and
`books`, and is built anew from the state.
"""

from msgspec import Struct, field

from acd.core.commands import SeatLook
from acd.core.line import Line
from acd.core.out import Guard, Leg
from acd.core.rules import MEDIA, LineGroupRule, MediumRule, Needs, OutRule, QueueRule, SeatRule
from acd.core.tally import Tally
from acd.core.transitions import (
    CALL_MOVES,
    IN_TALK,
    LOOK_STATES,
    OFFER_MOVES,
    SEAT_MOVES,
    CallState,
    OfferState,
    Presence,
    SeatState,
)


class Call(Struct, kw_only=True, gc=False):
    """A contact that is in the house."""

    id: str
    number: int
    """Counts arrivals: the place among calls of one rank and due time, and the call's name in the matcher."""
    queue: str
    caller: str
    medium: str
    virtual: bool = False
    """The server holds it, see `MediumRule.virtual`; so it stays whatever becomes of the rules."""
    priority: int | None = None
    """Priority class that came with it; None: the queue's counts."""
    rank: int
    """Priority class, 0 first; `FRONT` before all."""
    due: int
    """Calls of a rank are served in this order: the time the wait began, less any head start."""
    arrived: int
    """When the wait began, or what a ticket says of it."""
    given_at: int | None = None
    """When an agent gave it to this queue; None for a call that came by itself."""
    ahead_ms: int = 0
    """Head start that came with it."""
    asked: Needs = ()
    """Skills that came with it."""
    needs: Needs = ()
    """Skills asked for now: its own and the queue's, less what escalation has eased."""
    tiers: tuple[int, int, int] = (0, 99, 0)
    """Seats of these tiers now, see `QueueRule.tiers`."""
    state: CallState = "waiting"
    since: int
    """When the state was entered."""
    known_at: int
    """When this stay in the queue was first heard of; a snapshot asked for earlier cannot miss it."""
    offers: tuple[str, ...] = ()
    """The offers that ring for it, or the one it talks on."""
    offers_made: int = 0
    rings: int = 1
    """So many seats may ring for it at once."""
    give_up_at: int | None
    """When the wait is over, served or not; None for a virtual call, which never gives up."""
    hold_until: int | None = None
    """It is offered to nobody before."""
    step_at: int | None = None
    """When the next step of escalation is due."""
    steps_done: int = 0
    """Steps of escalation it has taken, a bit each."""
    circle_at: int | None = None
    """When more seats may ring for it."""
    tell_at: int | None = None
    """When its caller is next told how he stands."""
    wants: str = ""
    """The seat it is kept for."""
    wants_until: int | None = None
    """For how long; None with a seat in `wants`: as long as it waits."""
    pulled_from: tuple[str, int | None] | None = None
    """While it is pulled to the seat in `wants`, or picked up for it: what stood there and in `wants_until` before."""
    barred: dict[str, int] | None = None
    """Seat name -> until when this call is kept from it: it refused, or let it ring out."""
    passed: int = 0
    """So many calls that came later went before it to seats that it could have had."""
    passed_by: int = 0
    """Number of the call that did so last."""
    place: int = 0
    """So many waited before it in its queue when it came."""
    told_most_ms: int = 0
    """What its caller was told, or would have been: the wait from then on is at most this."""
    told_at: int = 0
    leaves_for: str = ""
    """Where its caller wants to go, by a key he pressed while a seat rang for him."""
    attempts: int = 0
    """A callback: how often the customer did not answer."""
    dial: str = ""
    """The number at which its caller can be called back, E.164; empty if he cannot. Of a callback: the customer's."""
    rate: int = 0
    """What a minute of a call there costs."""
    language: str = ""
    """What its caller is spoken to in; empty for what the site speaks."""
    expires_at: int | None = None
    """A callback: when it is dropped, done or not."""
    leg: str = ""
    """A callback whose customer is called before any agent: the call to him."""
    given: bool = False
    """The agent who talked to it gave it to somebody else."""
    hops: int = 0
    """How often it moved to another queue."""

    @property
    def offer(self) -> str | None:
        """The offer it talks on, or the first of those that ring."""
        return self.offers[0] if self.offers else None

    def want_no_more(self) -> None:
        """Be kept for no seat any more. One that was pulled goes back to a seat that it was kept for for good."""
        wants, until = self.pulled_from or ("", None)
        self.wants, self.wants_until, self.pulled_from = wants if until is None else "", None, None

    @property
    def waits_since(self) -> int:
        """From when on steps are counted: what it waited before an agent gave it here is over."""
        return self.arrived if self.given_at is None else self.given_at

    @property
    def key(self) -> tuple[int, int, int]:
        """Its place in line: least is first."""
        return self.rank, self.due, self.number

    def move(self, word: str, at: int) -> bool:
        """Make a move if the table allows it."""
        state = CALL_MOVES.get((self.state, word))
        if state is None:
            return False
        self.state, self.since = state, at
        return True


class Seat(Struct, kw_only=True, gc=False):
    """One agent place."""

    name: str
    number: int
    """Counts seats as they were first met: its name in the matcher, and the last resort of every order."""
    rule: SeatRule
    presence: Presence = "logged-out"
    since: int
    """When the look was last another one."""
    work: tuple[str, ...] = ()
    """The offers it has to do with: ringing, talking, in wrap-up."""
    phone: str = ""
    """The phone at which its agent has logged in; empty for its own, and while nobody is logged in."""
    next_word: str = "ready"
    """The move to make when all its work is over: ready, pause or log_out."""
    pause_reason: str = ""
    resting_until: int | None = None
    """Kept from offers for a moment, because the last one could not be delivered to its handset."""
    reachable: bool = False
    """The handset is registered."""
    busy: bool = False
    """The handset is in a call of its own."""
    desk_open: bool = False
    """Its agent has a desk open, see `MediumRule.desk`."""
    unanswered: int = 0
    """Offers in a row that were not taken."""
    wrong_pins: int = 0
    locked_until: int | None = None
    shown: SeatLook = "logged-out"
    """What its lamp was last told."""
    idle_since: int
    """Since when it has had nothing to do."""
    logged_in_at: int = 0
    taken: int = 0
    """Calls taken, as fewest-calls counts them."""
    busy_ms: int = 0
    """Talk and wrap-up since log-in."""
    occupancy: int = 0
    """Share of `busy_ms` in the time since log-in, per mille, when it last became free."""
    turn: int = 0
    """Number of the last offer it was made."""
    luck: tuple[int, int] = (0, 0)
    """When its clock rings, under random and under weighted-random, see `lanes`."""
    tally: Tally = field(default_factory=Tally)
    """Of the last day on which it worked; `tally_of` begins another."""

    def tally_of(self, day: str) -> Tally:
        """Return the tally of a day, empty if the seat has done nothing on it."""
        if self.tally.day != day:
            self.tally = Tally(day=day)
        return self.tally

    def move(self, word: str) -> bool:
        """Make a move if the table allows it."""
        presence = SEAT_MOVES.get((self.presence, word))
        if presence is None:
            return False
        self.presence = presence
        return True

    @property
    def at_phone(self) -> str:
        """The name of the phone that it is at; its own has its name."""
        return self.phone or self.name

    @property
    def state(self) -> SeatState:
        """What it does, summed up."""
        return LOOK_STATES[self.shown]

    @property
    def sits_at_desk(self) -> bool:
        """Whether the agent takes contacts at a desk that is open, whatever the handset does."""
        return self.desk_open and self.presence == "ready" and self.next_word == "ready" and self.resting_until is None

    @property
    def listens(self) -> bool:
        """Whether the agent takes calls, and the handset can be rung; room for a medium is another question."""
        return (
            self.presence == "ready"
            and self.next_word == "ready"
            and self.reachable
            and self.resting_until is None
            and (not self.busy or self.rule.ring_in_use)
        )


class Offer(Struct, kw_only=True, gc=False):
    """One attempt to give one call to one seat, and what comes of it."""

    id: str
    call: str | None
    """None once the caller is gone, has moved on or talks to somebody else; the seat's leg may still live."""
    seat: str
    queue: str
    medium: str
    virtual: bool = False
    """Of a virtual call."""
    line: str = ""
    """The trunk line that carries the seat's leg."""
    wrap_up_ms: int
    """What follows a talk, by the rule of the queue when the offer was made."""
    state: OfferState = "ringing"
    since: int
    made_at: int
    connected_at: int | None = None
    unheard: bool = False
    """A snapshot saw them talk, and the switch's own word of it is still to come: other words may be as late."""
    deadline: int | None
    """When the switch's word is overdue, or wrap-up over. None while they talk: the periodic snapshot watches."""
    wrap_up_most: int | None = None
    """Beyond this wrap-up cannot be extended."""

    def move(self, word: str, at: int) -> bool:
        """Make a move if the table allows it."""
        state = OFFER_MOVES.get((self.state, word))
        if state is None:
            return False
        self.state, self.since = state, at
        return True

    @property
    def in_talk(self) -> bool:
        """Caller and agent have met."""
        return self.state in IN_TALK

    @property
    def carrier(self) -> str:
        """Who carries out what concerns it: a medium; empty for the switch."""
        return self.medium if self.virtual else ""


class Ticket(Struct, kw_only=True, gc=False):
    """A customer's place in line, kept for him after he was cut off."""

    number: int
    caller: str
    queue: str
    medium: str
    priority: int | None
    asked: Needs
    ahead_ms: int
    arrived: int
    """The original place."""
    made_at: int
    expires_at: int
    why: str


class Away(Struct, gc=False):
    """Wrong PINs at a phone, of seats that have another one, see `pins`."""

    since: int
    wrong: int = 0
    locked_until: int | None = None


class Gap(Struct, kw_only=True, frozen=True):
    """A time that the journal does not tell of; reports mark it."""

    start: int
    end: int
    why: str


class WaitMemory(Struct, kw_only=True, gc=False):
    """What a queue's waits have taught, see `waits`."""

    recent: list[int] = field(default_factory=list)
    """Wait for each place that a caller had before him and his own, ms; latest last."""
    level: int = 900
    """The share of these that is taken for nine in ten, per mille: moved by hits and misses."""
    hits: int = 0
    misses: int = 0


class State(Struct, kw_only=True):
    """All the distributor knows."""

    now: int = 0
    """Time of the last event."""
    day: str = ""
    """The day that it is where the site is, see `events.DayBegan`."""
    run: str = ""
    switch_run: str = ""
    """Which life of the switch the last snapshot was of."""
    fresh: bool = False
    """The switch's word is complete: a snapshot came after the last start or lost link. Else nothing is decided."""
    blind_since: int | None = None
    """Since when it is not."""
    blind_why: str = ""
    """Why; empty before the first snapshot ever."""
    look_ms: int = 60_000
    look_at: int | None = None
    """When the next snapshot is due."""
    ticket_ms: int = 14_400_000
    """How long a ticket is good for."""
    queues: dict[str, QueueRule] = field(default_factory=dict)
    closed: dict[str, bool] = field(default_factory=dict)
    """Queues that were closed or opened by hand; an empty name is that of the whole site."""
    quiet: tuple[str, ...] = ()
    """Queues whose customers are not called back now, see `events.HoursChanged`."""
    media: dict[str, MediumRule] = field(default_factory=lambda: {rule.name: rule for rule in MEDIA})
    groups: dict[str, LineGroupRule] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    calling_out: OutRule = field(default_factory=OutRule)
    legs: dict[str, Leg] = field(default_factory=dict)
    """Calls out."""
    guard: Guard = field(default_factory=Guard)
    all_busy: dict[str, int] = field(default_factory=dict)
    """Group of lines -> how often a call out found none free there."""
    tickets: list[Ticket] = field(default_factory=list)
    last_seats: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Caller -> the seat he talked to last, and until when that counts."""
    away: dict[str, Away] = field(default_factory=dict)
    waits: dict[str, WaitMemory] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    calls_counted: int = 0
    seats_counted: int = 0
    offers_counted: int = 0
    legs_counted: int = 0
    tickets_counted: int = 0
    seed: int = 0x243F6A8885A308D3
    """State of the random source, see `lanes`."""
    luck: tuple[int, int] = (0, 0)
    """The clock time at which the last seat was drawn, under random and under weighted-random."""

    def is_for_desk(self, seat: Seat, medium: str) -> bool:
        """Whether a contact of a medium comes to a seat's desk, and not to its handset."""
        return seat.desk_open and medium in self.media and self.media[medium].desk

    def is_closed(self, rule: QueueRule) -> bool:
        """Whether calls do not join a queue: by its rule or by hand, or because the whole site is closed."""
        return self.closed.get("", False) or self.closed.get(rule.name, rule.closed)
