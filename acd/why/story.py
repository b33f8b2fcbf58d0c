"""One call, followed through the journal."""

from typing import Any

from msgspec import Struct

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.explain import Explanation, explain
from acd.core.model import Call, Seat, State
from acd.core.rules import FRONT, Step
from acd.history import Entry, History, Restated
from acd.why.lines import LineTaken, line_taken


class Told(Struct, kw_only=True):
    """One offer of the call, and why it went to that seat."""

    seq: int
    at: int
    offer: str
    seat: str
    why: Explanation
    line: LineTaken | None = None
    outcome: str = ""
    """`answered`, or an `events.OfferOutcome`; empty while it rings."""
    ended_at: int | None = None
    """When it was answered, or rang no more."""


class Happening(Struct, frozen=True, kw_only=True):
    """Something else that happened to the call."""

    seq: int
    at: int
    kind: str
    """arrived, moved, step, announced, front, priority, pulled, picked-up, any-seat, sent-away, talk-over, given-back,
    given, joined, called, gap, ended"""
    queue: str = ""
    position: int = 0
    reason: str = ""
    to: str = ""
    by: str = ""
    """The seat that gave it away, or at which it rang when it was picked up; who talks to it: a seat, or the name that
    the switch has for a channel."""
    number: int = 0
    """Of the step, from 1; how often it was passed; how many entries are missing; for how long it was put off, ms; the
    head start with which it arrived, ms."""
    step: Step | None = None
    wait_ms: tuple[int, int] | None = None


class Story(Struct, kw_only=True):
    """All that is known of a call."""

    call: str
    caller: str
    queue: str
    """The one it came to."""
    medium: str
    arrived: int
    offers: list[Told]
    happenings: list[Happening]
    at: int
    """Until when the journal was read."""
    now: Explanation | None = None
    """Why it still waits; None if it does not."""
    state: str = "gone"
    """A `transitions.CallState` while it is in the house."""
    differs_at: int = 0
    """The first entry in which another callfloor decided otherwise than this one would; 0 for none. What is told from
    there on is what this one would have done."""


def follow(history: History, call: str, seq: int) -> Story:
    """Tell the story of a call that came with an entry."""
    teller = _Teller(history.core_at(seq), call)
    for entry in history.entries(seq - 1):
        if isinstance(entry, Restated):
            teller.restate(entry)
        else:
            teller.take(entry)
        if teller.is_over:
            break
    return teller.finish()


