"""What Asterisk leaves undone, and callfloor does as soon as it sees it in the switch's events."""

from collections.abc import Iterable

from acd.core import events as ev
from ivr.ami import Link
from ivr.channels import Channels

NORMAL_CLEARING = "16"


def set_right(link: Link, channels: Channels, events: Iterable[ev.AnyEvent]) -> None:
    """Hang up legs that nobody wants, note on a leg whose it is now, lead a caller to where his agent waited."""
    for offer in channels.unwanted:
        link.tell("Hangup", Channel=offer, Cause=NORMAL_CLEARING)
    channels.unwanted.clear()
    for event in events:
        if isinstance(event, ev.CallTransferred) and event.takes:
            for offer in [offer for offer, leg in channels.legs.items() if leg.call == event.call]:
                link.tell("Setvar", Channel=offer, Variable="ACD_CALL", Value=event.call)
    for asked in channels.asked:
        caller = channels.calls.get(asked.call)
        if caller is None:  # he has hung up meanwhile
            continue
        link.tell("Setvar", Channel=caller.channel, Variable="ACD_QUEUE", Value=asked.queue)
        link.tell("Redirect", Channel=caller.channel, Context="acd-hold", Exten="given", Priority="1")
    channels.asked.clear()
