"""Message lamps: a telephone shows whether messages wait for who sits at it, by its lamp or a stuttering dial tone.

A SIP phone is told by NOTIFY (RFC 3842), an analog one by Asterisk's chan_dahdi: both go by the mailbox that the
generated files give them, `101@callfloor`. What is in it callfloor says, in Asterisk by `MinivmMWI` (acd-lamp), the one
application of a plain Asterisk that tells of messages which it does not hold itself.

Whose messages: those in the queues of the seat that is logged in at a phone; of a phone where nobody is, those of the
seat whose own it is. One that an agent has put off waits, too.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from acd.core import State
from ivr.ami import Link
from ivr.switch import AmiSwitch

log = structlog.get_logger()

LOOK_S = 1.0
"""How often what is shown is compared with what waits."""
MOST = 999


def messages_at(state: State, medium: str) -> dict[str, int]:
    """Count the messages that wait for who sits at each phone, by the phone's name."""
    waiting = Counter(
        call.queue for call in state.calls.values() if call.medium == medium and call.state in {"waiting", "offered"}
    )
    counts: dict[str, int] = {}
    for seat in sorted(state.seats.values(), key=lambda seat: seat.presence != "logged-out"):  # who is there counts
        counts[seat.at_phone] = min(sum(waiting[queue] for queue in set(seat.rule.queues)), MOST)
    for seat in state.seats.values():
        if seat.phone:  # he sits elsewhere: at his own phone somebody else does, or nobody
            at_home = any(other.at_phone == seat.name for other in state.seats.values() if other is not seat)
            counts[seat.name] = counts[seat.name] if at_home else 0
    return counts


async def keep_lit(switch: AmiSwitch, state: Callable[[], State], medium: str) -> None:
    """Have the lamps show what waits, until cancelled; all of them anew after each lost link."""
    link: Link | None = None
    shown: dict[str, int] = {}
    while True:
        if switch.link is not link:
            link, shown = switch.link, {}
        if link is not None:
            now = {**dict.fromkeys(shown, 0), **messages_at(state(), medium)}
            _show(link, {phone: count for phone, count in now.items() if shown.get(phone) != count})
            shown = now
        await asyncio.sleep(LOOK_S)


def _show(link: Link, counts: Mapping[str, int]) -> None:
    for phone, count in counts.items():
        log.debug("message lamp", phone=phone, messages=count)
        link.send(
            "Originate",
            Channel="Local/s@acd-lamp/n",
            Context="acd-lamp",
            Exten="s",
            Priority="1",
            Timeout="5000",
            Variable=[f"ACD_LAMP={phone}", f"ACD_MESSAGES={count}"],
            Async="true",
        )
