"""Known holes of telephone systems, tried from the network: identities, other media, numbers that cost, files.

The table is in tests/test_situations.py; more of it stands in test_hostile.py and its neighbours.
"""

import asyncio
import re
from urllib.parse import quote

import pytest

from acd.core.events import CallArrived, CallEnded, LogInAsked
from tests.live.floor import channels
from tests.live.testsite import write_site
from tests.live.wire import Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CANARY = "callfloor-was-here"
NUMBERS = """
[voicemail-number]
type = number
number = 5550130
go = flow voicemail
[abroad-number]
type = number
number = 5550131
go = flow abroad
"""
ABROAD = """
from ivr.flow import Answer, Transfer, flow

@flow("abroad")
async def abroad(caller):
    await Answer()
    await Transfer(caller.name)
"""


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """Give the test site with voicemail, and a flow that transfers callers to wherever their name says."""
    folder = write_site(tmp_path_factory.mktemp("network") / "site")
    with (folder / "ivr.conf").open("a") as file:
        file.write(NUMBERS)
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows/abroad.py").write_text(ABROAD)
    return folder


def port(floor):
    """Give the SIP port of the floor's Asterisk."""
    return floor.server.site.switch.sip_port


@pytest.mark.parametrize("number", ["../../../etc/passwd", f"$(touch {CANARY})", "a/b\\c;d", "${SHELL(id)}", "7" * 300])
async def test_a_message_lies_where_messages_lie(floor, number):
    """A hostile number leaves a voicemail: its file has a plain name in the folder of recordings, and nothing runs."""
    folder = floor.server.home / "recordings"
    before = set(folder.rglob("*.wav"))
    call = await floor.trunk.dial("5550130", caller_id=number)
    await call.confirmed()
    await floor.hears(call, "speech")
    await floor.speaks(call, "caller")
    await floor.until(lambda: bool(set(folder.rglob("*.wav")) - before), "a recording")
    [file] = set(folder.rglob("*.wav")) - before
    await call.hang_up()
    await floor.until(lambda: floor.server.agi.sessions == 0, "the flow's end")
    for left in list(floor.state.calls.values()):  # what was long enough is a call, and stays one
        floor.server.dispatcher.submit(CallEnded(call=left.id))
    assert file.parent == folder
    assert re.fullmatch(r"voicemail-none-[0-9]{8}-[0-9]{6}-([0-9]{1,20}|unknown)-[0-9_]+\.wav", file.name)
    assert not list(floor.server.home.rglob(CANARY))


IDENTITIES = {
    "no parameters": b"Identity: e30.e30.AA\r\n",
    "no semicolon": b"Identity: e30.e30.AAinfo=<http://127.0.0.1:{port}/x>\r\n",
    "inner address": b"Identity: e30.e30.AA;info=<http://127.0.0.1:{port}/x>;alg=ES256;ppt=shaken\r\n",
    "no algorithm": b'Identity: eyJhbGciOiJub25lIn0.e30.;info=<http://127.0.0.1:{port}/x>;alg="none"\r\n',
    "twice": b"Identity: a\r\nIdentity: b;info=<http://127.0.0.1:{port}/>\r\n",
    "long": b"Identity: " + b"A" * 20_000 + b";info=<http://127.0.0.1:{port}/>;alg=ES256\r\n",
}


@pytest.mark.parametrize("header", IDENTITIES.values(), ids=IDENTITIES)
async def test_a_signed_identity(floor, header):
    """A signature that came along (STIR/SHAKEN) is no reason to fetch anything; the caller is one like any other."""
    fetched = []
    server = await asyncio.start_server(lambda *_: fetched.append(1), "127.0.0.1", 0)
    async with server, await Wire.open(port(floor), b"<sip:5550201@127.0.0.1>") as caller:
        listening = str(server.sockets[0].getsockname()[1]).encode()
        assert await caller.dial(extra=header.replace(b"{port}", listening)) == 200
        assert (await floor.sees(CallArrived)).caller == "5550201"
        assert not fetched


async def test_a_claim_to_be_verified(floor):
    """What an untrusted trunk says of its own trustworthiness (verstat) is no part of the number."""
    sender = b"<sip:5550201;verstat=TN-Validation-Passed-A@127.0.0.1;verstat=TN-Validation-Passed>"
    async with await Wire.open(port(floor), sender) as caller:
        assert await caller.dial() == 200
        assert (await floor.sees(CallArrived)).caller == "5550201"


