"""Calls out as the switch shows them: channels that have dialled a number outside, for a handset or for a callback.

No socket and no clock, as in `ivr.channels`. The channel that calls is known by its unique id; the far leg, on the
trunk, has that id as its linked id, so it is never taken for a stranger's call there. What such a channel says of
itself (ACD_LEG, ACD_LINE) is all that is known of it after a restart of ours.

    DialEnd of the channel, answered        -> LegAnswered
    Hangup of it before, of the far leg after that    -> LegEnded

An agent who asks outside by the switch's keys (*2) does not call by his telephone's channel: half of a Local channel
does, and the far leg has his talk's linked id, as that half has it. Once it has answered both halves go.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from acd.core import events as ev
from acd.core.commands import Dial, Reach
from ivr.ami import Message, text
from ivr.held import Meanwhile

if TYPE_CHECKING:
    import asyncio


_ASKS = re.compile(r"Local/[^/@]+@acd-transfer-[0-9a-f]+;2")
"""The channel that dials for an agent who asks by keys."""


class _Out(Struct):
    leg: str
    line: str
    answered: bool = False
    born: bool = True
    """The switch has made the channel; of one for a handset it had before."""
    linked: str = ""
    """The linked id that the far leg has, where it is not the channel's."""
    asks: str = ""
    """The same, where others have it too: those who talk while an agent asks outside."""
    rings: str = ""
    """The far leg's unique id, while it has not answered."""
    far: str = ""
    """The far leg's unique id, once that has answered: as long as it lives the line is taken, whoever talks on it."""


class Outs:
    """All of them."""

    EVENTS: ClassVar = frozenset({"DialEnd", "Hangup"})
    VARIABLES: ClassVar = "ACD_LEG,ACD_ANSWERED"
    """What a snapshot must ask for: the leg of a channel that calls, and of a far leg that has answered."""

    def __init__(self, notes: Sequence[Meanwhile] = ()) -> None:
        """Begin with none; `notes` are those of the snapshots that are on their way."""
        self._notes = notes
        self._outs: dict[str, _Out] = {}
        self._asks: dict[str, str] = {}
        """Channel that dials for an agent who asks -> its linked id."""

    @property
    def lines(self) -> list[str]:
        """The lines that they are on."""
        return [out.line for out in self._outs.values() if out.line]

    def dial(self, command: Dial) -> None:
        """A channel calls out over a line; again for each further one."""
        known, asks = self._outs.get(command.channel), self._asks.get(command.channel, "")
        linked = known.linked if known else ""
        self._outs[command.channel] = _Out(leg=command.leg, line=command.line, linked=linked, asks=asks)

    def reach(self, command: Reach) -> None:
        """A channel that is still to be made calls a customer: its id is the leg's, and the customer's is the first."""
        self._outs[command.leg] = _Out(leg=command.leg, line=command.line, born=False, linked=command.customer)

    def is_answered(self, leg: str) -> bool:
        """Whether a customer has answered."""
        return leg in self._outs and self._outs[leg].answered

    def judge(self, leg: str, answer: "asyncio.Future[list[Message]]") -> list[ev.AnyEvent]:
        """Judge the Originate's own answer, where it was refused, or no channel came of it that could tell."""
        out = self._outs.get(leg)
        if out is None or out.answered or answer.cancelled():
            return []
        return self._hung_up(leg) if text(answer.result()[-1], "Response") in {"Failure", "Error"} else []

    def is_far_leg(self, message: Message) -> bool:
        """Whether a message is of a channel that one of them made."""
        unique = text(message, "Uniqueid")
        if any(unique in {out.rings, out.far} for out in self._outs.values() if unique):
            return True
        linked = text(message, "Linkedid")
        if unique in self._outs or not linked or unique == linked:
            return False
        return linked in self._outs or any(out.linked == linked for out in self._outs.values())

    def take(self, message: Message) -> list[ev.AnyEvent]:
        """Say what a message means for them."""
        unique, event, far = text(message, "Uniqueid"), text(message, "Event"), text(message, "DestUniqueid")
        if event == "Hangup":
            return self._hung_up(unique)
        out = self._outs.get(unique)
        if out is not None:
            out.born = True
        if event == "Newchannel":
            self._born(unique, text(message, "Channel"), text(message, "Linkedid"))
        if event != "DialEnd" or text(message, "DialStatus") != "ANSWER":
            return []
        out = out or next((out for out in self._outs.values() if far and out.far == far), None)
        if out is None or out.answered:
            return []
        out.answered, out.far = True, far
        return [ev.LegAnswered(leg=out.leg)]

    def _born(self, unique: str, channel: str, linked: str) -> None:
        """A channel came: the far leg of one that calls, or one that dials for an agent who asks."""
        near = self._outs.get(linked)
        near = near or next((out for out in self._outs.values() if out.asks == linked and not out.rings), None)
        if _ASKS.fullmatch(channel):
            self._asks[unique] = linked
        elif unique not in self._outs and near is not None and not near.linked:
            near.rings = unique
        else:
            return
        for noted in self._notes:
            noted.begun.add(unique)

    def _hung_up(self, unique: str) -> list[ev.AnyEvent]:
        """The far leg's end is the call's; who called may be gone before it, having given it to somebody else.

        If he just hung up, though, what rang is gone before him.
        """
        self._asks.pop(unique, None)
        near = next((near for near, out in self._outs.items() if unique in {out.far, out.rings}), unique)
        out = self._outs.get(near)
        if out is not None and out.rings == unique and out.far != unique:
            out.rings = ""
            return []
        if out is not None and not out.far:
            out.far = out.rings
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
        present, answered = set(meanwhile.begun), dict[str, Mapping[str, str]]()
        for message, variables in channels:
            unique = text(message, "Uniqueid")
            if unique in meanwhile.ended:
                continue
            present.add(unique)
            if variables.get("ACD_ANSWERED"):
                answered[unique] = variables
            if leg := variables.get("ACD_LEG", ""):
                linked = text(message, "Linkedid")
                out = self._outs.setdefault(unique, _Out(leg=leg, line=variables.get("ACD_LINE", ""), linked=linked))
                out.born = True
                bridge = text(message, "BridgeID")
                out.answered = out.answered or (bridge != "" and in_bridge.get(bridge, 0) > 1)
        for far, variables in answered.items():
            self._found(far, variables["ACD_ANSWERED"], variables.get("ACD_LINE", ""))
        self._outs = {unique: out for unique, out in self._outs.items() if not out.born or {unique, out.far} & present}
        self._asks = {unique: linked for unique, linked in self._asks.items() if unique in present}
        return tuple(ev.LiveOut(leg=out.leg, answered=out.answered) for out in self._outs.values())

    def _found(self, far: str, leg: str, line: str) -> None:
        """Take a far leg that has answered for what it is, also where the channel that called is gone."""
        out = next((out for out in self._outs.values() if out.leg == leg), None)
        if out is None:
            out = self._outs[far] = _Out(leg=leg, line=line)
        out.far, out.answered = far, True
