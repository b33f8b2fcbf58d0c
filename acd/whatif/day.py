"""A day as it was, read from a journal: who came, how long he was willing to wait, how agents worked.

Seats do as they did: log-ins, log-outs, pauses and unplugged handsets come at their own time. What belongs to a talk
moves with it: an agent who ended wrap-up after 4 s, or gave a code, does so 4 s after that talk, whenever that is. An
agent who was set aside for not answering comes back as long after it as he did.
"""

from msgspec import Struct, field
from msgspec.structs import replace

from acd.core import events as ev
from acd.core.commands import AnyCommand, Offer, ShowSeat
from acd.core.model import State
from acd.history import Entry, History, Restated
from acd.reports.facts import ABANDONED, ANSWERED, KEY_EXIT, Attempt, Stay
from acd.reports.ledger import Ledger
from acd.reports.table import Table, Window

LOOK_NEVER_MS = 1 << 50
"""A simulated switch needs no looking at."""

DOINGS = (ev.HandsetChanged, ev.QueueSet, ev.CallSet, ev.PauseAsked, ev.LogInAsked, ev.LogOutAsked)
"""What happens at its own time, whatever the rules. Lines are left out: what carries whom follows from the rules."""

Wish = ev.WrapUpEndAsked | ev.WrapUpExtendAsked | ev.CodeAsked | ev.ReadyAsked


class Talk(Struct, frozen=True):
    """A talk, and what the agent did about its wrap-up."""

    ms: int
    wishes: tuple[tuple[int, Wish], ...] = ()
    """Ms after its end, negative for before it, and what he asked."""


class Ring(Struct, frozen=True):
    """What came of ringing a seat."""

    outcome: str
    """`answered`, or an `events.OfferOutcome`. withdrawn: what would have come of it nobody knows."""
    ms: int
    """From the offer until then."""


class Caller(Struct, kw_only=True):
    """One who came."""

    arrival: ev.CallArrived
    """Named by a word of his own: a channel that came twice is two callers."""
    began: int
    """When his wait began."""
    waited_ms: int = 0
    how: str = ""
    """As `Stay.how`; empty while he waited still when the day ended."""
    talk: Talk | None = None
    rings: dict[str, list[Ring]] = field(default_factory=dict)
    """Seat -> what came of each time it rang for him."""

    @property
    def gave_up(self) -> bool:
        """He left of his own accord: his patience is known."""
        return self.how in {ABANDONED, KEY_EXIT}


class Day(Struct, kw_only=True):
    """All that was."""

    begin: int
    end: int
    opening: State
    """How things stood when it began."""
    callers: dict[str, Caller]
    rules: list[ev.Configured | ev.SeatsConfigured]
    """The rules of that day, each from its own time on."""
    doings: list[ev.AnyEvent]
    """What seats and supervisors did, at its own time."""
    rings: dict[str, list[Ring]]
    """Seat -> what came of its offers, those that were taken back left out."""
    talks: dict[str, list[Talk]]
    """Queue -> its talks."""
    returns_ms: dict[str, list[int]]
    """Seat -> how long after it was set aside its agent came back."""
    actual: Table
    """What happened, counted."""
    ends: dict[str, Stay]
    """Caller -> how his wait ended."""


def read_day(history: History, window: Window, interval_ms: int = 1_800_000) -> Day:
    """Read a day. Calls that talk when it begins are left out; who waits then comes in at its begin."""
    first = history.before(window.start)
    entries = iter(history.entries(first))
    head = []
    for entry in entries:
        at = entry.at if isinstance(entry, Restated) else entry.event.at
        if at >= window.start:
            head.append(entry)
            break
    opening = history.core_at(head[0].seq).state if head else State()
    reader = _Reader(opening, Table(interval_ms, window), head[0] if head else None)
    for entry in (*head, *entries):
        if not reader.take(entry):
            break
    return reader.finish()


