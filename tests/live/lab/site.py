"""A site on lines of hardware, and callfloor beside it: the guest's Asterisk is one that an admin runs already.

What he does there is what asterisk-config/README.md tells him ("An Asterisk you already run"): the AMI account, the
contexts, the generated files, music. What follows from the hardware the guest has since its start (`hardware`).
"""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ivr.asterisk import on_free_ports
from ivr.server import Server
from tests.live.floor import Floor
from tests.live.lab import cache, hardware
from tests.live.lab.far import WITHIN_S, End, World
from tests.live.lab.hardware import CHANNEL, LINE, PHONES, TIE_LINE
from tests.live.lab.machine import GUEST, GUEST_AGI, Machine
from tests.live.testsite import write_site

__all__ = ["CHANNEL", "LINE", "PHONES", "TIE_LINE", "LabFloor", "open_lab"]

SECRET = "the-lab-is-for-tests"
AWAY_NUMBER, COPPER_NUMBER, PRI_PHONE = "5550177", "5550178", "DAHDI/i3/"
"""The numbers of agents who work elsewhere, and what the channels of telephones on the PRI begin with."""

_ACD = f"""{hardware.ACD}
[sales](+)
ring = 30
[support](+)
ring = 30
[reception](+)
ring = 30
[outside]
type = lines
lines = office
pick = reverse
numbers = national
[copper-lines]
type = lines
lines = copper
numbers = national
[calling-out]
country = DE
lines = outside, copper-lines
caller_id = +4930111
allow = DE
[105](seat)
agent = Ewa Lis
queues = support
handset = DAHDI/LINE/{AWAY_NUMBER}
lines = outside
[106](seat)
agent = Jan Lis
queues = support
handset = DAHDI/LINE/{COPPER_NUMBER}
lines = copper-lines
"""
_FAR_ISDN, _FAR_BANK = r"dynamic=loc,1:1,31,0\n", r"dynamic=loc,2:1,9,0\n"
_WIDE = {**os.environ, "COLUMNS": "160"}
_PERMIT = "permit = 10.0.2.2/255.255.255.255\n"
_RELOADS = ("manager reload", "moh reload", "module reload features", "dialplan reload")


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

        For good: a test that does this has the lab of its module for itself, or is its last.
        """
        await self._kill_exchange(_FAR_ISDN + _FAR_BANK)

    async def pull_the_isdn(self) -> None:
        """Take the far end of the ISDN span away, for good; the exchange comes back with what is left."""
        await self._kill_exchange(_FAR_ISDN)
        exchange = "asterisk -C /etc/exchange/asterisk.conf"
        await asyncio.to_thread(self.guest.run, f"{exchange} -fn < /dev/null > /var/log/exchange/again.log 2>&1 &")
        booted = ""
        async with asyncio.timeout(WITHIN_S):
            while "fully booted" not in booted:
                await asyncio.sleep(1)
                booted = await asyncio.to_thread(self.guest.run, f"{exchange} -rx 'core waitfullybooted' 2>&1 || true")
        await self.world.connect()

    async def _kill_exchange(self, spans: str) -> None:
        """Kill it, and destroy its spans, which nobody may hold then: dahdi_cfg -s ends with 1 if all is well."""
        await asyncio.to_thread(
            self.guest.run,
            "pid=$(cat /run/exchange/asterisk.pid); kill -9 $pid; while [ -e /proc/$pid ]; do sleep 0.1; done; "
            f"printf '{spans}' > /tmp/far.conf; dahdi_cfg -s -c /tmp/far.conf || true",
        )

    async def callfloor(self, *words: str) -> list[str]:
        """Run a command of callfloor's beside the server; gives the lines that it says."""
        program = Path(sys.executable).parent / "callfloor"
        argv = [program, *words, "--site", self.server.folder, "--home", self.server.home]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=_WIDE)
        said, _ = await process.communicate()
        assert process.returncode == 0, said
        return said.decode().splitlines()

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
    for name in ("musiconhold.conf", "features.conf"):
        shutil.copy(site / name, etc)
    (etc / "extensions.conf").write_text((site / "extensions.conf").read_text())
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
