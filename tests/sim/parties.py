"""Who is on the telephones of the simulated switch."""

import msgspec

from acd.core import events as ev


class Caller(msgspec.Struct):
    """One who calls or writes, until he hangs up or is answered."""

    name: str
    queue: str
    number: str
    medium: str
    arrived: int
    can_be_called: bool = False
    """The house has found his number to be one that may be called back."""
    priority: int | None = None
    needs: tuple = ()
    head_start_ms: int = 0
    seat: str = ""
    place: str = "hold"
    token: set = msgspec.field(default_factory=set)
    claimed: bool = False
    """One of those that rang has him."""
    joined_by: str = ""
    served: int = 0

    def arrival(self, since=None):
        """The event that says he is there."""
        return ev.CallArrived(medium=self.medium, since=since, **self._told())

    def held(self):
        """How a snapshot names him."""
        return ev.HeldCall(medium=self.medium, since=self.arrived, waiting=self.place == "hold", **self._told())

    def _told(self):
        return {
            "call": self.name,
            "queue": self.queue,
            "caller": self.number,
            "priority": self.priority,
            "needs": self.needs,
            "head_start_ms": self.head_start_ms,
            "seat": self.seat,
            "dial": self.number if self.can_be_called else "",
            "rate": 1,
        }


class Leg(msgspec.Struct):
    """A seat's leg, or the card on its desk. It is unborn while the switch's thread is still at it."""

    offer: str
    call: str
    seat: str
    ring_ms: int
    line: str = ""
    shared: bool = False
    virtual: bool = False
    ours: bool = False
    """For a message."""
    visits: int = 0
    """How often a server began to talk with its agent."""
    born_at: int = 0
    answered: bool = False
    joined_at: int = 0
    aside: bool | None = False
    """None for one that the executors of a server that is new show again, whatever it was."""
