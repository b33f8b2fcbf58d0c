"""The feature codes, as an agent hears them, and the words they are made of."""

import asyncio
from typing import get_args

import pytest
from structlog.testing import capture_logs

from acd.core.commands import Answer as DeskAnswer
from acd.core.commands import SeatLook
from acd.core.rules import SeatRule
from acd.desk.agents import Figures
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings
from ivr import flow as steps
from ivr.codes import ACTIONS
from ivr.flow import Caller, performing
from ivr.handset import Handset
from ivr.phrases import TEXTS

OTHERWISE_TESTED = {"my-state", "figures", "queues", "next-call", "pull", "listen", "pick-up"}

REASONS = {"1": "break", "2": "lunch", "3": "training", "4": "back office"}


def seat(name, agent, handset, language="en"):
    return SeatSettings(rule=SeatRule(name=name), agent=agent, pin="4711", handset=handset, language=language)


def site_of(*seats, reasons=REASONS):
    return Site(
        general=GeneralSettings(),
        switch=SwitchSettings(fallback=""),
        seats={each.rule.name: each for each in seats},
        pause_reasons=reasons,
        codes={"1": "sold", "2": "complaint"},
    )


SITE = site_of(
    seat("101", "Anna Nowak", "PJSIP/101"),
    seat("102", "Ben Carter", "PJSIP/desk-two"),
    seat("104", "Dawid Kowalski", "PJSIP/104", "pl"),
    seat("105", "Eva Braun", "DAHDI/1", "de"),
)


class Floor:
    """A desk that answers as it is told, remembers what was asked, and lets a seat be looked at."""

    def __init__(self, *answers: DeskAnswer, look: SeatLook = "logged-out", after: SeatLook | None = None):
        self.answers = list(answers)
        self.shown, self.after = look, after
        self.reason = ""
        self.queue = (0, 0)
        self.did = Figures(calls=0, talk_ms=0, average_ms=0, wrap_up_ms=0, occupancy=None)
        self.asked = []

    async def _ask(self, *what):
        self.asked.append(what)
        answer = self.answers.pop(0)
        if answer == "ok" and self.after is not None:
            self.shown = self.after
        return answer

    async def log_in(self, seat, pin, phone=""):
        return await self._ask("log_in", seat, pin, *([phone] if phone else []))

    def at_phone(self, phone):
        return phone if self.shown != "logged-out" else ""

    async def log_out(self, seat):
        return await self._ask("log_out", seat)

    async def ready(self, seat):
        return await self._ask("ready", seat)

    async def pause(self, seat, reason):
        self.reason = reason
        return await self._ask("pause", seat, reason)

    async def end_wrap_up(self, seat):
        return await self._ask("end_wrap_up", seat)

    async def extend_wrap_up(self, seat):
        return await self._ask("extend_wrap_up", seat)

    async def code(self, seat, code):
        return await self._ask("code", seat, code)

    def look(self, seat):
        return self.shown

    def pause_reason(self, seat):
        return self.reason

    def waiting(self, seat):
        return self.queue

    def figures(self, seat):
        return self.did


class Telephone:
    """Performs steps: notes what is heard, and presses what it was told to."""

    def __init__(self, *keys):
        self.keys = list(keys)
        self.heard = []
        self.language = "en"
        self.answered = False

    async def perform(self, step):
        match step:
            case steps.Answer():
                self.answered = True
            case steps.SetLanguage(language):
                self.language = language
            case steps.Play(prompt):
                assert self.answered
                self.heard.append(TEXTS[prompt][self.language])
            case steps.Say(text):
                assert self.answered
                self.heard.append(text)
            case steps.Menu() | steps.Collect():
                self.heard += [TEXTS.get(prompt, {}).get(self.language, prompt) for prompt in step.prompts]
                key = self.keys.pop(0)
                assert not isinstance(step, steps.Menu) or key in {None, *step.choices}
                return key
            case _:
                raise AssertionError(f"a handset flow has no business with {step}")
        return None


