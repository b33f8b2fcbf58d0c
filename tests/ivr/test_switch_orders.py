"""What Asterisk says in an order, or at a moment, that the adapter must not fall over."""

import asyncio
from contextlib import suppress

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from ivr.ami import LinkError, Message
from ivr.channels import Channels
from ivr.switch import AmiSettings, AmiSwitch

NOW = 1_800_000_000_000
HOUR = 3_600_000


def said(kind, /, **headers):
    """A message of the switch; `_` in a name stands for nothing, as names of headers have none."""
    return Message({"Event": kind, **headers})


def arrival(Channel="X/1", **headers):  # noqa: N803 - a header
    """A caller comes into the queue sales."""
    known = {"Channel": Channel, "Context": "acd-hold", "Uniqueid": "1.1", "UserEvent": "CallArrived"}
    return said("UserEvent", **known, Queue="sales", **headers)


class FakeLink:
    """A link whose answers a test gives when it likes."""

    def __init__(self):
        self.lost = asyncio.get_running_loop().create_future()
        self.sent = []
        self.asked = []
        self.open = asyncio.Queue()
        self.clock = NOW

    def send(self, action, **headers):
        self.sent.append((action, headers))
        return asyncio.get_running_loop().create_future()

    def tell(self, action, **headers):
        self.send(action, **headers)

    async def ask(self, action, **headers):
        if action == "Getvar":
            return [Message({"Response": "Success", "Value": str(self.clock)})]
        if action == "CoreStatus":
            born = {"CoreStartupDate": "2027-01-15", "CoreStartupTime": "08:00:00"}
            return [Message({"Response": "Success", **born})]
        if action == "Setvar":
            self.sent.append((action, headers))
            return [Message({"Response": "Success"})]
        answer = asyncio.get_running_loop().create_future()
        self.asked.append(action)
        self.open.put_nowait((action, answer))
        return await answer

    async def answer(self, *lines, whole=True):
        """Answer the next question."""
        async with asyncio.timeout(5):
            action, answer = await self.open.get()
        refusal = Message({"Response": "Error", "Message": "Permission denied"})
        answer.set_result([*lines, said(f"{action}Complete") if whole else refusal])
        for _ in range(5):
            await asyncio.sleep(0)

    def close(self):
        if not self.lost.done():
            self.lost.set_result("closed")


@pytest.fixture
async def switch():
    """Give an adapter with a link, and what it submitted."""
    told = []
    made = AmiSwitch(
        AmiSettings(host="127.0.0.1", port=1, user="u", secret="s"),
        {"101": "PJSIP/101"},
        submit=lambda *events: told.extend(events),
        clock=lambda: NOW,
    )
    made.told = told
    made._link = FakeLink()
    made.connected.set()
    yield made
    for task in made._tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*made._tasks)


async def test_a_refused_list_is_not_an_empty_one(switch):
    """A switch that will not say what it holds ends no call: the link is given up instead."""
    link = switch._link
    switch.take_snapshot()
    await link.answer(whole=False)
    assert switch.told == []
    assert link.lost.done()


async def test_an_answer_that_outlives_its_link_is_not_believed(switch):
    """The link broke while the answer was being read: sight is not restored by it."""
    link = switch._link
    switch.take_snapshot()
    await link.answer()
    await asyncio.sleep(0)
    switch._lose_link()
    await link.answer()
    assert switch.told == [ev.SwitchLost()]


async def test_many_wishes_for_a_look_become_two_looks(switch):
    """One that is under way, asked for before the last wish, and one after it."""
    link = switch._link
    for _ in range(100):
        switch.take_snapshot()
    await asyncio.sleep(0)
    for _ in range(100):
        switch.take_snapshot()
    for _ in range(4):
        await link.answer()
    assert link.asked == ["Status", "DeviceStateList"] * 2
    assert len(switch.told) == 2


async def test_an_offer_for_a_caller_whom_the_switch_does_not_know_asks_for_a_look(switch):
    """A caller who exists in our books only must not be offered to every seat in turn until the next look."""
    switch.offer(cmd.Offer(offer="offer-t-1", call="ghost", seat="101", ring_ms=15_000))
    assert switch.told == [ev.OfferEnded(offer="offer-t-1", outcome="failed")]
    await asyncio.sleep(0)
    assert switch._link.asked == ["Status"]


