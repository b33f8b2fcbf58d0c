"""Transfers of every kind, with a hang-up at every moment: the ledger of legs equals what the SIP side measured.

Of each row of the table three things are held against each other: with whom the caller talked by the ledger, and for
how long; whose voice his telephone received, and for how long (`capture`); and how long the first agent's telephone
was in the call, by its own clock. Rows are played in several lanes at a time, each with telephones and queues of its
own.
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import product

import pytest
import pytest_asyncio

from acd.core import events as ev
from ivr.asterisk import free_port
from tests.live.floor import open_floor
from tests.live.lanes import Carrier, Lane, Row
from tests.live.testsite import GOODBYE_MS, HERTZ, record, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

LANES = int(os.environ.get("LANES", "3"))
ONLY = os.environ.get("ROWS", "")
"""Play rows alone of which this is a part, such as `to outside`."""

OUT = """
[carrier]
type = trunk
host = 127.0.0.1
port = {port}
match = 127.0.0.9
qualify = 1s
[outside]
type = lines
lines = carrier*{lanes}
keep_emergency = 1
[calling-out]
country = DE
lines = outside
caller_id = +4930111
allow = DE
ring = 5s
hour_most = 0
seat_hour_most = 0
number_day_most = 0
"""
LANE = """
[first-{n}](queue)
extension = 31{n}
caller_id = +493099900{n}
[second-{n}](queue)
extension = 32{n}
[13{n}](seat)
agent = First {n}
queues = first-{n}
set_aside_after = 0
[12{n}](seat)
agent = Second {n}
queues = second-{n}
set_aside_after = 0
"""
NUMBER = """
[lane-{n}]
type = number
number = 555012{n}
go = queue first-{n}
"""


def table() -> Iterator[Row]:
    """Give all rows."""
    blind = [*product(("rings", "completes", "talks"), ("caller", "second")), ("begins", "first")]
    attended = [
        *product(("rings", "consults", "completes"), ("caller", "first", "second")),
        *product(("talks",), ("caller", "second")),
    ]
    for by, to in product(("refer", "keys"), ("seat", "queue", "outside", "line")):
        for when, who in blind:
            yield Row("blind", by, to, when, who)
        if (by, to) == ("refer", "line"):  # to ask there his telephone calls itself: that is `outside`
            continue
        for when, who in attended:
            yield Row("attended", by, to, when, who)
        for who in ("caller", "second", "nobody") if by == "refer" and to != "queue" else ():
            yield Row("attended", by, to, "put through unanswered", who)
        if by == "keys":
            yield Row("attended", by, to, "consults", "nobody")  # the key that leads back


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """A site with lanes; its admin lets the numbers outside be called at which somebody sits."""
    ports = [free_port("127.0.0.1") for _ in range(LANES + 1)]
    includes = "include => seats\ninclude => line-echo\n"
    lets_out = includes + "".join(
        f"exten => 089555020{n},1,Dial(PJSIP/trunk/sip:089555020{n}@127.0.0.1:{port},5)\n"
        for n, port in enumerate(ports[:-1])
    )
    site = write_site(
        tmp_path_factory.mktemp("table") / "site",
        acd=OUT.format(port=ports[-1], lanes=LANES + 1) + "".join(LANE.format(n=n) for n in range(LANES)),
        changes={includes: lets_out},
    )
    with (site / "ivr.conf").open("a") as file:
        file.writelines(NUMBER.format(n=n) for n in range(LANES))
    record(site / "sounds/en/out-rejected.wav", HERTZ["out-rejected"], GOODBYE_MS)  # it can be broken into
    features = site / "features.conf"
    features.write_text(features.read_text().replace("transferdigittimeout = 3 ", "transferdigittimeout = 1 "))
    async with open_floor(site, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        floor.handsets["carrier"] = await floor._phones.phone("carrier", port=ports[-1])
        floor.carrier = Carrier(floor.handsets["carrier"])
        lines = floor.state.lines.values()
        await floor.until(lambda: {line.look for line in lines} == {"free"}, "the carrier's lines are free")
        for n, port in enumerate(ports[:-1]):
            floor.handsets[f"outside-{n}"] = await floor._phones.phone(f"089555020{n}", port=port)
        yield floor


@pytest.mark.parametrize(("kind", "by"), [*product(("blind", "attended"), ("refer", "keys"))])
async def test_legs_equal_what_was_heard(floor, kind, by):
    """Whoever hangs up when: the ledger has those whom the caller heard, each for as long as he heard him.

    On a machine that has other things to do the telephones' own clocks and sounds are late now and then; so a row that
    is wrong is played once more, with nobody else there.
    """
    rows = [row for row in table() if (row.kind, row.by) == (kind, by) and ONLY in str(row)]
    lanes = [Lane(floor, n) for n in range(LANES)]
    again: list[Row] = []

    async def work(lane: Lane) -> None:
        await lane.open()
        while rows:
            row = rows.pop(0)
            if await lane.played(row):
                again.append(row)

    await asyncio.gather(*map(work, lanes))
    wrong = [await lanes[0].played(row) for row in again]
    assert not any(wrong), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("hears_why", [False, True], ids=["at once", "hears why"])
async def test_put_through_to_one_who_has_declined(floor, hears_why):
    """The agent hears why nobody answered, or is about to, and puts his caller through: he is in his queue again."""
    lane = Lane(floor, 0)
    await lane.open()
    caller, own_number = await floor.caller("5550120")
    leg = await lane.answers(lane.first, "agent")
    await floor.talk(caller, leg)
    await leg.hold()
    own = await floor.handsets[lane.first].dial("00895550200")
    ringing = await lane.carrier.rings(0)
    await own.ringing()
    await ringing.answer(603)
    if hears_why:
        await floor.hears(own, "out-rejected")
    await lane.puts_through(leg, own)
    again = await lane.answers(lane.first, "agent")
    assert again.state == "confirmed"
    assert [event.caller for event in floor.seen(ev.CallArrived)] == [own_number, own_number]
    await caller.hang_up()


@pytest.mark.parametrize("number", ["00895550200", "00900123456"], ids=["declined", "not let out"])
async def test_who_is_not_taken_outside_is_himself(floor, number):
    """He called with the number of the site, or was to; back in his queue he has his own, and rings his agent again."""
    lane = Lane(floor, 0)
    await lane.open()
    caller, own = await floor.caller("5550120")
    leg = await lane.answers(lane.first, "agent")
    assert (await leg.transfer(number)).code == 200
    if number == "00895550200":
        await (await lane.carrier.rings(0)).answer(603)
    again = await lane.answers(lane.first, "agent")
    assert again.state == "confirmed"
    assert [event.caller for event in floor.seen(ev.CallArrived)] == [own, own]
    await caller.hang_up()


async def asks(floor):
    """A caller whose agent asks outside over a line by keys: lane, caller, the agent's end, and who answered there."""
    lane = Lane(floor, 0)
    await lane.open()
    caller, _ = await floor.caller("5550120")
    leg = await lane.answers(lane.first, "agent")
    await leg.dtmf("*200895550200")
    return lane, caller, leg, await lane.carrier.rings(0)