def ignore(*_note):
    """Watch nothing."""


async def dial(action, floor, *keys, channel="PJSIP/101-00000012", extension="", site=SITE, watch=ignore, **caller):
    """Run a feature code; what the agent heard."""
    phone = Telephone(*keys)
    with performing(phone):
        await Handset(floor, floor, lambda: site, watch).flows()[f"handset/{action}"](
            Caller(channel=channel, headers={"extension": extension}, **caller)
        )
    assert phone.keys == []
    return phone.heard


# ----------------------------------------------------------------------------------------------------- whose seat it is


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("PJSIP/101-00000012", "101"),
        ("PJSIP/desk-two-0000abcd", "102"),
        ("DAHDI/1-1", "105"),
    ],
)
async def test_the_seat_is_that_of_the_calling_handset(channel, name):
    """The channel's name without its running number is the handset, dashes and all."""
    floor = Floor("ok", look="ready", after="logged-out")
    await dial("log-out", floor, channel=channel)
    assert floor.asked == [("log_out", name)]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "channel", ["PJSIP/trunk-00000001", "PJSIP/1011-00000001", "PJSIP/101", "101", "", "-", "x\n-1"]
)
async def test_a_handset_of_no_seat_can_do_nothing(action, channel):
    """Whoever calls and whatever his caller ID says: without a seat of his own he hears so, and nothing is asked."""
    floor = Floor(look="ready")
    heard = await dial(action, floor, channel=channel, number="101", name="PJSIP/101-00000012", dialled="101")
    assert heard == ["This telephone does not belong to a seat."]
    assert floor.asked == []


async def test_settings_loaded_anew_count_from_the_next_call_on():
    """A seat that moved to another handset is found there."""
    floor = Floor("ok", look="ready")
    await dial("ready", floor, channel="PJSIP/new-1", site=site_of(seat("101", "Anna Nowak", "PJSIP/new")))
    assert floor.asked == [("ready", "101")]


# ------------------------------------------------------------------------------------------------------------- log in


async def test_logging_in():
    """PIN asked, handed to the desk, and the agent hears as whom and how he is logged in."""
    floor = Floor("ok", after="ready")
    heard = await dial("log-in", floor, "4711")
    assert floor.asked == [("log_in", "101", "4711")]
    assert heard == ["Please enter your PIN, then press hash.", "You are logged in as Anna Nowak.", "You are ready."]


async def test_a_wrong_pin_is_asked_again_and_then_locked():
    """Three wrong ones: the same words each time, the third answer of the desk is the lock, and nothing follows it."""
    floor = Floor("wrong-pin", "wrong-pin", "locked")
    heard = await dial("log-in", floor, "1", "2", "3")
    assert heard[1] == heard[3] == "That did not work."
    assert heard[5:] == [TEXTS["handset-locked"]["en"]]


async def test_one_call_has_three_tries_whatever_the_lock():
    """A seat whose rule allows a hundred tries is still not guessed at in one call."""
    floor = Floor(*["wrong-pin"] * 3)
    assert len(await dial("log-in", floor, "1", "2", "3")) == 6
    assert len(floor.asked) == 3


async def test_no_pin_is_no_try():
    """Who presses nothing has not tried: the desk is not asked."""
    floor = Floor()
    assert (await dial("log-in", floor, None))[-1] == "Nothing was changed."
    assert floor.asked == []


async def test_a_watcher_is_told_how_each_code_went():
    """That it was dialled comes first, then the desk's answers in order; a phone of no seat is none of its business."""
    told = []

    def watch(*note):
        told.append(note)

    await dial("log-in", Floor("wrong-pin", "ok", after="ready"), "1", "4711", watch=watch)
    await dial("my-state", Floor(look="ready"), watch=watch)
    await dial("log-in", Floor(), channel="PJSIP/999-1", watch=watch)
    assert told == [
        ("101", "log-in", "dialled"),
        ("101", "log-in", "wrong-pin"),
        ("101", "log-in", "ok"),
        ("101", "my-state", "dialled"),
    ]


