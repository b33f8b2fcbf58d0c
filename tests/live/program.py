"""`callfloor up` as a program, with an Asterisk of its own and people who telephone; it may be killed and replaced."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec

from acd.control import ControlError, ask
from acd.journal import Folder
from acd.site import load_site
from acd.site_secrets import fill_secrets
from acd.status import Status
from ivr.asterisk import Instance, on_free_ports
from ivr.server import JOURNAL
from ivr.softphone import Softphones
from tests.live.floor import no_channels
from tests.live.people import WITHIN_S, People
from tests.live.testsite import PIN, write_site

CALLFLOOR = Path(sys.executable).with_name("callfloor")

QUICKER = {
    "participant,S(30)": "participant,S(1)",
    "> 120]": "> 12]",
    "> 30]": "> 12]",
    "MusicOnHold(default,10)": "MusicOnHold(default,1)",
    "% 6 = 0]": "% 3 = 0]",
}
"""How the dialplan waits less long for a callfloor that is gone. It is heard every 10 s while it lives."""


class Site(People):
    """A site with its people, and the program that serves it."""

    process: asyncio.subprocess.Process | None = None
    logs = 0

    async def run(self, *words):
        """Run a command of callfloor to its end; gives its status and what it said."""
        process = await asyncio.create_subprocess_exec(
            CALLFLOOR, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=self.environment
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    @property
    def environment(self):
        """What tells the program which site it is for."""
        return {
            **os.environ,
            "CALLFLOOR_SITE": str(self.folder / "site"),
            "CALLFLOOR_HOME": str(self.folder / "home"),
            "COLUMNS": "200",
        }

    async def up(self, *words):
        """Start the server and wait until it knows what Asterisk holds.

        Each has a log of its own: not every file system lets two processes append to one without tearing a line.
        """
        self.logs += 1
        with self._log(self.logs).open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                CALLFLOOR, "up", *words, stdout=log, stderr=log, env=self.environment
            )
        await self.shows(lambda status: status.connected)

    async def take_over(self):
        """Replace the server by another one; gives the old one's process and the gap that the new one tells, in ms."""
        old, known = self.process, len(self.told("took over"))
        await self.up("--takeover")
        async with asyncio.timeout(WITHIN_S):
            while len(gaps := self.told("took over")) == known:  # noqa: ASYNC110 - a line in a file
                await asyncio.sleep(0.02)
        return old, gaps[-1]["gap_ms"]

    def told(self, event):
        """What the servers have logged under a name."""
        logs = [self._log(number).read_bytes() for number in range(1, self.logs + 1)]
        whole = [log[: log.rfind(b"\n") + 1] for log in logs]  # the last line may be on its way
        entries = [msgspec.json.decode(line) for line in b"".join(whole).splitlines() if line.startswith(b"{")]
        return [entry for entry in entries if entry["event"] == event]

    def _log(self, number):
        return self.folder / f"log-{number}"

    @property
    def journal(self):
        """The journal, to read."""
        return Folder(self.folder / "home" / JOURNAL)

    async def down(self, number=signal.SIGKILL):
        """End it by a signal; gives its status."""
        if self.process is None or self.process.returncode is not None:
            return None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), WITHIN_S)

    async def status(self):
        """Ask it how the floor looks; None while it does not answer."""
        with contextlib.suppress(ControlError):
            return msgspec.convert(await asyncio.to_thread(ask, self.folder / "home", "status"), Status)
        return None

    async def shows(self, reached):
        """Wait until its status is as it should be; gives that."""
        status = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                while (status := await self.status()) is None or not reached(status):
                    assert self.process.returncode is None, self._log(self.logs).read_text()
                    await asyncio.sleep(0.05)
                return status
        raise AssertionError(f"not so within {WITHIN_S} s: {status}\n{self._log(self.logs).read_text()[-5000:]}")

    async def waiter(self, number="5550102"):
        """Call in and be seen to wait."""
        call, own = await self.caller(number)
        await self.shows(lambda status: own in waiting(status))
        return call, own

    async def logs_in(self, seat):
        """Log an agent in, with the keys of his telephone."""
        assert (await self.dials(seat, "*11", ("handset-pin", f"{PIN}#")))[-1] == "handset-ready"

    async def clear(self):
        """Leave it up, with nobody on the telephone and nobody logged in."""
        await self.hang_up()
        await no_channels(self.instance)
        if await self.status() is None:
            await self.up()
        for seat in [seat.name for seat in (await self.status()).seats if seat.look != "logged-out"]:
            await self.dials(seat, "*12")
        await no_channels(self.instance)
        status = await self.shows(lambda status: not status.calls)
        assert all(seat.look == "logged-out" for seat in status.seats)
        assert await asyncio.to_thread(ask, self.folder / "home", "invariants") == []


def talking(status):
    """The numbers of those who talk to an agent."""
    return [call.caller for call in status.calls if call.state == "talking"]


def waiting(status):
    """The numbers of those who wait, first in line first."""
    return [call.caller for call in status.calls if call.state == "waiting"]


def looks(status):
    """How each seat looks."""
    return {seat.name: seat.look for seat in status.seats}


@contextlib.asynccontextmanager
async def open_program(folder, prompt_cache, *, acd=""):
    """Start it on a site of its own in this folder, with more sections; at the end Asterisk stops too."""
    (folder / "home").mkdir()
    (folder / "home/prompts").symlink_to(prompt_cache)
    draft = write_site(folder / "draft", acd=acd)
    switch = on_free_ports(load_site(draft)).switch
    names = ("sip_port", "ami_port", "agi_port", "rtp_first", "rtp_last")
    ports = "".join(f"{name} = {getattr(switch, name)}\n" for name in names)
    write_site(folder / "site", ports=ports, acd=acd, changes=QUICKER)
    settings = fill_secrets(load_site(folder / "site"), folder / "home")
    async with Softphones() as phones:
        site = Site(phones, settings, folder)
        site.instance = Instance(folder / "home", folder / "site", settings)
        try:
            await site.up()
            await site.open_trunk()
            yield site
        finally:
            await site.down()
            await asyncio.to_thread(site.instance.stop)
