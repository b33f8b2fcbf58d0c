"""A trunk written in acd.conf, to a provider who is another Asterisk: it registers, calls come and go over it."""

import asyncio
import re

import pytest
import pytest_asyncio

from acd.core.events import Connected, LineChanged, Snapshot
from acd.core.line import Trouble
from ivr.softphone import Softphones
from tests.live.floor import Floor, open_floor
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

MORE = """
[carrier]
type = trunk
host = 127.0.0.1
port = {port}
user = 801
password = {password}
qualify = 2s
[outside]
type = lines
lines = carrier*4
[201](seat)
agent = Eva Lang
queues = sales
lines = outside
handset = PJSIP/803@LINE
"""


class House:
    """Our floor, the provider, and a telephone on his side."""

    def __init__(self, floor: Floor, provider, phone) -> None:
        self.floor, self.provider, self.phone = floor, provider, phone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor whose provider is a second Asterisk, where we are the handset 801."""
    theirs = write_site(tmp_path_factory.mktemp("provider") / "site")
    acd = theirs / "acd.conf"
    acd.write_text(re.sub(r"\b10([1-4])\b", r"80\1", acd.read_text()))
    provider = await asyncio.to_thread(make_instance, "provider", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = MORE.format(port=switch.sip_port, password=seats["801"].secret)
    folder = write_site(tmp_path_factory.mktemp("trunk") / "site", acd=more)
    pjsip = folder / "pjsip.conf"
    before, demo, rest = pjsip.read_text().partition("; Callers of the demo")
    pjsip.write_text(before + rest[rest.index("; ----") :])  # the carrier is the only trunk, whose callers ours are too
    assert demo
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor, Softphones() as phones:
        phone = await phones.register("803", seats["803"].secret, server=f"127.0.0.1:{switch.sip_port}")
        yield House(floor, provider, phone)


@pytest_asyncio.fixture(loop_scope="module")
async def house(both):
    """Give both with nobody on the floor; after the test it must be so again."""
    both.floor.begin()
    yield both
    await both.floor.clear()


async def registered(house: House) -> None:
    """Wait until the provider knows where we are, and has answered."""
    lines = house.floor.state.lines
    await house.floor.until(lambda: {line.look for line in lines.values()} == {"free"}, "lines that can be used")
    for _ in range(200):
        if "Registered" in await asyncio.to_thread(house.floor.server.instance.cli, "pjsip show registrations"):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("we are not registered at the provider")


async def test_a_call_goes_out_over_it(house):
    """A seat behind the trunk is rung at the provider, who asks for our password; both hear each other."""
    await registered(house)
    await house.phone.on_call(answer_after_ms=0)
    caller, _ = await house.floor.waiter()
    assert await house.floor.server.desk.log_in("201", PIN) == "ok"
    await house.floor.sees(Connected)
    agent = await house.phone.incoming()
    await house.floor.talk(caller, agent)
    lines = house.floor.state.lines
    assert lines["carrier:1"].offer.startswith("offer-")
    assert [name for name, line in lines.items() if line.in_use] == ["carrier:4"]  # the caller's own


async def test_a_call_comes_in_over_it(house):
    """Somebody at the provider dials our number there: the call reaches our menus and takes a line of the trunk."""
    await registered(house)
    call = await house.phone.dial("801")
    await call.confirmed()
    await house.floor.sees(LineChanged, line="carrier:4", in_use=True)
    await house.floor.hears(call, "unknown-number")
    await call.ended()


async def test_a_registration_that_is_lost_is_seen_and_so_is_its_return(house):
    """The provider has another password for us: no seat behind the trunk is rung. With the right one it is, at once."""
    await registered(house)
    floor, generated = house.floor, house.provider.home / "etc/generated/pjsip.conf"
    text, secret = generated.read_text(), house.provider.site.seats["801"].secret
    try:
        generated.write_text(text.replace(secret, "another password"))
        await told_anew(house)
        await floor.until(lambda: looks(house) == {"not-registered"}, "a trunk that is not registered")
        await floor.sees(LineChanged, line="carrier:1", trouble=Trouble(kind="not-registered", said="Rejected"))
        [group] = floor.server.status().lines
        assert (group.in_trouble, group.free) == (4, 0)
        caller, _ = await floor.waiter("5550102")
        assert await floor.server.desk.log_in("201", PIN) == "ok"
        floor.server.switch.take_snapshot()
        await floor.until(lambda: len(floor.seen(Snapshot)) > 0, "a snapshot")
        assert looks(house) == {"not-registered", "in-use"}  # the caller's own
        assert floor.offers() == []
    finally:
        generated.write_text(text)
        await told_anew(house)
    await house.phone.on_call(answer_after_ms=0)
    await floor.sees(Connected)
    await floor.talk(caller, await house.phone.incoming())


def looks(house: House) -> set[str]:
    return {line.look for line in house.floor.state.lines.values()}


async def told_anew(house: House) -> None:
    """Have the provider read his file, and us register."""
    assert "reloaded" in await asyncio.to_thread(house.provider.cli, "module reload res_pjsip.so")
    await asyncio.to_thread(house.floor.server.instance.cli, "pjsip send register carrier")
