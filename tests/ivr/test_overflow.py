"""Where callers go whose wait is over, and what becomes of those whose place does not exist any more."""

import time

import pytest

from ivr.actions import read_actions
from ivr.flow import (
    Caller,
    FlowEnded,
    GetVariable,
    HandOver,
    HangUp,
    Play,
    Record,
    Recording,
    StepError,
    Transfer,
    performing,
)
from ivr.flows.voicemail import file_name, voicemail
from ivr.overflow import overflow_flow

SITE = [Play("sorry-try-later"), HangUp()]


class Channel:
    """Performs steps on a channel that has these variables; HandOver knows two flows."""

    def __init__(self, recorded=None, **variables):
        self.variables, self.recorded = variables, recorded
        self.steps = []

    async def perform(self, step):
        if isinstance(step, GetVariable):
            return self.variables.get(step.name)
        self.steps.append(step)
        if isinstance(step, HandOver) and step.name not in {"voicemail", "menu:main"}:
            raise StepError("there is no such flow")
        if isinstance(step, HandOver | Transfer | HangUp):
            raise FlowEnded
        return self.recorded if isinstance(step, Record) else None


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


def at(tmp_path, length_ms):
    (tmp_path / "said.wav").write_bytes(b"sound")
    return Channel(Recording(str(tmp_path / "said"), length_ms), ACD_QUEUE="sales", ACD_REASON="full")


async def test_a_message_is_kept_and_thanked_for(tmp_path):
    """The recording stays under the name that says queue, time and number."""
    channel = at(tmp_path, 5_000)
    with performing(channel), pytest.raises(FlowEnded):
        await voicemail(Caller(number="+48 555 0201", uniqueid="17.4"))
    [record] = [step for step in channel.steps if isinstance(step, Record)]
    assert record.name.startswith("voicemail-sales-")
    assert record.name.endswith("-485550201-17_4")
    assert channel.steps[-2:] == [Play("voicemail-end"), HangUp()]
    assert (tmp_path / "said.wav").exists()


async def test_no_message_leaves_no_file(tmp_path):
    """Who says nothing for a second hears so, and nothing is kept."""
    channel = at(tmp_path, 900)
    with performing(channel), pytest.raises(FlowEnded):
        await voicemail(Caller())
    assert Play("voicemail-none") in channel.steps
    assert not (tmp_path / "said.wav").exists()


@pytest.mark.parametrize("number", ["../../etc/passwd", "5\n6", "%s${SHELL(x)}", "9" * 500])
def test_no_caller_chooses_a_path(number):
    """Whatever number the line delivers, the name is one that `Record` takes: no path, no blank, not too long."""
    name = file_name("sa/les", Caller(number=number, uniqueid="1/2"), time.gmtime(0))
    assert Record(name=name).name == name
    assert name.startswith("voicemail-sales-19700101-000000-")
