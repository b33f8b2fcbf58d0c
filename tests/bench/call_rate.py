"""How many calls a second go through menu, queue and agents, and none fails: callfloor beside app_queue.

sipp's callers come at a rate that rises step by step, to a side's own menu, of the same prompt, and on to the same
agents. A side sustains the rates up to the first step in which a call failed: not answered, no agent within the
patience, anything out of the ordinary. Two loads:

    a small centre    few agents: how much of their time the distributor puts to use before callers lose patience
    the machine       agents in plenty: what this machine can carry, sipp included

A delay is that from the caller's key to the agent's answer, over the steps that both sides sustained; processor seconds
are those of whole processes, over all calls of a side in the small centre.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.crowd import Crowd, agent, caller
from tests.bench.measure import cpu_s, quantile
from tests.bench.site import MENU, SIDES, BenchSite
from tests.ports import free_port

PATIENCE_MS = 3000
STEP_S = 5


class Load(NamedTuple):
    """Agents, and the rates of its steps in calls a second."""

    seats: int
    rates: Sequence[int]


CENTRE = Load(20, range(12, 29, 2))
MACHINE = Load(250, range(60, 141, 20))


class Result(NamedTuple):
    """How a side stood a load."""

    failed: list[int]
    """Failed calls of each step."""
    delays_ms: list[list[float]]
    """Of each step, from a caller's key to an agent's answer."""
    asterisk_cpu_s: float
    callfloor_cpu_s: float
    """Processor seconds a call."""

    @property
    def sustained(self) -> int:
        """How many steps, from the first, went without a failed call."""
        return next((step for step, failed in enumerate(self.failed) if failed), len(self.failed))


def main() -> dict[str, object]:
    """Measure, print the tables, return the figures."""
    with tempfile.TemporaryDirectory(prefix="call-rate-") as name:
        centre, machine = (run(load, Path(name) / f"{load.seats}-seats") for load in (CENTRE, MACHINE))
    _print("A small centre", CENTRE, centre)
    _print("The machine", MACHINE, machine)
    figures: dict[str, object] = {"seats": CENTRE.seats, "patience_ms": PATIENCE_MS}
    both = min(result.sustained for result in centre.values())
    for side in SIDES:
        delays = [delay for step in centre[side].delays_ms[:both] for delay in step]
        figures[f"{side}_cps"] = _rate(CENTRE, centre[side])
        figures[f"{side}_machine_cps"] = _rate(MACHINE, machine[side])
        figures[f"{side}_answer_p50_ms"] = round(quantile(delays, 0.5), 1) if delays else None
        figures[f"{side}_answer_p95_ms"] = round(quantile(delays, 0.95), 1) if delays else None
        figures[f"asterisk_cpu_s_per_call_with_{side}"] = round(centre[side].asterisk_cpu_s, 4)
    figures["callfloor_cpu_s_per_call"] = round(centre["callfloor"].callfloor_cpu_s, 4)
    return figures


def run(load: Load, folder: Path) -> dict[str, Result]:
    """Put a load on both sides, one after the other, on one Asterisk."""
    folder.mkdir()
    port = free_port()
    seats = [str(101 + number) for number in range(load.seats)]
    with BenchSite(folder, seats, contact=f"127.0.0.1:{port}") as site:
        return {side: _rise(load, site, side, port) for side in SIDES}


def _rise(load: Load, site: BenchSite, side: str, port: int) -> Result:
    first, last, calls = load.rates[0], load.rates[-1], sum(load.rates) * STEP_S
    words = ["-s", MENU[side], "-r", str(first), "-m", str(calls), "-l", str(calls), site.server]
    words += ["-rate_increase", str(load.rates[1] - first), "-rate_interval", str(STEP_S), "-rate_max", str(last)]
    folder = site.home
    with site.turn(side) as callfloor:
        pids = [site.instance.pid, callfloor]
        before = [cpu_s(pid) for pid in pids]
        with (
            Crowd(agent(), folder / f"agents-{side}", port) as agents,
            Crowd(caller(PATIENCE_MS), folder / f"callers-{side}", free_port(), *words, "-no_rate_quit") as callers,
        ):
            callers.finish(within_s=STEP_S * len(load.rates) + 30)
            agents.stop(within_s=30)
        used = [(cpu_s(pid) - since) / calls for pid, since in zip(pids, before, strict=True)]
        failed, delays = judge(load, callers.notes(), agents.notes()["answer"])
        return Result(failed, delays, *used)


def judge(
    load: Load, noted: dict[str, dict[str, float]], answered: dict[str, float]
) -> tuple[list[int], list[list[float]]]:
    """Sort the calls into the steps they were made in: the failed ones, and the delays of the others."""
    steps = [step for step, rate in enumerate(load.rates) for _ in range(rate * STEP_S)]
    made = sorted(noted["made"], key=noted["made"].__getitem__)
    failed: Counter[int] = Counter(steps[len(made) :])
    delays: list[list[float]] = [[] for _ in load.rates]
    for who, step in zip(made, steps, strict=False):
        delay = answered.get(who, float("inf")) - noted["key"].get(who, 0)
        if who in noted["end"] and delay <= PATIENCE_MS:
            delays[step].append(delay)
        else:
            failed[step] += 1
    return [failed[step] for step in range(len(load.rates))], delays


def _rate(load: Load, result: Result) -> int:
    return load.rates[result.sustained - 1] if result.sustained else 0


def _print(title: str, load: Load, results: dict[str, Result]) -> None:
    table = Table(title=f"{title}: {load.seats} agents, patience {PATIENCE_MS / 1000:g} s", min_width=100)
    table.add_column("calls a second")
    for side in SIDES:
        for heading in ("failed", "p50", "p95"):
            table.add_column(f"{side}\n{heading}", justify="right")
    for step, rate in enumerate(load.rates):
        cells = []
        for result in results.values():
            delays = result.delays_ms[step]
            times = [f"{quantile(delays, share):,.1f} ms" if delays else "" for share in (0.5, 0.95)]
            cells += [str(result.failed[step] or "-"), *times]
        table.add_row(str(rate), *cells)
    console = Console(width=110)
    console.print(table)
    for side, result in results.items():
        both = result.asterisk_cpu_s + result.callfloor_cpu_s
        console.print(
            f"{side} sustains {_rate(load, result)} a second; processor a call {both * 1000:.1f} ms: "
            f"Asterisk {result.asterisk_cpu_s * 1000:.1f}, callfloor {result.callfloor_cpu_s * 1000:.1f}"
        )
