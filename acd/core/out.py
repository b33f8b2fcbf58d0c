"""Calls out, as the state holds them: each from the wish to its end, and what was called lately."""

from msgspec import Struct, field


class Leg(Struct, kw_only=True, gc=False):
    """A call out, from the wish to its end; over one line after the other, if need be."""

    id: str
    channel: str
    """The channel that calls."""
    seat: str
    """Who calls; empty for an emergency from a telephone of no seat. Of a customer's, until he comes to the queue: the
    seat that was free for him, for which nobody else is called meanwhile."""
    number: str
    emergency: bool = False
    offer: str = ""
    """The offer of the callback that it is; empty for any other call."""
    call: str = ""
    """The callback whose customer it calls before any agent; empty once he has answered."""
    customer: str = ""
    """The call that he makes when he has answered: he comes to the queue by this id."""
    queue: str = ""
    """The queue that he comes to."""
    rate: int = 0
    """What a minute costs."""
    reserved: int = 0
    """What it may cost at most: spent, until it is known better."""
    longest_ms: int
    line: str = ""
    tried: tuple[str, ...] = ()
    """The lines it was tried on, the present one included."""
    asked_at: int
    dialled_at: int
    """When it went to the present line."""
    connected_at: int | None = None
    deadline: int | None
    """When the switch's word is overdue. None while they talk: the periodic snapshot watches."""


class Guard(Struct, kw_only=True):
    """What was called lately, against toll fraud. Each list is of times, oldest first, and no longer than its cap."""

    site: list[int] = field(default_factory=list)
    seats: dict[str, list[int]] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    spent: list[tuple[int, int]] = field(default_factory=list)
    """When and how much; what was spent in one minute is one entry."""
    swept_at: int = 0
    """When what is too old was last looked for."""
