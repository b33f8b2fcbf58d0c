"""The rules a site sets, as the core sees them: no secret, no address, no name of a file.

They travel in the `Configured` event, so a replay decides by the rules of its day.
"""

from typing import Literal

from msgspec import Struct, field

Needs = tuple[tuple[tuple[str, int], ...], ...]
"""What a call asks for: all of these, each of them any one of (skill, least level)."""

Strategy = Literal[
    "longest-idle",
    "fewest-calls",
    "least-occupied",
    "round-robin",
    "ordered",
    "random",
    "weighted-random",
    "best-fit",
    "ring-all",
    "ring-circles",
]
"""Which of several free seats gets the call. The keys are computed in `lanes`, the fit in `classes`.

longest-idle     who has had nothing to do for longest
fewest-calls     who has taken fewest; who logs in begins with the fewest of his colleagues, so nobody is flooded
least-occupied   whose share of talk and wrap-up since log-in was least when he became free
round-robin      whose last offer, taken or not, is longest ago
ordered          who stands first in the file
random           any, each as likely
weighted-random  any, as likely as his weight says
best-fit         whose levels in the asked skills add up to most, then who has fewest skills besides
ring-all         all at once; who answers first has it
ring-circles     a few at first, a few more every while, those who ring go on ringing
"""

Reason = Literal["full", "empty", "closed", "too-long", "wait", "withdrawn", "step", "key", "unknown-queue"]
"""Why a call leaves a queue without an agent (contact-centre practice calls these queue exits)."""

Absence = Literal["paused", "busy", "wrap-up", "unreachable", "tier"]
"""What makes a logged-in seat not count as there, for `join_empty` and `leave_empty`."""

RING_ALL = 1_000_000
"""As many seats as there are."""
FRONT = -1
"""The rank of a call that may be overtaken no more: before every priority class."""
PULLED = -2
"""The rank, for the seat that it goes to, of a call that was pulled there, or picked up: before all others."""


class Step(Struct, frozen=True, kw_only=True):
    """One step of escalation: when a condition holds for a waiting call, something is eased for it, once."""

    after_ms: int | None = None
    """It has waited this long."""
    when_waiting: int | None = None
    """At least so many wait in its queue."""
    when_nobody: bool = False
    """No seat of its queue is logged in."""
    drop: tuple[str, ...] = ()
    """Skills that are asked for no more."""
    lower: tuple[tuple[str, int], ...] = ()
    """Skills whose least level becomes this."""
    tiers: tuple[int, int, int] | None = None
    """Seats of these tiers from now on, see `QueueRule.tiers`."""
    priority: int | None = None
    """Priority class from now on."""
    ahead_ms: int = 0
    """Served as if it had come so much earlier."""
    announce: str = ""
    """A prompt to play to it."""
    go: str | None = None
    """Where it goes instead, see `QueueRule.overflow`."""


