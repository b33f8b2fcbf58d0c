"""Trunk lines as the switch shows them: which carry a call, and which cannot carry one, and why.

No socket and no clock, as in `ivr.channels`. A line of acd.conf is a channel of hardware, `DAHDI/1`, or one of so many
calls that a SIP trunk carries at a time: `carrier*30` makes the lines `carrier:1` to `carrier:30` of the PJSIP endpoint
`carrier`. Which of them a call from outside takes is nobody's affair, only how many; so they are counted from the last
line down, and our own legs keep theirs; so does the test of a line (`hold`).

What can be wrong with a device, each by a word of its own of the switch, and by a list in a snapshot:

    absent          -                                   DAHDIShowChannels: the channel is not in it
    alarm           Alarm, AlarmClear; SpanAlarm, SpanAlarmClear            DAHDIShowChannels
    d-channel       DeviceStateChange of DAHDI/I1/congestion                PRIShowSpans
    not-reachable   DeviceStateChange of the endpoint (qualify_frequency)   DeviceStateList
    not-registered  Registry                            PJSIPShowRegistrationsOutbound

The channel of an ISDN call is named by its span and number, `DAHDI/i1/5550123-2`; which B-channel it is on, another
event says, DAHDIChannel, and it may say so again when exchange and switch agree on another one (channels/chan_dahdi.c,
sig_pri.c). A span's device is UNAVAILABLE while all its B-channels are in alarm, as they are while the D-channel is
down (dahdi_pri_update_span_devstate); no event of its own tells of that.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from msgspec import Struct, field

from acd.core import events as ev
from acd.core.line import Trouble
from acd.core.rules import SLOT
from ivr.ami import Message, clean, text
from ivr.held import OFFER_PREFIX, Meanwhile

LISTS = {
    "DAHDIShowChannels": "DAHDIShowChannels",
    "PRIShowSpans": "PRIShowSpans",
    "PJSIPShowRegistrationsOutbound": "OutboundRegistrationDetail",
}
"""What a snapshot asks for besides, and the event that each line of the answer is. An Asterisk without DAHDI knows
nothing of the first two."""

_UNUSABLE = frozenset({"UNAVAILABLE", "INVALID"})
_NO_ALARM = "No Alarm"
_HARDWARE = re.compile(r"DAHDI/[0-9]+")
_SPAN = re.compile(r"DAHDI/I([0-9]+)/congestion")

_ABSENT, _ALARM, _SPAN_ALARM, _D_CHANNEL, _DEVICE, _REGISTRATION = range(6)
"""Who says that something is wrong; the first that does is told."""


class _Device(Struct):
    """A channel of hardware or a SIP trunk, and the lines that it is."""

    name: str
    lines: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    """Unique ids of its channels that are no legs of ours."""
    troubles: dict[int, Trouble] = field(default_factory=dict)

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with it."""
        return self.troubles[min(self.troubles)] if self.troubles else None


