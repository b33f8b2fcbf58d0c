"""Several phones ring for one caller: exactly one gets him, whatever the race.

The switch is told directly what a core would tell it; nobody is logged in, so the core itself offers nothing, and takes
what it hears of these offers for late words about offers that are gone.
"""

import asyncio
from itertools import count

import pytest
import pytest_asyncio

from acd.core import commands as cmd
from acd.core.events import Connected, OfferAnswered, OfferEnded, OfferRinging
from tests.live.floor import Floor, open_floor
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SEATS = ("101", "102", "103", "104", "105")
ROUNDS = 12
MORE = """
[general](+)
snapshot_interval = 1h
[105](seat)
agent = Eva Lang
queues = support
"""
numbers = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, prompt_cache):
    """Give a floor with five seats, whose phones are registered."""
    folder = write_site(tmp_path_factory.mktemp("ring-all") / "site", acd=MORE)
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        for seat in SEATS:
            await floor.handset(seat)
        yield floor


class Round:
    """One caller for whom all phones ring."""

    def __init__(self, floor: Floor, call: str) -> None:
        self.floor, self.call = floor, call
        self.offers = {seat: f"offer-all-{next(numbers)}" for seat in SEATS}
        self.seats = {offer: seat for seat, offer in self.offers.items()}
        for seat, offer in self.offers.items():
            floor.server.switch.offer(cmd.Offer(offer=offer, call=call, seat=seat, ring_ms=10_000, shared=True))

    def named(self, kind, **fields):
        """Which seats an event of this kind was about."""
        seen = self.floor.seen(kind, **fields)
        return [self.seats[event.offer] for event in seen if event.offer in self.seats]

    def withdraw(self, *seats):
        for seat in seats:
            self.floor.server.switch.withdraw(cmd.Withdraw(offer=self.offers[seat], call=self.call))

    async def rung(self):
        await self.floor.until(lambda: set(self.named(OfferRinging)) == set(SEATS), "all phones ring")
        return {seat: await self.floor.rings(seat) for seat in SEATS}

    async def over(self, *seats):
        await self.floor.until(lambda: set(seats) <= set(self.named(OfferEnded)), f"{seats} released")


async def ring_all(floor):
    """Have a caller wait, and all phones ring for him."""
    call, own = await floor.waiter()
    return call, Round(floor, floor.call(own).id)


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_of_several_who_answer_at_once_one_has_him(floor, number):
    """Two or three pick up in the same instant: one is joined and stays, all others are free and no phone rings on."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    quick = [SEATS[(number + step) % 5] for step in range(2 + number % 2)]
    await asyncio.gather(*(phones[seat].answer() for seat in quick))
    await floor.until(lambda: bool(rung.named(Connected)), "somebody joined")
    [winner] = rung.named(Connected)
    losers = [seat for seat in SEATS if seat != winner]
    rung.withdraw(*losers)
    await rung.over(*losers)
    await asyncio.gather(*(phones[seat].ended() for seat in losers))
    await floor.talk(call, phones[winner])
    assert winner in quick
    assert rung.named(Connected) == rung.named(OfferAnswered) == [winner]
    assert rung.named(OfferEnded, outcome="withdrawn") == rung.named(OfferEnded)
    assert winner not in rung.named(OfferEnded)
    await phones[winner].hang_up()
    await floor.hears(call, "goodbye")  # he goes on to what follows a talk, not back to the queue
    assert rung.named(OfferEnded, outcome="hung-up") == [winner]


async def test_all_five_answer_by_themselves(floor):
    """Phones that answer as they begin to ring: one is joined before any withdrawal could come, four hear why not."""
    for seat in SEATS:
        await floor.handsets[seat].on_call(answer_after_ms=0)
    call, rung = await ring_all(floor)
    phones = {seat: await floor.rings(seat) for seat in SEATS}
    await floor.until(lambda: bool(rung.named(Connected)), "somebody joined")
    [winner] = rung.named(Connected)
    late = [seat for seat in SEATS if seat != winner]
    rung.withdraw(*late)
    await rung.over(*late)
    assert rung.named(Connected) == [winner]
    assert rung.named(OfferEnded, outcome="withdrawn") == rung.named(OfferEnded)
    await floor.talk(call, phones[winner])


async def test_who_answers_too_late_hears_so(floor):
    """Without a withdrawal, and with one that meets him on the phone, the second is told that the call is answered."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    await phones["101"].answer()
    await floor.until(lambda: rung.named(Connected) == ["101"], "the first joined")
    for seat in ("102", "103"):
        await phones[seat].answer()
        await floor.hears(phones[seat], "already-answered")
    rung.withdraw("102", "103", "104", "105")
    await rung.over("102", "103", "104", "105")
    await floor.talk(call, phones["101"])
    assert rung.named(Connected) == ["101"]


