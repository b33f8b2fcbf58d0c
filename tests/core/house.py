"""A small house to put events into: a core with its own clock, whose every step is checked."""

import msgspec

from acd.core import Core, State, invariants
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule

START = 1_800_000_000_000


class House:
    """A core, the events it was given, and the time."""

    def __init__(self, *, queues=("sales", "support"), seats=None, site=None, **rule):
        """Two queues alike but for `rule`, two seats; or queues and seats as whole rules, `site` for the rest."""
        seats = seats or {"101": ("sales", "support"), "102": ("sales",)}
        if isinstance(seats, dict):
            seats = [SeatRule(name=name, queues=served) for name, served in seats.items()]
        if isinstance(queues[0], str):
            queues = [QueueRule(name=name, **{"wrap_up_ms": 10_000, **rule}) for name in queues]
        self.core = Core()
        self.history = []
        self.now = START
        self.give(ev.Started(run="t"))
        self.give(ev.Configured(queues=tuple(queues), seats=tuple(seats), **(site or {})))
        self.look()

    @property
    def state(self):
        return self.core.state

    def give(self, event, *, after_ms=0):
        """Let time pass, with its deadlines, then hand an event over. Answers the commands of that event."""
        self.pass_time(after_ms)
        return self._step(event)

    def _step(self, event):
        event = msgspec.structs.replace(event, at=self.now)
        self.history.append(event)
        commands = self.core.decide(event)
        invariants.check(self.state)
        assert not list(invariants.broken_offers(self.state, commands))
        return commands

    def pass_time(self, ms):
        """Let time pass; each deadline on the way is met when it comes. Answers the commands."""
        end, commands = self.now + ms, []
        while (due := self.core.next_deadline()) is not None and due <= end:
            self.now = max(due, self.now)
            commands += self._step(ev.DeadlineReached())
        self.now = end
        return commands

    def look(self, *, calls=(), legs=(), handsets=None, **details):
        """A snapshot of the switch, asked for just now; all handsets reachable unless told."""
        states = handsets or dict.fromkeys(self.state.seats, (True, False))
        return self.give(
            ev.Snapshot(
                asked=self.now,
                calls=tuple(calls),
                legs=tuple(legs),
                handsets=tuple(
                    ev.HandsetState(seat=seat, reachable=reachable, busy=busy)
                    for seat, (reachable, busy) in states.items()
                ),
                **details,
            )
        )

    def log_in(self, *seats):
        """Agents begin their shift, a second apart."""
        return [self.give(ev.LogInAsked(seat=seat, request=1, pin_matches=True), after_ms=1000) for seat in seats]

    def arrive(self, call, queue="sales", **details):
        """A call joins a queue, a millisecond after whatever was before."""
        return self.give(ev.CallArrived(call=call, queue=queue, **details), after_ms=1)

    def offer_of(self, call):
        """The id of the offer that is out for a call."""
        return self.state.calls[call].offer

    def talk(self, call):
        """The agent answers, they talk. Answers the offer's id."""
        offer = self.offer_of(call)
        self.give(ev.OfferAnswered(offer=offer))
        self.give(ev.Connected(offer=offer))
        return offer

    def ask(self, wish, seat, **details):
        """Put a wish of an agent. Answers the word of the reply."""
        [reply] = [c for c in self.give(wish(seat=seat, request=7, **details)) if isinstance(c, cmd.Reply)]
        return reply.answer

    def serve(self, call, *, after_ms=1_000):
        """The agent answers, they talk for a while, he hangs up. Answers the commands of the hang-up."""
        return self.give(ev.OfferEnded(offer=self.talk(call), outcome="hung-up"), after_ms=after_ms)

    def replayed(self):
        """The state of a second core that was given the same events."""
        other = Core()
        for event in self.history:
            other.decide(event)
        return other.state


def offers(commands):
    """The (call, seat) pairs that were offered."""
    return [(command.call, command.seat) for command in commands if isinstance(command, cmd.Offer)]


def same(one: State, other: State) -> bool:
    """Two states say the same, to the last byte."""
    return msgspec.json.encode(one) == msgspec.json.encode(other)
