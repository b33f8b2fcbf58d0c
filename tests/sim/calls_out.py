"""Telephones that call out, as far as the core can tell.

A call out goes over one line after the other; who calls may hang up at any moment. That a line failed the flow of the
call says, not the switch, so a new server hears it too.
"""

import msgspec

from acd.core import events as ev


class Out(msgspec.Struct):
    """A telephone that calls out."""

    leg: str
    attempt: int = 0
    answered: bool = False


class CallsOut:
    """All of them."""

    def __init__(self, world):
        self.world = world
        self.outs = {}

    def dial(self, command):
        """Send a telephone over a line."""
        out = self.outs.setdefault(command.leg, Out(command.leg))
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
            out.answered = True
            self.world.hear(out.leg, ev.LegAnswered(leg=out.leg))
            self._plan((500, 60_000), self._hang_up, out)

    def _failed(self, out, attempt):
        if self.outs.get(out.leg) is out and out.attempt == attempt:
            outcome = self.world.chance.choice(["congestion", "silent", "forbidden", "busy", "no-answer"])
            self.world.tell(ev.LegFailed(seat="101", leg=out.leg, outcome=outcome))
            if out.attempt == attempt:  # no other line was tried
                self._plan((10, 2_000), self._hang_up, out)

    def _hang_up(self, out):
        if self.outs.get(out.leg) is out:
            del self.outs[out.leg]
            self.world.hear(out.leg, ev.LegEnded(leg=out.leg, outcome="hung-up" if out.answered else "cancelled"))

    def die(self):
        """They are all cut off."""
        self.outs.clear()

    def lists(self):
        """Write down all there is now."""
        return tuple(ev.LiveOut(leg=out.leg, answered=out.answered) for out in self.outs.values())