class _Reader:
    """Folds entries into a `Day`."""

    def __init__(self, opening: State, table: Table, first: Entry | Restated | None) -> None:
        begin = opening.now
        if first is not None:
            begin = first.at if isinstance(first, Restated) else first.event.at
        self._ledger = Ledger(opening if opening.now else None)
        self._keys: dict[tuple[str, int], str] = {}
        """Channel and time of coming -> caller."""
        self._key_of: dict[str, str] = {}
        """Offer -> caller, whatever becomes of him."""
        self._seats = set(opening.seats)
        """Seats that are in the rules: of others the core hears nothing."""
        self._reachable = {seat.name: (seat.reachable, seat.busy) for seat in opening.seats.values()}
        self._asked_pause = {seat.name for seat in opening.seats.values() if seat.presence == "paused"}
        self._set_aside: dict[str, int] = {}
        self._wishes: dict[str, list[Wish]] = {}
        self.day = Day(
            begin=begin,
            end=begin,
            opening=opening,
            callers={},
            rules=[],
            doings=[],
            rings={},
            talks={},
            returns_ms={},
            actual=table,
            ends={},
        )
        for call in opening.calls.values():
            stay = self._ledger.stay_of(call.id)
            if stay is not None and call.state in {"waiting", "offered"}:
                arrival = ev.CallArrived(
                    at=begin,
                    call=call.id,
                    queue=call.queue,
                    caller=call.caller,
                    medium=call.medium,
                    priority=call.priority,
                    needs=call.asked,
                    head_start_ms=call.ahead_ms,
                    seat=call.wants,
                    since=call.arrived,
                )
                self._admit(stay, arrival)

    def take(self, entry: Entry | Restated) -> bool:
        """Take an entry in; False for one after the day."""
        if isinstance(entry, Restated):
            self._ledger.restate(entry.state, entry.why, lost=entry.lost)
            return True
        event = entry.event
        if event.at >= self.day.actual.window.end:
            self._ledger.now = self.day.end = self.day.actual.window.end
            return False
        self.day.end = event.at
        doing = self._ledger.doing(event.seat) if isinstance(event, ev.Asked) else ""
        self._ledger.note(event, entry.commands)
        if not isinstance(event, ev.DeadlineReached):
            self._see(event, doing)
        for command in entry.commands:
            self._follow(command)
        if self._ledger.attempts or self._ledger.stays:
            self._drain()
        return True

    def finish(self) -> Day:
        """Return the day."""
        for stay in self._ledger.open_stays:
            if stay.ended is None:
                self._end(stay, self._ledger.now - stay.began)
        self.day.actual.finish(self._ledger)
        return self.day

    def _drain(self) -> None:
        for attempt in self._ledger.attempts:
            self._attempt(attempt)
        for stay in self._ledger.stays:
            if not stay.moved_on:
                self._end(stay, stay.wait_ms)
        self.day.actual.take(self._ledger)

    # Events

    def _see(self, event: ev.AnyEvent, doing: str) -> None:
        match event:
            case ev.CallArrived():
                stay = self._ledger.stay_of(event.call)
                if stay is not None and (stay.call, stay.came) not in self._keys:
                    self._admit(stay, event)
            case ev.Snapshot():
                self._snapshot(event)
            case ev.Configured() | ev.SeatsConfigured():
                self._seats.update(rule.name for rule in event.seats or ())
                self.day.rules.append(event)
            case ev.WrapUpEndAsked() | ev.WrapUpExtendAsked() | ev.CodeAsked():
                self._wishes.setdefault(event.seat, []).append(event)
            case ev.ReadyAsked():
                self._ready(event, doing)
            case _ if isinstance(event, DOINGS):
                self._do(event)

    def _do(self, event: ev.AnyEvent) -> None:
        # At which phone somebody sat is no matter of the rules; how that stood his handset's events tell.
        self.day.doings.append(replace(event, phone="") if isinstance(event, ev.LogInAsked) else event)
        match event:
            case ev.HandsetChanged() if event.seat in self._seats:
                self._reachable[event.seat] = event.reachable, event.busy
            case ev.PauseAsked():
                self._asked_pause.add(event.seat)
            case ev.LogInAsked() | ev.LogOutAsked():
                self._asked_pause.discard(event.seat)
                self._set_aside.pop(event.seat, None)

    def _ready(self, event: ev.ReadyAsked, doing: str) -> None:
        self._asked_pause.discard(event.seat)
        since = self._set_aside.pop(event.seat, None)
        if since is not None:
            self.day.returns_ms.setdefault(event.seat, []).append(event.at - since)
        elif doing == "wrap-up":
            self._wishes.setdefault(event.seat, []).append(event)
        else:
            self.day.doings.append(event)

    def _follow(self, command: AnyCommand) -> None:
        if isinstance(command, Offer):
            stay = self._ledger.stay_of(command.call)
            if stay is not None and (stay.call, stay.came) in self._keys:
                self._key_of[command.offer] = self._keys[stay.call, stay.came]
        elif isinstance(command, ShowSeat) and command.look == "paused" and command.seat not in self._asked_pause:
            self._set_aside.setdefault(command.seat, self._ledger.now)

    def _snapshot(self, event: ev.Snapshot) -> None:
        for held in event.calls:
            stay = self._ledger.stay_of(held.call)
            if stay is not None and stay.came == event.at and (stay.call, stay.came) not in self._keys:
                arrival = ev.CallArrived(
                    at=event.at,
                    call=held.call,
                    queue=held.queue,
                    caller=held.caller,
                    medium=held.medium,
                    priority=held.priority,
                    needs=held.needs,
                    head_start_ms=held.head_start_ms,
                    seat=held.seat,
                    since=held.since,
                )
                self._admit(stay, arrival)
        for handset in event.handsets:
            now = handset.reachable, handset.busy
            if handset.seat in self._seats and self._reachable.get(handset.seat) != now:
                self._reachable[handset.seat] = now
                changed = ev.HandsetChanged(
                    at=event.at, seat=handset.seat, reachable=handset.reachable, busy=handset.busy
                )
                self.day.doings.append(changed)

    # Facts

    def _admit(self, stay: Stay, arrival: ev.CallArrived) -> None:
        key, number = stay.call, 1
        while key in self.day.callers:
            number += 1
            key = f"{stay.call}#{number}"
        self._keys[stay.call, stay.came] = key
        self.day.callers[key] = Caller(arrival=replace(arrival, call=key), began=stay.began)

    def _end(self, stay: Stay, waited_ms: int) -> None:
        key = self._keys.get((stay.call, stay.came))
        if key is not None:
            caller = self.day.callers[key]
            caller.waited_ms, caller.how = waited_ms, stay.how
            self.day.ends[key] = stay

    def _attempt(self, attempt: Attempt) -> None:
        until = attempt.ended if attempt.connected is None else attempt.connected
        ring = Ring(attempt.outcome, max(0, (until or attempt.made) - attempt.made))
        if attempt.outcome != "withdrawn":
            self.day.rings.setdefault(attempt.seat, []).append(ring)
        key = self._key_of.get(attempt.offer)
        if key is not None:
            self.day.callers[key].rings.setdefault(attempt.seat, []).append(ring)
        if attempt.outcome != ANSWERED:
            return
        assert attempt.connected is not None
        assert attempt.ended is not None
        wishes = [wish for wish in self._wishes.pop(attempt.seat, ()) if wish.at >= attempt.connected]
        talk = Talk(attempt.ended - attempt.connected, tuple((wish.at - attempt.ended, wish) for wish in wishes))
        self.day.talks.setdefault(attempt.queue, []).append(talk)
        if key is not None:
            self.day.callers[key].talk = talk
