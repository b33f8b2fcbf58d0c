"""How the floor looks in a terminal. All text from outside is shown as text: no markup, no control characters.

Each row is one line. Where the terminal is too narrow, the columns named `shrinks` give way first, the widest of them
before the others; numbers, states and times are shown whole, since half a number reads as another one.
"""

from datetime import datetime

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from acd.status import QueueStatus, Status

COLOURS = {
    "ready": "green",
    "ringing": "yellow",
    "talking": "cyan",
    "wrap-up": "magenta",
    "paused": "red",
    "logged-out": "bright_black",
    "waiting": "yellow",
    "offered": "yellow",
    "calling": "yellow",
}


SHRUNK = 4
"""What a column keeps of its width, in cells: three letters and an ellipsis."""


def screen(status: Status, *, answered: bool = True) -> RenderableType:
    """Draw all there is; `answered` is false where this is the last picture of a server that went away."""
    parts: list[RenderableType] = []
    if not answered:
        parts.append(Text("no callfloor server answers; trying again", style="bold red"))
    if not status.connected:
        parts.append(Text("Asterisk is out of sight: nothing is decided until it is back", style="bold red"))
    if status.journal_failed:
        parts.append(_text(f"The journal takes no entries: {status.journal_failed}", style="bold red"))
    parts += [_text(f"Fault of callfloor: {alarm}", style="bold red") for alarm in status.alarms]
    parts += [_text(f"Line test: {alarm}", style="bold red") for alarm in status.line_alarms]
    parts += [_text(f"Webhook {alarm}", style="bold red") for alarm in status.hook_alarms]
    parts += [_queues(status), _seats(status), _calls(status)]
    for table in (_lines(status), _tickets(status), _gaps(status)):
        if table.row_count:  # what most sites do not have, most days
            parts.append(table)
    return Group(*parts)


def clock(ms: int) -> str:
    """Minutes and seconds, hours where there are any."""
    seconds = max(0, ms) // 1000
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def moment(ms: int) -> str:
    """Return a point in time as the wall clock of this machine shows it."""
    return datetime.fromtimestamp(ms / 1000).strftime("%H:%M:%S")  # noqa: DTZ006 - the viewer's own zone is meant


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
    """Draw the queues; what is expected of them only where a queue is closed or has learned how long it takes."""
    numbers: tuple[str, ...] = ("waiting", "longest", "talking", "ready", "logged in")
    more = any(queue.closed or queue.wait_most_ms is not None for queue in status.queues)
    rows: list[tuple[Text | str, ...]] = [
        (
            _text(queue.name),
            Text(str(queue.waiting), style="bold yellow" if queue.waiting else ""),
            clock(queue.longest_wait_ms) if queue.waiting else "",
            str(queue.talking),
            str(queue.seats_ready),
            str(queue.seats_logged_in),
            *((_expected(queue), _hits(queue)) if more else ()),
        )
        for queue in status.queues
    ]
    numbers = (*numbers, "expect", "hits") if more else numbers
    return _table("Queues", ("queue", *numbers), rows, right=numbers, shrinks=("queue",))


def _expected(queue: QueueStatus) -> Text | str:
    """Between which times a caller who joins now is likely to be served."""
    if queue.closed:
        return Text("closed", style="bold red")
    if queue.wait_least_ms is None or queue.wait_most_ms is None:
        return ""
    return f"{clock(queue.wait_least_ms)}-{clock(queue.wait_most_ms)}"


def _hits(queue: QueueStatus) -> str:
    """How often what callers were told came true."""
    return "" if queue.hit_rate is None else f"{queue.hit_rate // 10}%"


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
    needing = any(call.needs for call in status.calls)
    rows: list[tuple[Text | str, ...]] = [
        (
            _text(call.caller or "unknown"),
            _text(call.queue),
            _state(call.state),
            str(call.position) if call.position else "",
            clock(call.waited_ms),
            str(call.offers),
            *((_text(call.needs),) if needing else ()),
        )
        for call in status.calls
    ]
    names = ("caller", "queue", "state", "place", "waited", "offers", *(("needs",) if needing else ()))
    return _table("Calls", names, rows, right=("place", "waited", "offers"), shrinks=("caller", "queue", "needs"))


def _lines(status: Status) -> Table:
    numbers = ("free", "in use", "left alone", "out of order", "out of service")
    rows: list[tuple[Text | str, ...]] = [
        (
            _text(group.name),
            Text(str(group.free), style="" if group.free else "bold red"),
            str(group.in_use),
            Text(str(group.left_alone), style="bold red" if group.left_alone else ""),
            Text(str(group.in_trouble), style="bold red" if group.in_trouble else ""),
            Text(str(group.out), style="magenta" if group.out else ""),
        )
        for group in status.lines
    ]
    return _table("Lines", ("group", *numbers), rows, right=numbers, shrinks=("group",))


def _tickets(status: Status) -> Table:
    rows: list[tuple[Text | str, ...]] = [
        (
            str(ticket.number),
            _text(ticket.caller or "unknown"),
            _text(ticket.queue),
            str(ticket.place),
            moment(ticket.made_at),
            moment(ticket.expires_at),
            _text(ticket.why),
        )
        for ticket in status.tickets
    ]
    names = ("ticket", "caller", "queue", "place", "made", "until", "why")
    return _table("Tickets", names, rows, right=("ticket", "place"), shrinks=("caller", "queue", "why"))


def _gaps(status: Status) -> Table:
    rows: list[tuple[Text | str, ...]] = [
        (moment(gap.start), moment(gap.end), clock(gap.end - gap.start), _text(gap.why)) for gap in status.gaps
    ]
    return _table("Gaps", ("from", "to", "for", "why"), rows, right=("for",), shrinks=("why",))
