"""What message lamps show: messages in the queues of who sits at a phone; told once, and anew after a lost link."""

import asyncio
from types import SimpleNamespace

import pytest

from acd.core import Core
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from ivr.message_lamps import keep_lit, messages_at

AT = 1_800_000_000_000


class House:
    """A core that is told things."""

    def __init__(self):
        self.core = Core()
        self.now = AT
        seats = (
            SeatRule(name="101", queues=("sales",)),
            SeatRule(name="102", queues=("sales", "support")),
            SeatRule(name="103"),
        )
        self.tell(ev.Started(run="t"))
        self.tell(ev.Configured(queues=(QueueRule(name="sales"), QueueRule(name="support")), seats=seats))

    def tell(self, event):
        self.now += 1
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        self.core.decide(type(event)(**{**fields, "at": self.now}))

    def arrive(self, call, queue, medium="voicemail"):
        self.tell(ev.CallArrived(call=call, queue=queue, medium=medium))

    def shown(self):
        return messages_at(self.core.state, "voicemail")


def test_a_phone_shows_what_waits_for_its_seat():
    """Of the queues that it serves, each message once; callers and callbacks are no messages."""
    house = House()
    house.arrive("a", "sales")
    house.arrive("b", "support")
    house.arrive("c", "sales", "voice")
    house.arrive("d", "sales", "callback")
    assert house.shown() == {"101": 1, "102": 2, "103": 0}
    house.tell(ev.CallEnded(call="a", reason="done"))
    assert house.shown() == {"101": 0, "102": 1, "103": 0}


def test_who_sits_elsewhere_has_them_there():
    """His own phone shows none, or those of who sits there; and when he goes all is as before."""
    house = House()
    house.arrive("a", "support")
    house.tell(ev.LogInAsked(seat="102", pin_matches=True, phone="lobby"))
    assert house.shown() == {"101": 0, "102": 0, "103": 0, "lobby": 1}
    house.tell(ev.LogOutAsked(seat="102"))
    house.tell(ev.LogInAsked(seat="102", pin_matches=True, phone="101"))
    assert house.shown() == {"101": 1, "102": 0, "103": 0}
    house.tell(ev.LogOutAsked(seat="102"))
    assert house.shown() == {"101": 0, "102": 1, "103": 0}


@pytest.mark.asyncio
async def test_what_has_changed_is_told(monkeypatch):
    """And all of it when there is a new link."""
    monkeypatch.setattr("ivr.message_lamps.LOOK_S", 0.01)
    house, told = House(), []

    def link():
        return SimpleNamespace(send=lambda _action, **headers: told.append(tuple(headers["Variable"])))

    switch = SimpleNamespace(link=None)
    task = asyncio.create_task(keep_lit(switch, lambda: house.core.state, "voicemail"))
    await asyncio.sleep(0.05)
    assert told == []
    switch.link = link()
    await asyncio.sleep(0.05)
    assert sorted(told) == [(f"ACD_LAMP={seat}", "ACD_MESSAGES=0") for seat in ("101", "102", "103")]
    told.clear()
    house.arrive("a", "support")
    await asyncio.sleep(0.05)
    assert told == [("ACD_LAMP=102", "ACD_MESSAGES=1")]
    switch.link = link()
    await asyncio.sleep(0.05)
    assert len(told) == 4
    task.cancel()
