"""What visitors cost who have a chat open and say nothing.

A server of chats in a process of its own, so many pages on loopback in this one: its memory before and after, the
processor time that all of them take when nobody speaks, and how long one takes to have a line confirmed among them.
"""

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.measure import cpu_s, quantile
from tests.channels.chat_house import Page
from tests.channels.test_chat_killed import Program
from tests.ports import free_port

SOCKETS, REST_S, LINES = 2_000, 20.0, 20


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    return asyncio.run(measure(SOCKETS, REST_S, LINES))


def resident_mib(pid: int) -> float:
    """The memory that a process has, in MiB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() / (1 << 20)


async def measure(count: int, rest_s: float, lines: int) -> dict[str, object]:
    """Have so many pages open, silent for a while, then some lines said."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 3 * count + 500), most))
    with tempfile.TemporaryDirectory() as folder:
        async with Program(Path(folder), free_port()) as server:
            pid, pages = server.process.pid, []
            async with Page(f"127.0.0.1:{server.port}/chat/shop") as first:
                await first.hear("welcome")
                before_mib, begin = resident_mib(pid), time.monotonic()
                while len(pages) < count:
                    url, of = f"127.0.0.1:{server.port}/chat/shop", len(pages)
                    some = range(of, min(of + 20, count))
                    more = [Page(url, own=f"127.1.{at // 250}.{at % 250 + 1}") for at in some]
                    await asyncio.gather(*(page.__aenter__() for page in more))
                    await asyncio.gather(*(page.hear("standing") for page in more))
                    pages += more
                came_s, after_mib, used_s = time.monotonic() - begin, resident_mib(pid), cpu_s(pid)
                await asyncio.sleep(rest_s)
                share = (cpu_s(pid) - used_s) / rest_s
                took_ms = [await _said(first, number) for number in range(lines)]
            assert all(page.socket.state.name == "OPEN" for page in pages), "some were closed"
            await asyncio.gather(*(page.__aexit__() for page in pages))
    return _told(
        {
            "sockets": count,
            "came_s": round(came_s, 1),
            "memory_before_mib": round(before_mib),
            "memory_mib": round(after_mib),
            "each_kib": round((after_mib - before_mib) * 1024 / count),
            "silent_cpu_percent": round(100 * share, 1),
            "line_median_ms": round(median(took_ms)),
            "line_p95_ms": round(quantile(took_ms, 0.95)),
        }
    )


async def _said(page: Page, number: int) -> float:
    """Say a line; gives how long it took to be confirmed, in ms."""
    begin = time.monotonic()
    await page.say(f"line {number}")
    took_ms = 1_000 * (time.monotonic() - begin)
    await asyncio.sleep(1.5)  # who writes faster is told to wait
    return took_ms


def _told(figures: dict[str, object]) -> dict[str, object]:
    table = Table(title=f"{figures['sockets']} chats that are open and silent", min_width=60)
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
    return figures
