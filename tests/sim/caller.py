"""Who calls or writes in the simulation."""

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
