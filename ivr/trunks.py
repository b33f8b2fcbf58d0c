"""Trunk lines as the switch shows them: which carry a call, and which cannot carry one.

No socket and no clock, as in `ivr.channels`. A line of acd.conf is a channel of hardware, `DAHDI/1`, or one of so many
calls that a SIP trunk carries at a time: `carrier*30` makes the lines `carrier:1` to `carrier:30` of the PJSIP endpoint
`carrier`. Which of them a call from outside takes is nobody's affair, only how many; so they are counted from the last
line down, and our own legs keep theirs; so does the test of a line (`hold`). An endpoint that does not answer
(qualify_frequency in pjsip.conf), or has no address, has no line that can be used.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from acd.core import events as ev
from acd.core.rules import SLOT
from ivr.ami import Message, text
from ivr.held import OFFER_PREFIX

_UNUSABLE = frozenset({"UNAVAILABLE", "INVALID"})


class _Trunk(Struct):
    """A device, and the lines that it is."""

    lines: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    """Unique ids of its channels that are no legs of ours."""
    unusable: bool = False


class Trunks:
    """All of them."""

    def __init__(self) -> None:
        self._trunks: dict[str, _Trunk] = {}
        self._told: dict[str, bool] = {}
        self._held: dict[str, str] = {}
        """Unique id of a channel of ours that is no seat's leg -> the line that it has, or will have."""

    def set_lines(self, names: Iterable[str]) -> None:
        """Take the lines of the configuration; again at each reload. What is known of those that stay, stays."""
        old, self._trunks = self._trunks, {}
        for name in names:
            device = device_of(name)
            if device not in self._trunks:
                known = old.get(device, _Trunk())
                self._trunks[device] = _Trunk(strangers=known.strangers, unusable=known.unusable)
            self._trunks[device].lines.append(name)
        self._told = {line: told for line, told in self._told.items() if device_of(line) in self._trunks}

    def hold(self, unique: str, line: str, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Take a line for a channel that is to be: from now on it is in use."""
        self._held[unique] = line
        trunk = self._trunks.get(device_of(line))  # None: a reload has just taken it away
        return self._news(trunk, ours) if trunk is not None else []

    def let_go(self, unique: str, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Give it back."""
        trunk = self._trunks.get(device_of(self._held.pop(unique, "")))
        return self._news(trunk, ours) if trunk is not None else []

    def answers(self, line: str) -> bool:
        """Whether the line's device can be used, as far as the switch knows."""
        trunk = self._trunks.get(device_of(line))
        return trunk is None or not trunk.unusable

    def take(self, message: Message, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Say what a message means for lines. `ours` are those that carry legs of ours."""
        match text(message, "Event"):
            case "Newchannel" | "Hangup":
                device, unique = text(message, "Channel").rpartition("-")[0], text(message, "Uniqueid")
                if (trunk := self._trunks.get(device)) is None or self._is_own(unique):
                    return []
                (trunk.strangers.add if text(message, "Event") == "Newchannel" else trunk.strangers.discard)(unique)
            case "DeviceStateChange":
                if (trunk := self._trunks.get(text(message, "Device"))) is None:
                    return []
                trunk.unusable = text(message, "State") in _UNUSABLE
            case _:
                return []
        return self._news(trunk, ours)

    def _is_own(self, unique: str) -> bool:
        return unique.startswith(OFFER_PREFIX) or unique in self._held

    def _news(self, trunk: _Trunk, ours: Collection[str]) -> list[ev.AnyEvent]:
        told = [(line, in_use) for line, in_use in self._in_use(trunk, ours) if self._told.get(line) != in_use]
        self._told.update(told)
        return [ev.LineChanged(line=line, in_use=in_use) for line, in_use in told]

    def snapshot(
        self,
        channels: Iterable[Message],
        devices: Iterable[Message],
        ours: Collection[str],
        begun: Collection[str],
        ended: Collection[str],
    ) -> Mapping[str, bool]:
        """Take over what the switch holds; `begun` and `ended` are channels that did so while it was written down."""
        for trunk in self._trunks.values():
            trunk.strangers &= set(begun)
        for message in channels:
            trunk_ = self._trunks.get(text(message, "Channel").rpartition("-")[0])
            unique = text(message, "Uniqueid")
            if trunk_ is not None and unique not in ended and not self._is_own(unique):
                trunk_.strangers.add(unique)
        for message in devices:
            if (trunk_ := self._trunks.get(text(message, "Device"))) is not None:
                trunk_.unusable = text(message, "State") in _UNUSABLE
        self._told = {line: in_use for trunk in self._trunks.values() for line, in_use in self._in_use(trunk, ours)}
        return dict(self._told)

    def _in_use(self, trunk: _Trunk, ours: Collection[str]) -> list[tuple[str, bool]]:
        held = set(self._held.values())
        free = [line for line in trunk.lines if line not in ours and line not in held]
        taken = held | set(free[max(len(free) - len(trunk.strangers), 0) :])
        return [(line, trunk.unusable or line in taken) for line in trunk.lines]


def device_of(line: str) -> str:
    """Name the device of a line, as the switch does."""
    return line if "/" in line else f"PJSIP/{line.partition(SLOT)[0]}"


def dial_string(line: str, number: str) -> str:
    """Say what Dial is told to call a number over a line: `PJSIP/4930123@carrier`, `DAHDI/1/030123`."""
    return f"{line}/{number}" if "/" in line else f"PJSIP/{number}@{line.partition(SLOT)[0]}"


def dialled(line: str) -> str:
    """What stands for LINE in a handset: `1` for `DAHDI/1` (`DAHDI/LINE/5550123`), `carrier` for `carrier:7`."""
    return line.partition(SLOT)[0].rpartition("/")[2]
