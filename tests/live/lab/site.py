"""A site on lines of hardware, and callfloor beside it: the guest's Asterisk is one that an admin runs already.

What he does there is what asterisk-config/README.md tells him ("An Asterisk you already run"): the AMI account, the
contexts, the generated files, music. Of his own are the two contexts that say which number an analog line has.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ivr.asterisk import on_free_ports
from ivr.server import Server
from tests.live.floor import Floor
from tests.live.lab import cache
from tests.live.lab.far import WITHIN_S, End, World
from tests.live.lab.machine import GUEST, GUEST_AGI, Machine
from tests.live.testsite import write_site

SECRET = "the-lab-is-for-tests"
PHONES = {"101": 32, "102": 33, "103": 34, "104": 35}
"""Seats and the ports of their analog telephones."""
CHANNEL, LINE, TIE_LINE = 1, 36, 38
"""Our first channel of the PRI, our first analog line, and our first E&M channel."""
AWAY_NUMBER, PRI_PHONE = "5550177", "DAHDI/i3/"
"""The number of an agent who works elsewhere, and what the channels of telephones on the PRI begin with."""
LINE_NUMBER = "5550100"

_HANDSETS = "".join(f"[{seat}](+)\nhandset = DAHDI/{port}\n" for seat, port in PHONES.items())
_ACD = f"""{_HANDSETS}
[sales](+)
ring = 30
[support](+)
ring = 30
[outside]
type = lines
lines = DAHDI/1, DAHDI/2
[105](seat)
agent = Ewa Lis
queues = support
handset = DAHDI/LINE/{AWAY_NUMBER}
lines = outside
"""
_EXTENSIONS = f"""
[from-line]
exten => s,1,Set(CALLERID(dnid)={LINE_NUMBER})
 same => n,Goto(from-trunk,s,1)
[from-tie-line]
exten => _XXXXXXX,1,Goto(from-trunk,${{EXTEN}},1)
"""
_PERMIT = "permit = 10.0.2.2/255.255.255.255\n"
_RELOADS = ("manager reload", "moh reload", "dialplan reload")


class LabFloor(Floor):
    """A running server whose callers, agents and lines are all in the guest."""

    world: World
    guest: Machine

    async def until(self, reached: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
        """Wait until something is so; looked at after each event, and now and then."""
        await super().until(reached, what, within_s)

    async def talk(self, caller: End, agent: End) -> None:
        """See that two hear each other, each the other's voice."""
        await caller.speak("caller")
        await agent.speak("agent")
        await agent.hears("caller")
        await caller.hears("agent")

    async def hang_up(self) -> None:
        """Everybody out there hangs up."""
        await self.world.hang_up()

    async def no_channels(self) -> None:
        """Wait until the guest's Asterisk holds no channel."""
        async with asyncio.timeout(WITHIN_S):
            while "!" in await self.cli("core show channels concise"):  # noqa: ASYNC110 - only asking can tell
                await asyncio.sleep(0.2)

    async def pull_the_plugs(self) -> None:
        """Take the world outside away: its Asterisk dies where it stands, and its ends of the wires are gone.

        For good: a test that does this has the lab of its module for itself. (dahdi_cfg -s ends with 1 if all is well.)
        """
        spans = "".join(f"dynamic=loc,{key}:1,{channels},0\\n" for key, channels in ((1, 31), (2, 9)))
        await asyncio.to_thread(
            self.guest.run,
            "pid=$(cat /run/exchange/asterisk.pid); kill -9 $pid; while [ -e /proc/$pid ]; do sleep 0.1; done; "
            f"printf '{spans}' > /tmp/far.conf; dahdi_cfg -s -c /tmp/far.conf || true",
        )

    async def logs(self) -> str:
        """Give the last words of both Asterisks."""
        return await asyncio.to_thread(self.guest.run, "tail -n 60 /var/log/{asterisk,exchange}/messages.log")

    async def cli(self, command: str) -> str:
        """Ask the guest's Asterisk."""
        return await asyncio.to_thread(self.guest.run, f"asterisk -rx '{command}'")


@contextlib.asynccontextmanager
async def open_lab(share: Path, name: str) -> AsyncIterator[LabFloor]:
    """Thaw the guest, start a server outside and have the guest's Asterisk join it.

    `share` is the folder that both see; the site is made in a folder of this name there.
    """
    folder = share / name
    site = write_site(folder / "site", ports=f"mode = existing\nami_secret = {SECRET}", acd=_ACD)
    text = (site / "ivr.conf").read_text()
    (site / "ivr.conf").write_text(text.replace("timeout = 1s", "timeout = 8s"))  # a slow machine's keys take a while
    (folder / "ears").mkdir()
    server = Server(site, folder / "home", prepare=on_free_ports, cache=share / "prompts")
    switch = server.site.switch
    with Machine(
        cache.disk_folder(), folder / "machine", share, ami_port=switch.ami_port, agi_port=switch.agi_port
    ) as guest:
        await asyncio.to_thread(guest.thaw, cache.frozen_folder() / cache.STATE)
        async with server:
            await asyncio.to_thread(join, guest, site, folder)
            await asyncio.wait_for(server.switch.connected.wait(), WITHIN_S)
            await server.prompts_ready()
            floor = LabFloor(server, None, folder)
            floor.guest = guest
            async with World.open(guest.exchange_port, SECRET, folder / "ears") as floor.world:
                yield floor


def join(guest: Machine, site: Path, folder: Path) -> None:
    """Give the guest's Asterisk what is callfloor's, and have it read it."""
    etc = folder / "etc"
    shutil.copytree(site / "generated", etc / "generated")
    agi = (etc / "generated/globals.conf").read_text().splitlines()
    changed = [_reached_from_the_guest(line) for line in agi]
    (etc / "generated/globals.conf").write_text("\n".join(changed) + "\n")
    shutil.copy(site / "musiconhold.conf", etc)
    (etc / "extensions.conf").write_text((site / "extensions.conf").read_text() + _EXTENSIONS)
    account = (site / "manager.conf").read_text().partition("[callfloor]")
    ours, include, rest = "".join(account[1:]).partition("#include generated/manager.conf")
    own = (GUEST / "etc/asterisk/manager.conf").read_text()
    (etc / "manager.conf").write_text(own + ours + _PERMIT + include + rest)
    guest.run(f"cp -r {etc}/. /etc/asterisk && ln -s {folder}/ears /lab/ears")
    for command in _RELOADS:
        guest.run(f"asterisk -rx '{command}'")


def _reached_from_the_guest(line: str) -> str:
    """Put the guest's address of callfloor in the place of this machine's."""
    name, equals, value = line.partition(" = ")
    if name != "CALLFLOOR_AGI":
        return line
    return f"{name}{equals}{GUEST_AGI}/{value.partition('/')[2]}"
