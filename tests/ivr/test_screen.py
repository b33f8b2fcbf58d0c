"""The floor on a terminal: what is shown, and that nobody's text can do more than be shown."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from acd.status import (
    CallStatus,
    GapStatus,
    LinesStatus,
    QueueStatus,
    SeatStatus,
    Status,
    TicketStatus,
)
from ivr.screen import clock, moment, screen


def status(*, caller="5550201", agent="Anna Nowak", reason="lunch", for_ms=3_725_000, **details):
    """A floor with one queue, one seat and one call."""
    queue = QueueStatus(name="sales", waiting=1, longest_wait_ms=65_000, talking=2, seats_ready=3, seats_logged_in=4)
    seat = SeatStatus(
        name="101",
        agent=agent,
        look="paused",
        for_ms=for_ms,
        reason=reason,
        reachable=False,
        busy=False,
        call=caller,
        queues=("sales", "support"),
    )
    call = CallStatus(
        call="1.1", caller=caller, queue="sales", medium="voice", state="waiting", waited_ms=65_000, offers=7
    )
    known = {"at": 0, "connected": True, "journal_failed": None, "queues": [queue], "seats": [seat], "calls": [call]}
    return Status(**{**known, **details})


def shown(what, *, colour=False, width=200):
    """What a terminal gets."""
    console = Console(
        width=width, force_terminal=colour, color_system="truecolor" if colour else None, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(screen(what))
    return capture.get()


def rows(text):
    return [line.split() for line in text.splitlines() if line.strip()]


def test_every_figure_has_its_place():
    """Queue, seat and call each stand in a row with their figures; times as minutes and seconds."""
    lines = rows(shown(status()))
    assert ["sales", "1", "1:05", "2", "3", "4"] in lines
    seat = [
        *("101", "Anna", "Nowak", "paused", "lunch", "1:02:05"),
        *("not", "reachable", "5550201", "sales,", "support"),
    ]
    assert seat in lines
    assert ["5550201", "sales", "waiting", "1:05", "7"] in lines


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0:00"), (-5, "0:00"), (999, "0:00"), (61_000, "1:01"), (3_600_000, "1:00:00"), (86_400_000, "24:00:00")],
)
def test_a_clock_is_read_at_a_glance(ms, text):
    """Minutes and seconds, hours where there are any, never less than nothing."""
    assert clock(ms) == text


def test_what_is_wrong_stands_above_all():
    """A switch out of sight, a failing journal and faults are the first lines; on a sound floor they are not there."""
    wrong = {"connected": False, "journal_failed": "disk [bold]full[/]", "alarms": ("entry 7 \x1b[2J",)}
    first, second, third, *_ = shown(status(**wrong)).splitlines()
    assert first.startswith("Asterisk is out of sight")
    assert second.strip() == "The journal takes no entries: disk [bold]full[/]"
    assert third.strip().startswith("Fault of callfloor: entry 7 ")
    assert "\x1b" not in third
    assert "Asterisk" not in shown(status())
    assert "Fault" not in shown(status())


def test_a_webhook_that_somebody_should_look_after_stands_above_the_floor():
    """With what its other side said, as text."""
    first, *_ = shown(status(hook_alarms=("shop: 3 given up (HTTP 503 \x1b[2J)",))).splitlines()
    assert first.strip().startswith("Webhook shop: 3 given up (HTTP 503 ")
    assert "\x1b" not in first
    assert "Webhook" not in shown(status())


def test_an_empty_floor_is_shown_too():
    """No queues, no seats, no calls: the titles stand, nothing breaks."""
    assert [line for line in shown(status(queues=[], seats=[], calls=[])).split() if line.istitle()] == [
        "Queues",
        "Seats",
        "Calls",
    ]


@pytest.mark.parametrize("text", ["[red]boo[/red]", "[link=http://x]y[/link]", ":smile:", "[/]", "[bold", "\\[x]"])
def test_markup_is_text(text):
    """What looks like rich's markup is printed letter by letter."""
    assert shown(status(caller=text, agent=text)).count(text) == 3


@given(st.text(st.characters(), min_size=1, max_size=40))
def test_no_text_steers_the_terminal(text):
    """Control characters, escape sequences and those that turn the writing round never reach the terminal."""
    out = shown(status(caller=text, agent=text))
    assert all(char.isprintable() or char == "\n" for char in out)
    assert len(out.splitlines()) == len(shown(status()).splitlines())


def test_colours_are_ours_alone():
    """With colours on, the escape sequences are the same whether a caller sends his own or not."""

    def escapes(caller):
        return shown(status(caller=caller), colour=True).count("\x1b")

    assert escapes("\x1b[31mred\x1b[0m") == escapes("5550201")


