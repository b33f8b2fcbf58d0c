"""Whether 2,000 chats slow a telephone call: an agent's idle gap (see `idle_gap`) with and without them.

The same `callfloor up` serves both. First 40 callers wait, and the gaps between an agent's BYE and the next INVITE at
his phone are measured; then 2,000 visitors come, each of whom writes a line a minute, so 33 lines a second are stored
and confirmed; and the gaps are measured again while they go on. The memory is that of the whole server.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ivr.softphone import Softphones
from tests.bench.chat_idle import resident_mib
from tests.bench.idle_gap import SEAT, measured
from tests.bench.measure import cpu_s, quantile
from tests.bench.site import BenchSite
from tests.channels.chat_house import ORIGIN
from tests.channels.mail_house import free_port

CHATS, EVERY_S, GAPS = 2_000, 60.0, 40
COME_S = 180.0
CHAT = """
[web]
listen = 127.0.0.1:{port}
[visitors]
type = queue
[shop]
type = chat
queue = visitors
origins = {origin}
address_most = 10000
grace = 5m
"""


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    return asyncio.run(measure(CHATS, GAPS))


async def measure(chats: int, count: int) -> dict[str, object]:
    """Measure so many gaps without chats, and with so many."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="chat-gap-") as name,
        BenchSite(Path(name), [SEAT], acd=CHAT.format(port=port, origin=ORIGIN)) as site,
    ):
        async with Softphones() as phones:
            phone = await phones.register(SEAT, site.site.seats[SEAT].secret, server=site.server)
            await phone.on_call(answer_after_ms=0)
            with site.turn("callfloor") as pid:
                without = await measured(site, "callfloor", phone, count)
                await asyncio.to_thread(site.instance.cli, "channel request hangup all")
                await asyncio.to_thread(site.wait_for_channels, 0)
                async with _visitors(port, chats) as told:
                    loop = asyncio.get_running_loop()
                    used_s, begun = cpu_s(pid), loop.time()
                    with_them = await measured(site, "callfloor", phone, count)
                    share = (cpu_s(pid) - used_s) / (loop.time() - begun)
                    memory_mib = resident_mib(pid)
    assert told["there"] == chats, f"only {told['there']} of {chats} are still there"
    more = {"chats": chats, **told, "cpu_percent": round(100 * share), "memory_mib": round(memory_mib)}
    return _figures(without, with_them, more)


@contextlib.asynccontextmanager
async def _visitors(port: int, chats: int) -> AsyncIterator[dict[str, object]]:
    """Have them chat meanwhile; what they say in the end is in the dict afterwards."""
    told: dict[str, object] = {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.visitors", str(port), str(chats), str(EVERY_S * chats / CHATS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said = await asyncio.wait_for(process.stdout.readline(), COME_S)
        assert said == b"@\n", "the visitors did not come"
        yield told
        process.stdin.close()
        told |= json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _figures(without: list[float], with_them: list[float], more: dict[str, object]) -> dict[str, object]:
    table = Table(title="From the agent's BYE to his next INVITE, 40 callers waiting, ms", min_width=60)
    for heading in ("beside", "gaps", "median", "p95", "max"):
        table.add_column(heading, justify="left" if heading == "beside" else "right")
    figures: dict[str, object] = dict(more)
    for name, title, gaps in (("alone", "no chats", without), ("chats", f"{more['chats']} chats", with_them)):
        p50, p95 = median(gaps), quantile(gaps, 0.95)
        table.add_row(title, str(len(gaps)), f"{p50:,.1f}", f"{p95:,.1f}", f"{max(gaps):,.1f}")
        figures |= {f"{name}_median_ms": round(p50, 2), f"{name}_p95_ms": round(p95, 2)}
    Console().print(table)
    return figures
