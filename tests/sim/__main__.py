"""Run days of trouble by hand.

python -m tests.sim SEED [--events N]          one day; if it fails, the last 40 events and why
python -m tests.sim --seconds 600              days of fresh seeds on all cores, until the first that fails;
                                               --seeds N or --total EVENTS end it too, --first SEED goes on with it
"""

import argparse
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from tests.sim.checks import EVERY
from tests.sim.day import run
from tests.sim.world import World

EVENTS = 2_000
FAILED = 1
TELL_S = 10


def main():
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--events", type=int, default=EVENTS, help="length of a day")
    parser.add_argument("--seconds", type=float, help="run seeds for so long")
    parser.add_argument("--seeds", type=int, help="run so many seeds")
    parser.add_argument("--total", type=int, help="run seeds until there were so many events in all")
    parser.add_argument("--first", type=int, help="the first of many seeds, else by the clock; the others follow")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument(
        "--keep-going", action="store_true", help="name every failing seed instead of ending at the first"
    )
    wish = parser.parse_args()
    if wish.seconds is wish.seeds is wish.total is None:
        return one(0 if wish.seed is None else wish.seed, wish.events)
    return many(wish)


def one(seed, events):
    """One day, told if it fails."""
    print(f"seed {seed}, {events} events", flush=True)
    fault, world = attempt(seed, events)
    if fault is None:
        print(f"no violation in {world.events} events")
        return 0
    print(tell(world))
    print(fault)
    return FAILED


def attempt(seed, events):
    """Live through a day; answers what went wrong, and the world as it was then.

    A day that fails is lived through again with all checks after each event, to name the first that is wrong.
    """
    fault, world = _attempt(seed, events, EVERY)
    if fault is not None:
        exact, there = _attempt(seed, events, 1)
        if exact is not None:
            return exact, there
    return fault, world


def _attempt(seed, events, every):
    world = World.__new__(World)
    signal.signal(signal.SIGVTALRM, _hangs)
    signal.setitimer(signal.ITIMER_VIRTUAL, 10 + events / 100)
    gc.disable()  # a world is thrown away whole
    try:
        run(seed, events, world, every=every)
    except Exception:  # noqa: BLE001 - whatever the core raises is a finding
        return traceback.format_exc(), world
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        gc.enable()
    return None, world


def _hangs(*_):
    raise TimeoutError("the core, or the world, goes round in circles")


def tell(world):
    """The last events, each with what followed, readable."""
    lines = []
    for event, commands in getattr(world, "trace", ()):
        lines.append(f"{event.at - world.tape[0].at:>9} {_plain(event)}")
        lines += [f"{'':>11} -> {_plain(command)}" for command in commands or ()]
    return "\n".join(lines)


def _plain(struct):
    fields = {name: getattr(struct, name) for name in struct.__struct_fields__ if name != "at"}
    told = ", ".join(f"{name}={value!r}" for name, value in fields.items() if value not in (None, "", 0, ()))
    return f"{type(struct).__name__}({told})"


def many(wish):
    """Days of seeds one after the other, on all cores."""
    first = time.time_ns() // 1_000 if wish.first is None else wish.first
    tally = Tally(wish, first)
    print(f"seeds from {first}, {wish.events} events each, {wish.processes} processes", flush=True)
    with multiprocessing.Pool(wish.processes, initializer=gc.freeze) as pool:
        try:
            for seed, events, fault in pool.imap_unordered(_worker, tally.days()):
                tally.count(seed, events, fault)
                if fault is not None and not wish.keep_going:
                    break
        except KeyboardInterrupt:
            print("interrupted")
        tally.over = True  # its days are asked for by a thread of the pool, which ends after that thread
        pool.terminate()
    tally.tell()
    print(f"seeds below {tally.next_seed} were lived through or begun: go on with --first {tally.next_seed}")
    return FAILED if tally.failed else 0


class Tally:
    """What was lived through, how much is wanted, and which seed comes next."""

    def __init__(self, wish, first):
        self._wish, self._first = wish, first
        self._begun = self._told = time.monotonic()
        self._events = self._seeds = self._given = self.failed = 0
        self.over = False

    @property
    def next_seed(self):
        """The first that nobody began."""
        return self._first + self._given

    @property
    def _enough(self):
        """Whether no more day is to begin."""
        wish = self._wish
        return (
            self.over
            or (wish.seconds is not None and time.monotonic() - self._begun > wish.seconds)
            or (wish.seeds is not None and self._given >= wish.seeds)
            or (wish.total is not None and self._events >= wish.total)
        )

    def days(self):
        """Hand out days slowly, so that few are left when it is enough."""
        while not self._enough:
            if self._given >= self._seeds + 4 * self._wish.processes:
                time.sleep(0.002)
                continue
            self._given += 1
            yield self.next_seed - 1, self._wish.events

    def count(self, seed, events, fault):
        """A day is over."""
        self._events, self._seeds = self._events + events, self._seeds + 1
        if fault is not None:
            self.failed += 1
            print(f"seed {seed} fails: python -m tests.sim {seed} --events {self._wish.events}\n{fault}", flush=True)
        if time.monotonic() - self._told > TELL_S:
            self._told = time.monotonic()
            self.tell()

    def tell(self):
        """One line."""
        spent = time.monotonic() - self._begun
        rate = f"{self._events / spent:.0f} events/s"
        print(
            f"{self._seeds} seeds, {self._events} events, {spent:.0f} s, {self.failed} violations, {rate}", flush=True
        )


def _worker(day):
    seed, events = day
    fault, world = attempt(seed, events)
    return seed, getattr(world, "events", 0), fault


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