@pytest.mark.parametrize("name", [b'"a\x1b[2J"', b'"a%0d%0aFrom: x"', "\u202egnp".encode(), b'"' + b"N" * 5_000 + b'"'])
async def test_a_text_message(floor, name):
    """A SIP MESSAGE, whoever it says it is from, is refused, and becomes no call."""
    before = len(floor.history)
    async with await Wire.open(port(floor), name + b" <sip:101@127.0.0.1>") as sender:
        body = b"hello ${SHELL(id)}"
        said = await sender._ask(b"MESSAGE", b"sip:5550102@127.0.0.1", b"Content-Type: text/plain\r\n", body, 2)
    assert said is None or 400 <= said.status < 600
    assert not [event for event, _ in floor.history[before:] if isinstance(event, CallArrived)]
    assert channels(floor.server.instance) == []


@pytest.mark.parametrize(
    "dialled", ["*11", "*14", "*20", "*5101", "101", "112", "911", "900960123456", "00960123456", "#"]
)
async def test_a_caller_dials_what_agents_dial(floor, dialled):
    """From a trunk no feature code, seat or number outside can be reached: there is no such number, or no way."""
    phone = await floor.handset("101")
    async with await Wire.open(port(floor)) as caller:
        status = await caller.dial(quote(dialled, safe="*").encode())
        if status == 200:
            await asyncio.wait_for(caller.over.wait(), 20)  # "there is no such number", then a BYE
        assert status in {200, 404}
    assert not floor.seen(LogInAsked)
    assert not phone.calls


@pytest.mark.parametrize("target", ["00960123456", "+88112345", "9112", "112", "*11", "101@from-seat", "s"])
async def test_a_transfer_that_a_caller_could_choose(floor, target):
    """Even a flow that lets callers say where to reaches what the context ivr-transfer has, and nothing else."""
    await floor.handset("101")
    call, _ = await floor.caller("5550131", name=target)
    kept = asyncio.create_task(floor.hears(call, "please-hold"))  # the flow refused it, and he is not dropped
    ended = asyncio.create_task(call.ended())
    done, rest = await asyncio.wait({kept, ended}, return_when=asyncio.FIRST_COMPLETED)
    assert done
    for task in rest:
        task.cancel()
    await asyncio.gather(kept, ended, return_exceptions=True)
    assert len(channels(floor.server.instance)) <= 1
    assert not floor.seen(LogInAsked)
    assert not floor.handsets["101"].calls


async def test_keys_during_a_transfer(floor):
    """Keys while a transfer rings, and in the talk after it, start nothing: one caller, one agent, one talk."""
    await floor.handset("101")
    call, _ = await floor.caller("5550106")
    ring = await floor.rings("101")
    await call.dtmf("##0096012#*1")
    await ring.answer()
    await call.dtmf("##0096012#*1")
    await floor.talk(call, ring)
    assert len(channels(floor.server.instance)) == 2


HEADERS = (
    b"agi_network: yes\nagi_network_script: {script}\nagi_channel: {channel}\nagi_uniqueid: {call}\n"
    b"agi_callerid: 101\n\n"
)


async def ask_agi(floor, script, channel, call):
    """Connect as an Asterisk would for a channel, say yes to everything, and give what was asked for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", floor.server.agi.port)
    names = {b"{script}": script, b"{channel}": channel, b"{call}": call}
    head = HEADERS
    for name, value in names.items():
        head = head.replace(name, value.encode())
    writer.write(head)
    asked = []
    while line := await asyncio.wait_for(reader.readline(), 20):
        asked.append(line)
        writer.write(b"200 result=0\n")
    writer.close()
    return asked


async def test_who_is_no_asterisk(floor):
    """Without the word that Asterisk has, no flow is run; with it, one for a channel that is not there is no call."""
    _, own = await floor.waiter()
    call = floor.call(own)
    before = len(floor.history)
    secret = floor.server.site.switch.agi_secret
    for script in ("entry", "handset/log-in", f"{secret}x/entry", f"{secret}/../entry", "%s/entry"):
        assert await ask_agi(floor, script, "PJSIP/trunk-9", "9.9") == []
    assert await ask_agi(floor, f"{secret}/entry", "PJSIP/trunk-9", "9.9")
    channel = floor.server.switch.channels.calls[call.id].channel
    assert await ask_agi(floor, f"{secret}/overflow", channel, call.id)
    told = [type(event) for event, _ in floor.history[before:]]
    assert CallArrived not in told
    assert floor.call(own).state == "waiting"
    assert channels(floor.server.instance) == [channel]
