"""What the bench of the matcher compares it with, each told the same load: the peers, not the product.

`NumpyScan` and `PythonScan` look at every waiting call when a seat comes free, as one writes it first: as vectors, and
as a loop. Skills are bits of a number. Their heirs know classes, which is where our own algorithm begins. `Callcenter`
is FreeSWITCH's mod_callcenter in small: its shape, in the same SQLite.
"""

import random
import sqlite3
from time import perf_counter
from typing import Any

import numpy as np

WORD = 64
"""Bits of a word of a set of skills."""


class NumpyScan:
    """Waiting calls as columns, one vectorised pass over all of them for each seat that comes free.

    Args:
        has: the skills of a seat of each class.
        asks: the skills that a call of each class needs.
        calls: how many can wait.

    """

    def __init__(self, has: list[int], asks: list[int], calls: int) -> None:
        words = range(-(-max(map(int.bit_length, has + asks)) // WORD))
        self.lacks = np.array([[(~skills >> WORD * word) % (1 << WORD) for word in words] for skills in has], np.uint64)
        self.asks = np.array([[(skills >> WORD * word) % (1 << WORD) for skills in asks] for word in words], np.uint64)
        self.needs = np.zeros((len(words), calls), np.uint64)
        self.rank = np.zeros(calls, np.int64)
        self.due = np.zeros(calls, np.int64)

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        self.needs[:, call], self.rank[call], self.due[call] = self.asks[:, call_class], rank, due

    def may(self, seat_class: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say of each call whether a seat of this class can serve it."""
        lacks = self.lacks[seat_class]
        missed = self.needs[0] & lacks[0]
        for column, word in zip(self.needs[1:], lacks[1:], strict=True):
            missed |= column & word
        return missed == 0

    def decide(self, seat_class: int) -> int | None:
        """Name the call for a seat of this class; it goes on waiting until it is told anew."""
        calls = np.flatnonzero(self.may(seat_class))
        for column in (self.rank, self.due):
            keys = column[calls]
            calls = calls[keys == keys.min()] if len(calls) else calls
        return int(calls[0]) if len(calls) else None


class NumpyClassScan(NumpyScan):
    """The same with half of the work done for it: it is told which class of seats can serve which class of calls."""

    def __init__(self, has: list[int], asks: list[int], calls: int) -> None:
        super().__init__(has, asks, calls)
        self.table = np.array([[not needs & ~skills for needs in asks] for skills in has])
        self.call_class = np.zeros(calls, np.int64)

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        super().wait(call, call_class, rank, due)
        self.call_class[call] = call_class

    def may(self, seat_class: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return self.table[seat_class][self.call_class]


class PythonScan:
    """Waiting calls in a dictionary, one loop over all of them for each seat that comes free; arguments as above."""

    def __init__(self, has: list[int], asks: list[int]) -> None:
        self.lacks = [~skills for skills in has]
        self.asks = asks
        self.calls: dict[int, tuple[int, int, int]] = {}

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        self.calls[call] = (rank, due, self.asks[call_class])

    def decide(self, seat_class: int) -> int | None:
        """Name the call for a seat of this class; it goes on waiting until it is told anew."""
        lacks, best, found = self.lacks[seat_class], (1 << 63, 0), None
        for call, (rank, due, needs) in self.calls.items():
            if not needs & lacks and (rank, due) < best:
                best, found = (rank, due), call
        return found


class PythonClassScan(PythonScan):
    """The same with half of the work done for it, as above."""

    def __init__(self, has: list[int], asks: list[int]) -> None:
        super().__init__(has, asks)
        self.served = [frozenset(n for n, needs in enumerate(asks) if not needs & ~skills) for skills in has]

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        self.calls[call] = (rank, due, call_class)

    def decide(self, seat_class: int) -> int | None:
        may, best, found = self.served[seat_class], (1 << 63, 0), None
        for call, (rank, due, call_class) in self.calls.items():
            if call_class in may and (rank, due) < best:
                best, found = (rank, due), call
        return found


class Callcenter:
    """A dispatch pass of FreeSWITCH's mod_callcenter, with agents who are all busy and callers who all wait.

    Its source (mod_callcenter.c, master of August 2026): one thread, every 100 ms, selects all waiting members in order
    of their score, and for each of them selects the agents joined with the tiers of the member's queue, in order of
    level, last bridge and position; its schema has no index; with the database lock on, as it is by default, all of it
    under one mutex. Left out here, so in its favour: all that it does when it finds an agent.
    """

    AGENTS, WAITING, QUEUES, TIERS = 1_000, 1_000, 20, 3  # tiers: queues an agent

    def __init__(self) -> None:
        draw = random.Random(3)
        self.run = sqlite3.connect(":memory:", isolation_level=None).execute
        many = self.run("PRAGMA user_version").connection.executemany
        self.run("CREATE TABLE agents (name TEXT, status TEXT, state TEXT, last_bridge_end INTEGER)")
        self.run("CREATE TABLE tiers (queue TEXT, agent TEXT, state TEXT, level INTEGER, position INTEGER)")
        self.run("CREATE TABLE members (queue TEXT, uuid TEXT, joined INTEGER, base_score INTEGER, state TEXT)")
        agents = [(f"a{n}", "Available", "In a queue call", draw.randrange(10**6)) for n in range(self.AGENTS)]
        many("INSERT INTO agents VALUES (?, ?, ?, ?)", agents)
        tiers = [(f"q{queue}", f"a{n}", "Ready", 1, 1) for n in range(self.AGENTS) for queue in self.queues(n)]
        many("INSERT INTO tiers VALUES (?, ?, ?, ?, ?)", tiers)
        members = [(f"q{n % self.QUEUES}", f"u{n}", 10**6 + n, 0, "Waiting") for n in range(self.WAITING)]
        many("INSERT INTO members VALUES (?, ?, ?, ?, ?)", members)

    @classmethod
    def queues(cls, agent: int) -> list[int]:
        return [(agent * 3 + tier) % cls.QUEUES for tier in range(cls.TIERS)]

    def pass_s(self, sample: int) -> float:
        """Seconds of a whole pass, from the query for the members and the queries for so many of them."""
        start = perf_counter()
        members = self.run(
            "SELECT queue, uuid, (? - joined) + base_score AS score FROM members"
            " WHERE state = 'Waiting' ORDER BY score DESC",
            (2 * 10**6,),
        ).fetchall()
        asked = perf_counter()
        for queue, _uuid, _score in members[:sample]:
            self.run(
                "SELECT name, status, agents.state, last_bridge_end, tiers.position, tiers.level"
                " FROM agents LEFT JOIN tiers ON agents.name = tiers.agent WHERE tiers.queue = ?"
                " AND (status = 'Available' OR status = 'On Break' OR status = 'Available (On Demand)')"
                " ORDER BY level, agents.last_bridge_end, position",
                (queue,),
            ).fetchall()
        return (asked - start) + (perf_counter() - asked) / sample * len(members)
