"""Parts of chats by themselves: how a contact stands, what waits for a page, the script, the settings."""

import asyncio
import json
import re

import pytest

from acd.channels.chat import protocol as say
from acd.channels.chat.office import Office
from acd.channels.chat.script import script
from acd.channels.chat.standing import places_of, standing_of
from acd.channels.chat.tabs import BYTES_MOST, FRAMES_MOST, Tab
from acd.channels.chat.widget_words import WORDS
from acd.channels.email.templates import Template
from acd.chat_settings import ChatSettings
from acd.core import Core
from acd.core import events as ev
from acd.core.model import WaitMemory
from acd.core.rules import MEDIA, QueueRule, SeatRule
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings

SHOP = ChatSettings(section="shop", queue="sales", origins=("https://a.example",), title="Acme")
SITE = Site(
    general=GeneralSettings(languages=("en", "pl")),
    switch=SwitchSettings(fallback="101"),
    chats={"shop": SHOP},
    seats={"101": SeatSettings(rule=SeatRule(name="101"), agent="Anna", pin="8642", handset="x", language="en")},
)


def core(**rule):
    made = Core()
    queue = QueueRule(name="sales", **rule)
    seat = SeatRule(name="101", queues=("sales",))
    made.decide(ev.Configured(at=1, queues=(queue,), seats=(seat,), media=MEDIA))
    handset = ev.HandsetState(seat="101", reachable=True, busy=False)
    made.decide(ev.Snapshot(at=2, asked=2, calls=(), legs=(), handsets=(handset,)))
    return made


def standing(made, call, office=None, stage="idle"):
    places = places_of(made.state.calls.values())
    return standing_of(made.state, call, office or Office(SITE, []), section="shop", stage=stage, places=places)


def test_places_are_counted_over_all_who_wait_in_the_queue():
    """A caller on the telephone stands before a visitor who came later, and one of another queue does not."""
    made = core()
    made.decide(ev.CallArrived(at=3, call="1.1", queue="sales"))
    made.decide(ev.CallArrived(at=4, call="chat-1", queue="sales", medium="chat"))
    made.decide(ev.CallArrived(at=5, call="chat-2", queue="sales", medium="chat", priority=0))
    assert standing(made, "chat-1") == say.Standing(stage="waiting", position=3)
    assert standing(made, "chat-2") == say.Standing(stage="waiting", position=1)


def test_the_wait_is_told_as_callers_are_told_it():
    """Where it is known, rounded up; and neither it nor the place where the queue tells callers none."""
    made = core()
    made.state.waits["sales"] = WaitMemory(recent=[40_000] * 20)
    made.decide(ev.CallArrived(at=3, call="chat-1", queue="sales", medium="chat"))
    assert standing(made, "chat-1") == say.Standing(
        stage="waiting", position=1, wait_least_ms=60_000, wait_most_ms=60_000
    )
    silent = core(tell_position=False, tell_wait=False)
    silent.state.waits["sales"] = WaitMemory(recent=[40_000] * 20)
    silent.decide(ev.CallArrived(at=3, call="chat-1", queue="sales", medium="chat"))
    assert standing(silent, "chat-1") == say.Standing(stage="waiting")


@pytest.mark.parametrize(("show", "agent"), [(True, "Anna"), (False, "")])
def test_the_agent_is_named_where_the_section_says_so(show, agent):
    """And to no other page is he."""
    made = core()
    made.decide(ev.LogInAsked(at=3, seat="101", pin_matches=True))
    made.decide(ev.CallArrived(at=4, call="chat-1", queue="sales", medium="chat"))
    (offer,) = made.state.offers
    assert standing(made, "chat-1") == say.Standing(stage="waiting", position=1)
    made.decide(ev.OfferAnswered(at=5, offer=offer))
    made.decide(ev.Connected(at=6, offer=offer))
    settings = ChatSettings(**{**{f: getattr(SHOP, f) for f in SHOP.__struct_fields__}, "show_agent": show})
    office = Office(Site(general=SITE.general, switch=SITE.switch, chats={"shop": settings}, seats=SITE.seats), [])
    assert standing(made, "chat-1", office) == say.Standing(stage="talking", agent=agent)


