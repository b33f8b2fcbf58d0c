"""Transfers in which the agent talks to the other one first, or at least rings there (attended transfers).

The agent's telephone holds two calls: the leg of his offer, in a bridge with the caller, and a call of his own. When he
puts them together (REFER with Replaces, or a key) Asterisk moves the caller to where the agent's own call was:

    in a bridge with a seat's handset   the caller enters it, the agent's two channels go
    ringing a handset                   the caller takes the place of the agent's own call in the Dial that rings
    in a queue, talking to a seat       the caller enters the bridge of an offer that was made for the agent's own call,
                                        which is the caller's from then on
    in a queue, waiting                 Asterisk cannot do it: nobody can be put into a holding bridge in another one's
                                        place. It says `Fail`, now and then `Success`, and hangs up all there is, so we
                                        lead the caller there
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from acd.core import events as ev
from ivr.ami import Message, clean, text
from ivr.held import Held, Leg


class Asked(NamedTuple):
    """A caller who is to wait where his agent waited in a queue, to ask somebody there."""

    call: str
    queue: str


def taken_over(
    bridge: str, inside: Collection[str], calls: Mapping[str, Held], legs: Mapping[str, Leg]
) -> list[ev.AnyEvent]:
    """Somebody entered a bridge: say whether a caller and the leg of another call, which is gone, are in it now.

    Which of the two came to the other is the switch's affair.
    """
    for offer in inside:
        leg = legs.get(offer)
        if leg is not None and leg.joined and leg.call not in inside:
            for call in inside:
                if call in calls and not _has_leg(call, inside, legs):
                    return [_take_over(call, bridge, calls[call], leg, legs)]
    return []


def _has_leg(call: str, inside: Collection[str], legs: Mapping[str, Leg]) -> bool:
    """Whether his own agent is there, too: all three talk."""
    return any(legs[one].call == call for one in inside if one in legs)


def _take_over(unique: str, bridge: str, held: Held, leg: Leg, legs: Mapping[str, Leg]) -> ev.AnyEvent:
    seat = ""
    for other in legs.values():
        if other.call == unique:
            seat, other.call = other.seat, ""
    takes, leg.call, held.talk, held.took = leg.call, unique, bridge, bridge
    return ev.CallTransferred(call=unique, seat=seat, to=leg.seat, asked_first=True, takes=takes)


def asked_first(
    message: Message, calls: Mapping[str, Held], legs: Mapping[str, Leg], seat_of: Callable[[str], str | None]
) -> tuple[list[ev.AnyEvent], list[Asked]]:
    """Say what an AttendedTransfer means: the event, and who is to be led into a queue."""
    second, leg = text(message, "SecondTransfererUniqueid"), legs.get(text(message, "OrigTransfererUniqueid"))
    call = text(message, "TransfereeUniqueid") or (leg.call if leg is not None else "")
    held = calls.get(call)
    bridges = {text(message, "OrigBridgeUniqueid"), text(message, "SecondBridgeUniqueid")}
    if held is None or (held.took and held.took in bridges):
        return [], []
    waits = None if any(one.joined and one.call == second for one in legs.values()) else calls.get(second)
    failed = text(message, "Result") != "Success"
    if (failed and waits is None) or text(message, "DestType") == "Threeway":  # nothing came of it; or he stays
        return [], []
    held.given = True
    seat = seat_of(text(message, "OrigTransfererChannel")) or ""
    to = waits.queue if waits is not None else _whom(message, seat_of)
    told = ev.CallTransferred(call=call, seat=seat, to=to, asked_first=True)
    return [told], [Asked(call, to)] if waits is not None else []


def _whom(message: Message, seat_of: Callable[[str], str | None]) -> str:
    """Name the other one: his seat, else what was dialled for him, else his channel; empty if it is not told."""
    channel = text(message, "TransferTargetChannel")
    dialled = text(message, "TransferTargetExten" if channel.startswith("Local/") else "SecondTransfererExten")
    return clean(seat_of(channel) or (dialled if dialled.isdigit() else channel), 64)
