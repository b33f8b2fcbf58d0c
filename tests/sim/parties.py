"""Who is on the telephones of the simulated switch."""

import msgspec


class Caller(msgspec.Struct):
    """One who calls or writes, until he hangs up or is answered."""

    name: str
    queue: str
    number: str
    medium: str
    arrived: int
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
