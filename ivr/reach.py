"""A customer who is called back before any agent, on Asterisk.

    Reach         -> Originate of Local/s@acd-reach/n: one half of it dials (acd-out), the other is the customer's
    he answers    -> his half goes on in acd-back, he hears that he is called back, and waits in acd-hold
    nobody does   -> the dialling half asks for another line, as every call out does, or ends

The dialling half has the leg's id, so all that is known of calls out (ivr.outs) holds for it; the customer's half has
the id by which he comes to the queue. His place stands on it from the beginning: he who answers while no server runs
waits where he stood, and is met there by the next one.
"""

from typing import TYPE_CHECKING

from acd.core.commands import Reach
from acd.desk.calling import CallOut
from ivr.ami import Link, Message
from ivr.flow import Caller, GoOn, Play
from ivr.needs import write_needs
from ivr.trunks import dial_string

if TYPE_CHECKING:
    import asyncio

REACHED = "reached"
"""The route of acd-back."""
LONGEST_MS = 600_000
"""Of the Originate: it ends with the last line that is tried, which the dialplan times."""


async def reached(_caller: Caller) -> None:
    """Tell a customer who has answered that he is called back; he goes on to his queue."""
    await Play("callback-reached")
    await GoOn()


def call_customer(link: Link, command: Reach, out: CallOut, ahead_ms: int) -> "asyncio.Future[list[Message]]":
    """Have a customer called; `ahead_ms` is by how much Asterisk's clock is ahead."""
    known = {
        "ACD_REACH": command.leg,
        "ACD_LINE": command.line,
        "ACD_DIAL": dial_string(command.line, out.number),
        "ACD_RING": str(-(-command.ring_ms // 1_000)),
        "ACD_LONGEST": str(command.longest_ms // 1_000),
        "ACD_SHOWN": out.caller_id,
        "ACD_BACK": command.queue,
        "ACD_CUSTOMER": command.number,
        "ACD_ARRIVED": str(command.since + ahead_ms),
        "ACD_PRIORITY": "" if command.priority is None else str(command.priority),
        "ACD_NEEDS": write_needs(command.needs),
        "ACD_AHEAD": str(command.head_start_ms or ""),
        "ACD_WANTED": command.seat,
    }
    if command.language:
        known["CHANNEL(language)"] = command.language
    return link.send(
        "Originate",
        Channel="Local/s@acd-reach/n",
        ChannelId=command.customer,
        OtherChannelId=command.leg,
        Context="acd-back",
        Exten="s",
        Priority="1",
        Timeout=str(LONGEST_MS),
        Async="true",
        Variable=[f"{name}={value}" for name, value in known.items() if value],
    )
