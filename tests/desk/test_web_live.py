"""Live events: who hears what, in which order, and what becomes of those who were away or do not keep up."""

import contextlib

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from acd.core import events as ev
from acd.core.model import State
from acd.desk.web import live
from acd.desk.web.access import Principal
from acd.desk.web.events import TOO_SLOW
from acd.desk.web.live import Live
from tests.channels.mail_house import until
from tests.desk.web_house import MAIL, WebHouse


@pytest.fixture
async def house(tmp_path):
    async with WebHouse(tmp_path) as house:
        yield house


async def test_numbers_and_going_on_after_a_lost_connection(house):
    """Each event has a later number; who names his last one gets what he missed and no more; else he is told so."""
    boss = house.token("supervisor")
    async with house.listens(boss.headers) as page:
        hello = await page.hears("hello")
        await house.bring(MAIL)
        waits = await page.hears("contact-waits")
        assert waits["seq"] > hello["seq"]
    house.dispatcher.submit(ev.CallArrived(call="1.1", queue="support", caller="5550100"))
    async with house.listens(boss.headers, after=f"{hello['run']}:{waits['seq']}") as page:
        assert (await page.hears("hello"))["resumed"] is True
        missed = await page.hears("contact-waits")
        assert (missed["call"], missed["medium"]) == ("1.1", "voice")
    for gone in ("0000:1", f"{hello['run']}:999999", "nonsense"):
        async with house.listens(boss.headers, after=gone) as page:
            assert (await page.hears("hello"))["resumed"] is False


async def test_what_concerns_ones_own_seat_and_queues(house):
    """An agent hears of his seat, his queues and their figures; not of others; calls are seen as well as mails."""
    program = house.token("agent", seat="102")
    async with house.listens(program.headers) as page:
        await page.hears("hello")
        house.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales", caller="5550100"))
        house.dispatcher.submit(ev.CallArrived(call="1.2", queue="support", caller="5550100"))
        assert (await page.hears("contact-waits"))["call"] == "1.2"
        figures = await page.hears("queue")
        assert (figures["queue"], figures["waiting"]) == ("support", 1)
        await house.desk.log_in("102", "9753")
        assert (await page.hears("seat", look="ringing"))["seat"] == "102"
        house.dispatcher.submit(ev.CallEnded(call="1.2"))
        assert (await page.hears("contact-over"))["call"] == "1.2"


async def test_who_does_not_keep_up_is_let_go(house, monkeypatch):
    """When too much waits for a reader he is told that he was too slow; others hear on."""
    program = house.token("read")
    async with house.listens(program.headers) as slow, house.listens(program.headers) as other:
        await slow.hears("hello")
        await other.hears("hello")
        first = house.web._live._readers[0]
        for number in range(live.LAG_MOST + 1):  # in one go: nothing is sent meanwhile
            first.tell(live.Told(number, "", "sales", {"type": "test"}))
        with pytest.raises(ConnectionClosed) as closed:
            await slow.hears("never")
        assert closed.value.rcvd.code == TOO_SLOW
        house.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
        await other.hears("contact-waits")
    await until(lambda: not house.web._live._readers)


async def test_so_many_and_no_more(house):
    """One token has a few connections; the next one is refused, and room is made by one that leaves."""
    program = house.token("read")
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(house.listens(program.headers)) for _ in range(live.EACH_MOST)]
        with pytest.raises(InvalidStatus):
            async with house.listens(program.headers):
                pass
        await opened[0].socket.close()
        await until(lambda: len(house.web._live._readers) == live.EACH_MOST - 1)
        async with house.listens(program.headers) as page:
            await page.hears("hello")


async def test_the_buffer_is_bounded():
    """What is older than the buffer cannot be told any more."""
    state = State()
    told = Live(lambda: state, lambda: 0)
    reader = told.join(Principal(name="x", scopes=frozenset({"read"}), key="x"))
    for number in range(live.BUFFER + 10):
        told.watch(ev.CallArrived(call=str(number), queue="sales"), [])
        reader.waiting.get_nowait()
    assert len(told.missed(reader, told.run, 10)) == live.BUFFER
    assert told.missed(reader, told.run, 9) is None
    told.stop()
