"""`callfloor up` as a program: killed, stopped, started again, while Asterisk and all who telephone live on."""

import signal

import msgspec
import pytest

from acd.status import Status
from tests.live.people import WITHIN_S
from tests.live.program import looks, talking, waiting
from tests.live.testsite import PIN

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


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
        await site.shows(lambda status, served=number: served in talking(status))  # or it would be a refusal
        await leg.hang_up()
    await site.shows(lambda status: not waiting(status))


async def test_who_sits_where_outlives_it(site):
    """An agent who logged in at a phone of nobody is rung there by the next server too, and logs out there."""
    lobby = await site.phone("lobby")
    keys = (("handset-seat-number", "101#"), ("handset-pin", f"{PIN}#"))
    assert (await site.dials("lobby", "*11", *keys))[-1] == "handset-ready"
    await site.shows(lambda status: looks(status)["101"] == "ready")
    await site.down()
    await site.up()
    caller, number = await site.waiter()
    leg = await site.rings("lobby")
    assert number in leg.remote
    await leg.answer()
    await site.talk(caller, leg)
    await leg.hang_up()
    await site.shows(lambda status: looks(status)["101"] == "ready")
    assert await site.dials("lobby", "*12") == ["handset-logged-out"]
    assert lobby.calls == []


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
    await site.handsets["104"].unregister()  # or the next one who falls back would be rung for, and not try again


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
