"""How many FastAGI commands a second one core serves: 200 calls at once, 22 headers and 20 x SET VARIABLE each.

Asterisk's side is a C program (agi_load.c) that answers at once, on a processor of its own, so that the server is what
is measured. The floor is a C server of one thread that does nothing but read and write (agi_floor.c). Beside ours run
panoramisk on uvloop and pyst2, a thread a call (neighbours.py). They serve in turns, round after round; the ratios are
medians of the rounds' ratios. Those `by_cpu` compare processor time a command: on a machine that others use at the same
time rates tell who got the processor, and these what it was good for.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.measure import cpu_s
from tests.bench.neighbours import SERVERS

SESSIONS = 200
ROUNDS = 5
WARM_MS, RUN_MS = 400, 1_600
FLOOR = "C floor"
HERE = Path(__file__).parent


def main() -> dict[str, object]:
    """Run the rounds."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in [FLOOR, *SERVERS]}
    with tempfile.TemporaryDirectory() as folder:
        load, floor = (build(name, Path(folder)) for name in ("agi_load", "agi_floor"))
        commands = {FLOOR: [str(floor)]}
        commands |= {name: [sys.executable, "-m", "tests.bench.neighbours", name] for name in SERVERS}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                figures[name].append(turn(command, load))
    _show(figures)
    ours = figures["callfloor"]

    def ratio(other: str) -> float:
        rates = zip(ours, figures[other], strict=True)
        return round(median(one["commands_per_s"] / two["commands_per_s"] for one, two in rates), 3)

    def cost_ratio(other: str) -> float:
        costs = zip(ours, figures[other], strict=True)
        return round(median(two["cpu_us"] / one["cpu_us"] for one, two in costs), 3)

    return {
        "of_floor": ratio(FLOOR),
        "vs_panoramisk_uvloop": ratio("panoramisk_uvloop"),
        "vs_pyst2": ratio("pyst2"),
        "of_floor_by_cpu": cost_ratio(FLOOR),
        "vs_panoramisk_uvloop_by_cpu": cost_ratio("panoramisk_uvloop"),
        "vs_pyst2_by_cpu": cost_ratio("pyst2"),
        "commands_per_s": round(middle(ours, "commands_per_s")),
        "turn_p50_us": round(middle(ours, "turn_p50_us")),
        "turn_p99_us": round(middle(ours, "turn_p99_us")),
        "cpu_us_per_command": round(middle(ours, "cpu_us"), 1),
    }


def build(name: str, folder: Path) -> Path:
    """Compile a C program that stands beside this file."""
    made = folder / name
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", made, HERE / f"{name}.c"], check=True)
    return made


def turn(command: list[str], load: Path) -> dict[str, float]:
    """Let one server serve; gives what the load found, and what a command cost the server's processor, us."""
    processors = sorted(os.sched_getaffinity(0))
    with serving(command, processors[0]) as (pid, port):
        before = cpu_s(pid)
        client = subprocess.Popen(
            [load, str(port), str(SESSIONS), str(WARM_MS), str(RUN_MS)], stdout=subprocess.PIPE, text=True
        )
        os.sched_setaffinity(client.pid, {processors[-1]})
        told, _ = client.communicate()
        spent = cpu_s(pid) - before
    if client.returncode:
        raise RuntimeError(f"{command}: the load ended with status {client.returncode}")
    found: dict[str, float] = json.loads(told)
    if found["faults"]:
        raise RuntimeError(f"{command}: {found['faults']} sessions did not go as they should")
    return found | {"cpu_us": spent * 1e6 / found["commands"]}


@contextmanager
def serving(command: list[str], processor: int) -> Iterator[tuple[int, int]]:
    """Run a server on one processor; gives its process and its port, which it says itself."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        os.sched_setaffinity(server.pid, {processor})
        yield server.pid, port
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def middle(rounds: list[dict[str, float]], figure: str) -> float:
    """The median of a figure."""
    return median(one[figure] for one in rounds)


def _show(figures: dict[str, list[dict[str, float]]]) -> None:
    table = Table("server", "commands/s", "of the floor", "turn p50 ms", "p99 ms", "CPU us/command")
    for name, rounds in figures.items():
        rates = [
            (one["commands_per_s"], two["commands_per_s"]) for one, two in zip(rounds, figures[FLOOR], strict=True)
        ]
        table.add_row(
            name.replace("_", " on "),
            f"{middle(rounds, 'commands_per_s'):,.0f}",
            f"{median(own / floor for own, floor in rates):.2f}",
            f"{middle(rounds, 'turn_p50_us') / 1_000:.1f}",
            f"{middle(rounds, 'turn_p99_us') / 1_000:.1f}",
            f"{middle(rounds, 'cpu_us'):.1f}",
        )
    Console().print(table)
