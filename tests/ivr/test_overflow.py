"""Where callers go whose wait is over, and what becomes of those whose place does not exist any more."""

import pytest

from ivr.actions import read_actions
from ivr.flow import (
    Caller,
    FlowEnded,
    GetVariable,
    HandOver,
    HangUp,
    LeaveMessage,
    Play,
    SetVariable,
    StepError,
    Transfer,
    performing,
)
from ivr.flows.voicemail import voicemail
from ivr.overflow import overflow_flow

SITE = [Play("sorry-try-later"), HangUp()]


class Channel:
    """Performs steps on a channel that has these variables; HandOver knows two flows."""

    def __init__(self, *, left=False, **variables):
        self.variables, self.left = variables, left
        self.steps = []

    async def perform(self, step):
        if isinstance(step, GetVariable):
            return self.variables.get(step.name)
        self.steps.append(step)
        if isinstance(step, HandOver) and step.name not in {"voicemail", "menu:main"}:
            raise StepError("there is no such flow")
        if isinstance(step, HandOver | Transfer | HangUp):
            raise FlowEnded
        return self.left if isinstance(step, LeaveMessage) else None


async def sent(to):
    channel = Channel(ACD_TO=to)
    with performing(channel), pytest.raises(FlowEnded):
        await overflow_flow(read_actions("play sorry-try-later, hangup"))(Caller())
    return channel.steps


@pytest.mark.parametrize(
    ("to", "steps"),
    [
        ("", SITE),
        (None, SITE),
        ("voicemail", [HandOver("voicemail")]),
        ("flow voicemail", [HandOver("voicemail")]),
        ("menu main", [HandOver("menu:main")]),
        ("number 101", [Transfer("101")]),
        ("flow gone", [HandOver("gone"), *SITE]),
        ("number 1;2", SITE),
        ("somewhere", SITE),
        ("voicemail 7", SITE),
        ("menu", SITE),
    ],
)
async def test_each_place(to, steps):
    """A place that exists takes the caller; any other text leads to the site's overflow, never to a dead end."""
    assert await sent(to) == steps


@pytest.mark.parametrize(
    ("variables", "queue", "said"),
    [
        ({"ACD_QUEUE": "sales"}, "sales", "voicemail-end"),
        ({"ACD_QUEUE": "sales", "ACD_MESSAGE_FOR": "support"}, "support", "voicemail-end"),
        ({}, "", "voicemail-none"),
    ],
)
async def test_whom_a_message_is_for(variables, queue, said):
    """The queue that is named, else the one he waited in, else the site's; he is told whether there is a message."""
    channel = Channel(left=said == "voicemail-end", **variables)
    with performing(channel), pytest.raises(FlowEnded):
        await voicemail(Caller())
    [message] = [step for step in channel.steps if isinstance(step, LeaveMessage)]
    assert message.queue == queue
    assert channel.steps[-2:] == [Play(said), HangUp()]


def test_the_action_voicemail():
    """It is a last word, may name a queue that must exist, and is no menu."""
    plain, named = read_actions("voicemail"), read_actions("play sorry-try-later, voicemail sales")
    assert plain.steps == (HandOver("voicemail"),)
    assert named.steps[1:] == (SetVariable("ACD_MESSAGE_FOR", "sales"), HandOver("voicemail"))
    assert ("queue", "sales") in named.references
    assert named.is_final
    assert plain.menu is named.menu is None
    for wrong in ("voicemail sales support", "voicemail Sales", "voicemail, hangup"):
        with pytest.raises(ValueError, match=r"voicemail|Sales|hangup"):
            read_actions(wrong)
