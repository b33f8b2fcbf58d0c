"""`callfloor up` as a program: killed, stopped, started again, while Asterisk and all who telephone live on."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from acd.control import ControlError, ask
from acd.site import fill_secrets, load_site
from acd.status import Status
from ivr.asterisk import Instance, on_free_ports
from ivr.softphone import Softphones
from tests.live.floor import no_channels
from tests.live.people import WITHIN_S, People
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

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

    async def up(self):
        """Start the server and wait until it knows what Asterisk holds."""
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                CALLFLOOR, "up", stdout=log, stderr=log, env=self.environment
            )
        await self.shows(lambda status: status.connected)

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
                    assert self.process.returncode is None, (self.folder / "log").read_text()
                    await asyncio.sleep(0.05)
                return status
        raise AssertionError(f"not so within {WITHIN_S} s: {status}\n{(self.folder / 'log').read_text()[-5000:]}")

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


def waiting(status):
    """The numbers of those who wait, first in line first."""
    return [call.caller for call in status.calls if call.state == "waiting"]


def looks(status):
    """How each seat looks."""
    return {seat.name: seat.look for seat in status.seats}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(prompt_cache, tmp_path_factory):
    """Give a running program; it is used through `site`."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "home").mkdir()
    (folder / "home/prompts").symlink_to(prompt_cache)
    draft = write_site(folder / "draft")
    switch = on_free_ports(load_site(draft)).switch
    names = ("sip_port", "ami_port", "agi_port", "rtp_first", "rtp_last")
    write_site(folder / "site", ports="".join(f"{name} = {getattr(switch, name)}\n" for name in names), changes=QUICKER)
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


@pytest_asyncio.fixture(loop_scope="module")
async def site(up):
    """Give the site, up and with nobody on it; after the test it must be so again."""
    yield up
    await up.clear()


async def test_killed_while_people_wait_and_talk(site):
    """SIGKILL: talks go on, who waits keeps music and place; up again, all are served in the order they came."""
    await site.logs_in("101")
    talker, _ = await site.caller("5550102")
    leg = await site.rings("101")
    await leg.answer()
    await site.shows(lambda status: looks(status)["101"] == "talking")
    first, first_number = await site.waiter()
    leaver, _ = await site.waiter()
    _, third_number = await site.waiter()
    await site.down()
    await site.talk(talker, leg)
    await site.hears(first, "music")
    await leaver.hang_up()
    await leaver.ended()
    assert first.state == talker.state == "confirmed"
    await site.up()
    status = await site.shows(lambda status: len(waiting(status)) == 2)
    assert waiting(status) == [first_number, third_number]
    assert looks(status)["101"] == "talking"
    await leg.hang_up()
    for number in (first_number, third_number):
        leg = await site.rings("101")
        assert number in leg.remote
        await leg.answer()
        await leg.hang_up()
    await site.shows(lambda status: not waiting(status))


async def test_a_talk_that_ends_while_it_is_down(site):
    """A talk that ended while callfloor was down does not leave its seat busy, nor its caller in the books."""
    await site.logs_in("101")
    talker, _ = await site.caller("5550102")
    leg = await site.rings("101")
    await leg.answer()
    await site.shows(lambda status: looks(status)["101"] == "talking")
    await site.down()
    await talker.hang_up()
    await leg.ended()
    await site.up()
    status = await site.shows(lambda status: looks(status)["101"] == "ready")
    assert status.calls == []


async def test_callers_who_come_while_it_is_down(site):
    """Who calls while callfloor is down hears a word and music, and is served by its menus as soon as it is back."""
    await site.down()
    call = await site.trunk.dial("5550102", caller_id="5556001")
    await call.confirmed()
    await site.hears(call, "please-hold")
    await site.hears(call, "music")
    await site.up()
    await site.shows(lambda status: waiting(status) == ["5556001"])


async def test_it_never_comes_back(site):
    """With callfloor gone for good the fallback's handset rings, and the caller talks to whoever answers."""
    await site.handset("104")
    await site.down()
    call, _ = await site.caller("5550102")
    leg = await site.rings("104")
    await leg.answer()
    await site.talk(call, leg)


async def test_a_place_outlives_the_fallback(site):
    """Who waited when callfloor went is kept by the fallback after a while; when it is back he is where he stood."""
    call, first = await site.waiter()
    await site.down()
    await site.hears(call, "please-hold", within_s=2 * WITHIN_S)
    late, second = await site.caller("5550102")
    await site.hears(late, "please-hold")
    await site.up()
    status = await site.shows(lambda status: len(waiting(status)) == 2)
    assert waiting(status) == [first, second]


async def test_stopped_in_order(site):
    """SIGTERM ends it with status 0; Asterisk and a caller's music go on, and he keeps his place."""
    call, number = await site.waiter()
    assert await site.down(signal.SIGTERM) == 0
    await site.hears(call, "music")
    await site.up()
    assert waiting(await site.shows(lambda status: bool(waiting(status)))) == [number]


async def test_only_one_at_a_time(site):
    """A second `callfloor up` on the same home is refused with a line that says why, and harms nothing."""
    code, said = await site.run("up")
    assert code == 1
    assert "runs here already" in said
    assert (await site.status()).connected


async def test_status_for_programs(site):
    """`callfloor status --json` prints the floor: the caller who waits, the seats, the queues."""
    _, number = await site.waiter()
    code, said = await site.run("status", "--json")
    status = msgspec.json.decode(said, type=Status)
    assert code == 0
    assert waiting(status) == [number]
    assert next(queue for queue in status.queues if queue.name == "sales").waiting == 1
    code, said = await site.run("status", "--once")
    assert code == 0
    assert number in said


async def test_check_of_a_good_site(site):
    """`callfloor check` finds no error in the files that it runs with."""
    code, said = await site.run("check")
    assert code == 0, said


async def test_a_reload_keeps_talks(site):
    """A seat and a queue that are added by `callfloor reload` are there; a talk goes on meanwhile."""
    await site.logs_in("101")
    talker, _ = await site.caller("5550102")
    leg = await site.rings("101")
    await leg.answer()
    file = site.folder / "site/acd.conf"
    before = file.read_text()
    file.write_text(before + "\n[night](queue)\n\n[105](seat)\nagent = Eve Novak\nqueues = night\n")
    code, said = await site.run("reload")
    assert code == 0, said
    status = await site.shows(lambda status: "105" in looks(status))
    assert "night" in [queue.name for queue in status.queues]
    await site.talk(talker, leg)
    file.write_text(before)
    await site.run("reload")
    await site.shows(lambda status: "105" not in looks(status))


async def test_a_bad_reload_changes_nothing(site):
    """A file with a mistake is refused with its line, and what was in force stays in force."""
    file = site.folder / "site/acd.conf"
    before = file.read_text()
    file.write_text(before.replace("[sales](queue)", "[sales](queue)\nrimg = 3s"))
    line = file.read_text().splitlines().index("rimg = 3s") + 1
    try:
        code, said = await site.run("reload")
    finally:
        file.write_text(before)
    assert code == 1
    assert f"acd.conf:{line}" in said
    assert "ring" in said
    assert "sales" in [queue.name for queue in (await site.status()).queues]