class _Teller:
    """Decides events again, and looks on."""

    def __init__(self, core: Core, name: str) -> None:
        self._core = core
        self._name = name
        self._told: dict[str, Told] = {}
        self._seen: list[Explanation] = []
        self._was: Call | None = None
        self._taken_back: set[str] = set()
        self._picked_from = ""
        """The seat at which the event that is taken in picks up what rings."""
        known = core.state.calls.get(name)
        self.story = Story(
            call=name,
            caller="",
            queue="",
            medium="",
            arrived=core.state.now,
            offers=[],
            happenings=[],
            at=core.state.now,
        )
        if known is not None:
            self._begin(known)
        core.watch_offers(self._watch)

    @property
    def is_over(self) -> bool:
        """The call is gone, and so is everything that rang for it."""
        return bool(self.story.happenings) and self.story.happenings[-1].kind == "ended"

    def _watch(self, call: Call, seat: Seat) -> None:
        if call.id == self._name:
            self._seen.append(explain(self._core.state, call, seat))

    def _begin(self, call: Call) -> None:
        story = self.story
        story.caller, story.queue, story.medium, story.arrived = call.caller, call.queue, call.medium, call.arrived

    def restate(self, entry: Restated) -> None:
        """Go on from the state that the journal goes on from."""
        self._core = Core(entry.state)
        self._core.watch_offers(self._watch)
        if entry.lost:
            self._note(entry.seq, "gap", number=entry.lost, reason=entry.why)
        if self._name not in entry.state.calls and self.story.happenings:
            self._note(entry.seq, "ended", reason="lost")

    def take(self, entry: Entry) -> None:
        """Decide an entry's event again."""
        state = self._core.state
        was = state.calls.get(self._name)
        before = _Mark(was) if was is not None else None
        self._seen.clear()
        commands = self._core.decide(entry.event)
        self.story.at = entry.event.at
        if not self.story.differs_at and commands != list(entry.commands):
            self.story.differs_at = entry.seq
        call = state.calls.get(self._name)
        if before is None and call is None and not self._seen:
            return
        if call is not None and (before is None or before.number != call.number):
            self._arrived(entry.seq, call)
        self._end_offers(entry, state)
        self._given(entry)
        self._picked_from = entry.event.of if isinstance(entry.event, ev.PickUpAsked) else ""
        if call is not None:
            new = before is None or before.number != call.number
            self._eased(entry.seq, _Mark(call, steps_done=0) if new else before, call)
        for command in commands:
            self._follow(entry.seq, command)
        self._settle(entry, before, call)

    def _note(self, seq: int, kind: str, **details: Any) -> None:
        self.story.happenings.append(Happening(seq=seq, at=self._core.state.now, kind=kind, **details))

    def _arrived(self, seq: int, call: Call) -> None:
        if not self.story.happenings:
            self._begin(call)
        medium = self._core.state.media.get(call.medium)
        is_written = call.virtual and (medium is None or not medium.becomes)  # no menu has given it a head start
        reason = "resumed" if is_written else ""
        self._note(seq, "arrived", queue=call.queue, position=call.place + 1, number=call.ahead_ms, reason=reason)

    def _given(self, entry: Entry) -> None:
        match entry.event:
            case ev.CallTransferred(call=self._name) as given:
                self._note(entry.seq, "given", to=given.to, by=given.seat)
            case ev.LegJoined(call=self._name) as leg:
                self._note(entry.seq, "joined", by=leg.who)

    def _end_offers(self, entry: Entry, state: State) -> None:
        for told in self.story.offers:
            if told.outcome:
                continue
            offer = state.offers.get(told.offer)
            if offer is not None and offer.in_talk:
                told.outcome, told.ended_at = "answered", state.now
            elif offer is None:
                outcome = entry.event.outcome if isinstance(entry.event, ev.OfferEnded) else "failed"
                told.outcome = "withdrawn" if told.offer in self._taken_back else outcome
                told.ended_at = state.now

    def _eased(self, seq: int, before: "_Mark | None", call: Call) -> None:
        assert before is not None, "a call that is not new was there before"
        rule = self._core.state.queues.get(before.queue)
        for number, step in enumerate(rule.steps if rule is not None else ()):
            if call.queue == before.queue and (call.steps_done & ~before.steps_done) >> number & 1:
                self._note(seq, "step", number=number + 1, step=step, queue=call.queue)
        if call.rank == FRONT != before.rank:
            self._note(seq, "front", number=call.passed)
        elif call.priority != before.priority:
            self._note(seq, "priority", number=call.priority or 0)
        if call.pulled_from is not None and call.wants != before.pulled_to:
            self._note(seq, "picked-up" if self._picked_from else "pulled", to=call.wants, by=self._picked_from)
        elif before.wants and not call.wants and call.state == "waiting":
            self._note(seq, "any-seat", to=before.wants)

    def _follow(self, seq: int, command: cmd.AnyCommand) -> None:
        match command:
            case cmd.Offer(call=self._name):
                told = Told(
                    seq=seq,
                    at=self._core.state.now,
                    offer=command.offer,
                    seat=command.seat,
                    why=self._seen.pop(0),
                    line=line_taken(self._core.state, command.line),
                )
                self.story.offers.append(told)
            case cmd.Reach(call=self._name):
                self._note(seq, "called", to=command.line, by=self._core.state.legs[command.leg].seat)
            case cmd.Withdraw():
                self._taken_back.add(command.offer)
            case cmd.Announce(call=self._name):
                wait = (command.wait_least_ms, command.wait_most_ms) if command.wait_most_ms else None
                self._note(seq, "announced", position=command.position, wait_ms=wait, to=command.prompt)
            case cmd.ChangeQueue(call=self._name):
                self._note(seq, "moved", queue=command.queue, reason=command.reason)
            case cmd.SendAway(call=self._name):
                self._note(seq, "sent-away", to=command.to, reason=command.reason)

    def _settle(self, entry: Entry, before: "_Mark | None", call: Call | None) -> None:
        story, state = self.story, self._core.state
        if call is None:
            if before is not None:
                self._note(entry.seq, "ended", reason=self._why_gone(entry), to=before.state)
            for told in story.offers:
                if not told.outcome:
                    told.outcome, told.ended_at = "withdrawn", state.now
            story.state, story.now = "gone", None
            return
        transferred = isinstance(entry.event, ev.CallTransferred)
        if before is not None and before.state == "talking" and call.state == "after" and not transferred:
            self._note(entry.seq, "talk-over")
        elif before is not None and before.state == "talking" != call.state:
            self._note(entry.seq, "given-back", number=max((call.hold_until or 0) - state.now, 0))
        story.state = str(call.state)

    def _why_gone(self, entry: Entry) -> str:
        for command in entry.commands:
            if isinstance(command, cmd.CallOver) and command.call == self._name:
                return command.reason
        if isinstance(entry.event, ev.CallEnded):
            return entry.event.reason
        return "done" if isinstance(entry.event, ev.CloseAsked) else "lost"

    def finish(self) -> Story:
        """Return the story, with why it waits still if it does."""
        call = self._core.state.calls.get(self._name)
        if call is not None and call.state in {"waiting", "offered"}:
            self.story.now = explain(self._core.state, call)
        return self.story


class _Mark:
    """How a call stood before an event."""

    def __init__(self, call: Call, steps_done: int | None = None) -> None:
        self.number = call.number
        self.queue = call.queue
        self.state = str(call.state)
        self.rank = call.rank
        self.priority = call.priority
        self.steps_done = call.steps_done if steps_done is None else steps_done
        self.wants = call.wants
        self.pulled_to = call.wants if call.pulled_from is not None else ""
