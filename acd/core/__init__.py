"""The distributor's mind: events in, commands out, and nothing else.

    decide      the one door: `Core.decide(event) -> commands`, `Core.next_deadline() -> when`
    events      what can happen           commands   what can be wanted        rules   what a site sets
    model       what is known: calls, seats, offers, in one serialisable `State`
    transitions every state and every legal move, as tables; only they change a state
    routing     who gets whom: keeps the matcher in step with the state, turns its pairs into offers
    reconcile   what a snapshot of the switch means for what we believed
    invariants  what must be true after every event, said independently of the code that keeps it so

Nothing here waits, reads a clock, draws a random number, or touches a socket, a file or a log. So a run can be
replayed bit for bit, simulated faster than time, fuzzed, and explained.
"""

from acd.core.decide import Core
from acd.core.model import State

__all__ = ["Core", "State"]