async def test_a_new_server_finds_whom_an_agent_asks(floor):
    """Asterisk has let go what dialled for him: the line is taken by that call until who was asked hangs up."""
    _, caller, leg, other = await asks(floor)
    await other.answer()
    await floor.sees(ev.LegAnswered)
    await floor.talk(leg, other)
    [out] = floor.state.legs.values()
    floor.server.switch.channels.outs._outs.clear()  # as a new process begins
    floor.server.switch.take_snapshot()
    await floor.until(lambda: floor.server.switch.channels.outs.lines == [out.line], "the call out")
    assert not any(line.in_use for line in floor.state.lines.values())
    await leg.dtmf("*2")
    await floor.talk(caller, other)
    await other.hang_up()
    assert (await floor.sees(ev.LegEnded)).outcome == "hung-up"
    await floor.hears(caller, "goodbye")


async def test_it_is_rung_at_an_agent_who_did_not_wait(floor, monkeypatch):
    """He hung up while it rang, and it is declined: he is called until he answers, and has his caller again."""
    lane, caller, leg, other = await asks(floor)
    said = floor.spoken(monkeypatch)
    await leg.hang_up()
    await floor.sees(ev.CallTransferred)
    await other.answer(603)
    await (await floor.rings(lane.first)).answer(603)
    again = await floor.rings(lane.first)  # Asterisk dials outside once more meanwhile, for nobody's seat
    refused = floor.seen(ev.CallOutAsked)[1:]
    assert [asked.seat for asked in refused] == [""]
    await again.answer()
    await floor.talk(caller, again)
    assert not floor.state.legs
    assert said == []  # what was dialled for nobody's seat is no caller whose wait is over


async def test_who_may_not_ask_there(floor):
    """A number that his seat may not call: he has his caller again, and nothing was dialled."""
    lane = Lane(floor, 0)
    await lane.open()
    caller, _ = await floor.caller("5550120")
    leg = await lane.answers(lane.first, "agent")
    await leg.dtmf("*200900123456")
    asked = await floor.sees(ev.CallOutAsked)
    assert (asked.seat, bool(asked.barred)) == (lane.first, True)
    await floor.until(lambda: [one.held for one in floor.seen(ev.LegHeld)] == [True, False], "back")
    await floor.talk(caller, leg)
    assert not floor.state.legs


async def test_the_next_line(floor):
    """The first one is congested: it rings over another, with the queue's number; who hangs up puts through."""
    lane, caller, leg, other = await asks(floor)
    await other.answer(503)
    again = await lane.carrier.rings(0)
    await again.answer()
    await floor.sees(ev.LegAnswered)
    [out] = floor.state.legs.values()
    assert (out.seat, len(out.tried)) == (lane.first, 2)
    await floor.talk(leg, again)
    await leg.hang_up()
    await floor.talk(caller, again)
    assert not any(line.in_use for line in floor.state.lines.values())
    await caller.hang_up()
    await again.ended()
    await floor.until(lambda: not floor.state.legs, "its line is free")
