"""The agent's desk on a keypad: what the feature codes do, as flows.

An agent dials a code, hears how it went, and is hung up; everything is said in the seat's language. The dialplan sends
code by code to `AGI(agi://.../handset/ACTION)`; `ivr.codes` is the table of them.

Which seat it is follows from the phone that calls, `PJSIP/101-00000012` -> `PJSIP/101`: Asterisk names the channel
after the endpoint that authenticated. A caller ID can be set by anybody and is not looked at. It is the seat that has
logged in at that phone, or the one whose own it is. A phone that is none of the site is told so.

What an agent wants goes to the `Desk`, which knows the rules; this file only asks and tells. A PIN is handed on and
kept nowhere: in no log, no variable, no text. Whatever was wrong about a log-in, the words are the same.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog
from msgspec.structs import replace

from acd.core.commands import Answer as DeskAnswer
from acd.core.commands import SeatLook
from acd.core.floor import NOT_ANSWERING
from acd.core.rules import SeatRule
from acd.desk.agents import Figures
from acd.ports import Desk
from acd.settings import SeatSettings, Site
from ivr import phrases, phrases_desk
from ivr.codes import ACTIONS, CODES, Action
from ivr.flow import Answer, Caller, Flow, FlowFunction, Menu, Play, Say, SetLanguage
from ivr.handset_login import HandsetNote, LogIn
from ivr.handset_queues import QueueKeeper, QueueMenu
from ivr.handset_waiting import Introduce, WaitingView, ask_pull, seat_behind, tell_next
from ivr.listen import TalkView, ask_listen

log = structlog.get_logger()

_REASON_CODE = re.compile(r"\*[0-9]{2}([0-9])")
"""A feature code has two digits; a third one, as in *141, is the reason, or the code of a call."""

_REPLIES: Mapping[DeskAnswer, str] = {
    "later": "handset-later",
    "wrong-pin": "handset-wrong-pin",
    "locked": "handset-locked",
    "not-logged-in": "handset-not-logged-in",
    "already": "handset-already",
    "unknown-seat": "handset-no-seat",
    "nobody-waits": "handset-none-waiting",
    "nobody-rings": "handset-not-ringing",
    "not-served": "handset-not-served",
    "unable": "handset-unable",
    "taken": "handset-taken",
}
_OWN_REPLIES: Mapping[tuple[Action, DeskAnswer], str] = {
    ("log-in", "already"): "handset-already-logged-in",
    ("log-out", "later"): "handset-later-log-out",
    ("ready", "already"): "handset-already-ready",
    ("ready", "later"): "handset-later-ready",
    ("pause", "later"): "handset-later-pause",
    ("end-wrap-up", "already"): "handset-no-wrap-up",
    ("more-wrap-up", "already"): "handset-no-wrap-up",
    ("code", "already"): "handset-no-call-to-code",
    ("pull", "already"): "handset-pulled",
    ("pick-up", "already"): "handset-pulled",
}


class SeatView(WaitingView, TalkView, Protocol):
    """What can be told of a seat. A seat that is unknown looks logged out."""

    def look(self, seat: str) -> SeatLook:
        """Tell how it stands."""

    def at_phone(self, phone: str) -> str:
        """Tell which seat is logged in at a phone; empty if none is."""

    def pause_reason(self, seat: str) -> str:
        """Tell why it is paused; empty if it is not, or for no reason."""

    def figures(self, seat: str) -> Figures:
        """Tell what it did today."""


class Handset:
    """The feature codes of one site.

    Args:
        desk: fulfils what agents want.
        view: tells how seats stand.
        site: gives the settings of the moment; asked at every call, for they may have been loaded anew.
        watch: is told what happens: seat, action and note.
        keeper: closes and opens queues; without it nobody can, by telephone.
        leg_of: names the channel of an offer, for who listens.
        introduce: says whose call is next, to whom `*21` tells of it.

    """

    def __init__(
        self,
        desk: Desk,
        view: SeatView,
        site: Callable[[], Site],
        watch: Callable[[str, Action, HandsetNote], None] = lambda _seat, _action, _note: None,
        keeper: QueueKeeper | None = None,
        *,
        leg_of: Callable[[str], str] = str,
        introduce: Introduce = lambda _call, _language: asyncio.sleep(0),
    ) -> None:
        self._desk = desk
        self._view = view
        self._site = site
        self._watch = watch
        self._leg_of, self._introduce = leg_of, introduce
        self._log_in = LogIn(desk, site, self._tell, self._note)
        self._queue_menu = QueueMenu(keeper, site) if keeper is not None else None

    def flows(self) -> dict[str, Flow]:
        """Give the flow of each action, by its route: `handset/log-in` ..."""
        acts: Mapping[Action, Callable[[SeatSettings, Caller], Awaitable[None]]] = {
            "log-out": self._log_out,
            "ready": self._ready,
            "pause": self._pause,
            "end-wrap-up": self._end_wrap_up,
            "more-wrap-up": self._more_wrap_up,
            "code": self._code,
            "my-state": self._my_state,
            "figures": self._figures,
            "queues": self._queues,
            "next-call": self._next_call,
            "pull": self._pull,
            "listen": self._listen,
            "pick-up": self._pick_up,
        }
        return {
            f"handset/{action}": Flow(f"handset/{action}", self._at_seat(action, acts.get(action, _nothing)))
            for action in ACTIONS
        }

    def _at_seat(self, action: Action, act: Callable[[SeatSettings, Caller], Awaitable[None]]) -> FlowFunction:
        async def run(caller: Caller) -> None:
            await Answer()
            phone = self._phone_of(caller.channel)
            if phone is None:
                log.warning("handset of no seat", channel=caller.channel)
                await Play("handset-no-seat")
                return
            here, own = self._view.at_phone(phone), self._site().seats.get(phone)
            seat = self._site().seats.get(here or phone)
            if seat is not None and (here or action == "log-in" or self._view.look(phone) == "logged-out"):
                self._watch(seat.rule.name, action, "dialled")
            await SetLanguage(_known(seat.language if seat is not None else self._site().phones[phone].language))
            if action == "log-in":
                await self._log_in.run(phone, own, here)
            elif seat is None or (not here and self._view.look(phone) != "logged-out"):  # at work elsewhere
                await Play("handset-not-logged-in")
            elif CODES[action].who == "agent" or await self._may(action, seat):
                await act(seat, caller)

        return run

    async def _may(self, action: Action, seat: SeatSettings) -> bool:
        """Tell whoever may not do this why: logged out, or no supervisor."""
        if self._view.look(seat.rule.name) == "logged-out":
            await self._tell(action, seat, "not-logged-in")
        elif not seat.supervisor:
            log.warning("handset of no supervisor", action=action, seat=seat.rule.name)
            await Play("handset-no-supervisor")
        else:
            return True
        return False

    def seat_of(self, channel: str) -> SeatSettings | None:
        """Say which seat is at the phone of a channel; None for what is no phone of the site.

        Where nobody is, that is a seat without a name. For help it is where the phone is, whosever the seat.
        """
        phone, site = self._phone_of(channel), self._site()
        where = None if phone is None else site.seats.get(phone) or site.phones.get(phone)
        if phone is None or where is None:
            return None
        at_home = phone if self._view.look(phone) == "logged-out" else ""
        seat = site.seats.get(self._view.at_phone(phone) or at_home)
        if seat is None:
            seat = SeatSettings(
                rule=SeatRule(name=""), agent="", pin="", handset=where.handset, language=where.language
            )
        return replace(seat, location=where.location, emergency_id=where.emergency_id)

    def _phone_of(self, channel: str) -> str | None:
        """Name the phone that calls: a seat's own has the seat's name."""
        device, site = channel.rpartition("-")[0], self._site()
        own = next((name for name, seat in site.seats.items() if seat.handset == device), None)
        return own or next((name for name, phone in site.phones.items() if phone.handset == device), None)

    async def _log_out(self, seat: SeatSettings, _caller: Caller) -> None:
        await self._tell("log-out", seat, await self._desk.log_out(seat.rule.name))

    async def _ready(self, seat: SeatSettings, _caller: Caller) -> None:
        await self._tell("ready", seat, await self._desk.ready(seat.rule.name))

    async def _end_wrap_up(self, seat: SeatSettings, _caller: Caller) -> None:
        await self._tell("end-wrap-up", seat, await self._desk.end_wrap_up(seat.rule.name))

    async def _pause(self, seat: SeatSettings, caller: Caller) -> None:
        if self._view.look(seat.rule.name) == "logged-out":
            await self._tell("pause", seat, "not-logged-in")
            return
        reasons = self._site().pause_reasons
        reason = await _chosen(caller, reasons, phrases.reason_menu(reasons, language_of(seat)))
        if reason is not None:
            await self._tell("pause", seat, await self._desk.pause(seat.rule.name, reason))

    async def _more_wrap_up(self, seat: SeatSettings, _caller: Caller) -> None:
        await self._tell("more-wrap-up", seat, await self._desk.extend_wrap_up(seat.rule.name))

    async def _code(self, seat: SeatSettings, caller: Caller) -> None:
        if self._view.look(seat.rule.name) == "logged-out":
            await self._tell("code", seat, "not-logged-in")
            return
        codes = self._site().codes
        code = await _chosen(caller, codes, phrases.code_menu(codes, language_of(seat)))
        if code is not None:
            await self._tell("code", seat, await self._desk.code(seat.rule.name, code))

    async def _my_state(self, seat: SeatSettings, _caller: Caller) -> None:
        name, language = seat.rule.name, language_of(seat)
        if self._view.look(name) == "logged-out":
            await Play("handset-logged-out")
            return
        await Say(phrases.logged_in_as(seat.agent, language))
        await self._tell_look(seat)
        count, longest_ms = self._view.waiting(name)
        if count:
            await Say(phrases.calls_waiting(count, language))
            await Say(phrases.longest_wait(longest_ms, language))
        else:
            await Play("handset-none-waiting")

    async def _figures(self, seat: SeatSettings, _caller: Caller) -> None:
        language, figures = language_of(seat), self._view.figures(seat.rule.name)
        await Say(phrases_desk.calls_taken(figures.calls, language))
        if figures.calls:
            await Say(phrases_desk.talk_time(figures.talk_ms, language))
            await Say(phrases_desk.average_talk(figures.average_ms, language))
            await Say(phrases_desk.wrap_up_time(figures.wrap_up_ms, language))
        if figures.occupancy is not None:
            await Say(phrases_desk.occupancy(figures.occupancy, language))

    async def _queues(self, seat: SeatSettings, _caller: Caller) -> None:
        if self._queue_menu is None:
            await Play("handset-no-supervisor")
        else:
            await self._queue_menu.run(seat, language_of(seat))

    async def _next_call(self, seat: SeatSettings, _caller: Caller) -> None:
        if self._view.look(seat.rule.name) == "logged-out":
            await self._tell("next-call", seat, "not-logged-in")
        else:
            await tell_next(self._view, seat.rule.name, language_of(seat), self._introduce)

    async def _pull(self, seat: SeatSettings, _caller: Caller) -> None:
        answer = await ask_pull(self._desk, self._site, seat, language_of(seat))
        if answer == "ok":
            self._note("pull", seat.rule.name, answer)
            await Play("handset-pulled")
        elif answer is not None:
            await self._tell("pull", seat, answer)

    async def _pick_up(self, seat: SeatSettings, caller: Caller) -> None:
        of = seat_behind(caller.headers.get("extension", ""), self._site().seats)
        answer = await self._desk.pick_up(seat.rule.name, of)
        log.info("call picked up by telephone", seat=seat.rule.name, of=of, answer=answer)
        if answer == "ok":
            self._note("pick-up", seat.rule.name, answer)
            await Play("handset-pulled")
        else:
            await self._tell("pick-up", seat, answer)

    async def _listen(self, seat: SeatSettings, _caller: Caller) -> None:
        await ask_listen(self._view, seat.rule.name, self._site().seats, self._leg_of)

    async def _tell(self, action: Action, seat: SeatSettings, answer: DeskAnswer) -> None:
        """Say how a wish was met. After "ok" that is the state it led to, as the distributor has it."""
        self._note(action, seat.rule.name, answer)
        if answer == "ok":
            await self._tell_look(seat)
        else:
            await Play(_OWN_REPLIES.get((action, answer), _REPLIES[answer]))

    def _note(self, action: Action, seat: str, note: HandsetNote) -> None:
        log.info("handset", action=action, seat=seat, answer=note)
        self._watch(seat, action, note)

    async def _tell_look(self, seat: SeatSettings) -> None:
        look = self._view.look(seat.rule.name)
        reason = self._view.pause_reason(seat.rule.name) if look == "paused" else ""
        if reason == NOT_ANSWERING:
            await Play("handset-set-aside")
        elif reason:
            await Say(phrases.paused_for(reason, language_of(seat)))
        else:
            await Play(f"handset-{look}")


async def _chosen(caller: Caller, words: Mapping[str, str], menu: str) -> str | None:
    """Give the word of the digit that was dialled with the code, or is pressed now; None when nothing was chosen."""
    dialled = _REASON_CODE.fullmatch(caller.headers.get("extension", ""))
    digit = dialled[1] if dialled else None
    if words and digit not in words:
        digit = await Menu(menu, choices=tuple(words))
        if digit is None:
            await Play("handset-unchanged")
            return None
    return words.get(digit or "", "")


def language_of(seat: SeatSettings) -> str:
    """Give the seat's language, if the phrases are there in it."""
    return _known(seat.language)


def _known(language: str) -> str:
    """Give a language, if the phrases are there in it."""
    return language if language in phrases.LANGUAGES else phrases.LANGUAGES[0]


async def _nothing(_seat: SeatSettings, _caller: Caller) -> None:
    """Log-in is asked for before there is a seat."""
