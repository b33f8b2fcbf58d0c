"""A house whose every step is journaled, as the dispatcher does it."""

from acd.core import events as ev
from acd.journal import Journal
from acd.journal.entries import encode
from tests.core.house import House

HOSTILE = '"; rm -rf \x1b]0;\u202e'


class Scribe(House):
    """A house, and the journal of its history."""

    def __init__(self, path, **options):
        self.journal = Journal(path, **options)
        super().__init__()

    def _step(self, event):
        commands = super()._step(event)
        self.journal.append(self.history[-1], commands)
        self.journal.commit()
        return commands

    @property
    def bytes(self):
        """The state, to compare."""
        return encode(self.state)

    def live(self):
        """A talk, a caller who waits, a seat that refused, a wish for later."""
        self.log_in("101", "102")
        self.arrive("a")
        self.talk("a")
        self.arrive("b", caller=HOSTILE)
        self.give(ev.OfferEnded(offer=self.offer_of("b"), outcome="refused"))
        self.give(ev.PauseAsked(seat="101", request=1, reason="lunch"))
        return self

    def crowd(self, count, name="c"):
        """So many callers who come and give up."""
        for number in range(count):
            self.arrive(f"{name}{number}")
            self.give(ev.CallEnded(call=f"{name}{number}"))
        return self


def events(entries):
    """The events of entries."""
    return [entry.event for entry in entries]
