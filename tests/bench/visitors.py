"""Visitors of a web site who chat, in a process of their own: `python -m tests.bench.visitors PORT COUNT EVERY_S`.

Each opens a page, says a line, and another one every so often: they take turns, so lines come evenly. `@` on its stdout
says that all are there and have spoken; at the end of its stdin it says in JSON how many lines were confirmed, how long
that took, and how many are still there.
"""

import asyncio
import json
import resource
import sys
import time

from tests.bench.measure import quantile
from tests.channels.chat_house import Page

AT_ONCE = 20


async def main(port: str, count: str, every_s: str) -> None:
    """Chat until nobody listens."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url = f"127.0.0.1:{port}/chat/shop"
    pages: list[Page] = []
    while len(pages) < int(count):
        some = range(len(pages), min(len(pages) + AT_ONCE, int(count)))
        more = [Page(url, own=f"127.1.{at // 250}.{at % 250 + 1}") for at in some]
        await asyncio.gather(*(page.__aenter__() for page in more))
        await asyncio.gather(*(page.hear("welcome") for page in more))
        await asyncio.gather(*(page.say("Is anybody there?") for page in more))
        pages += more
    print("@", flush=True)
    talking = asyncio.create_task(_talk(pages, float(every_s) / len(pages)))
    await asyncio.to_thread(sys.stdin.read)
    talking.cancel()
    took_ms = (await asyncio.gather(talking, return_exceptions=True)) and LINES_MS
    there = sum(page.socket.state.name == "OPEN" for page in pages)
    p95 = round(quantile(took_ms, 0.95), 1) if took_ms else None
    print(json.dumps({"there": there, "lines": len(took_ms), "line_p95_ms": p95}), flush=True)


LINES_MS: list[float] = []
"""How long each line took to be confirmed."""


async def _talk(pages: list[Page], apart_s: float) -> None:
    begun, said, waiting = time.monotonic(), 0, set[asyncio.Task[None]]()
    while True:
        task = asyncio.create_task(_say(pages[said % len(pages)], f"line {said}"))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        said += 1
        await asyncio.sleep(max(0.0, begun + said * apart_s - time.monotonic()))


async def _say(page: Page, text: str) -> None:
    page.heard.clear()
    begun = time.monotonic()
    await page.say(text)
    LINES_MS.append(1_000 * (time.monotonic() - begun))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
