"""Which phone is whose at the moment, and how each phone stands.

A *phone* has a name and a device of the switch: each seat's own has the seat's name, the others are written in acd.conf
(`type = phone`). A seat is at its own phone unless the core says otherwise (`UsePhone`): then its agent has logged in
elsewhere. What the switch tells, it tells of devices; so their state is kept here by device, whoever is there.
"""

from collections.abc import Iterator, Mapping

from acd.core import events as ev
from ivr.held import ON_A_LINE

_REGISTERING = ("PJSIP/", "SIP/", "IAX2/")
"""Handsets that tell the switch where they are; an analog one is where its wire ends."""


class Handsets:
    """Seats, phones, devices."""

    def __init__(self, of_seats: Mapping[str, str], phones: Mapping[str, str] | None = None) -> None:
        self._placed: dict[str, str] = {}
        self.reachable: dict[str, bool] = {}
        """Device -> whether it can be rung, as far as the switch has said."""
        self.own: dict[str, set[str]] = {}
        """Device -> the channels of its own calls, feature codes included; not of offers."""
        self.learn(of_seats, phones)

    def learn(self, of_seats: Mapping[str, str], phones: Mapping[str, str] | None = None) -> None:
        """Take the devices from the configuration: of the seats' own phones by seat, and of the others by name."""
        self._seats = tuple(of_seats)
        self._device = {**(phones or {}), **of_seats}
        self._placed = {seat: phone for seat, phone in self._placed.items() if seat in of_seats}
        self._sort()

    def place(self, seat: str, phone: str) -> None:
        """A seat is at this phone from now on."""
        self._placed.pop(seat, None)
        if phone != seat:
            self._placed[seat] = phone
        self._sort()

    def places(self) -> dict[str, str]:
        """Give the device of each seat that is not at its own phone; empty for those that are."""
        return {seat: (self.device_of(seat) or "") if seat in self._placed else "" for seat in self._seats}

    def _sort(self) -> None:
        self._there: dict[str, list[str]] = {device: [] for device in self._device.values()}
        for seat in (*self._placed, *(seat for seat in self._seats if seat not in self._placed)):
            device = self.device_of(seat)
            if device is not None:
                self._there[device].append(seat)

    def device_of(self, seat: str) -> str | None:
        """Name the device at which a seat is rung; None for a seat, or a phone, that there is not."""
        return self._device.get(self._placed.get(seat, seat)) if seat in self._seats else None

    def device(self, channel: str) -> str:
        """Name the device that a channel belongs to: `PJSIP/101-00000012` is one of `PJSIP/101`."""
        return channel.rpartition("-")[0]

    def knows(self, device: str) -> bool:
        """Whether this is the device of a phone."""
        return device in self._there

    def at(self, channel: str) -> str | None:
        """Name the seat that is at the phone of a channel; before one whose own it is, one that has logged in there."""
        there = self._there.get(self.device(channel))
        return there[0] if there else None

    def seats_at(self, device: str) -> list[str]:
        """Name the seats at a device: one that has logged in there, and one whose own it is."""
        return self._there.get(device, [])

    def state(self, seat: str) -> ev.HandsetState:
        """Say how a seat's phone stands. One of a kind that does not register is there until told otherwise."""
        device = self.device_of(seat)
        if device is None:
            return ev.HandsetState(seat=seat, reachable=False, busy=False)
        fixed = not device.startswith(_REGISTERING) or ON_A_LINE.search(device) is not None
        return ev.HandsetState(seat=seat, reachable=self.reachable.get(device, fixed), busy=bool(self.own.get(device)))

    def states(self) -> tuple[ev.HandsetState, ...]:
        """Say how the phones of all seats stand."""
        return tuple(self.state(seat) for seat in self._seats)

    def changed(self, device: str) -> Iterator[ev.HandsetChanged]:
        """Say it of the seats at a device."""
        for seat in self.seats_at(device):
            yield self.told(seat)

    def told(self, seat: str) -> ev.HandsetChanged:
        """Say it of a seat."""
        state = self.state(seat)
        return ev.HandsetChanged(seat=seat, reachable=state.reachable, busy=state.busy)
