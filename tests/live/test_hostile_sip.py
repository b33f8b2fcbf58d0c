"""SIP torture (RFC 4475, RFC 5118) at Asterisk, callfloor behind it: no ghost call, nothing left, a line that works."""

import asyncio
import re
import secrets

import pytest

from acd.core.events import CallArrived, CallEnded
from tests.live.torture import HOST, messages
from tests.live.wire import Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

CALL_S = 1.0
"""How long a call lasts that came of a message. Asterisk's Answer alone waits half a second for sound."""
QUIET_S = 1.5
"""No answer so long after the last one: there will be none."""

CALLS = {"wsinv", "esc01", "lwsdisp", "port-ambiguous", "port-unambiguous", "ipv6-in-sdp", "mult-ip-in-sdp"}
"""Messages that are calls, however odd they look."""
REFUSED = {"mismatch01", "bext01", "invut"}
"""Messages that ask for what cannot be."""


class Torturer(asyncio.DatagramProtocol):
    """Sends messages, and ends what comes of them: a call is acknowledged and hung up, a refusal acknowledged."""

    def __init__(self, port):
        self.server = (HOST, port)
        self.statuses = {}
        """The final status by Call-ID."""
        self.news = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _address):
        self.news.set()
        status = re.match(rb"SIP/2\.0 (\d{3})", data)
        if status is None:  # a BYE of Asterisk's
            lines = re.findall(rb"(?im)^(?:via|from|to|call-id|cseq):.*?\r$", data)
            self.send(b"SIP/2.0 200 OK\r\n" + b"".join(line + b"\n" for line in lines) + b"Content-Length: 0\r\n\r\n")
            return
        header = {name: re.search(rb"(?im)^" + name + rb"\s*:\s*(.*?)\r$", data) for name in NAMES}
        if not all(header.values()) or int(status[1]) < 200:
            return
        via, sender, to, call, sequence = (header[name][1] for name in NAMES)
        self.statuses[call] = int(status[1])
        number, _, method = sequence.partition(b" ")
        if method.strip() != b"INVITE":
            return
        called = status[1] == b"200"
        for request in (b"ACK", b"BYE") if called else (b"ACK",):
            branch = b";branch=z9hG4bK" + secrets.token_hex(6).encode()
            lines = [
                request + b" sip:127.0.0.1 SIP/2.0",
                b"Via: " + (via.partition(b";")[0] + branch if called else via),
                b"From: " + sender + b"\r\nTo: " + to + b"\r\nCall-ID: " + call,
                b"CSeq: %d " % (int(number) + (request == b"BYE")) + request,
                b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            ]
            delay_s = CALL_S if request == b"BYE" else 0
            asyncio.get_running_loop().call_later(delay_s, self.send, b"\r\n".join(lines))

    def send(self, data):
        self.transport.sendto(data, self.server)


NAMES = (b"via", b"from", b"to", b"call-id", b"cseq")


async def test_torture(floor):
    """Every message of the RFCs ends as a refusal, as silence or as a call that can be hung up, and none as a ghost."""
    loop = asyncio.get_running_loop()
    port = floor.server.site.switch.sip_port
    transport, torturer = await loop.create_datagram_endpoint(lambda: Torturer(port), local_addr=(HOST, 0))
    try:
        sent = messages(transport.get_extra_info("sockname")[1])
        for message in sent.values():
            torturer.send(message)
        while True:
            torturer.news.clear()
            try:
                await asyncio.wait_for(torturer.news.wait(), QUIET_S)
            except TimeoutError:
                break
        await floor.peace()
    finally:
        transport.close()
    statuses = {name: torturer.statuses.get(call_id(message), 0) for name, message in sent.items()}
    assert {name for name, status in statuses.items() if status == 200} >= CALLS
    assert all(400 <= statuses[name] < 600 for name in REFUSED)
    assert statuses["ipv6-bad"] == 0
    assert len(floor.seen(CallArrived)) >= len(CALLS)
    assert {event.call for event in floor.seen(CallArrived)} == {event.call for event in floor.seen(CallEnded)}
    async with await Wire.open(port) as caller:
        assert await caller.dial() == 200


def call_id(message):
    """Find the Call-ID of a message; empty if it has none."""
    found = re.search(rb"(?im)^(?:call-id|i)\s*:\s*(.*?)\r$", message)
    return found[1] if found else b""
