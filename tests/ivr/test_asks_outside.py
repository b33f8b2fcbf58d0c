"""An agent asks a number outside by the keys of the switch: his seat calls, on a channel that is not its own."""

import pytest

from acd.core.events import CallOutAsked, LegEnded
from acd.site import load_site
from ivr.calling_out import CallingOut
from ivr.flow import Caller, DialOut, FlowEnded, GetVariable, GoOn, performing
from tests.acd.test_calling_desk import ACD, House

HALF = "Local/00301234567@acd-transfer-00000001;2"


class Channel:
    """Performs the steps of a flow on a channel that has these variables."""

    def __init__(self, **variables):
        self.variables, self.steps = variables, []

    async def perform(self, step):
        if isinstance(step, GetVariable):
            return self.variables.get(step.name)
        self.steps.append(step)
        if isinstance(step, DialOut | GoOn):
            raise FlowEnded
        return None


@pytest.fixture
async def house(tmp_path):
    """Give a dispatcher with its desk, of a site that calls out."""
    (tmp_path / "acd.conf").write_text(ACD)
    made = House(load_site(tmp_path), tmp_path / "journal")
    yield made
    made.dispatcher.close()
    made.journal.close()


async def runs(house, flow, channel):
    """A flow's steps on the channel that dials for the agent; his channel is named after his seat."""

    def seat_of(name):
        return house.seat(name.removeprefix("PJSIP/").rpartition("-")[0])

    caller = Caller(channel=HALF, uniqueid="7.2", headers={"extension": "outside-00301234567"})
    with performing(channel), pytest.raises(FlowEnded):
        await CallingOut(house.desk, seat_of, lambda: "en").flows()[f"handset/{flow}"](caller)
    return channel.steps


def asked(house):
    """Who was to pay for it, and on which channel, of each wish."""
    return [(event.seat, event.channel) for event, _ in house.seen if isinstance(event, CallOutAsked)]


async def test_his_seat_calls(house):
    """By its rights and at its caps; the line is the channel's that dials, until that says that it is over."""
    [dial] = await runs(house, "give-out", Channel(TRANSFERERNAME="PJSIP/101-00000009"))
    assert (dial.dial, dial.line, dial.caller_id) == ("PJSIP/0301234567@one", "one:1", "+4930999")
    assert asked(house) == [("101", "7.2")]
    [leg] = house.dispatcher.core.state.legs.values()
    assert (leg.seat, leg.line, leg.number) == ("101", "one:1", "+49301234567")
    house.dispatcher.submit(LegEnded(leg=leg.id, outcome="hung-up"))
    assert not house.dispatcher.core.state.legs


async def test_who_gave_last_calls(house):
    """One whom another agent had asked is given on: it is the call of who gave him."""
    [_dial] = await runs(
        house, "give-out", Channel(TRANSFERERNAME="PJSIP/101-00000009", BLINDTRANSFER="PJSIP/102-0000000a")
    )
    assert asked(house) == [("102", "7.2")]


@pytest.mark.parametrize(
    "name",
    ["", "PJSIP/101", "101", "PJSIP/carrier-00000001", "PJSIP/101@carrier-00000001", 'PJSIP/x" <0900123456>-1', HALF],
)
async def test_a_channel_of_no_seat_calls_nobody(house, name):
    """Whatever a name says: nothing is dialled, and the dialplan goes on, where he has his caller again."""
    assert await runs(house, "give-out", Channel(TRANSFERERNAME=name)) == [GoOn()]
    assert not house.dispatcher.core.state.legs


async def test_the_next_line(house):
    """It is tried in his seat's name, with the number that was shown before, as often as the site allows."""
    channel = Channel(TRANSFERERNAME="PJSIP/101-00000009")
    [first] = await runs(house, "give-out", channel)
    channel.variables |= {"ACD_LEG": first.leg, "DIALSTATUS": "CONGESTION", "HANGUPCAUSE": "34"}
    steps = [(await runs(house, "dialled", channel))[-1] for _ in range(3)]
    assert [(step.line, step.caller_id) for step in steps[:2]] == [("one:2", "+4930999"), ("one:3", "+4930999")]
    assert steps[2] == GoOn()
    assert not house.dispatcher.core.state.legs


async def test_nobody_answers_there(house):
    """Nothing is said on that channel, and it is not answered: by an answer the caller could be put through to it."""
    channel = Channel(TRANSFERERNAME="PJSIP/101-00000009")
    [dial] = await runs(house, "give-out", channel)
    channel.variables |= {"ACD_LEG": dial.leg, "DIALSTATUS": "BUSY", "HANGUPCAUSE": "17"}
    assert await runs(house, "dialled", channel) == [dial, GoOn()]
