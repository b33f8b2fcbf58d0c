"""An IMAP server of the tests' own, which does as it is told: right by default, wrong where a test says so."""

import asyncio
import contextlib
import re

from tests.ports import free_port

SETTINGS = """imap = 127.0.0.1:{port}
imap_tls = no
imap_user = sales
imap_secret = geheim-42
"""


class ImapPeer:
    """One folder of mails, by UID.

    Args:
        can: its capabilities.

    """

    def __init__(self, can="IMAP4rev1 IDLE MOVE UIDPLUS"):
        self.can, self.port = can, free_port()
        self.mails, self.moved, self.heard = {}, [], []
        self.says = {}
        """By command: gives what is answered instead, of the peer's writer and the tag, or None to go on as usual."""
        self.connections = self.sent = 0
        self.greeting = b"* OK here\r\n"
        self._writers, self._tasks, self._idle = set(), set(), None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await asyncio.sleep(0.05)

    @property
    def settings(self):
        return SETTINGS.format(port=self.port)

    def count(self, command):
        return sum(command in line for line in self.heard)

    async def flood(self, writer, piece):
        """Say this until nobody listens any more."""
        while True:
            writer.write(piece)
            self.sent += len(piece)
            await writer.drain()

    async def _serve(self, reader, writer):
        self.connections += 1
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            if not await self._instead("GREETING", writer, ""):
                writer.write(self.greeting)
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                tag, _, rest = line.partition(" ")
                command = " ".join(rest.split()[: 2 if rest.startswith("UID ") else 1]) or line
                if await self._instead(command, writer, tag):
                    continue
                if command == "AUTHENTICATE":
                    writer.write(b"+ \r\n")
                    self.heard.append((await reader.readline()).decode().strip())
                    if await self._instead("SHOWN", writer, tag):
                        continue
                if rest == "IDLE":
                    writer.write(b"+ idling\r\n")
                    self._idle = writer
                    await reader.readline()
                    self._idle = None
                writer.write(self._answer(command, rest) + f"{tag} OK done\r\n".encode())
                await writer.drain()
        writer.close()

    async def _instead(self, command, writer, tag):
        if command not in self.says:
            return False
        said = self.says[command](writer, tag)
        if asyncio.iscoroutine(said):
            said = await said
        if said is None:
            return False
        writer.write(said)
        await writer.drain()
        return True

    def _answer(self, command, rest):
        if command == "CAPABILITY":
            return f"* CAPABILITY {self.can}\r\n".encode()
        if command == "STATUS":
            return b'* STATUS "Archive" (UIDVALIDITY 5)\r\n'
        if command == "SELECT":
            return b"* FLAGS ()\r\n* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 5] x\r\n" % len(self.mails)
        if command == "UID SEARCH":
            return f"* SEARCH {' '.join(str(uid) for uid in self.mails)}".strip().encode() + b"\r\n"
        if command == "UID MOVE":
            uid = int(rest.split()[2])
            self.moved.append(self.mails.pop(uid))
        return self._fetched(rest) if command == "UID FETCH" else b""

    def _fetched(self, rest):
        made = b""
        for place, uid in enumerate(self.mails, 1):
            if str(uid) not in rest.split()[2].split(","):
                continue
            raw = self.mails[uid]
            if "RFC822.SIZE" in rest:
                made += f"* {place} FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n".encode()
            else:
                which, most = re.search(r"BODY\.PEEK\[(.*)\]<0\.(\d+)>", rest).groups()
                part = (raw if not which else raw.partition(b"\n\n")[0] + b"\n\n")[: int(most)]
                made += f"* {place} FETCH (UID {uid} BODY[{which}]<0> {{{len(part)}}}\r\n".encode() + part + b")\r\n"
        return made

    def arrive(self, uid, raw):
        """Have a mail come in; whoever idles is told."""
        self.mails[uid] = raw
        if self._idle is not None:
            self._idle.write(f"* {len(self.mails)} EXISTS\r\n".encode())
