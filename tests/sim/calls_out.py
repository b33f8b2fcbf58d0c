"""Telephones that call out, as far as the core can tell; and customers who are called before any agent.

A call out goes over one line after the other; who calls may hang up at any moment. That a line failed the flow of the
call says, not the switch, so a new server hears it too. Who of them was answered stands in a book of the switch's, a
line each, that outlives all else. A customer who answers comes to his queue a while later, or is gone by then.
"""

import msgspec

from acd.core import commands as cmd
from acd.core import events as ev
from tests.sim.parties import Caller


class Out(msgspec.Struct):
    """A telephone that calls out."""

    leg: str
    line: str
    reach: object = None
    """The command, if it is the call to a customer."""
    attempt: int = 0
    answered: bool = False
    failed: bool = False
    """It rings nowhere any more."""


class CallsOut:
    """All of them."""

    def __init__(self, world):
        self.world = world
        self.outs = {}
        self.marks = {}
        """Line -> the last leg that was answered on it."""
        self.had = set()
        """Callbacks whose customers have answered."""

    def keep_books(self, commands):
        """What the server holds changes by its word alone, also where nobody carries out the rest."""
        callers, messages = self.world.switch.callers, self.world.messages
        for command in commands:
            if isinstance(command, cmd.Promise):
                messages.add(command.call)
                callers[command.call] = Caller(
                    command.call, command.queue, command.caller, command.medium, self.world.now
                )
            elif isinstance(command, cmd.CallOver):
                messages.discard(command.call)
                callers.pop(command.call, None)

    def dial(self, command):
        """Send a telephone over a line."""
        out = self.outs.setdefault(command.leg, Out(command.leg, command.line))
        out.line = command.line
        self._ring(out)

    def reach(self, command):
        """Call a customer. Nobody is called twice at a time, or after he had his callback."""
        under_way = {out.reach.call for out in self.outs.values() if out.reach is not None and not out.failed}
        if command.call in self.had | under_way:
            self.world.fault(f"a customer is called again: {command}, {self.had}, {self.outs}")
        out = self.outs[command.leg] = Out(command.leg, command.line, command)
        self._ring(out)

    def _ring(self, out):
        out.attempt += 1
        if self.world.often(0.5):
            self._plan((50, 4_000), self._answered, out, out.attempt)
        elif self.world.often(0.8):
            self._plan((50, 4_000), self._failed, out, out.attempt)
        else:
            self._plan((50, 4_000), self._hang_up, out)

    def _plan(self, span, what, *args):
        self.world.plan(self.world.some(*span), what, *args)

    def _answered(self, out, attempt):
        if self.outs.get(out.leg) is out and out.attempt == attempt:
            out.answered, self.marks[out.line] = True, out.leg
            self._word(out, ev.LegAnswered(leg=out.leg))
            if out.reach is None:
                self._plan((500, 60_000), self._hang_up, out)
                return
            self.had.add(out.reach.call)
            self._plan((20, 3_000), self._hang_up if self.world.often(0.4) else self._comes, out)

    def _comes(self, out):
        if self.outs.get(out.leg) is out:
            order = out.reach
            customer = Caller(order.customer, order.queue, order.number, "voice", order.since, priority=order.priority)
            self.world.switch.callers[customer.name] = customer
            self.world.hear(customer.name, customer.arrival(since=order.since))
            self._watch(out)

    def _watch(self, out):
        if self.outs.get(out.leg) is out:
            gone = out.reach.customer not in self.world.switch.callers
            self._plan((10, 500), self._hang_up if gone else self._watch, out)

    def _word(self, out, event):
        """What becomes of a customer's call is not seen now and then, so that the marks are needed."""
        if out.reach is None or not self.world.rough or not self.world.often(0.3):
            self.world.hear(out.leg, event)

    def _failed(self, out, attempt):
        if self.outs.get(out.leg) is out and out.attempt == attempt:
            outcome = self.world.chance.choice(["congestion", "silent", "forbidden", "busy", "no-answer"])
            self.world.tell(ev.LegFailed(seat="" if out.reach else "101", leg=out.leg, outcome=outcome))
            if out.attempt == attempt:  # no other line was tried
                out.failed = True
                self._plan((10, 2_000), self._hang_up, out)

    def give_up(self, command):
        """A customer need not be called any more."""
        if command.leg in self.outs:
            self._hang_up(self.outs[command.leg])

    def _hang_up(self, out):
        if self.outs.get(out.leg) is out:
            del self.outs[out.leg]
            self._word(out, ev.LegEnded(leg=out.leg, outcome="hung-up" if out.answered else "cancelled"))
            if out.reach is not None:
                self.world.switch.leave(out.reach.customer)

    def die(self):
        """They are all cut off."""
        self.outs.clear()

    def lists(self):
        """Write down all there is now, and who was answered of those that are over."""
        outgoing = tuple(ev.LiveOut(leg=out.leg, answered=out.answered) for out in self.outs.values())
        return outgoing, tuple(leg for leg in self.marks.values() if leg not in self.outs)