def test_a_contact_that_the_core_does_not_know_stands_as_the_file_says():
    """It is closed, or not begun; and whether the queue is closed is told all the same."""
    made = core()
    assert standing(made, "", stage="closed") == say.Standing(stage="closed")
    made.decide(ev.QueueSet(at=3, queue="sales", closed=True))
    assert standing(made, "") == say.Standing(stage="idle", closed=True)
    made.decide(ev.CallArrived(at=4, call="chat-1", queue="sales", medium="chat"))
    assert standing(made, "chat-1") == say.Standing(stage="waiting", closed=True)


async def read(tab):
    return [json.loads(frame) async for frame in tab.frames()]


@pytest.mark.parametrize("frame", ["x", "x" * (BYTES_MOST // 8)])
async def test_what_waits_for_a_page_is_bounded(frame):
    """By number and by bytes; then it is told why it is closed, and nothing else."""
    tab = Tab(1, "")
    for _ in range(FRAMES_MOST + 1):
        tab.put(frame)
    assert tab.over == "too-slow"
    assert await read(tab) == [{"t": "bye", "why": "too-slow"}]


async def test_a_page_is_told_what_came_before_its_end():
    """In order, and what comes after that is not sent; the first reason is the one."""
    tab = Tab(1, "")
    reading = asyncio.create_task(read(tab))
    await asyncio.sleep(0)
    tab.put('{"n":1}')
    await asyncio.sleep(0)
    tab.put('{"n":2}')
    tab.drop("restart")
    tab.drop("gone")
    tab.put('{"n":3}')
    assert await reading == [{"n": 1}, {"n": 2}, {"t": "bye", "why": "restart"}]


def test_the_script_has_the_words_of_the_sites_languages():
    """The site's own first; a language without words is left out, and where none has any it is English."""
    found = script(SHOP, SITE)
    settings = json.loads(re.search(r"const SETTINGS = (\{.*\});", found)[1])
    assert list(settings["words"]) == ["en", "pl"]
    assert settings["title"] == "Acme"
    other = Site(general=GeneralSettings(language="fi", languages=("fi", "pl")), switch=SITE.switch)
    assert '"words":{"pl"' in script(SHOP, other)
    alone = Site(general=GeneralSettings(language="fi", languages=("fi",)), switch=SITE.switch)
    assert '"words":{"en"' in script(SHOP, alone)


def test_every_language_has_every_word():
    """And the same places in it for what is filled in."""
    places = {name: set(re.findall(r"\{\w+\}", text)) for name, text in WORDS["en"].items()}
    for language, words in WORDS.items():
        assert {name: set(re.findall(r"\{\w+\}", text)) for name, text in words.items()} == places, language


def test_the_script_uses_no_word_that_there_is_not():
    """Nor are there words that nobody says."""
    text = script(SHOP, SITE)
    body = text[text.index("// Words") :]
    fields = {"name", "email", "number"}  # named by their option
    assert set(re.findall(r'said\("(\w+)"', body)) <= set(WORDS["en"])
    assert [word for word in WORDS["en"] if word not in fields and f'"{word}"' not in body] == []


def test_a_line_of_markup_in_a_setting_ends_no_script():
    """Signs that an old engine takes for the end of a line, or a browser for the end of a script, are escaped."""
    evil = ChatSettings(section="shop", queue="sales", origins=(), title="</script>\u2028\u2029<!--")
    found = script(evil, SITE)
    assert "</script" not in found
    assert "<!--" not in found
    assert "\u2028" not in found
    assert json.loads(re.search(r"const SETTINGS = (\{.*\});", found)[1])["title"] == evil.title


def test_what_a_page_says_by_itself_is_no_reply_to_pick():
    """Greeting and closing words are the page's; the rest an agent picks, in a language that there is."""
    templates = [Template(name, "en", "", "", f"{name} ${{customer}}\n") for name in ("greeting", "closed", "hours")]
    office = Office(SITE, templates)
    assert office.choices("sales", "pl") == ["hours"]
    assert office.said("hours", "sales", "pl", customer="<b>Jan</b>\n") == "hours <b>Jan</b>"
    assert office.said("none", "sales", "en") is None