async def test_that_no_pin_came_is_told_of_one_who_waits_and_of_one_who_hangs_up():
    """A phone whose keys do not get through looks like both, so both are noted and logged."""
    told = []

    class HangsUp(Telephone):
        async def perform(self, step):
            if isinstance(step, steps.Collect):
                raise asyncio.CancelledError
            return await super().perform(step)

    def watch(*note):
        told.append(note)

    floor = Floor()
    with capture_logs() as logs:
        await dial("log-in", floor, None, watch=watch)
        with performing(HangsUp()), pytest.raises(asyncio.CancelledError):
            await Handset(floor, floor, lambda: SITE, watch).flows()["handset/log-in"](
                Caller(channel="PJSIP/101-00000012", headers={})
            )
    assert told == [("101", "log-in", "dialled"), ("101", "log-in", "no-pin")] * 2
    assert [line["answer"] for line in logs] == ["no-pin"] * 2


async def test_logged_in_already_is_said_without_asking_for_the_pin():
    """No PIN is asked for what is so already."""
    floor = Floor(look="paused")
    assert await dial("log-in", floor) == ["You are already logged in."]
    assert floor.asked == []


@pytest.mark.parametrize("answer", get_args(DeskAnswer))
async def test_a_pin_is_in_no_log_line_and_in_nothing_spoken(answer):
    """The digits go to the desk and nowhere else."""
    floor = Floor(*[answer] * 3, after="ready")
    with capture_logs() as logs:
        heard = await dial("log-in", floor, *["80706050"] * (3 if answer == "wrong-pin" else 1))
    assert logs
    assert "80706050" not in repr(logs) + repr(heard)


# ------------------------------------------------------------------------------------------------------ the other codes


@pytest.mark.parametrize(
    ("action", "answer", "after", "heard"),
    [
        ("log-out", "ok", "logged-out", "You are logged out."),
        ("log-out", "later", "talking", "You will be logged out when your present call is over."),
        ("log-out", "not-logged-in", "logged-out", "You are not logged in. To log in, dial star 1 1."),
        ("ready", "ok", "ready", "You are ready."),
        ("ready", "already", "ready", "You are already ready."),
        ("ready", "later", "talking", "You will be ready when your present call is over."),
        ("ready", "unknown-seat", "logged-out", "This telephone does not belong to a seat."),
        ("end-wrap-up", "ok", "ready", "You are ready."),
        ("end-wrap-up", "ok", "paused", "You are on pause."),
        ("end-wrap-up", "already", "ready", "You are not in wrap-up."),
        ("pause", "later", "wrap-up", "You will be on pause when your present call and wrap-up are over."),
    ],
)
async def test_what_became_of_a_wish_is_said(action, answer, after, heard):
    """Done: the state it led to. Not done, or not yet: why, or when."""
    keys = ["1"] if action in {"pause", "code"} else []
    assert (await dial(action, Floor(answer, look="wrap-up", after=after), *keys))[-1] == heard


@pytest.mark.parametrize("channel", ["PJSIP/101-1", "PJSIP/104-1"])
@pytest.mark.parametrize("answer", get_args(DeskAnswer))
@pytest.mark.parametrize("action", sorted(set(ACTIONS) - OTHERWISE_TESTED))
async def test_every_answer_is_said_in_every_language(action, answer, channel):
    """Whatever the desk answers to whatever wish, the agent hears a phrase, in English or Polish."""
    login = action == "log-in"
    floor = Floor(*[answer] * 3, look="logged-out" if login else "ready", after="ready")
    keys = {"pause": ["1"], "code": ["1"], "log-in": ["1"] * (3 if answer == "wrong-pin" else 1)}.get(action, [])
    heard = await dial(action, floor, *keys, channel=channel)
    assert heard[-1]


