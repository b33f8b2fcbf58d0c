"""The mails of a server in a process of its own, to be killed.

`python -m tests.channels.mail_program HOME LMTP SMTP MORE`, the last one more settings of its mailbox. It answers lines
on its stdin with lines of JSON: `calls` names the calls that wait, `reply` answers all of them.
"""

import asyncio
import json
import sys
from pathlib import Path

from acd.channels.contact import Reply
from tests.channels.mail_house import MailHouse


async def main(folder: str, lmtp: str, smtp: str, more: str) -> None:
    async with MailHouse(Path(folder), int(smtp), more, lmtp=int(lmtp)) as house:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            if line == b"reply\n":
                for call in list(house.calls):
                    await house.email.reply(call, "101", Reply(text=f"answer to {call}"))
            print("@" + json.dumps(list(house.calls)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