class QueueRule(Struct, frozen=True, kw_only=True):
    """One queue."""

    name: str
    strategy: Strategy = "longest-idle"
    priority: int = 10
    """Priority class of its calls where the call has none of its own; 0 is served first."""
    ahead_ms: int = 0
    """Head start: its calls are served as if they had come so much earlier. Linear ageing across queues."""
    needs: Needs = ()
    """Asked of every seat, besides what the call asks."""
    tiers: tuple[int, int, int] = (0, 99, 0)
    """Least tier, most tier, and floor: a seat of a tier outside the first two is not offered the calls, one below
    the floor counts as if it were of that tier. A lower tier goes first. (app_queue: penalties.)"""
    tier_seats: int = 0
    """With so many seats logged in, or fewer, tiers are ignored; 0 for never."""
    steps: tuple[Step, ...] = ()
    ring_ms: int = 15_000
    """How long a seat rings before the call goes back to the head of the queue."""
    circle_seats: int = 1
    """ring-circles: so many ring at first, and so many more join each time."""
    circle_ms: int = 10_000
    """ring-circles: how often more join."""
    wrap_up_ms: int = 10_000
    """Time after a talk before the seat is free again; 0 for none."""
    wrap_up_until_coded: bool = False
    """Wrap-up lasts until the agent has given the call a code, at most `wrap_up_most_ms`."""
    wrap_up_most_ms: int = 1_800_000
    """How long wrap-up can last, extended or waiting for a code."""
    refusal_ms: int = 30_000
    """How long a call is kept from a seat that refused it or let it ring out."""
    max_wait_ms: int = 3_600_000
    """A call that waited this long leaves for the overflow."""
    serve_after_ms: int = 0
    """A call is offered to nobody before it has waited this long."""
    seats_most: int = 0
    """At most so many seats are busy with calls of this queue at a time; 0 for any number."""
    waiting_most: int = 0
    """With so many waiting it is full; 0 for any number."""
    expected_most_ms: int = 0
    """A call whose expected wait is longer does not join; 0 for any length."""
    join_empty: tuple[Absence, ...] | None = None
    """A call joins only if a seat is there that nothing of this keeps from counting; None: it joins anyway."""
    leave_empty: tuple[Absence, ...] | None = None
    """Waiting calls leave when no such seat is left; None: they stay."""
    closed: bool = False
    """Calls do not join."""
    leave_closed: bool = False
    """Callers who wait when it is closed leave too."""
    overflow: dict[Reason, str] = field(default_factory=dict)
    """Reason -> `queue NAME`, `seat NUMBER`, or a target of the switch: `flow NAME`, `menu NAME`, `voicemail`,
    `callback`, `number EXTENSION`. Where a reason is not named: what the site does with calls that waited too long."""
    keys: tuple[tuple[str, str], ...] = ()
    """A key that a waiting caller may press, and where he goes then, as in `overflow`."""
    callback_tries: int = 3
    """So often a customer is called back who does not answer."""
    callback_retry_ms: int = 900_000
    """How long after each time."""
    callback_first: Literal["agent", "customer"] = "agent"
    """Who is called first for a callback. A customer is called when a seat is free for him, waits, if that has another
    call by then, at his old place, and goes to the next free seat."""
    callback_expire_ms: int = 604_800_000
    """A callback that is not done so long after it was promised is dropped; 0 for never."""
    callback_abandoned_ms: int = 0
    """Who hangs up after so long a wait is called back; 0 for never."""
    overtake_most: int = 0
    """At most so many calls that came later may go before a call, to seats that it could have had; 0 for any number."""
    last_seat_ms: int = 0
    """A caller who comes again within this time is kept for the seat he talked to last; 0 for never."""
    seat_wait_ms: int = 30_000
    """How long a call is kept for the seat that it prefers, if that is there but not free."""
    tell_first_ms: int = 0
    """When a waiting caller is first told how he stands; 0 for never."""
    tell_every_ms: int = 0
    """How often again; 0 for not again."""
    tell_position: bool = True
    tell_wait: bool = True


class SeatRule(Struct, frozen=True, kw_only=True):
    """One seat."""

    name: str
    queues: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    """The seat's tier in each of its queues, in their order; missing ones are 0."""
    skills: tuple[tuple[str, int], ...] = ()
    """Skill and level, 1 to 10."""
    order: int = 0
    """Its place in the file."""
    weight: int = 1
    """How likely under weighted-random, beside the others."""
    budget: int = 100
    """The sum of what its contacts cost stays within this, see `MediumRule.cost`."""
    most: dict[str, int] = field(default_factory=dict)
    """Medium -> at most so many at a time, where it is another number than the site's."""
    line_group: str = ""
    """Its handset is reached through a line of this group; without a free one it is not rung."""
    ring_in_use: bool = False
    """Rung although its handset is in a call of its own."""
    set_aside_after: int = 3
    """This many offers in a row unanswered, and the seat is paused with the reason `not-answering`; 0 for never."""
    set_aside_on: tuple[str, ...] = ("no-answer", "refused", "hung-up")
    """Ends of an offer that count as unanswered."""
    pin_tries: int = 3
    """Wrong PINs in a row before the seat is locked."""
    lock_ms: int = 300_000
    """How long a seat stays locked."""