async def test_the_sign_of_life_is_told_in_the_switches_own_time(switch):
    """The dialplan compares it with Asterisk's clock, which may not be ours: a step of either harms no caller."""
    switch._link.clock = NOW + HOUR
    await switch._keep_alive(switch._link)
    assert switch._link.sent == [
        ("Setvar", {"Variable": "GLOBAL(CALLFLOOR_ALIVE)", "Value": str((NOW + HOUR) // 1000)})
    ]


@pytest.mark.parametrize("ahead_ms", [0, HOUR, -HOUR])
async def test_a_wait_is_as_long_as_the_switch_says_whatever_its_clock_shows(switch, ahead_ms):
    """A caller met by a look waited three seconds by the switch's clock, so he waited three seconds."""
    switch._link.clock = NOW + ahead_ms
    await switch._keep_alive(switch._link)
    arrived = NOW + ahead_ms - 3_000
    line = said(
        "Status",
        Uniqueid="1.1",
        Channel="PJSIP/trunk-1",
        Context="acd-hold",
        Variable=["ACD_QUEUE=sales", f"ACD_ARRIVED={arrived}"],
    )
    switch.take_snapshot()
    await switch._link.answer(line)
    await switch._link.answer()
    [snapshot] = switch.told
    assert snapshot.calls[0].since == NOW - 3_000
    assert switch.channels.take(arrival(Since=str(arrived)), NOW)[0].since == NOW - 3_000


async def test_a_leg_that_nobody_waits_for_is_hung_up(switch):
    """An Originate that lay in a stalled switch until our link was gone rings nobody."""
    switch._on_event(said("Newchannel", Uniqueid="offer-old-1", Channel="PJSIP/101-1"))
    assert switch._link.sent == [("Hangup", {"Channel": "offer-old-1", "Cause": "16"})]


@pytest.mark.parametrize(("age_ms", "lives"), [(5, True), (14_999, True), (15_000, False)])
async def test_a_leg_that_never_comes_to_be_is_given_up_with_its_ring(switch, age_ms, lives):
    """An Originate without channel and without answer holds neither the seat nor the caller for ever."""
    switch.channels.take(arrival(), NOW)
    switch.offer(cmd.Offer(offer="offer-t-1", call="1.1", seat="101", ring_ms=15_000))
    with switch.channels.meanwhile() as meanwhile:
        pass
    legs = switch.channels.snapshot(NOW + age_ms, [], [], meanwhile).legs
    assert [leg.offer for leg in legs] == (["offer-t-1"] if lives else [])


def test_an_agent_who_calls_in_himself_is_busy_until_he_hangs_up():
    """His channel is a caller and a handset's own call at once."""
    channels = Channels({"101": "PJSIP/101"})
    own = {"Uniqueid": "1.1", "Channel": "PJSIP/101-1"}
    [begun] = channels.take(said("Newchannel", **own), NOW)
    assert begun.busy
    channels.take(arrival(Channel="PJSIP/101-1"), NOW)
    line = said("Status", Context="acd-hold", Variable="ACD_QUEUE=sales", **own)
    with channels.meanwhile() as meanwhile:
        pass
    assert channels.snapshot(NOW, [line], [], meanwhile).handsets[0].busy
    ended, freed = channels.take(said("Hangup", **own), NOW)
    assert ended == ev.CallEnded(call="1.1")
    assert not freed.busy


async def test_a_lost_link_ends_a_question(switch):
    """Who asks for a look hears of it as of any fault of the link."""
    with pytest.raises(LinkError):
        await asyncio.gather(switch._snapshot(switch._link), switch._link.answer(whole=False))


async def test_a_fault_of_our_own_does_not_leave_the_server_blind(switch, monkeypatch):
    """A session that ends by an exception that nobody thought of is followed by the next one."""
    sessions = []
    again = asyncio.Event()

    async def fail():
        sessions.append(1)
        if len(sessions) > 1:
            again.set()
        raise KeyError("a bug")

    monkeypatch.setattr(switch, "_session", fail)
    running = asyncio.create_task(switch.run())
    async with asyncio.timeout(20):
        await again.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_snapshot_that_cannot_be_read_ends_the_link(switch, monkeypatch):
    """A look that failed by a fault of our own is made again, with a new link."""
    link = switch._link
    monkeypatch.setattr(switch.channels, "snapshot", lambda *_: {}["a bug"])
    switch.take_snapshot()
    await link.answer()
    await link.answer()
    assert link.lost.done()