async def test_the_caller_hangs_up_while_all_ring(floor):
    """Who answers then hears that the caller is gone, the others are withdrawn; nothing is left."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    await call.hang_up()
    await floor.until(lambda: not floor.state.calls, "the caller gone")
    await phones["103"].answer()
    await floor.hears(phones["103"], "caller-gone")
    rung.withdraw(*SEATS)
    await rung.over(*SEATS)
    assert rung.named(Connected) == []


@pytest.mark.parametrize("number", range(6))
async def test_the_caller_hangs_up_as_they_answer(floor, number):
    """A hang-up in the very instant of two answers leaves nobody in a bridge and no channel behind."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    await asyncio.gather(phones["101"].answer(), call.hang_up(), phones[SEATS[1 + number % 4]].answer())
    await floor.until(lambda: not floor.state.calls, "the caller gone")
    rung.withdraw(*SEATS)
    await rung.over(*SEATS)
    await asyncio.gather(*(phone.ended() for phone in phones.values()))


@pytest.mark.parametrize("number", range(6))
async def test_all_is_withdrawn_as_they_answer(floor, number):
    """Withdrawn in the instant of two answers: nobody has him in the end, he waits on, and the next offer gets him."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    picked_up = asyncio.gather(phones["101"].answer(), phones["102"].answer(), return_exceptions=True)
    await asyncio.sleep(number * 0.002)
    rung.withdraw(*SEATS)
    await picked_up  # one that was withdrawn already cannot be
    await rung.over(*SEATS)
    await floor.hears(call, "music")
    again = Round(floor, rung.call)
    phones = await again.rung()
    await phones["104"].answer()
    await floor.until(lambda: again.named(Connected) == ["104"], "joined by the next offer")
    again.withdraw(*(seat for seat in SEATS if seat != "104"))
    await floor.talk(call, phones["104"])


async def test_one_of_them_alone_is_withdrawn(floor):
    """A shared offer that is taken back leaves the others as they are: that phone is still, another one gets him."""
    call, rung = await ring_all(floor)
    phones = await rung.rung()
    rung.withdraw("102")
    await rung.over("102")
    assert rung.named(OfferEnded) == ["102"]
    await phones["105"].answer()
    await floor.until(lambda: rung.named(Connected) == ["105"], "joined")
    rung.withdraw("101", "103", "104")
    await floor.talk(call, phones["105"])


async def test_one_offer_after_all_and_all_after_one(floor):
    """Offers to one seat and to all may follow each other for a caller; none is spoilt by what the others left."""
    call, rung = await ring_all(floor)
    await rung.rung()
    rung.withdraw(*SEATS)
    await rung.over(*SEATS)
    alone = cmd.Offer(offer="offer-alone-1", call=rung.call, seat="101", ring_ms=10_000)
    floor.server.switch.offer(alone)
    phone = await floor.rings("101")
    await phone.answer()
    await floor.sees(Connected, offer="offer-alone-1")
    await floor.talk(call, phone)


async def test_the_gate_holds_where_looking_and_taking_lie_far_apart(tmp_path, prompt_cache):
    """With 200 ms between the look at the mark and its taking, in which all five answer, still exactly one has him."""
    take = " same => n,Set(SHARED(ACD_TALK,${ACD_CALLER})=${ACD_OFFER})\n same => n,Set(SHARED(ACD_RUNG"
    slow = {take: f" same => n,Wait(0.2)\n{take}"}
    folder = write_site(tmp_path / "site", acd=MORE, changes=slow)
    async with open_floor(folder, tmp_path / "house", prompt_cache) as floor:
        floor.begin()
        for seat in SEATS:
            await (await floor.handset(seat)).on_call(answer_after_ms=0)
        call, rung = await ring_all(floor)
        phones = {seat: await floor.rings(seat) for seat in SEATS}
        await floor.until(lambda: bool(rung.named(Connected)), "somebody joined")
        [winner] = rung.named(Connected)
        await rung.over(*(seat for seat in SEATS if seat != winner))  # each by itself: nothing was withdrawn
        assert rung.named(Connected) == [winner]
        await floor.talk(call, phones[winner])
        await floor.clear()
