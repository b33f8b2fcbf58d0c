"""A whole server beside a manager interface on loopback: a site folder to change, a home, and how to serve them."""

import asyncio
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from acd.journal import Folder
from ivr.asterisk import free_port
from ivr.server import JOURNAL, Server
from tests.ivr.ami_peer import message

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
AGI_PORT = free_port("127.0.0.1")  # for one house after the other
HANDSETS = b"".join(
    message("DeviceStateChange", ActionID="$ID", Device=f"PJSIP/{seat}", State="NOT_INUSE") for seat in range(101, 105)
)
WAITING = (
    b"Event: Status\r\nActionID: $ID\r\nUniqueid: 1.1\r\nChannel: PJSIP/trunk-1\r\nContext: acd-hold\r\nBridgeID: \r\n"
    b"CallerIDNum: 555\r\nVariable: ACD_QUEUE=sales\r\nVariable: ACD_ARRIVED=1000\r\n\r\n"
)


class House:
    """A site folder to change, a home, and how to serve them."""

    def __init__(self, tmp_path, peer):
        self.folder, self.home, self._peer = tmp_path / "site", tmp_path / "home", peer
        shutil.copytree(SAMPLE, self.folder, ignore=shutil.ignore_patterns("generated"))
        self.agi_port = AGI_PORT

    def make(self, **options):
        def prepare(site):
            switch = replace(site.switch, mode="existing", ami_port=self._peer.port, agi_port=self.agi_port)
            return replace(site, switch=switch)

        return Server(self.folder, self.home, prepare=prepare, **options)

    @asynccontextmanager
    async def serve(self, **options):
        async with self.make(**options) as server:
            await asyncio.wait_for(server.switch.connected.wait(), 10)
            yield server

    def change(self, name, old, new):
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))

    def entries(self):
        """All events of the journal."""
        return list(Folder(self.home / JOURNAL).events())


def seen(server, kind, count=1):
    """A future that is done with the `count`th event of a kind from now on."""
    future = asyncio.get_running_loop().create_future()
    found = []

    def watch(event, _commands):
        if isinstance(event, kind):
            found.append(event)
            if len(found) == count and not future.done():
                future.set_result(event)

    server.dispatcher.watchers.append(watch)
    return asyncio.wait_for(future, 10)
