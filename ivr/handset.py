"""The agent's desk on a keypad: what the feature codes do, as flows.

An agent dials a code, hears how it went, and is hung up; everything is said in the seat's language. The dialplan sends
code by code to `AGI(agi://.../handset/ACTION)`; `ivr.codes` is the table of them.

Which seat it is follows from the handset that calls, `PJSIP/101-00000012` -> `PJSIP/101`: Asterisk names the channel
after the endpoint that authenticated. A caller ID can be set by anybody and is not looked at. A handset of no seat is
told so.

What an agent wants goes to the `Desk`, which knows the rules; this file only asks and tells. A PIN is handed on and
kept nowhere: in no log, no variable, no text. Whatever was wrong about a log-in, the words are the same.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol

import structlog

from acd.core.commands import Answer as DeskAnswer
from acd.core.commands import SeatLook
from acd.core.floor import NOT_ANSWERING
from acd.desk.agents import Figures
from acd.ports import Desk
from acd.settings import SeatSettings, Site
from ivr import phrases, phrases_desk
from ivr.codes import CODES, Action
from ivr.flow import Answer, Caller, Collect, Flow, FlowFunction, Menu, Play, Say, SetLanguage
from ivr.handset_queues import QueueKeeper, QueueMenu
from ivr.handset_waiting import WaitingView, ask_pull, tell_next
from ivr.listen import TalkView, ask_listen

log = structlog.get_logger()

PIN_TRIES = 3
"""Entries in one call. How many make the lock is the seat's rule, and counted by the distributor over all calls."""
PIN_DIGITS_MAX = 12

HandsetNote = Literal[DeskAnswer, "dialled", "no-pin"]
"""What is noted of a feature code: that it was dialled; how the desk met the wish; or that the call ended, or ended in
nothing, before a PIN came, be it that nobody keyed one in or that the phone's keys do not get through."""

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
    "unable": "handset-unable",
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
}


class SeatView(WaitingView, TalkView, Protocol):
    """What can be told of a seat. A seat that is unknown looks logged out."""

    def look(self, seat: str) -> SeatLook:
        """Tell how it stands."""

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

    """

    def __init__(
        self,
        desk: Desk,
        view: SeatView,
        site: Callable[[], Site],
        watch: Callable[[str, Action, HandsetNote], None] = lambda _seat, _action, _note: None,
        keeper: QueueKeeper | None = None,
    ) -> None:
        self._desk = desk
        self._view = view
        self._site = site
        self._watch = watch
        self._queue_menu = QueueMenu(keeper, site) if keeper is not None else None

    def flows(self) -> dict[str, Flow]:
        """Give the flow of each action, by its route: `handset/log-in` ..."""
        acts: Mapping[Action, Callable[[SeatSettings, Caller], Awaitable[None]]] = {
            "log-in": self._log_in,
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
        }
        return {
            f"handset/{action}": Flow(f"handset/{action}", self._at_seat(action, act)) for action, act in acts.items()
        }

    def _at_seat(self, action: Action, act: Callable[[SeatSettings, Caller], Awaitable[None]]) -> FlowFunction:
        async def run(caller: Caller) -> None:
            await Answer()
            seat = self.seat_of(caller.channel)
            if seat is None:
                log.warning("handset of no seat", channel=caller.channel)
                await Play("handset-no-seat")
                return
            self._watch(seat.rule.name, action, "dialled")
            await SetLanguage(language_of(seat))
            if CODES[action].who == "supervisor" and not await self._may(action, seat):
                return
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
        """Say whose handset a channel belongs to."""
        handset = channel.rpartition("-")[0]
        return next((seat for seat in self._site().seats.values() if seat.handset == handset), None)

    async def _log_in(self, seat: SeatSettings, _caller: Caller) -> None:
        if self._view.look(seat.rule.name) != "logged-out":
            await self._tell("log-in", seat, "already")
            return
        for _ in range(PIN_TRIES):
            pin = await self._ask_pin(seat)
            if pin is None:
                await Play("handset-unchanged")
                return
            answer = await self._desk.log_in(seat.rule.name, pin)
            if answer == "ok":
                await Say(phrases.logged_in_as(seat.agent, language_of(seat)))
            await self._tell("log-in", seat, answer)
            if answer != "wrong-pin":
                return

    async def _ask_pin(self, seat: SeatSettings) -> str | None:
        """Ask once. That none came is noted even of a caller who hung up meanwhile, which cancels the flow here."""
        pin = None
        try:
            pin = await Collect("handset-pin", max_digits=PIN_DIGITS_MAX, tries=2)
        finally:
            if pin is None:
                self._note("log-in", seat, "no-pin")
        return pin

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
            await tell_next(self._view, seat.rule.name, language_of(seat))

    async def _pull(self, seat: SeatSettings, _caller: Caller) -> None:
        answer = await ask_pull(self._desk, self._site, seat, language_of(seat))
        if answer == "ok":
            self._note("pull", seat, answer)
            await Play("handset-pulled")
        elif answer is not None:
            await self._tell("pull", seat, answer)

    async def _listen(self, seat: SeatSettings, _caller: Caller) -> None:
        await ask_listen(self._view, seat.rule.name, self._site().seats)

    async def _tell(self, action: Action, seat: SeatSettings, answer: DeskAnswer) -> None:
        """Say how a wish was met. After "ok" that is the state it led to, as the distributor has it."""
        self._note(action, seat, answer)
        if answer == "ok":
            await self._tell_look(seat)
        else:
            await Play(_OWN_REPLIES.get((action, answer), _REPLIES[answer]))

    def _note(self, action: Action, seat: SeatSettings, note: HandsetNote) -> None:
        log.info("handset", action=action, seat=seat.rule.name, answer=note)
        self._watch(seat.rule.name, action, note)

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
    return seat.language if seat.language in phrases.LANGUAGES else phrases.LANGUAGES[0]
