"""*11: an agent logs in, at his own phone or at any other of the site.

At a seat's own phone the PIN is enough. A star instead of it, with the seat's number or before it, is for somebody else
who sits down there; at a phone of no seat the number is asked for at once. His seat, with queues, skills, language and
figures, then rings there until he logs out. Whatever was wrong about a log-in, the words are the same, and no sooner
than a PIN came; so nobody learns by trying which seats there are.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from acd.core.commands import Answer as DeskAnswer
from acd.ports import Desk
from acd.settings import SeatSettings, Site
from ivr import phrases
from ivr.codes import Action
from ivr.flow import Collect, Play, Say, SetLanguage

PIN_TRIES = 3
"""Entries in one call. How many make the lock is the seat's rule, and counted by the distributor over all calls."""
PIN_DIGITS_MAX = 12
SEAT_DIGITS_MAX = 8

HandsetNote = Literal[DeskAnswer, "dialled", "no-pin"]
"""What is noted of a feature code: that it was dialled; how the desk met the wish; or that the call ended, or ended in
nothing, before a PIN came, be it that nobody keyed one in or that the phone's keys do not get through."""


class LogIn:
    """The flow of *11.

    Args:
        desk: compares PINs, and counts.
        site: gives the settings of the moment.
        tell: says how a wish of a seat was met.
        note: notes it.

    """

    def __init__(
        self,
        desk: Desk,
        site: Callable[[], Site],
        tell: Callable[[Action, SeatSettings, DeskAnswer], Awaitable[None]],
        note: Callable[[Action, str, HandsetNote], None],
    ) -> None:
        self._desk, self._site, self._tell, self._note = desk, site, tell, note

    async def run(self, phone: str, own: SeatSettings | None, here: str) -> None:
        """Log somebody in at a phone.

        Args:
            phone: its name.
            own: the seat whose own it is.
            here: the seat that is logged in there.

        """
        if here:
            mine = own is not None and own.rule.name == here
            self._note("log-in", here, "already" if mine else "taken")
            await Play("handset-already-logged-in" if mine else "handset-taken")
            return
        seat = own.rule.name if own is not None else ""
        for _ in range(PIN_TRIES):
            entry = await self._entry(seat)
            if entry is None:
                await Play("handset-unchanged")
                return
            seat, pin = entry
            answer = await self._desk.log_in(seat, pin, "" if seat == phone else phone)
            known = self._site().seats.get(seat)
            if known is None:  # the desk has said what it says of a wrong PIN
                self._note("log-in", seat, answer)
                await Play("handset-locked" if answer == "locked" else "handset-wrong-pin")
                if answer == "locked":
                    return
                continue
            if answer == "ok":
                language = known.language if known.language in phrases.LANGUAGES else phrases.LANGUAGES[0]
                await SetLanguage(language)
                await Say(phrases.logged_in_as(known.agent, language))
            await self._tell("log-in", known, answer)
            if answer != "wrong-pin":
                return

    async def _entry(self, seat: str) -> tuple[str, str] | None:
        """Ask for a PIN, and for the seat's number where it is not known or a star says that it is another."""
        for _ in range(PIN_TRIES):
            if not seat:
                number = await Collect("handset-seat-number", max_digits=SEAT_DIGITS_MAX, tries=2)
                if number is None:
                    return None
                seat = number
            pin = await self._ask_pin(seat)
            if pin is None or not pin.startswith("*"):
                return None if pin is None else (seat, pin)
            seat = pin[1 : 1 + SEAT_DIGITS_MAX]
        return None

    async def _ask_pin(self, seat: str) -> str | None:
        """Ask once. That none came is noted even of a caller who hung up meanwhile, which cancels the flow here."""
        pin = None
        try:
            pin = await Collect("handset-pin", max_digits=PIN_DIGITS_MAX, tries=2, star=True)
        finally:
            if pin is None:
                self._note("log-in", seat, "no-pin")
        return pin
