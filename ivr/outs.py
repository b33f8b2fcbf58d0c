"""Calls out as the switch shows them: handsets' channels that have dialled a number outside.

No socket and no clock, as in `ivr.channels`. The channel that calls is known by its unique id; the far leg, on the
trunk, has that id as its linked id, so it is never taken for a stranger's call there. What such a channel says of
itself (ACD_LEG, ACD_LINE) is all that is known of it after a restart of ours.

    DialEnd of the channel, answered        -> LegAnswered
    Hangup of it before, of the far leg after that    -> LegEnded
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from msgspec import Struct

from acd.core import events as ev
from acd.core.commands import Dial
from ivr.ami import Message, text
from ivr.held import Meanwhile


class _Out(Struct):
    leg: str
    line: str
    answered: bool = False
    far: str = ""
    """The far leg's unique id, once that has answered: as long as it lives the line is taken, whoever talks on it."""


class Outs:
    """All of them."""

    EVENTS: ClassVar = frozenset({"DialEnd", "Hangup"})
    VARIABLE: ClassVar = "ACD_LEG"

    def __init__(self) -> None:
        self._outs: dict[str, _Out] = {}

    @property
    def lines(self) -> list[str]:
        """The lines that they are on."""
        return [out.line for out in self._outs.values() if out.line]

    def dial(self, command: Dial) -> None:
        """A channel calls out over a line; again for each further one."""
        self._outs[command.channel] = _Out(leg=command.leg, line=command.line)

    def is_far_leg(self, message: Message) -> bool:
        """Whether a message is of a channel that one of them made."""
        unique = text(message, "Uniqueid")
        if any(out.far == unique for out in self._outs.values() if out.far):
            return True
        return text(message, "Linkedid") in self._outs and unique not in self._outs

    def take(self, message: Message) -> list[ev.AnyEvent]:
        """Say what a message means for them."""
        unique, event = text(message, "Uniqueid"), text(message, "Event")
        if event == "Hangup":
            return self._hung_up(unique)
        out = self._outs.get(unique)
        if out is not None and event == "DialEnd" and text(message, "DialStatus") == "ANSWER" and not out.answered:
            out.answered, out.far = True, text(message, "DestUniqueid")
            return [ev.LegAnswered(leg=out.leg)]
        return []

    def _hung_up(self, unique: str) -> list[ev.AnyEvent]:
        """The far leg's end is the call's; who called may be gone before it, having given it to somebody else."""
        near = next((near for near, out in self._outs.items() if out.far == unique), unique)
        out = self._outs.get(near)
        if out is None or (out.far and unique != out.far):
            return []
        del self._outs[near]
        return [ev.LegEnded(leg=out.leg, outcome="hung-up" if out.answered else "cancelled")]

    def snapshot(
        self,
        channels: Iterable[tuple[Message, Mapping[str, str]]],
        in_bridge: Mapping[str, int],
        meanwhile: Meanwhile,
    ) -> tuple[ev.LiveOut, ...]:
        """Take over what the switch holds: each channel with its variables."""
        present = set(meanwhile.begun)
        for message, variables in channels:
            unique = text(message, "Uniqueid")
            if unique in meanwhile.ended:
                continue
            present.add(unique)
            if leg := variables.get(self.VARIABLE, ""):
                out = self._outs.setdefault(unique, _Out(leg=leg, line=variables.get("ACD_LINE", "")))
                bridge = text(message, "BridgeID")
                out.answered = out.answered or (bridge != "" and in_bridge.get(bridge, 0) > 1)
        self._outs = {unique: out for unique, out in self._outs.items() if {unique, out.far} & present}
        return tuple(ev.LiveOut(leg=out.leg, answered=out.answered) for out in self._outs.values())
