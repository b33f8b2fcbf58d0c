"""Calling out through the desk: numbers judged, caps that hold over restarts of a real journal, what is dialled."""

import random
from collections import Counter

import pytest

from acd.core.events import (
    CallArrived,
    CallOutAsked,
    CallTransferred,
    Connected,
    LegEnded,
    LogInAsked,
    OfferAnswered,
    OfferEnded,
    Started,
)
from acd.desk.calling import CallingDesk
from acd.dispatcher import Dispatcher
from acd.journal import Journal
from acd.site import load_site
from acd.site_changes import configured
from tests.acd.rig import LOOK, Switch
from tests.acd.test_numbers import IRSF, disguised

ACD = """
[general]
language = en
languages = en
[switch]
fallback = 101
[sales]
type = queue
caller_id = +4930999
[support]
type = queue
caller_id = +4930888
[101]
type = seat
agent = Anna Nowak
pin = 80617
queues = sales, support
emergency_id = +4930777
location = room 12
[102]
type = seat
agent = Ben Carter
pin = 80618
[lines]
type = lines
lines = one*40
numbers = national
keep_emergency = 1
[calling-out]
country = DE
lines = lines
caller_id = +4930111
allow = DE, GB, US
number_day_most = 3
seat_hour_most = 20
hour_most = 30
rates = + 10
spend_day_most = 2500
longest = 5m
"""


@pytest.fixture
def site(tmp_path):
    """Give the settings."""
    (tmp_path / "acd.conf").write_text(ACD)
    return load_site(tmp_path)


class House:
    """A dispatcher over a journal on disk, with its desk; it can be started again."""

    def __init__(self, site, folder):
        self.site, self.folder, self.now, self.runs = site, folder, 1_800_000_000_000, 0
        self.seen = []
        self.journal = None
        self.start()

    def start(self):
        if self.journal is not None:
            self.dispatcher.close()
            self.journal.close()
        self.runs += 1
        self.journal = Journal(self.folder)
        self.dispatcher = Dispatcher(self.journal.restore(), self.journal, Switch([]), clock=lambda: self.now)
        self.dispatcher.watchers.append(lambda event, commands: self.seen.append((event, commands)))
        self.dispatcher.submit(Started(run=f"r{self.runs}"), configured(self.site), LOOK)
        for seat in self.site.seats:
            self.dispatcher.submit(LogInAsked(seat=seat, pin_matches=True))
        self.desk = CallingDesk(self.dispatcher, lambda: self.site)

    def seat(self, name):
        return self.site.seats.get(name)


@pytest.fixture
async def house(site, tmp_path):
    """Give it, and close it."""
    made = House(site, tmp_path / "journal")
    yield made
    made.dispatcher.close()
    made.journal.close()


async def test_what_is_dialled_and_shown(house):
    """The prefix is taken off, the line's way of writing is used, the number of the queue is shown."""
    out = await house.desk.call_out(house.seat("101"), "c1", "0" + "0044 20 7946 0958")
    assert (out.answer, out.number, out.line, out.caller_id) == ("ok", "00442079460958", "one:1", "+4930999")
    assert house.dispatcher.core.state.legs[out.leg].number == "+442079460958"
    out = await house.desk.call_out(house.seat("102"), "c3", "0" + "0301234567")
    assert (out.number, out.caller_id) == ("0301234567", "+4930111")


async def test_the_number_of_the_queue_that_he_talks_for(house):
    """While he talks to a caller, and over the next line, too, whoever's channel calls; and for one he gave away."""
    house.dispatcher.submit(CallArrived(call="1.1", queue="support", caller="030555"))
    [offer] = house.dispatcher.core.state.offers
    house.dispatcher.submit(OfferAnswered(offer=offer), Connected(offer=offer))
    out = await house.desk.call_out(house.seat("101"), "2.2", "0" + "0301234567")
    assert (out.answer, out.caller_id) == ("ok", "+4930888")
    out = await house.desk.failed(house.seat("101"), "2.2", out.leg, "congestion", 34)
    assert (out.answer, out.caller_id) == ("ok", "+4930888")
    house.dispatcher.submit(
        CallTransferred(call="1.1", seat="101", to="00301234568"), OfferEnded(offer=offer, outcome="hung-up")
    )
    out = await house.desk.call_out(house.seat("101"), "1.1", "0" + "0301234568")
    assert (out.answer, out.caller_id) == ("ok", "+4930888")
    out = await house.desk.call_out(house.seat("101"), "3.3", "0" + "0301234569")
    assert (out.answer, out.caller_id) == ("ok", "+4930999")


@pytest.mark.parametrize("dialled", ["112", "0112"])
async def test_help(house, dialled):
    """With the prefix or without it; with the number by which help finds the place; from a handset of no seat too."""
    out = await house.desk.call_out(house.seat("101"), "c1", dialled)
    assert (out.answer, out.number, out.caller_id) == ("ok", "112", "+4930777")
    out = await house.desk.call_out(None, "c2", dialled)
    assert (out.answer, out.number, out.caller_id) == ("ok", "112", "+4930111")


async def test_an_agent_who_hung_up_at_once(house):
    """The answer finds nobody, and dials nothing."""

    def gone(event, _commands):
        if isinstance(event, CallOutAsked):
            legs = house.dispatcher.core.state.legs
            house.dispatcher.submit(*(LegEnded(leg=leg, outcome="cancelled") for leg in list(legs)))

    house.dispatcher.watchers.append(gone)
    out = await house.desk.call_out(house.seat("101"), "c1", "0" + "0301234567")
    assert (out.answer, out.leg) == ("over", "")


async def test_two_thousand_attempts_and_twenty_restarts(house):
    """Nothing of fraud goes out; what may go out does so up to the caps and not once more, restarts or not."""
    rng = random.Random(4)
    went, refused = [], Counter()
    for attempt in range(2_000):
        if attempt % 100 == 99:
            house.start()
        seat = rng.choice(["101", "101", "101", "102"])
        fraud = rng.random() < 0.6
        if fraud:
            dialled = "0" + disguised(rng, rng.choice(IRSF) + "".join(rng.choices("0123456789", k=7)))
        else:
            dialled = f"0030{rng.randint(1_000_000, 1_000_060)}"
        house.now += rng.choice([0, 10, 1_000, 30_000, 120_000])
        out = await house.desk.call_out(house.seat(seat), f"c{attempt}", dialled)
        if out.answer == "ok":
            assert not fraud, dialled
            went.append((house.now, seat, out.number))
            if rng.random() < 0.9:
                house.now += rng.randint(0, 20_000)
                house.dispatcher.submit(LegEnded(leg=out.leg, outcome="cancelled"))
        else:
            refused[out.answer] += 1
    assert house.runs == 21
    assert len(went) > 100
    assert {"barred", "cap-site", "cap-seat", "cap-number"} <= set(refused)
    hour, day = 3_600_000, 86_400_000
    for at, seat, number in went:
        recent = [one for one in went if at - hour < one[0] <= at]
        assert len(recent) <= 30
        assert sum(one[1] == seat for one in recent) <= 20
        assert sum(one[2] == number for one in went if at - day < one[0] <= at) <= 3
    assert not house.dispatcher.all_alarms
