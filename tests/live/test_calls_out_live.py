"""Seats call numbers outside, over two trunks to a provider, another Asterisk, who does what the last digit says."""

import asyncio
import os
import random
import re
from collections import Counter

import pytest
import pytest_asyncio

from acd.core.commands import Dial, Reply
from acd.core.events import CallOutAsked, LegAnswered, LegEnded, LegFailed
from tests.live.floor import Floor, no_channels, open_floor
from tests.live.provider import write_provider
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

LEGS = int(os.environ.get("LEGS", "100"))
"""Calls out of the long test; any number may be asked for."""
SLOTS = 3

MORE = """
[general](+)
snapshot_interval = 1h
[carrier]
type = trunk
host = 127.0.0.1
port = {port}
user = 801
password = {first}
qualify = 2s
[second]
type = trunk
host = 127.0.0.1
port = {port}
user = 802
password = {second}
match = 127.0.0.2
qualify = 2s
[outside](!)
type = lines
fault = 1s
fault_most = 2s
[main-lines](outside)
lines = carrier*3
pick = round-robin
[other-lines](outside)
lines = second*3
keep_emergency = 1
[sales](+)
caller_id = +4930999
[calling-out]
country = DE
lines = main-lines, other-lines
caller_id = +4930111
allow = DE, PL
ring = 5s
hour_most = 0
seat_hour_most = 0
number_day_most = 0
"""

ENDS = {
    "1": "busy",
    "2": "congestion",
    "3": "no-answer",
    "4": "no-such-number",
    "5": "forbidden",
    "8": "silent",
    "9": "rejected",
}
SAID = {"4": "out-no-number", "5": "out-rejected", "8": "out-congestion"}
BLAMED = {"2": {"carrier", "second"}, "8": {"carrier"}}
"""Whose lines are out for a while after it; what was out for less than the next attempt took is not."""


def number(digit: str) -> str:
    """A number that does what the digit says."""
    return f"03012345670{digit}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor whose provider is a second Asterisk, where we are the handsets 801 and 802."""
    theirs = write_provider(tmp_path_factory.mktemp("carrier") / "site")
    provider = await asyncio.to_thread(make_instance, "carrier", site_folder=theirs)
    switch, seats = provider.site.switch, provider.site.seats
    more = MORE.format(port=switch.sip_port, first=seats["801"].secret, second=seats["802"].secret)
    folder = write_site(tmp_path_factory.mktemp("out") / "site", acd=more)
    pjsip = folder / "pjsip.conf"
    before, demo, rest = pjsip.read_text().partition("; Callers of the demo")
    assert demo
    pjsip.write_text(before + rest[rest.index("; ----") :])
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        floor.provider = provider
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(both: Floor):
    """Give the floor with all lines free, and leave it so."""
    both.begin()
    await both.until(lambda: idle(both), "all lines free")
    yield both
    await both.clear()
    await both.until(lambda: idle(both), "all lines free again")
    assert not both.state.legs


def idle(floor: Floor) -> bool:
    """Whether nobody is on any line, and each can be used."""
    lines = floor.state.lines.values()
    return len(lines) == 2 * SLOTS and {line.look for line in lines} == {"free"}


async def heard_there(floor: Floor, name: str) -> str:
    """What the provider noted."""
    said = await asyncio.to_thread(floor.provider.cli, "dialplan show globals")
    return re.search(rf"{name}=(.*)", said)[1].strip()


async def test_an_agent_calls_out(floor):
    """He dials 0 and the number; the other side sees his queue's number; the line is his until he hangs up."""
    phone = await floor.agent("101")
    call = await phone.dial("0" + number("6"))
    await call.confirmed()
    await floor.sees(LegAnswered)
    [leg] = floor.state.legs.values()
    assert (leg.number, leg.seat, leg.line) == ("+493012345670" + "6", "101", "carrier:1")
    assert floor.seat("101").busy
    assert [name for name, line in floor.state.lines.items() if line.offer or line.in_use] == ["carrier:1"]
    assert "sip:+4930999@" in await heard_there(floor, "SEEN")
    await call.hang_up()
    ended = await floor.sees(LegEnded)
    assert ended.outcome == "hung-up"


async def test_the_other_side_hangs_up(floor):
    """Then the agent's call is over too."""
    phone = await floor.agent("101")
    call = await phone.dial("0" + number("0"))
    await call.ended()
    assert (await floor.sees(LegEnded)).outcome == "hung-up"


@pytest.mark.parametrize("digit", ENDS)
async def test_nobody_answers(floor, digit):
    """Why is noted, and said to the agent; what is the line's fault goes on to others, of the other trunk first."""
    phone = await floor.agent("102")
    call = await phone.dial("0" + number(digit))
    most = 3 if digit in BLAMED or digit == "5" else 1
    await floor.until(lambda: len(floor.seen(LegFailed)) == most, "tried in vain", within_s=30)
    await call.confirmed()
    await floor.hears(call, SAID.get(digit, f"out-{ENDS[digit]}"))
    await call.ended()
    tries = floor.seen(LegFailed)
    assert [failed.outcome for failed in tries] == [ENDS[digit]] * most
    blamed = {name for name, line in floor.state.lines.items() if line.fault_until}
    assert {name.partition(":")[0] for name in blamed} == BLAMED.get(digit, set())


