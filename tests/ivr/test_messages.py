"""What an agent hears of a message, and what his keys do."""

import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from acd.desk.calling import CallOut
from acd.settings import VoicemailSettings
from ivr.desk import Work
from ivr.flow import DialOut, FlowEnded, HangUp, Menu, Play, Recording, performing
from ivr.mailbox import Message
from ivr.message_words import introduction
from ivr.messages import Listening

AT = int(time.mktime((2026, 11, 27, 14, 5, 0, 0, 0, -1)) * 1000)
DAY = 86_400_000
SOUND = Recording("/recordings/m", 23_000)


class Mailbox:
    """Holds one message, or none."""

    def __init__(self, message):
        self.message, self.closed = message, []

    def get(self, _name):
        return self.message

    def path(self, name):
        return f"/recordings/{name}"

    async def close(self, name, seat, code, ask):
        answer = await ask
        self.closed.append((name, seat, code))
        return answer == "ok"


class Desk:
    """Answers every wish the same."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __getattr__(self, wish):
        async def ask(*words):
            self.asked.append((wish, *words))
            return self.answer

        return ask


class Calling:
    """Answers the wish to call a customer back."""

    def __init__(self, out):
        self.out = out

    async def call_back(self, _seat, offer, number):
        assert (offer, number) == ("o", "+48555")
        return self.out


class Agent:
    """Presses keys, one at each menu; hears what is played."""

    def __init__(self, keys):
        self.keys, self.heard = list(keys), []

    async def perform(self, step):
        match step:
            case Menu():
                self.heard.append([*step.prompts])
                key = self.keys.pop(0) if self.keys else None
                return key if key in step.choices else None
            case Play():
                self.heard.append(step.prompt)
            case HangUp():
                raise FlowEnded
            case DialOut():
                self.heard.append(step.dial)
                raise FlowEnded
        return None


class Speaker:
    """Speaks to nobody but the acquaintance."""

    @asynccontextmanager
    async def voice(self):
        yield "voice"


class Acquaintance:
    """Knows who left the message, or does not."""

    def __init__(self, who):
        self.who = who

    async def say(self, call, language, voice):
        assert (call, language, voice) == ("m", "en", "voice")
        return self.who


async def attend(keys, *, answer="ok", codes=None, message="there", out=None, who=None):
    """Go through a message with an agent who presses these; gives agent, mailbox and desk."""
    there = Message(id="m", queue="sales", number="+48555", since=AT, left_at=AT, length_ms=23_000)
    mailbox = Mailbox(there if message else None)
    desk = Desk(answer)
    site = SimpleNamespace(codes=codes or {}, voicemail=VoicemailSettings(defer_ms=60_000))
    calling = Calling(out or CallOut(answer="no-line"))
    house = SimpleNamespace(
        desk=desk,
        site=site,
        calling=calling,
        dispatcher=SimpleNamespace(clock=lambda: AT + 1_000),
        speaker=Speaker(),
        customers=SimpleNamespace(known=Acquaintance(who)),
    )
    listening = Listening(mailbox, house)
    seat = SimpleNamespace(rule=SimpleNamespace(name="101"))
    agent = Agent(keys)
    with performing(agent):
        try:
            await listening.attend(Work(offer="o", call=SimpleNamespace(id="m"), seat=seat, language="en"))
        except FlowEnded:
            agent.heard.append("hung up")
    return agent, mailbox, desk


async def test_who_when_how_long_and_the_message():
    """Then what can be pressed; 1 has the message once more, without the rest."""
    agent, mailbox, _ = await attend("10")
    assert agent.heard == [
        ["message-from", "4 8 5", "5 5", "today", "at 14 05.", "Length: 23 seconds.", SOUND, "message-keys"],
        [SOUND, "message-keys"],
        "hung up",
    ]
    assert mailbox.closed == []


async def test_who_it_is_comes_first():
    """As whom the customer file knows him, before his number."""
    agent, _, _ = await attend("0", who=Recording("/spoken/jan", 2_000))
    assert agent.heard[0][:2] == [Recording("/spoken/jan", 2_000), "message-from"]


async def test_seven_closes_it():
    """At once where there are no codes; else after one was chosen, and not if none was."""
    agent, mailbox, desk = await attend("7")
    assert agent.heard[-1] == "message-closed"
    assert (mailbox.closed, desk.asked) == ([("m", "101", "")], [("close", "101", "o")])
    agent, mailbox, desk = await attend("72", codes={"1": "sold", "2": "complaint"})
    assert mailbox.closed == [("m", "101", "complaint")]
    assert ("code", "101", "complaint") in desk.asked
    agent, mailbox, _ = await attend(["7", None, "0"], codes={"1": "sold"})
    assert (agent.heard[-2:], mailbox.closed) == ([["message-keys"], "hung up"], [])


async def test_seven_of_one_that_is_not_his_any_more():
    """He hears so."""
    agent, _, _ = await attend("7", answer="already")
    assert agent.heard[-1] == "already-answered"


async def test_nine_puts_it_off():
    """For as long as the site says."""
    agent, _, desk = await attend("9")
    assert (agent.heard[-1], desk.asked) == ("message-put-off", [("defer", "101", "o", 60_000)])


async def test_three_calls_the_customer_back():
    """Over the line that the core gives; where it gives none he hears why, and can press another key."""
    out = CallOut(answer="ok", leg="leg-1", line="DAHDI/1", number="48555", ring_ms=1, longest_ms=1)
    agent, mailbox, _ = await attend("3", out=out)
    assert agent.heard[1] == "DAHDI/1/48555"
    assert mailbox.closed == []
    agent, _, _ = await attend("30")
    assert agent.heard[1:] == ["out-no-line", ["message-keys"], "hung up"]


async def test_nobody_is_there():
    """A telephone that lies beside its cradle: the keys are said a few times, then the flow ends."""
    agent, mailbox, _ = await attend("")
    assert [heard for heard in agent.heard if heard == ["message-keys"]] == [["message-keys"]] * 2
    assert mailbox.closed == []


async def test_the_sound_is_gone():
    """An admin removed the file: the agent hears it, and nobody is rung for it for ever."""
    agent, mailbox, _ = await attend("", message=None)
    assert agent.heard == ["message-gone"]
    assert mailbox.closed == [("m", "101", "")]


@pytest.mark.parametrize(
    ("now", "language", "day"),
    [
        (AT + 3_600_000, "en", "today"),
        (AT + DAY, "en", "yesterday"),
        (AT + 9 * DAY, "en", "on November 27"),
        (AT + 3_600_000, "pl", "dzisiaj"),
        (AT + DAY, "pl", "wczoraj"),
        (AT + 9 * DAY, "pl", "27 listopada"),
    ],
)
def test_when(now, language, day):
    """The day as one says it, the time of day apart from it: so few sentences are ever spoken."""
    told = introduction("5", AT, 61_000, now, language)
    assert told[2] == day
    assert "14 05" in told[3]


@pytest.mark.parametrize("number", ["", "anonymous", "\x1b[J"])
def test_a_number_that_is_none(number):
    """It is said that it is not known; nothing a caller wrote is spoken."""
    assert introduction(number, AT, 1_000, AT, "en")[:2] == ["message-from", "message-unknown"]