def long_names():
    """A floor whose names, numbers and queues are as long as they come."""
    return status(
        queues=[msgspec.structs.replace(status().queues[0], name="the queue of those who cannot be put anywhere else")],
        agent="Aleksandra Wojciechowska-Grzegorzewska",
        caller="+48 123 456 789 ext 4711",
        reason="back office",
        for_ms=36_000_000,
    )


@pytest.mark.parametrize("width", [20, 60, 80])
def test_a_narrow_terminal_cuts_and_does_not_wrap(width):
    """Each row is one line still, and none is wider than the terminal."""
    lines = shown(long_names(), width=width).splitlines()
    assert len(lines) == len(shown(status()).splitlines())
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80])
def test_names_give_way_before_figures(width):
    """On a narrow terminal names end in an ellipsis; a seat's number, state and time and a call's wait are whole."""
    _, queues, _, _, seats, seat, _, _, call = shown(long_names(), width=width).splitlines()[:9]
    assert seats.split()[0] == "seat"
    assert seat.startswith("101   Ale")
    assert "\N{HORIZONTAL ELLIPSIS}  paused back office  10:00:00  " in seat
    assert call.split()[-3:] == ["waiting", "1:05", "7"]
    assert queues.split()[-6:] == ["waiting", "longest", "talking", "ready", "logged", "in"]


def test_nothing_is_cut_where_there_is_room():
    """An ellipsis stands only where a column does not fit."""
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown(long_names())
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown(status(), width=80)


def test_the_last_picture_of_a_server_that_is_gone_says_so():
    """Above the figures stands, in red, that they are old."""
    console = Console(width=80, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(screen(status(), answered=False))
    first, *rest = capture.get().splitlines()
    assert first.startswith("\x1b[1;31mno callfloor server answers; trying again\x1b[0m")
    assert any("5550201" in line for line in rest)


def rich_floor(text="5550201"):
    """A floor with all that there can be: skills, expected waits, lines, tickets and gaps."""
    queue = msgspec.structs.replace(
        status().queues[0], wait_least_ms=40_000, wait_most_ms=3_725_000, hit_rate=912, longest_wait_ms=3_600_000
    )
    call = msgspec.structs.replace(status().calls[0], caller=text, position=3, needs="french 3 + billing 1|sales 5")
    return status(
        queues=[queue, msgspec.structs.replace(queue, name="night", closed=True, hit_rate=None)],
        calls=[call],
        caller=text,
        lines=[LinesStatus(name="trunk", free=0, in_use=7, left_alone=1, in_trouble=2, out=3)],
        tickets=[
            TicketStatus(
                number=12, caller=text, queue="sales", place=2, made_at=0, expires_at=1_000, why="cut off while waiting"
            )
        ],
        gaps=[GapStatus(start=0, end=65_000, why=text)],
    )


def test_what_is_expected_stands_beside_the_queue():
    """A queue shows between which times who joins now is served and how often that came true; or that it is closed."""
    lines = rows(shown(rich_floor(), width=80))
    assert ["sales", "1", "1:00:00", "2", "3", "4", "0:40-1:02:05", "91%"] in lines
    assert ["night", "1", "1:00:00", "2", "3", "4", "closed"] in lines


def test_a_call_in_line_has_a_place_and_needs():
    """Place and skills stand in the call's row."""
    assert ["5550201", "sales", "waiting", "3", "1:05", "7", "french", "3", "+", "billing", "1|sales", "5"] in rows(
        shown(rich_floor(), width=80)
    )


def test_lines_tickets_and_gaps_stand_below():
    """Lines by their state, tickets with place and time, gaps from when to when."""
    lines = rows(shown(rich_floor(), width=100))
    assert ["trunk", "0", "7", "1", "2", "3"] in lines
    ticket = ["12", "5550201", "sales", "2", moment(0), moment(1_000), *("cut", "off", "while", "waiting")]
    assert ticket in lines
    assert [moment(0), moment(65_000), "1:05", "5550201"] in lines


def test_what_there_is_not_takes_no_room():
    """A site without lines, tickets, gaps, skills and expectations sees none of these words."""
    words = shown(status()).split()
    assert not {"Lines", "Tickets", "Gaps", "needs", "expect", "hits"}.intersection(words)


def test_all_of_it_fits_on_eighty_columns():
    """With everything there is to show, figures and times are whole, and no row is wider than the screen."""
    lines = shown(rich_floor("+48 123 456 789 ext 4711"), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    for figure in ("0:40-1:02:05", "91%", "closed", "1:02:05", moment(65_000)):
        assert any(figure in line for line in lines)


@given(st.text(st.characters(), min_size=1, max_size=40))
def test_no_text_steers_the_terminal_from_a_ticket(text):
    """Callers' text in tickets, gaps and calls is shown, and never acts."""
    out = shown(rich_floor(text))
    assert all(char.isprintable() or char == "\n" for char in out)
    assert len(out.splitlines()) == len(shown(rich_floor()).splitlines())