class Trunks:
    """All of them."""

    EVENTS: ClassVar = frozenset({"Alarm", "AlarmClear", "DAHDIChannel", "Registry", "SpanAlarm", "SpanAlarmClear"})
    """Those that mean something for lines alone."""

    def __init__(self, notes: Sequence[Meanwhile] = ()) -> None:
        """Begin without lines; `notes` are those of the snapshots that are on their way."""
        self.wants_look = False
        """Something was said that only a snapshot can tell the meaning of; whoever takes one clears this."""
        self._notes = notes
        self._devices: dict[str, _Device] = {}
        self._spans: dict[int, tuple[str, ...]] = {}
        self._registrations: dict[tuple[str, str], str] = {}
        """Whom we are and where, as a registration has it -> the device that it is for."""
        self._told: dict[str, tuple[bool, Trouble | None]] = {}
        self._held: dict[str, str] = {}
        """Unique id of a channel of ours that is no seat's leg -> the line that it has, or will have."""

    def set_lines(self, names: Iterable[str], spans: Mapping[int, Iterable[str]] = MappingProxyType({})) -> None:
        """Take the lines of the configuration, and the devices of each span; again at each reload.

        What is known of those that stay, stays.
        """
        old, self._devices = self._devices, {}
        for name in names:
            device = device_of(name)
            if device not in self._devices:
                known = old.get(device, _Device(name=device))
                self._devices[device] = _Device(name=device, strangers=known.strangers, troubles=known.troubles)
            self._devices[device].lines.append(name)
        self._spans = {span: tuple(devices) for span, devices in spans.items()}
        self._told = {line: told for line, told in self._told.items() if device_of(line) in self._devices}

    @property
    def lists(self) -> list[str]:
        """The actions whose answers a snapshot needs for these lines."""
        hardware = any(_HARDWARE.fullmatch(name) for name in self._devices)
        sip = any(name.startswith("PJSIP/") for name in self._devices)
        return [action for action in LISTS if (sip if action.startswith("PJSIP") else hardware)]

    # Events

    def hold(self, unique: str, line: str, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Take a line for a channel that is to be: from now on it is in use."""
        self._held[unique] = line
        return self._news(self._of(line), ours)

    def let_go(self, unique: str, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Give it back."""
        return self._news(self._of(self._held.pop(unique, "")), ours)

    def _of(self, line: str) -> list[_Device]:
        """Its device; none if a reload has just taken it away."""
        device = self._devices.get(device_of(line))
        return [device] if device is not None else []

    def answers(self, line: str) -> bool:
        """Whether the line's device can be used, as far as the switch knows."""
        return all(device.trouble is None for device in self._of(line))

    def take(self, message: Message, ours: Collection[str]) -> list[ev.AnyEvent]:
        """Say what a message means for lines. `ours` are those that carry legs of ours."""
        match text(message, "Event"):
            case "Newchannel" | "Hangup" | "DAHDIChannel":
                touched = self._channel(message)
            case "DeviceStateChange":
                touched = self._device_state(message)
            case "Alarm" | "AlarmClear":
                device = f"DAHDI/{text(message, 'DAHDIChannel')}"
                touched = self._set([device], _ALARM, _alarm(text(message, "Alarm")))
            case "SpanAlarm" | "SpanAlarmClear":
                touched = self._set(self._span(text(message, "Span")), _SPAN_ALARM, _alarm(text(message, "Alarm")))
            case "Registry":
                touched = self._registry(message)
            case _:
                return []
        return self._news(touched, ours)

    def _is_own(self, unique: str) -> bool:
        return unique.startswith(OFFER_PREFIX) or unique in self._held

    def _news(self, touched: Iterable[_Device], ours: Collection[str]) -> list[ev.AnyEvent]:
        told = [
            (line, state)
            for device in touched
            for line, state in self._states(device, ours)
            if self._told.get(line, (None, None)) != state
        ]
        self._told.update(told)
        return [ev.LineChanged(line=line, in_use=in_use, trouble=trouble) for line, (in_use, trouble) in told]

    def _channel(self, message: Message) -> list[_Device]:
        """A channel came, ended, or was given another B-channel."""
        unique = text(message, "Uniqueid")
        if self._is_own(unique):
            return []
        event, former = text(message, "Event"), self._with(unique)
        if event == "Hangup":
            device = None
        elif event == "DAHDIChannel":
            device = self._devices.get(f"DAHDI/{text(message, 'DAHDIChannel')}")
        else:
            device = self._devices.get(text(message, "Channel").rpartition("-")[0])
        if former is not None:
            former.strangers.discard(unique)
        if device is not None:
            device.strangers.add(unique)
            for noted in self._notes:
                noted.begun.add(unique)
        return [one for one in (former, device) if one is not None]

    def _with(self, unique: str) -> _Device | None:
        return next((device for device in self._devices.values() if unique in device.strangers), None)

    def _device_state(self, message: Message) -> list[_Device]:
        name, is_bad = text(message, "Device"), text(message, "State") in _UNUSABLE
        if (span := _SPAN.fullmatch(name)) is not None:
            return self._set(self._span(span[1]), _D_CHANNEL, Trouble(kind="d-channel") if is_bad else None)
        return self._set([name], _DEVICE, Trouble(kind="not-reachable") if is_bad else None)

    def _registry(self, message: Message) -> list[_Device]:
        if text(message, "ChannelType") != "PJSIP":
            return []
        device = self._registrations.get((text(message, "Username"), text(message, "Domain")))
        if device is None:
            self.wants_look = any(name.startswith("PJSIP/") for name in self._devices)
            return []
        return self._set([device], _REGISTRATION, _registration(message))

    def _span(self, number: str) -> Iterable[str]:
        return self._spans.get(int(number), ()) if number.isascii() and number.isdigit() else ()

    def _set(self, names: Iterable[str], source: int, trouble: Trouble | None) -> list[_Device]:
        """Take what one source says of devices; and note it for a snapshot whose list may have been written before."""
        devices = [self._devices[name] for name in names if name in self._devices]
        for device in devices:
            for noted in self._notes:
                noted.troubles.add((device.name, source))
            _take(device, source, trouble)
        return devices

    # Snapshots

    def snapshot(
        self,
        channels: Iterable[Message],
        devices: Iterable[Message],
        more: Mapping[str, Iterable[Message]],
        ours: Collection[str],
        meanwhile: Meanwhile,
    ) -> tuple[dict[str, bool], dict[str, Trouble]]:
        """Take over what the switch holds: which lines are in use or not, and which cannot be used and why.

        `more` has the answers to `lists`, by action; of an action that the switch does not know there is an empty one.
        """
        self.wants_look = False
        self._set_strangers(channels, more.get("DAHDIShowChannels", ()), meanwhile)
        for message in devices:
            is_bad = text(message, "State") in _UNUSABLE
            trouble = Trouble(kind="not-reachable") if is_bad else None
            self._find(text(message, "Device"), _DEVICE, trouble, meanwhile)
        if "DAHDIShowChannels" in more:
            self._find_hardware(more["DAHDIShowChannels"], meanwhile)
        for span, is_down in _spans_down(more.get("PRIShowSpans", ())).items():
            for name in self._span(span):
                self._find(name, _D_CHANNEL, Trouble(kind="d-channel") if is_down else None, meanwhile)
        if "PJSIPShowRegistrationsOutbound" in more:
            self._find_registrations(more["PJSIPShowRegistrationsOutbound"], meanwhile)
        self._told = {line: state for device in self._devices.values() for line, state in self._states(device, ours)}
        told = self._told.items()
        return (
            {line: in_use for line, (in_use, _) in told},
            {line: trouble for line, (_, trouble) in told if trouble is not None},
        )

    def _states(self, device: _Device, ours: Collection[str]) -> list[tuple[str, tuple[bool, Trouble | None]]]:
        held = set(self._held.values())
        free = [line for line in device.lines if line not in ours and line not in held]
        taken = held | set(free[max(len(free) - len(device.strangers), 0) :])
        trouble = device.trouble
        return [(line, (line in taken, trouble)) for line in device.lines]

    def _set_strangers(self, channels: Iterable[Message], hardware: Iterable[Message], meanwhile: Meanwhile) -> None:
        numbers = {text(message, "Uniqueid"): text(message, "DAHDIChannel") for message in hardware}
        for device in self._devices.values():
            device.strangers &= meanwhile.begun
        known = {unique for device in self._devices.values() for unique in device.strangers}
        for message in channels:
            unique = text(message, "Uniqueid")
            name = f"DAHDI/{numbers[unique]}" if unique in numbers else text(message, "Channel").rpartition("-")[0]
            is_stranger = unique and unique not in meanwhile.ended and not self._is_own(unique)
            if is_stranger and unique not in known and name in self._devices:
                self._devices[name].strangers.add(unique)

    def _find(self, name: str, source: int, trouble: Trouble | None, meanwhile: Meanwhile) -> None:
        if name in self._devices and (name, source) not in meanwhile.troubles:
            _take(self._devices[name], source, trouble)

    def _find_hardware(self, channels: Iterable[Message], meanwhile: Meanwhile) -> None:
        """The list has all channels of hardware; what an alarm of a span has to say, each of them says too."""
        alarms = {f"DAHDI/{text(message, 'DAHDIChannel')}": text(message, "Alarm") for message in channels}
        for name in self._devices:
            if _HARDWARE.fullmatch(name):
                is_there = name in alarms
                self._find(name, _ABSENT, None if is_there else Trouble(kind="absent"), meanwhile)
                self._find(name, _ALARM, _alarm(alarms.get(name, "")), meanwhile)
                self._find(name, _SPAN_ALARM, None, meanwhile)

    def _find_registrations(self, registrations: Iterable[Message], meanwhile: Meanwhile) -> None:
        """A registration is for the endpoint that it names, else for the one of its own name."""
        of_device: dict[str, Trouble | None] = {}
        self._registrations = {}
        for message in registrations:
            device = f"PJSIP/{text(message, 'Endpoint') or text(message, 'ObjectName')}"
            self._registrations[text(message, "ClientUri"), text(message, "ServerUri")] = device
            of_device[device] = _registration(message)
        for name in self._devices:
            self._find(name, _REGISTRATION, of_device.get(name), meanwhile)


def _take(device: _Device, source: int, trouble: Trouble | None) -> None:
    if trouble is None:
        device.troubles.pop(source, None)
    else:
        device.troubles[source] = trouble


def _alarm(said: str) -> Trouble | None:
    return None if said in {"", _NO_ALARM} else Trouble(kind="alarm", said=clean(said, 40))


def _registration(message: Message) -> Trouble | None:
    """Judge a registration: Unregistered before the first answer, Rejected whatever the other side had against it."""
    status = text(message, "Status")
    return None if status == "Registered" else Trouble(kind="not-registered", said=clean(status, 40))


def _spans_down(spans: Iterable[Message]) -> dict[str, bool]:
    """Say of each span whether it is without a D-channel; one of several is enough."""
    down: dict[str, bool] = {}
    for message in spans:
        is_up = text(message, "Up") == "Yes" and text(message, "Alarm") == "No"
        down[text(message, "Span")] = down.get(text(message, "Span"), True) and not is_up
    return down


def device_of(line: str) -> str:
    """Name the device of a line, as the switch does."""
    return line if "/" in line else f"PJSIP/{line.partition(SLOT)[0]}"


def dial_string(line: str, number: str) -> str:
    """Say what Dial is told to call a number over a line: `PJSIP/4930123@carrier`, `DAHDI/1/030123`."""
    return f"{line}/{number}" if "/" in line else f"PJSIP/{number}@{line.partition(SLOT)[0]}"


def dialled(line: str) -> str:
    """What stands for LINE in a handset: `1` for `DAHDI/1` (`DAHDI/LINE/5550123`), `carrier` for `carrier:7`."""
    return line.partition(SLOT)[0].rpartition("/")[2]
