"""The texts of a server in a process of its own, to be killed: `python -m tests.channels.sms_program HOME PORT MORE`.

The last one is more settings of its message centre. It answers lines on its stdin with lines of JSON: `calls` tells
what stands on the cards of the calls that wait, `reply` answers all of them.
"""

import asyncio
import json
import sys
from pathlib import Path

from acd.channels.contact import Reply
from tests.channels.sms_house import SmsHouse


async def main(folder: str, port: str, more: str) -> None:
    async with SmsHouse(Path(folder), int(port), more) as house:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            calls = list(house.calls)
            if line == b"reply\n":
                for call in calls:
                    await house.sms.reply(call, "101", Reply(text=f"answer to {calls.index(call)}"))
                told = calls
            else:
                told = [(await house.card(call)).text for call in calls]
            print("@" + json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
