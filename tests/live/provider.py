"""A provider for the live tests: a second Asterisk, where callfloor's trunks are the handsets 801 and 802."""

import asyncio
import contextlib
import re

from tests.live.floor import open_floor
from tests.live.testsite import write_site

PROVIDER = """
[from-seat](+)
exten => _+49301234567.,1,Set(GLOBAL(SEEN)=${PJSIP_HEADER(read,P-Asserted-Identity)})
 same => n,Set(GLOBAL(TIMES_${EXTEN:1})=$[0${GLOBAL(TIMES_${EXTEN:1})} + 1])
 same => n,Goto(does,${EXTEN:-1},1)
exten => _+49301234568.,1,Goto(does,${IF($["${CHANNEL(endpoint)}" = "801"]?2:0)},1)
exten => _+49301234569.,1,Dial(PJSIP/803,20)
 same => n,Hangup()
exten => 112,1,Set(GLOBAL(HELP)=${PJSIP_HEADER(read,P-Asserted-Identity)})
 same => n,Goto(does,0,1)
[does]
exten => 0,1,Answer()
 same => n,Wait(0.3)
 same => n,Hangup()
exten => 1,1,Hangup(17)
exten => 2,1,Hangup(34)
exten => 3,1,Ringing()
 same => n,Wait(30)
exten => 4,1,Hangup(1)
exten => 5,1,Hangup(21)
exten => 6,1,Answer()
 same => n,Wait(60)
exten => 7,1,Answer()
 same => n,Wait(3)
 same => n,Hangup()
exten => 8,1,Wait(30)
exten => 9,1,Hangup(29)
"""


def write_provider(folder):
    """Write the site of the provider: the test site with seats of other numbers, and its dialplan."""
    theirs = write_site(folder)
    acd = theirs / "acd.conf"
    acd.write_text(re.sub(r"\b10([1-4])\b", r"80\1", acd.read_text()))
    with (theirs / "extensions.conf").open("a") as plan:
        plan.write(PROVIDER)
    return theirs


async def registered(floor):
    """Wait until the provider lets us in: only then are its lines ours."""
    said = ""
    async with asyncio.timeout(30):
        while "Registered" not in said or "Unregistered" in said:
            said = await asyncio.to_thread(floor.server.instance.cli, "pjsip show registrations")
            await asyncio.sleep(0.1)
    await floor.until(lambda: all(line.look == "free" for line in floor.state.lines.values()), "free lines")


@contextlib.asynccontextmanager
async def open_with_customer(make_instance, tmp_path_factory, prompt_cache, acd):
    """Start a floor and its provider; the telephone 803 there is a customer's. `acd` may name its port and password."""
    theirs = write_provider(tmp_path_factory.mktemp("customers") / "site")
    provider = await asyncio.to_thread(make_instance, "customers", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = acd.format(port=switch.sip_port, password=seats["801"].secret)
    folder = write_site(tmp_path_factory.mktemp("calls-customers") / "site", acd=more)
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        floor.customer = await floor._phones.phone("803", seats["803"].secret, server=f"127.0.0.1:{switch.sip_port}")
        await floor.customer.register()
        await registered(floor)
        yield floor
