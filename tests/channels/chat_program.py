"""The chats of a server in a process of its own, to be killed: `python -m tests.channels.chat_program FOLDER PORT`.

With the port of an XMPP server behind it, it is that server's component. It answers lines on its stdin with lines of
JSON: `calls` names the calls that wait, `reply` answers all of them, `talk` answers all of them again and again and
says each time what it has said.
"""

import asyncio
import json
import sys
from itertools import count
from pathlib import Path

from acd.channels.contact import Reply
from tests.channels.chat_house import ChatHouse
from tests.channels.xmpp_house import XmppHouse

MORE = "address_most = 10000\ngrace = 5m"


async def main(folder: str, port: str, inside: str = "") -> None:
    made = XmppHouse(Path(folder), inside, port=int(port)) if inside else None
    async with made or ChatHouse(Path(folder), port=int(port), more=MORE) as house:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print("@[]", flush=True)
        while line := await reader.readline():
            if line == b"reply\n":
                for call in list(house.calls):
                    await house.chat.reply(call, "101", Reply(text=f"answer to {call}"))
            for number in count() if line == b"talk\n" else ():
                for call in list(house.calls):
                    await house.chat.reply(call, "101", Reply(text=f"answer {number}"))
                print(f"@{number}", flush=True)
            print("@" + json.dumps(list(house.calls)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
