"""What Asterisk's events cost, and whether their reader ever stands still.

Events of a busy switch (ami_stream.py) are put to panoramisk and to the compiled framer in pieces of 64 KiB, in turns:
once so that each is only cut out, named and checked; once so that every header of each is made a dictionary; once so
that nobody wants any. Ratios are medians over the rounds of processor time an event.

Then the server runs in a process of its own against a peer that plays Asterisk (ami_live.py): under a stated load, from
the reading of an agent's hang-up to the writing of the Originate that brings him the next caller (and, wire to wire, as
the peer sees it, whose own turns count there too); under all the load that it can take,
calls, events and 200 AGI sessions at once, the longest time for which bytes waited while the reader stood still, and
how much of such a time at most the server itself was at work (on a busy machine others have the processor meanwhile).
"""

import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from _fastpath.ami import Framer
from tests.bench.agi import build
from tests.bench.ami_live import measured
from tests.bench.ami_stream import stream
from tests.bench.neighbours import panoramisk_ami

EVENTS = 100_000
NEIGHBOUR_EVENTS = 15_000
PIECE = 65_536
ROUNDS = 5
STATED = {"talk_s": 1.25, "think_ms": 100, "run_s": 8.0}
"""40 calls and 2,000 events a second; 200 AGI sessions that think, 2,000 commands a second."""
FULL = {"talk_s": 0.0, "think_ms": 0, "run_s": 6.0}


def main() -> dict[str, object]:
    """Measure both."""
    figures = _reading()
    with tempfile.TemporaryDirectory() as folder:
        agi_load = build("agi_load", Path(folder))
        stated, full = measured(agi_load, **STATED), measured(agi_load, **FULL)
    _show("the server under", {"a stated load": stated, "all it can take": full})
    return figures | {
        "reader_stall_ms": round(full["stall_ms_max"], 1),
        "reader_stall_p99_ms": round(full["stall_ms_p99"], 1),
        "reader_stall_own_ms": round(full["busy_ms_max"], 1),
        "full_load_events_per_s": round(full["events_per_s"]),
        "full_load_agi_commands_per_s": round(full["agi_commands_per_s"]),
        "event_to_command_p50_ms": round(stated["event_to_command_ms_p50"], 2),
        "event_to_command_p99_ms": round(stated["event_to_command_ms_p99"], 2),
        "wire_to_wire_p50_ms": round(stated["wire_to_wire_ms_p50"], 2),
        "wire_to_wire_p99_ms": round(stated["wire_to_wire_ms_p99"], 2),
        "stated_calls_per_s": round(stated["calls_per_s"], 1),
        "stated_agi_commands_per_s": round(stated["agi_commands_per_s"]),
    }


def _reading() -> dict[str, object]:
    events = stream(EVENTS)
    whole, some = b"".join(events), b"".join(events[:NEIGHBOUR_EVENTS])
    pieces, fewer = (
        [data[at:end] for at, end in pairwise([*range(0, len(data), PIECE), len(data)])] for data in (whole, some)
    )
    costs: dict[str, list[float]] = {"panoramisk": [], "lazy": [], "dict": [], "unwanted": []}
    for _ in range(ROUNDS):
        costs["panoramisk"].append(_cost_us(_panoramisk, fewer, NEIGHBOUR_EVENTS))
        costs["lazy"].append(_cost_us(_lazy, pieces, EVENTS))
        costs["dict"].append(_cost_us(_dict, pieces, EVENTS))
        costs["unwanted"].append(_cost_us(_unwanted, pieces, EVENTS))

    def times(name: str) -> float:
        return round(median(his / ours for his, ours in zip(costs["panoramisk"], costs[name], strict=True)), 1)

    _show("reading an event, us", {name: {"us": median(rounds)} for name, rounds in costs.items()})
    return {
        "lazy_vs_panoramisk": times("lazy"),
        "dict_vs_panoramisk": times("dict"),
        "unwanted_vs_panoramisk": times("unwanted"),
        "lazy_us": round(median(costs["lazy"]), 2),
        "event_bytes": round(len(whole) / EVENTS),
    }


def _cost_us(reader: Callable[[list[bytes]], int], pieces: list[bytes], events: int) -> float:
    begun = time.process_time()
    seen = reader(pieces)
    spent = time.process_time() - begun
    assert seen == events, f"{reader.__name__} saw {seen} of {events} events"
    return spent * 1e6 / events


def _panoramisk(pieces: list[bytes]) -> int:
    feed, count = panoramisk_ami()
    for piece in pieces:
        feed(piece)
    return count[0]


def _lazy(pieces: list[bytes]) -> int:
    framer = Framer()
    return sum(1 for piece in pieces for message in framer.feed(piece) if message.event and not message.twice)


def _dict(pieces: list[bytes]) -> int:
    framer = Framer()
    return sum(1 for piece in pieces for message in framer.feed(piece) if message.headers())


def _unwanted(pieces: list[bytes]) -> int:
    framer = Framer(["UserEvent"])
    found = sum(len(framer.feed(piece)) for piece in pieces)
    return EVENTS - found


def _show(title: str, rows: dict[str, dict[str, float]]) -> None:
    table = Table(title, *next(iter(rows.values())))
    for name, figures in rows.items():
        table.add_row(name, *(f"{value:,.2f}" for value in figures.values()))
    Console(width=160).print(table)
