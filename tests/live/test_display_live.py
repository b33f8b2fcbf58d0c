"""What an agent's phone is told before he answers, seen on the wire."""

import re

import pytest

from tests.live.floor import open_floor
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

TONES = """
[sales](+)
ring_tone = 2
[support](+)
ring_tone = <http://127.0.0.1>\\;info=alert-external
"""


def invites(capture, user):
    """The INVITEs to a phone, in a capture of all SIP that Asterisk speaks: each with its headers by name."""
    found = []
    for raw in re.findall(rb"INVITE sip:" + user.encode() + rb"@.*?\r\n\r\n", capture.read_bytes(), re.DOTALL):
        lines = raw.decode("utf-8", "replace").split("\r\n")[1:]
        found.append({name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)})
    return found


async def test_name_queue_and_ring(tmp_path, prompt_cache):
    """The INVITE names the caller and the queue, and asks for the ring of that queue; a queue without one does not."""
    folder = write_site(tmp_path / "site", acd=TONES)
    capture = tmp_path / "sip.pcap"
    seen = {}
    async with open_floor(folder, tmp_path / "home", prompt_cache) as floor:
        floor.begin()
        for what in ("on", f"pcap {capture}"):
            floor.server.instance.cli(f"pjsip set logger {what}")
        for number, queue, seat in (
            ("5550102", "sales", "101"),
            ("5550103", "support", "102"),
            ("5550104", "reception", "104"),
        ):
            await floor.agent(seat)
            caller, own = await floor.caller(number, name="Jan Kowalski")
            seen[queue] = seat, own
            await floor.rings(seat)
            await caller.hang_up()
            await floor.server.desk.log_out(seat)
        await floor.clear()
    found = {}
    for queue, (seat, own) in seen.items():  # Asterisk has ended, so the capture is whole
        [headers] = invites(capture, seat)
        assert headers["From"].startswith(f'"Jan Kowalski ({queue})" <sip:{own}@')
        found[queue] = headers.get("Alert-Info")
    assert found == {
        "sales": "Bellcore-dr2",
        "support": "<http://127.0.0.1>;info=alert-external",
        "reception": None,
    }