@pytest.mark.parametrize("look", get_args(SeatLook))
async def test_every_look_of_a_seat_can_be_said(look):
    """However the seat stands, *16 has words for it."""
    assert await dial("my-state", Floor(look=look))


async def test_own_figures_are_told():
    """*19: calls, talk, average, wrap-up, occupancy; without calls, or logged out, what there is."""
    floor = Floor(look="ready")
    floor.did = Figures(calls=12, talk_ms=2_400_000, average_ms=200_000, wrap_up_ms=600_000, occupancy=62)
    assert await dial("figures", floor) == [
        "Calls of today: 12.",
        "You talked for 40 minutes.",
        "On average for 3 minutes 20 seconds.",
        "Wrap-up took 10 minutes.",
        "Since you logged in you have been busy for 62 percent of the time.",
    ]
    assert (await dial("figures", floor, channel="PJSIP/104-1"))[0] == "Dzisiejsze rozmowy: 12."
    assert await dial("figures", Floor()) == ["You have had no calls today."]


async def test_a_pause_asks_for_its_reason():
    """The reasons of the site are read out, the digit is one of them, and the pause is told with it."""
    floor = Floor("ok", look="ready", after="paused")
    heard = await dial("pause", floor, "2")
    assert floor.asked == [("pause", "101", "lunch")]
    assert heard == [
        "Why do you pause? For break, press 1. For lunch, press 2. For training, press 3. For back office, press 4.",
        "You are on pause: lunch.",
    ]


async def test_a_reason_can_be_dialled_with_the_code():
    """*141 asks nothing."""
    floor = Floor("ok", look="ready", after="paused")
    assert await dial("pause", floor, extension="*141") == ["You are on pause: break."]
    assert floor.asked == [("pause", "101", "break")]


@pytest.mark.parametrize("extension", ["*149", "*14", "*1411", "141", "*14\n1", "*14${X}", "*14\u0661"])
async def test_a_digit_that_is_no_reason_leads_to_the_menu(extension):
    """Anything else behind the code is as if it had not been dialled."""
    floor = Floor("ok", look="ready", after="paused")
    assert len(await dial("pause", floor, "3", extension=extension)) == 2
    assert floor.asked == [("pause", "101", "training")]


async def test_no_reason_chosen_changes_nothing():
    """Who presses nothing stays as he was, and hears so."""
    floor = Floor(look="ready")
    assert (await dial("pause", floor, None))[-1] == "Nothing was changed."
    assert floor.asked == []


async def test_a_site_without_reasons_pauses_at_once():
    """Nothing to choose, nothing asked."""
    floor = Floor("ok", look="ready", after="paused")
    assert await dial("pause", floor, site=site_of(*SITE.seats.values(), reasons={})) == ["You are on pause."]
    assert floor.asked == [("pause", "101", "")]


async def test_a_pause_before_log_in_is_refused_before_the_menu():
    """Nobody chooses a reason in vain."""
    heard = await dial("pause", Floor(look="logged-out"))
    assert heard == ["You are not logged in. To log in, dial star 1 1."]


async def test_an_agent_set_aside_hears_why_and_what_to_do():
    """A pause that the distributor made is told as such."""
    floor = Floor(look="paused")
    floor.reason = "not-answering"
    heard = await dial("my-state", floor)
    assert heard[1] == TEXTS["handset-set-aside"]["en"]
    assert heard[2] == "No calls are waiting."


async def test_a_language_without_phrases_is_spoken_to_in_english():
    """Words and voice stay together: no English sentence is read by a German voice."""
    phone = Telephone()
    with performing(phone):
        await Handset(Floor(look="ready"), Floor(look="ready"), lambda: SITE).flows()["handset/my-state"](
            Caller(channel="DAHDI/1-1")
        )
    assert phone.language == "en"
    assert phone.heard[1] == "You are ready."
