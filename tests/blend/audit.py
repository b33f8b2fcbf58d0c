"""The journal of a blend, read again event by event, and held against two opinions that are not the core's.

One is that of the simulation (`tests.sim`): each decision again in plain loops over all calls and seats, what was
promised to whom, the core's own invariants. The other one knows nothing of the core's state: it counts by the events
and commands alone what each seat has before it.
"""

from collections import Counter
from types import SimpleNamespace

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.journal import Folder
from tests.sim.checks import Checks

MOST = {"voice": 1, "email": 1, "sms": 3, "chat": 3}
"""So many of each at one seat, says the manual."""
TOGETHER = {"chat", "sms"}
"""These may be before an agent at a time; all others alone."""


class Audit:
    """What the events and commands tell, counted here."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.calls: dict[str, ev.CallArrived | ev.HeldCall] = {}
        self.connected, self.closed = Counter[str](), Counter[str]()
        self.aside_for_voice = 0
        """So often an e-mail was set aside because the telephone rang."""
        self.lost_aside = 0
        self.peak = Counter[str]()
        """The most of a medium that any seat ever had before it."""
        self.restarts = 0
        self._offers: dict[str, cmd.Offer] = {}
        self._at_seat: dict[str, dict[str, int]] = {}
        """Seat -> the offers that it talks on, with the moment since when."""
        self._aside: dict[str, str] = {}
        """Offer -> the seat where it is set aside."""
        self._in_line: dict[str, list[tuple[int, int, str]]] = {}
        """Queue -> those who were never offered to anybody: when they came, and in which place."""
        self._wrong: dict[str, list[tuple[str, str]]] = {}
        """Seat -> what it has too much of, and was told."""
        self._ringing: dict[str, set[str]] = {}
        """Seat -> offers of calls that ring there."""

    def take(self, event: ev.AnyEvent, commands: list[cmd.AnyCommand]) -> None:
        """Take an entry of the journal in."""
        match event:
            case ev.Started():
                self.restarts += 1
            case ev.CallArrived():
                self._arrive(event, event.at)
            case ev.CallEnded():
                self._leave_line(event.call)
            case ev.Connected() if event.offer in self._offers:
                self._connect(event.offer, event.at)
            case ev.OfferEnded():
                self._end(event.offer)
            case ev.CloseAsked() if cmd.Reply(request=event.request, answer="ok") in commands:
                self._close(event)
            case ev.Snapshot():
                self._look(event)
        for command in commands:
            self._command(command, event)
        for seat in self._at_seat:
            self._check(seat, event)

    def _arrive(self, call: ev.CallArrived | ev.HeldCall, at: int) -> None:
        if call.call not in self.calls:
            self.calls[call.call] = call
            came = call.since if call.since is not None else at
            self._in_line.setdefault(call.queue, []).append((came, len(self.calls), call.call))

    def _command(self, command: cmd.AnyCommand, event: ev.AnyEvent) -> None:
        match command:
            case cmd.Offer():
                self._offers[command.offer] = command
                self._first_in_line(command, event)
                if self.calls[command.call].medium == "voice":
                    self._ringing.setdefault(command.seat, set()).add(command.offer)
            case cmd.Suspend():
                offer = self._offers[command.offer]
                if self.calls[command.call].medium != "email":
                    self.faults.append(f"{command} sets aside what nothing may: {event}")
                self._aside[command.offer] = offer.seat
                self.aside_for_voice += bool(self._ringing.get(offer.seat))
            case cmd.Resume():
                if command.offer not in self._aside or self._offers[command.offer].call != command.call:
                    self.faults.append(f"{command} goes on with what was not set aside: {event}")
                self._aside.pop(command.offer, None)

    def _first_in_line(self, offer: cmd.Offer, event: ev.AnyEvent) -> None:
        """Nobody of its queue who came earlier was never offered: within one queue here all seats are one to all."""
        queue = self.calls[offer.call].queue
        line = self._in_line.get(queue, [])
        own = next((one for one in line if one[2] == offer.call), None)
        if own is not None and own != min(line):
            self.faults.append(f"{own} goes before {min(line)} of {queue}: {event}")
        self._leave_line(offer.call)

    def _leave_line(self, call: str) -> None:
        for line in self._in_line.values():
            line[:] = [one for one in line if one[2] != call]

    def _connect(self, name: str, at: int) -> None:
        offer = self._offers[name]
        self._at_seat.setdefault(offer.seat, {})[name] = at
        self.connected[offer.call] += 1

    def _close(self, event: ev.CloseAsked) -> None:
        offer = self._offers[event.offer]
        self.closed[offer.call] += 1
        if offer.seat != event.seat:
            self.faults.append(f"{event} closes what {offer.seat} has")

    def _end(self, name: str) -> None:
        offer = self._offers.get(name)
        if offer is not None:
            self._at_seat.get(offer.seat, {}).pop(name, None)
            self._ringing.get(offer.seat, set()).discard(name)
            if self._aside.pop(name, None) and not self.closed[offer.call]:
                self.lost_aside += 1

    def _look(self, event: ev.Snapshot) -> None:
        """What nobody saw: who came, who met his agent, and which talks are over."""
        for call in event.calls:
            self._arrive(call, event.asked)
        for leg in event.legs:
            known = self._offers.get(leg.offer)
            if leg.joined and known is not None and leg.offer not in self._at_seat.get(known.seat, {}):
                self._connect(leg.offer, event.asked)
        there = {leg.offer for leg in event.legs}
        for held in self._at_seat.values():
            for name in [name for name, since in held.items() if name not in there and since < event.asked]:
                self._end(name)

    def _check(self, seat: str, event: ev.AnyEvent) -> None:
        held = [(name, self.calls[self._offers[name].call].medium) for name in self._at_seat[seat]]
        counts = Counter(medium for _, medium in held)
        self.peak |= counts
        active = sorted(medium for name, medium in held if name not in self._aside)
        is_right = all(count <= MOST[medium] for medium, count in counts.items())
        is_right = is_right and (len(active) < 2 or set(active) <= TOGETHER)
        if not is_right and self._wrong.get(seat) != held:
            self.faults.append(f"{seat} has {active} before it of {held}: {event}")
        self._wrong[seat] = [] if is_right else held

    def over(self) -> None:
        """All is over: nothing is before anybody."""
        left = {seat: list(held) for seat, held in self._at_seat.items() if held}
        if left or self._aside or any(self._in_line.values()):
            self.faults.append(f"left over: {left}, set aside {self._aside}, in line {self._in_line}")
        if self.lost_aside:
            self.faults.append(f"{self.lost_aside} e-mails that were set aside did not come back to their seats")


def audited(journal: Folder) -> Audit:
    """Decide all of it again, checked at each event by both; gives what was counted.

    Raises:
        tests.sim.checks.Violation: the simulation's checks found a promise broken.
        AssertionError: the journal tells other commands than the core gives.

    """
    audit, core = Audit(), Core()
    checks = Checks(SimpleNamespace(messages=set(), switch=SimpleNamespace(callers={})))
    checks.watch(core)
    for entry in journal.entries():
        checks.before(entry.event)
        commands = core.decide(entry.event)
        checks.after(entry.event, commands)
        assert commands == list(entry.commands), f"{entry} was decided otherwise: {commands}"
        audit.take(entry.event, commands)
    audit.over()
    return audit
