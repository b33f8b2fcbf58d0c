"""Run days of trouble by hand.

python -m tests.sim SEED [--events N]          one day; if it fails, the last 40 events and why
python -m tests.sim --seconds 600              random days on all cores, until the first that fails
"""

import argparse
import multiprocessing
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from tests.sim.day import run
from tests.sim.world import World

EVENTS = 2_000
FAILED = 1


def main():
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--events", type=int, default=EVENTS, help="length of a day")
    parser.add_argument("--seconds", type=float, help="run random seeds for so long")
    parser.add_argument("--first", type=int, help="with --seconds: the first seed; later ones follow")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument(
        "--keep-going", action="store_true", help="name every failing seed instead of ending at the first"
    )
    wish = parser.parse_args()
    if wish.seconds is None:
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
    """Live through a day; answers what went wrong, and the world as it was then."""
    world = World.__new__(World)
    signal.signal(signal.SIGVTALRM, _hangs)
    signal.setitimer(signal.ITIMER_VIRTUAL, 10 + events / 100)
    try:
        run(seed, events, world)
    except Exception:  # noqa: BLE001 - whatever the core raises is a finding
        return traceback.format_exc(), world
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
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
    """Random days on all cores."""
    first = time.time_ns() // 1_000 if wish.first is None else wish.first
    until, begun, done, seeds, failed = time.monotonic() + wish.seconds, time.monotonic(), 0, 0, 0
    with multiprocessing.Pool(wish.processes) as pool:
        days = ((first + number, wish.events, until) for number in range(10**9))
        print(f"seeds from {first}, {wish.events} events each, {wish.processes} processes", flush=True)
        told = begun
        for seed, events, fault in pool.imap_unordered(_worker, _while(days, until)):
            done, seeds = done + events, seeds + 1
            _State.done = seeds
            if fault is not None:
                failed += 1
                print(f"seed {seed} fails: python -m tests.sim {seed} --events {wish.events}\n{fault}", flush=True)
                if not wish.keep_going:
                    pool.terminate()
                    return FAILED
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print(f"{done} events, {seeds} seeds, {done / (told - begun):.0f} events/s", flush=True)
    spent = time.monotonic() - begun
    print(f"{done} events, {seeds} seeds, {failed} failed, {spent:.0f} s, {done / spent:.0f} events/s")
    return FAILED if failed else 0


def _while(days, until):
    """Hand out days slowly, so that few are left when the time is over."""
    for number, day in enumerate(days):
        if time.monotonic() > until:
            return
        while number > _State.done + 8 and time.monotonic() <= until:
            time.sleep(0.005)
        yield day


class _State:
    done = 0


def _worker(day):
    seed, events, until = day
    if time.monotonic() > until:
        return seed, 0, None
    fault, world = attempt(seed, events)
    return seed, getattr(world, "events", 0), fault


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
