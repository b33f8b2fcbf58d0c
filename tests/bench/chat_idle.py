"""What visitors cost who have a chat open and say nothing: `python -m tests.bench.chat_idle [SOCKETS]`.

A server of chats in a process of its own, so many pages on loopback in this one: its memory before and after, the
processor time that all of them take when nobody speaks, and how long one takes to have a line confirmed among them.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.channels.chat_house import Page
from tests.channels.test_chat_killed import Program
from tests.ports import free_port

SOCKETS = 2_000
REST_S = 20.0
LINES = 20


def resident_mib(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() / (1 << 20)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def main(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 3 * count + 500), most))
    with tempfile.TemporaryDirectory() as folder:
        async with Program(Path(folder), free_port()) as server:
            pid, pages = server.process.pid, []
            async with Page(f"127.0.0.1:{server.port}/chat/shop") as first:
                await first.hear("welcome")
                before = resident_mib(pid)
                begin = time.monotonic()
                while len(pages) < count:
                    url, of = f"127.0.0.1:{server.port}/chat/shop", len(pages)
                    more = [Page(url, own=f"127.1.{at // 250}.{at % 250 + 1}") for at in range(of, of + 20)]
                    await asyncio.gather(*(page.__aenter__() for page in more))
                    await asyncio.gather(*(page.hear("standing") for page in more))
                    pages += more
                print(f"{count} pages came in {time.monotonic() - begin:.1f} s")
                print(f"resident: {before:.0f} MiB -> {resident_mib(pid):.0f} MiB,", end=" ")
                print(f"{(resident_mib(pid) - before) * 1024 / count:.0f} KiB each")
                used = cpu_s(pid)
                await asyncio.sleep(REST_S)
                print(f"processor while all are silent: {(cpu_s(pid) - used) / REST_S:.1%} of one")
                took = []
                for number in range(LINES):
                    begin = time.monotonic()
                    await first.say(f"line {number}")
                    took.append(1_000 * (time.monotonic() - begin))
                    await asyncio.sleep(1.5)
                took.sort()
                print(f"a line confirmed after {statistics.median(took):.0f} ms, p95 {took[int(0.95 * LINES)]:.0f} ms")
            assert all(page.socket.state.name == "OPEN" for page in pages), "some were closed"
            await asyncio.gather(*(page.__aexit__() for page in pages))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else SOCKETS))
