"""Hostile FastAGI peers by the thousand, as a program of its own: python agi_flood.py PORT COUNT.

Kinds take turns: those that connect and go, send garbage, half a header, a header without an end, a forged block, more
than anybody needs, a command of their own, or nothing; and the slow ones, which drip a byte now and then until they are
thrown out. Prints, as JSON, how many of each were thrown out or served to their end.
"""

import asyncio
import json
import sys
from collections import Counter

AT_ONCE = 300
SLOW_SHARE = 10
"""One in so many drips, for as long as the server lets it."""
DRIP_S = 0.5
PATIENCE_S = 30

BLOCK = b"agi_network: yes\nagi_network_script: entry\nagi_channel: PJSIP/trunk-ffffffff\nagi_uniqueid: 1.1\n"

WORDS = {
    "close": b"",
    "garbage": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "binary": bytes(range(256)) * 16,
    "half": b"agi_network: yes\nagi_netw",
    "long line": b"agi_network: " + b"x" * 300_000,
    "forged": BLOCK + b"agi_uniqueid: 2.2\n\n",
    "many": b"".join(b"agi_arg_%d: x\n" % number for number in range(500)),
    "no such script": BLOCK.replace(b"entry", b"../../etc/passwd") + b"\n",
    "impatient": BLOCK + b"\n200 result=1\nHANGUP\n",
}


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, until the server closes."""
    end = asyncio.create_task(reader.read(-1))
    for byte in BLOCK:
        writer.write(bytes([byte]))
        if (await asyncio.wait({end}, timeout=DRIP_S))[0]:
            break
    await end


async def attack(port: int, number: int, tally: Counter[str]) -> None:
    """Connect and behave badly."""
    slow = number % SLOW_SHARE == 0
    kind = "slow" if slow else list(WORDS)[number % len(WORDS)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            if slow:
                await drip(reader, writer)
            else:
                writer.write(WORDS[kind])
                await writer.drain()
                if kind != "close":
                    writer.write_eof()
                    await reader.read(-1)
    except TimeoutError:  # an OSError too
        kind += " kept"
    except OSError:
        pass  # thrown out in the midst of a word
    finally:
        writer.transport.abort()
    tally[kind] += 1


async def main(port: int, count: int) -> None:
    """Send them all."""
    tally: Counter[str] = Counter()
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await attack(port, number, tally)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    print(json.dumps(tally))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
