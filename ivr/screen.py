"""How the floor looks in a terminal. All text from outside is shown as text: no markup, no control characters.

Each row is one line. Where the terminal is too narrow, the columns named `shrinks` give way first, the widest of them
before the others; numbers, states and times are shown whole, since half a number reads as another one.
"""

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Column, Table
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


SHRUNK = 4
"""What a column keeps of its width, in cells: three letters and an ellipsis."""


def screen(status: Status, *, answered: bool = True) -> RenderableType:
    """Draw queues, seats and calls; `answered` is false where this is the last picture of a server that went away."""
    parts: list[RenderableType] = []
    if not answered:
        parts.append(Text("no callfloor server answers; trying again", style="bold red"))
    if not status.connected:
        parts.append(Text("Asterisk is out of sight: nothing is decided until it is back", style="bold red"))
    if status.journal_failed:
        parts.append(_text(f"The journal takes no entries: {status.journal_failed}", style="bold red"))
    parts += [_text(f"Fault of callfloor: {alarm}", style="bold red") for alarm in status.alarms]
    return Group(*parts, _queues(status), _seats(status), _calls(status))


def clock(ms: int) -> str:
    """Minutes and seconds, hours where there are any."""
    seconds = max(0, ms) // 1000
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _table(
    title: str,
    names: tuple[str, ...],
    rows: list[tuple[Text | str, ...]],
    *,
    right: tuple[str, ...] = (),
    shrinks: tuple[str, ...],
) -> Table:
    columns = []
    for place, name in enumerate(names):
        width = max(cell_len(str(cell)) for cell in (name, *(row[place] for row in rows)))
        columns.append(
            Column(
                _line(name),
                justify="right" if name in right else "left",
                min_width=min(width, SHRUNK) if name in shrinks else width,
                no_wrap=name not in shrinks,  # rich takes from those that may wrap; _line keeps them from doing so
            )
        )
    table = Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="bright_black",
    )
    for row in rows:
        table.add_row(*(_line(cell) for cell in row))
    return table


def _line(cell: Text | str) -> Text:
    """Return a cell that is cut and never wrapped."""
    text = Text(cell) if isinstance(cell, str) else cell
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _text(value: str, style: str = "") -> Text:
    """Show what came from outside: as it is, but for what would not be seen or would move the cursor."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value), style=style)


def _state(word: str) -> Text:
    return Text(word, style=COLOURS.get(word, ""))


def _queues(status: Status) -> Table:
    numbers = ("waiting", "longest", "talking", "ready", "logged in")
    rows: list[tuple[Text | str, ...]] = [
        (
            _text(queue.name),
            Text(str(queue.waiting), style="bold yellow" if queue.waiting else ""),
            clock(queue.longest_wait_ms) if queue.waiting else "",
            str(queue.talking),
            str(queue.seats_ready),
            str(queue.seats_logged_in),
        )
        for queue in status.queues
    ]
    return _table("Queues", ("queue", *numbers), rows, right=numbers, shrinks=("queue",))


def _seats(status: Status) -> Table:
    rows: list[tuple[Text | str, ...]] = []
    for seat in status.seats:
        state = _state(seat.look)
        if seat.reason:
            state.append(_text(f" {seat.reason}"))
        handset = "in a call" if seat.busy else "reachable" if seat.reachable else "not reachable"
        wanting = seat.look != "logged-out" and not seat.reachable
        rows.append(
            (
                _text(seat.name),
                _text(seat.agent),
                state,
                clock(seat.for_ms),
                Text(handset, style="bold red" if wanting else ""),
                _text(seat.call),
                _text(", ".join(seat.queues)),
            )
        )
    names = ("seat", "agent", "state", "for", "handset", "call", "queues")
    return _table("Seats", names, rows, right=("for",), shrinks=("agent", "handset", "call", "queues"))


def _calls(status: Status) -> Table:
    rows: list[tuple[Text | str, ...]] = [
        (
            _text(call.caller or "unknown"),
            _text(call.queue),
            _state(call.state),
            clock(call.waited_ms),
            str(call.offers),
        )
        for call in status.calls
    ]
    names = ("caller", "queue", "state", "waited", "offers")
    return _table("Calls", names, rows, right=("waited", "offers"), shrinks=("caller", "queue"))
