"""What Asterisk leaves undone, and callfloor does as soon as it sees it in the switch's events."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from acd.core import events as ev
from ivr.ami import Link, Message, text
from ivr.channels import Channels, number

if TYPE_CHECKING:
    import asyncio

NORMAL_CLEARING = "16"
SWITCH_TIME = "STRFTIME(,,%s%3q)"
"""Gives the switch's time, epoch in ms; the server's clock may be another."""


def set_right(link: Link, channels: Channels, events: Iterable[ev.AnyEvent]) -> None:
    """Hang up legs that nobody wants, note on a leg whose it is now, lead a caller to where his agent waited."""
    for offer in channels.unwanted:
        link.tell("Hangup", Channel=channels.wires.channel(offer), Cause=NORMAL_CLEARING)
    channels.unwanted.clear()
    for event in events:
        if isinstance(event, ev.CallTransferred) and event.takes:
            for offer in [offer for offer, leg in channels.legs.items() if leg.call == event.call]:
                link.tell("Setvar", Channel=channels.wires.channel(offer), Variable="ACD_CALL", Value=event.call)
    for asked in channels.asked:
        caller = channels.calls.get(asked.call)
        if caller is None:  # he has hung up meanwhile
            continue
        link.tell("Setvar", Channel=caller.channel, Variable="ACD_QUEUE", Value=asked.queue)
        link.tell("Redirect", Channel=caller.channel, Context="acd-hold", Exten="given", Priority="1")
    channels.asked.clear()
    for device in channels.wires.untimed:
        _time(link, channels, device)
    channels.wires.untimed.clear()


def _time(link: Link, channels: Channels, device: str) -> None:
    """Ask what time it is at the switch, now that a device of a wire was hung up."""

    def told(answer: "asyncio.Future[list[Message]]") -> None:
        channels.wires.timed(device, None if answer.cancelled() else number(text(answer.result()[-1], "Value")))

    link.send("Getvar", Variable=SWITCH_TIME).add_done_callback(told)
