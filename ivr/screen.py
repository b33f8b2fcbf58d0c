"""How the floor looks in a terminal. All text from outside is shown as text: no markup, no control characters."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from acd.status import Status

COLOURS = {
    "ready": "green",
    "ringing": "yellow",
    "talking": "cyan",
    "wrap-up": "magenta",
    "paused": "red",
    "logged-out": "bright_black",
    "waiting": "yellow",
    "offered": "yellow",
}


def screen(status: Status) -> RenderableType:
    """Draw queues, seats and calls."""
    parts: list[RenderableType] = []
    if not status.connected:
        parts.append(Text("Asterisk is out of sight: nothing is decided until it is back", style="bold red"))
    if status.journal_failed:
        parts.append(_text(f"The journal takes no entries: {status.journal_failed}", style="bold red"))
    return Group(*parts, _queues(status), _seats(status), _calls(status))


def clock(ms: int) -> str:
    """Minutes and seconds, hours where there are any."""
    seconds = max(0, ms) // 1000
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 3, 0, 0),
        header_style="bright_black",
    )
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    return table


def _text(value: str, style: str = "") -> Text:
    """Show what came from outside: as it is, but for what would not be seen or would move the cursor."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value), style=style)


def _state(word: str) -> Text:
    return Text(word, style=COLOURS.get(word, ""))


def _queues(status: Status) -> Table:
    numbers = ("waiting", "longest", "talking", "ready", "logged in")
    table = _table("Queues", "queue", *numbers, right=numbers)
    for queue in status.queues:
        waiting = Text(str(queue.waiting), style="bold yellow" if queue.waiting else "")
        table.add_row(
            _text(queue.name),
            waiting,
            clock(queue.longest_wait_ms) if queue.waiting else "",
            str(queue.talking),
            str(queue.seats_ready),
            str(queue.seats_logged_in),
        )
    return table


def _seats(status: Status) -> Table:
    table = _table("Seats", "seat", "agent", "state", "for", "handset", "call", "queues", right=("for",))
    for seat in status.seats:
        state = _state(seat.look)
        if seat.reason:
            state.append(_text(f" {seat.reason}"))
        handset = "in a call" if seat.busy else "reachable" if seat.reachable else "not reachable"
        wanting = seat.look != "logged-out" and not seat.reachable
        table.add_row(
            _text(seat.name),
            _text(seat.agent),
            state,
            clock(seat.for_ms),
            Text(handset, style="bold red" if wanting else ""),
            _text(seat.call),
            _text(", ".join(seat.queues)),
        )
    return table


def _calls(status: Status) -> Table:
    table = _table("Calls", "caller", "queue", "state", "waited", "offers", right=("waited", "offers"))
    for call in status.calls:
        table.add_row(
            _text(call.caller or "unknown"),
            _text(call.queue),
            _state(call.state),
            clock(call.waited_ms),
            str(call.offers),
        )
    return table
