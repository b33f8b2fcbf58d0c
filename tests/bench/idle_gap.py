"""How long an agent sits idle while 40 callers wait: from his BYE to the next INVITE at his phone.

callfloor and app_queue take turns on one Asterisk, with the same softphone and the same callers (sipp: whenever one is
served another one dials, so 40 always wait). app_queue has autofill, no wrap-up, and `leastrecent`. Both times of a gap
are taken in the phone's process, from one clock: as the BYE goes into the SIP stack, as the INVITE comes out of it.

Talks last a random time, spread over a whole second: app_queue's callers look for a free agent once a second, so a
fixed length would show one point of that second again and again, whichever it happened to be.
"""

import asyncio
import random
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ivr.softphone import Phone, Softphones
from tests.bench.measure import quantile
from tests.bench.site import DIRECT, SIDES, BenchSite
from tests.live.phones import Row, Sipp, caller

WAITING = 40
ROUNDS, GAPS = 2, 25
TALK_S = 0.3, 1.3
DIAL_RATE = 20
SEAT = "101"


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    gaps = asyncio.run(measure())
    _print(gaps)
    ours, theirs = (sorted(gaps[side]) for side in SIDES)
    return {
        "waiting": WAITING,
        "gaps": len(ours),
        "callfloor_median_ms": round(median(ours), 2),
        "callfloor_p95_ms": round(quantile(ours, 0.95), 2),
        "app_queue_median_ms": round(median(theirs), 2),
        "app_queue_p95_ms": round(quantile(theirs, 0.95), 2),
        "ratio_median": round(median(theirs) / median(ours), 1),
    }


async def measure() -> dict[str, list[float]]:
    """Let both sides serve the agent in turns; gives the gaps of each in ms."""
    gaps: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="idle-gap-") as name:
        folder = Path(name)
        with BenchSite(folder, [SEAT]) as site:
            async with Softphones() as phones:
                phone = await phones.register(SEAT, site.site.seats[SEAT].secret, server=site.server)
                await phone.on_call(answer_after_ms=0)
                for _ in range(ROUNDS):
                    for side in SIDES:
                        gaps[side] += await turn(site, side, phone)
    return gaps


async def turn(site: BenchSite, side: str, phone: Phone, count: int = GAPS) -> list[float]:
    """Let one side serve the agent for a while. His first talk lasts until all the others wait."""
    with site.turn(side):
        return await measured(site, side, phone, count)


async def measured(site: BenchSite, side: str, phone: Phone, count: int) -> list[float]:
    """Measure some gaps of the side whose turn it is, in ms."""
    stays = caller(stay_ms=3_600_000)
    rows = [Row(DIRECT[side], str(2000 + n)) for n in range(1000)]
    async with await Sipp.start(stays, site.home, site.server, rows=rows, rate=DIAL_RATE, at_once=WAITING + 1):
        while (call := await phone.incoming()).state == "ended":
            pass  # it came as the round before was cleared away
        await asyncio.to_thread(site.wait_for_channels, WAITING + 2)
        gaps: list[float] = []
        draw = random.Random(1)  # the same talks for both
        while len(gaps) < count:
            await call.confirmed()
            await asyncio.sleep(draw.uniform(*TALK_S))
            left_ns = await call.hang_up()
            call = await phone.incoming()
            gaps.append((call.at_ns["incoming"] - left_ns) / 1e6)
        return gaps


def _print(gaps: dict[str, list[float]]) -> None:
    table = Table(title=f"From the agent's BYE to his next INVITE, {WAITING} callers waiting, ms", min_width=70)
    table.add_column("served by")
    for heading in ("gaps", "min", "median", "p95", "max"):
        table.add_column(heading, justify="right")
    for side in SIDES:
        values = gaps[side]
        figures = (min(values), median(values), quantile(values, 0.95), max(values))
        table.add_row(side, str(len(values)), *(f"{figure:,.1f}" for figure in figures))
    Console().print(table)