async def test_the_next_trunk_carries_what_the_first_does_not(floor):
    """One attempt later the call is answered over the other group."""
    phone = await floor.agent("101")
    call = await phone.dial("000493012345680")
    await floor.sees(LegAnswered)
    assert [failed.outcome for failed in floor.seen(LegFailed)] == ["congestion"]
    [leg] = floor.state.legs.values()
    assert [line.partition(":")[0] for line in leg.tried] == ["carrier", "second"]
    await call.ended()


@pytest.mark.parametrize(
    ("dialled", "prompt"),
    [
        ("0009607001234", "out-barred"),
        ("009001234567", "out-premium"),
        ("0123", "out-barred"),
        ("0030" + "3" * 20, "out-no-number"),
    ],
)
async def test_what_may_not_be_called(floor, dialled, prompt):
    """It is said so, and nothing is dialled."""
    phone = await floor.agent("101")
    call = await phone.dial(dialled)
    await floor.hears(call, prompt)
    await call.ended()
    asked = await floor.sees(CallOutAsked)
    assert asked.barred
    assert not floor.seen(LegFailed)
    assert not floor.state.legs


async def test_who_is_not_logged_in_calls_for_help_only(floor):
    """112 goes from any handset at once; anything else does not."""
    phone = await floor.handset("103")
    call = await phone.dial("0" + number("0"))
    await floor.hears(call, "handset-not-logged-in")
    await call.ended()
    call = await phone.dial("112")
    await call.confirmed()
    asked = (await floor.sees(LegAnswered)) and floor.seen(CallOutAsked)[-1]
    assert asked.emergency
    assert "sip:+4930111@" in await heard_there(floor, "HELP")
    await call.ended()


async def test_help_goes_without_callfloor(floor):
    """It is silent, though its port is open: the dialplan dials by itself, with a number that can be called back."""
    phone = await floor.handset("103")
    await asyncio.to_thread(floor.server.instance.cli, "dialplan set global CALLFLOOR_ALIVE 1")
    call = await phone.dial("0112")
    await call.confirmed()
    assert not floor.seen(CallOutAsked)
    assert "sip:+4930111@" in await heard_there(floor, "HELP")
    await call.ended()
    floor.server.switch.take_snapshot()
    await floor.until(lambda: idle(floor), "all lines free")


async def test_a_new_server_finds_the_calls_out(floor):
    """What it knows of them is in the switch: the line stays taken, and the end is told."""
    phone = await floor.agent("101")
    call = await phone.dial("0" + number("6"))
    await call.confirmed()
    await floor.sees(LegAnswered)
    [leg] = floor.state.legs.values()
    before = leg.line
    floor.server.switch.channels.outs._outs.clear()  # as a new process begins
    floor.server.switch.take_snapshot()
    await floor.until(lambda: floor.server.switch.channels.outs.lines == [before], "the call out")
    assert not any(line.in_use for line in floor.state.lines.values())
    await call.hang_up()
    assert (await floor.sees(LegEnded)).outcome == "hung-up"


def fates(floor: Floor) -> tuple[dict[str, str], dict[str, list[str]], Counter]:
    """Of each leg its number's last digit, and all its ends; and the answers to who asked for one."""
    digits, ends, answers = {}, {}, Counter()
    for event, commands in floor.history:
        [dial] = [c for c in commands if isinstance(c, Dial)] or [None]
        if isinstance(event, CallOutAsked):
            [reply] = [c for c in commands if isinstance(c, Reply)]
            answers[reply.answer] += 1
        if dial is not None:
            digits[dial.leg] = dial.number[-1]
            ends.setdefault(dial.leg, [])
        elif isinstance(event, LegFailed) or (isinstance(event, LegEnded) and not ends[event.leg]):
            ends[event.leg].append(event.outcome)
    return digits, ends, answers


async def test_many_calls_of_all_kinds(floor):
    """At random, several at a time: no line over its limit, no leg lost, each ends once and as the provider said."""
    rng = random.Random(LEGS)
    seats = ["101", "102", "103", "104"]
    phones = [await floor.agent(seat) for seat in seats]
    most = Counter()

    def look(_event, _commands):
        for trunk in ("carrier", "second"):
            taken = [n for n, line in floor.state.lines.items() if n.startswith(trunk) and (line.offer or line.in_use)]
            most[trunk] = max(most[trunk], len(taken))

    floor.server.dispatcher.watchers.append(look)

    async def shift(phone):
        for _ in range(LEGS // len(seats)):
            digit = rng.choices("01234589", weights=[8, 3, 2, 0.3, 3, 2, 0.2, 2])[0]
            call = await phone.dial("0" + number(digit))
            await call.ended()

    await asyncio.gather(*map(shift, phones))
    floor.server.dispatcher.watchers.remove(look)
    await floor.until(lambda: not floor.state.legs, "no leg left")
    digits, ends, answers = fates(floor)
    print(f"calls out: {dict(answers)}, ends {Counter(map(tuple, ends.values()))}, most at a time {dict(most)}")
    assert answers["ok"] == len(digits) == len(ends)
    assert answers.total() == LEGS // len(seats) * len(seats)
    assert set(answers) <= {"ok", "no-line"}
    for leg, digit in digits.items():
        assert ends[leg] == [ENDS.get(digit, "hung-up")], leg
    assert all(0 < count <= SLOTS for count in most.values())
    await no_channels(floor.server.instance)