def rings_many(rule: QueueRule) -> bool:
    """Whether several seats may ring for a call at once."""
    return rule.strategy in {"ring-all", "ring-circles"}


def rings_at_first(rule: QueueRule) -> int:
    """How many seats may ring for a call at once at first."""
    if not rings_many(rule):
        return 1
    return RING_ALL if rule.strategy == "ring-all" else rule.circle_seats


class MediumRule(Struct, frozen=True, kw_only=True):
    """What a contact of a medium means for a seat. No rule of the core looks at a medium's name."""

    name: str
    most: int = 1
    """So many at a time on one seat."""
    cost: int = 0
    """Taken out of the seat's budget while it lasts."""
    blocks: tuple[str, ...] = ("*",)
    """Media of which nothing new comes meanwhile; `*` for all."""
    interrupted_by: tuple[str, ...] = ()
    """Media that come in spite of it: it is set aside meanwhile, and goes on at the same seat."""
    virtual: bool = False
    """The server holds its contacts, not the switch: no snapshot names them, none is cut off when the switch dies, and
    none gives up. One that its agent has not closed when the talk ends waits again."""
    desk: bool = False
    """Done at a desk where the seat has one open: whatever its handset does, and over no line."""
    becomes: str = ""
    """Its customer is to be called, and who is called before any agent is a contact of this medium then; empty for a
    medium whose customer is not called."""


_SPOKEN = ("voice", "video", "callback", "voicemail")

MEDIA = (
    *(
        MediumRule(name=name, virtual=name in {"callback", "voicemail"}, becomes="voice" if name == "callback" else "")
        for name in _SPOKEN
    ),
    *(
        MediumRule(name=name, most=3, virtual=True, desk=True, blocks=(*_SPOKEN, "email"))
        for name in ("chat", "sms", "social")
    ),
    MediumRule(
        name="email",
        virtual=True,
        desk=True,
        blocks=("email",),
        interrupted_by=(*_SPOKEN, "chat", "sms", "social"),
    ),
)
"""What holds where a site says nothing. A medium that is in no table takes the whole seat."""


SLOT = ":"
"""Between a SIP trunk and the number of one of its lines. Nobody writes it, so no name that is written has it."""


class LineRule(Struct, frozen=True, kw_only=True):
    """One trunk line."""

    name: str
    cost: int = 0
    """What a call over it costs, in any unit that is one for the group."""


class LineGroupRule(Struct, frozen=True, kw_only=True):
    """Lines that serve the same purpose."""

    name: str
    lines: tuple[LineRule, ...] = ()
    pick: Literal["ordered", "reverse", "least-cost", "round-robin", "least-recent"] = "ordered"
    """Which of several free lines carries a leg; among those of equal cost the first in the file.

    reverse: the last one. An exchange that hunts from the first line up then meets ours last: two calls that seize one
    analog line at the same moment from both ends (glare) are as rare as can be."""
    keep_inbound: int = 0
    """So many lines are left to callers."""
    keep_emergency: int = 0
    """So many lines are left to emergency calls."""
    keep_callback: int = 0
    """So many lines are left to promised callbacks."""
    fault_ms: int = 30_000
    """A line that failed is left alone this long, twice as long after each failure in a row."""
    fault_most_ms: int = 3_600_000
    """And at most this long."""


class OutRule(Struct, frozen=True, kw_only=True):
    """Calling out: by which lines, and how much there may be. Which numbers is judged before the core is asked."""

    groups: tuple[str, ...] = ()
    """Groups of lines, in the order in which they are tried."""
    tries: int = 3
    """So many lines are tried for one call."""
    ring_ms: int = 60_000
    """How long the other side rings."""
    longest_ms: int = 14_400_000
    """How long a talk may be."""
    hour_most: int = 600
    """So many calls in any hour, all seats together; 0 for any number. This and the next three hold over restarts."""
    seat_hour_most: int = 60
    """So many of one seat in any hour; 0 for any number."""
    number_day_most: int = 10
    """So many to one number in any 24 hours; 0 for any number."""
    spend_day_most: int = 0
    """So much in any 24 hours, in the unit of the rates; 0 for any sum."""
