"""What a section with `type = queue` may say: each option is a field of the core's `QueueRule`.

Three fields have options of another shape. `overflow` and the options named after it are one field, a target for each
reason; `music` and `extension` are for the switch alone; and `name` is the section's.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from acd.conf import Section, Variable
from acd.core.rules import Absence, Reason, Strategy
from acd.hours import read_opening
from acd.options import Kind, Option, choice, duration, number, optional, pattern, some_of, yes_no
from acd.rule_text import KEY, NEEDS, STEP, TARGET, TIERS
from acd.settings import MUSIC_CLASS, PHONE_NUMBER, RING_TONE, SEAT_NAME

OFF = "off"
NOBODY = "nobody"
_ABSENCES = optional(some_of(get_args(Absence), none=NOBODY), OFF)

_WHO = (
    Option("strategy", choice(*get_args(Strategy)), "longest-idle", "Which of several free seats gets the call."),
    Option("needs", NEEDS, "", "Skills that a seat must have, besides what the call itself asks for."),
    Option(
        "tiers",
        TIERS,
        "0-99",
        "Seats of these tiers are offered its calls, lower ones first. With `floor 2` the tiers below 2 count as 2.",
    ),
    Option("tier_seats", number(0, 1_000), "0", "With so many seats logged in, or fewer, tiers do not count."),
    Option(
        "seats_most",
        number(0, 10_000),
        "0",
        "At most so many seats are busy with its calls at a time; 0 for any number.",
    ),
    Option(
        "last_seat",
        duration("0", "365d"),
        "0",
        "A caller who comes again within this time is kept for the seat he talked to last; 0 for never.",
        "last_seat_ms",
    ),
    Option(
        "seat_wait",
        duration("0", "24h"),
        "30s",
        "How long a call is kept for the seat that it prefers, while that is there but not free.",
        "seat_wait_ms",
    ),
)

_ORDER = (
    Option(
        "priority",
        number(0, 99),
        "10",
        "Class of its calls where the call has none of its own; 0 is served first, over all queues.",
    ),
    Option(
        "ahead",
        duration("0", "24h"),
        "0",
        "Head start: its calls are served as if they had come so much earlier.",
        "ahead_ms",
    ),
    Option(
        "serve_after",
        duration("0", "1h"),
        "0",
        "A call is offered to nobody before it has waited this long.",
        "serve_after_ms",
    ),
    Option(
        "overtake_most",
        number(0, 10_000),
        "0",
        "After so many later calls went before it, to seats that it could have had, a call is first; 0 for never.",
    ),
    Option(
        "step",
        STEP,
        "",
        "Eases something for a waiting call, once. The condition is `after 30s`, `when 10 wait` or `when nobody` (is "
        "logged in). The actions: `drop SKILL`, `lower SKILL LEVEL`, `tiers 0-2`, `priority 5`, `ahead 60s`, "
        "`say PROMPT`; or alone `go` and a place as in `overflow`. An empty one forgets those above it.",
        "steps",
        many=True,
    ),
)

_RINGING = (
    Option(
        "ring",
        duration("3s", "5m"),
        "15s",
        "How long a seat rings before the call goes back to the head of the queue.",
        "ring_ms",
    ),
    Option("circle", number(1, 100), "1", "ring-circles: so many seats ring first, and as many join.", "circle_seats"),
    Option("circle_every", duration("1s", "5m"), "10s", "ring-circles: how often more join.", "circle_ms"),
    Option(
        "refusal",
        duration("0", "1h"),
        "30s",
        "How long a call is kept from a seat that refused it or let it ring out.",
        "refusal_ms",
    ),
    Option(
        "wrap_up",
        duration("0", "1h"),
        "10s",
        "Time after a talk before the seat is offered the next call; 0 for none.",
        "wrap_up_ms",
    ),
    Option("wrap_up_until_coded", yes_no(), "no", "Wrap-up lasts until the agent has given the call a code."),
    Option(
        "wrap_up_most",
        duration("1s", "24h"),
        "30m",
        "How long wrap-up can last, extended by the agent or waiting for a code.",
        "wrap_up_most_ms",
    ),
)

_LEAVING = (
    Option(
        "max_wait", duration("10s", "24h"), "1h", "A call that waited this long is sent to the overflow.", "max_wait_ms"
    ),
    Option("waiting_most", number(0, 10_000), "0", "With so many waiting the queue is full; 0 for any number."),
    Option(
        "expected_most",
        duration("0", "24h"),
        "0",
        "A call that is expected to wait longer than this does not join; 0 for any wait.",
        "expected_most_ms",
    ),
    Option(
        "join_empty",
        _ABSENCES,
        OFF,
        "A call joins only if a seat is logged in that is none of these; `nobody`: only if any is logged in; `off`: it "
        "joins anyway.",
    ),
    Option(
        "leave_empty",
        _ABSENCES,
        OFF,
        "Waiting calls leave when no seat is left that is none of these; `off`: they stay.",
    ),
    Option("closed", yes_no(), "no", "Calls do not join, until somebody opens the queue."),
    Option(
        "leave_closed",
        yes_no(),
        "no",
        "Callers who wait when the queue is closed leave as those who come then. With `overflow_closed = callback` "
        "they are offered a call when it opens again.",
    ),
    Option(
        "overflow",
        TARGET,
        "",
        "Where a call goes that leaves without an agent; left out, `overflow` in ivr.conf says so.",
    ),
    Option("overflow_full", TARGET, "", "The same where the queue is full (`waiting_most`)."),
    Option("overflow_empty", TARGET, "", "The same where nobody is there (`join_empty`, `leave_empty`)."),
    Option("overflow_closed", TARGET, "", "The same where the queue is closed."),
    Option("overflow_too_long", TARGET, "", "The same where the expected wait is too long (`expected_most`)."),
    Option("overflow_wait", TARGET, "", "The same where it has waited too long (`max_wait`)."),
)

_BACK = (
    Option(
        "key",
        KEY,
        "",
        "A key that a waiting caller may press, and where he goes then, as in `overflow`: `1, callback`. Tell him of "
        "it by a `step` that says a prompt.",
        "keys",
        many=True,
    ),
    Option(
        "callback_tries", number(1, 20), "3", "So often a customer is called back who does not answer; then no more."
    ),
    Option("callback_retry", duration("10s", "7d"), "15m", "How long after each time.", "callback_retry_ms"),
    Option(
        "callback_first",
        choice("agent", "customer"),
        "agent",
        "Whom a callback calls first. `customer`: he is called when a seat is free for him and nobody is before him; "
        "when he answers he goes to the next free seat. The one that was free is not held for him.",
    ),
    Option(
        "callback_hours",
        Kind("DAYS HH:MM-HH:MM", read_opening),
        "",
        "When customers are called back, such as `mon-fri 08:00-18:00`, by the clock of the machine; left out, always "
        "while the queue is open.",
        many=True,
    ),
    Option(
        "callback_abandoned",
        duration("0", "24h"),
        "0",
        "Who hangs up after he has waited so long is called back, if an agent could call his number; 0 for never. Who "
        "calls again by himself has his place, and is not called.",
        "callback_abandoned_ms",
    ),
    Option(
        "callback_expire",
        duration("0", "31d"),
        "7d",
        "A callback that is not done by then is dropped; 0 for never. While the queue is closed nobody is called back.",
        "callback_expire_ms",
    ),
)

_HEARD = (
    Option(
        "tell_first",
        duration("0", "1h"),
        "0",
        "When a waiting caller is first told how he stands; 0 for never.",
        "tell_first_ms",
    ),
    Option("tell_every", duration("0", "1h"), "0", "How often he is told again; 0 for not again.", "tell_every_ms"),
    Option("tell_position", yes_no(), "yes", "He is told how many are before him."),
    Option("tell_wait", yes_no(), "yes", "He is told how long it will take, as far as the day has taught that."),
    Option(
        "music",
        pattern(MUSIC_CLASS, "name of a section of musiconhold.conf"),
        "default",
        "What its callers hear while they wait.",
    ),
    Option(
        "ring_tone",
        pattern(RING_TONE, "1 to 4, or a SIP header's value without commas"),
        "",
        "How the agent's phone rings for its calls. 1 to 4: the ring of that number, by `Alert-Info: Bellcore-dr2` on "
        "SIP and by cadence on an analog phone. Else what your phones want in `Alert-Info`, such as `info=external`.",
    ),
    Option(
        "caller_id",
        PHONE_NUMBER,
        "",
        "The number that a seat shows when it calls out, if this is the first of its queues; left out, that of "
        "`[calling-out]`.",
    ),
    Option(
        "extension",
        optional(pattern(SEAT_NAME, "2 to 8 digits")),
        "",
        "The number that agents dial to give a caller to it, or to ask there first.",
    ),
)

QUEUE = (*_WHO, *_ORDER, *_RINGING, *_LEAVING, *_BACK, *_HEARD)

OVERFLOWS: Mapping[str, Reason | None] = {
    "overflow": None,
    "overflow_full": "full",
    "overflow_empty": "empty",
    "overflow_closed": "closed",
    "overflow_too_long": "too-long",
    "overflow_wait": "wait",
}
"""The options that say where calls go, each with its reason; the first one stands for those that say nothing."""


def overflows(section: Section) -> Iterator[Variable]:
    """Yield the lines that say where a queue's calls go, those that take nothing back."""
    lines = (section.last(option) for option in OVERFLOWS)
    return (line for line in lines if line is not None and line.value)
