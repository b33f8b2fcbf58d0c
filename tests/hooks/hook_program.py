"""The webhooks of a server in a process of its own, to be killed: `python -m tests.hooks.hook_program HOME URL`.

It answers lines on its stdin with a line each: `arrive CALL` when its journal has that, `note TEXT` when the customer
file has that.
"""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

from acd.hooks import sender
from acd.store import people, timeline
from acd.store.handles import Named
from tests.hooks.hook_house import HookHouse, hook

sender.AGAIN_S, sender.AGAIN_MOST_S = 0.05, 0.2


def note(session, words: str) -> None:
    person = people.find_or_make(session, Named("number", "+48601602603"), 1)
    timeline.note(session, person, words, 1)


async def main(folder: str, url: str) -> None:
    more = hook(SimpleNamespace(url=url), "events = contact-waits, customer-changed")
    async with HookHouse(Path(folder), more) as house:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print("@ready", flush=True)
        while line := (await reader.readline()).decode().strip():
            what, _, value = line.partition(" ")
            if what == "arrive":
                house.arrive(value)
                house.dispatcher.drain()
            else:
                await house.store.write(note, value)
            print("@ok", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
