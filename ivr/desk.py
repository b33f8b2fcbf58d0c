"""Virtual calls at a handset: a message, a callback. It rings as for a caller, and who answers is in a flow.

    Offer of a virtual call       -> the seat's leg is originated into acd-desk, its channel named after the offer
    he answers                    -> acd-desk starts the route `desk`, whose flow looks whether the call is still his
    it is                         -> Connected, and the attendant of the medium goes on with him
    the flow ends, or he hangs up -> the leg ends, so the offer does; a call that he has not closed waits again

Nothing but the offer's id goes into the dialplan, so nothing from outside can get there. Whether a call is still his is
looked up here, in one step, as the server alone holds it: of several who ring for one call who comes first has it.

A server that ends in the midst of it leaves the leg in acd-desk, which asks again until a server answers: the agent
hears the call from its beginning, on the same offer. One that hands over cuts these sessions for the same reason: what
the agent pressed afterwards would be heard by nobody.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import structlog
from msgspec import Struct

from acd.core.commands import Offer, Withdraw
from acd.core.model import Call
from acd.desk.agents import AgentDesk
from acd.desk.calling import CallingDesk
from acd.dispatcher import Dispatcher
from acd.settings import SeatSettings, Site
from ivr.customers import Customers
from ivr.fastagi import Handler, Session
from ivr.flow import Caller, Flow, Play, SetLanguage
from ivr.handset import language_of
from ivr.runner import Runner
from ivr.speaker import Speaker

log = structlog.get_logger()

ROUTE = "desk"
LINK_S = 10.0
"""How long an agent waits who answers while the switch is out of sight; then the dialplan asks again."""


class Work(Struct, frozen=True, kw_only=True):
    """A virtual call that an agent has before him."""

    offer: str
    call: Call
    seat: SeatSettings
    language: str
    """What the seat is spoken to in."""


class Attendant(Protocol):
    """What is done with the virtual calls of one medium when an agent has answered."""

    title: str
    """What his telephone shows before who it is, or else his number: `voicemail from`."""

    async def attend(self, work: Work) -> None:
        """Be with the agent, by steps that act on his leg, until he is done; then he is hung up.

        He closes the call by `acd.ports.Desk.close`, or puts it off by `defer`. It is cancelled when he hangs up.
        """


class House(Protocol):
    """What is needed of the server: the settings of the moment, the core, and who fulfils an agent's wishes."""

    home: Path
    site: Site
    dispatcher: Dispatcher
    desk: AgentDesk
    calling: CallingDesk
    customers: Customers
    speaker: Speaker


class Ringer(Protocol):
    """What is needed of the switch; see `ivr.switch.AmiSwitch`."""

    connected: asyncio.Event

    def ring(self, command: Offer, title: str, number: str) -> None:
        """Ring a seat's handset for a virtual call."""

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back."""

    def attend(self, offer: str) -> bool:
        """Say that an agent has a virtual call before him, if it is his."""


class HandsetDesk:
    """Implements `acd.ports.Medium` for media whose calls are done on a handset.

    Args:
        switch: rings.
        house: the server.
        media: medium -> its attendant.

    """

    def __init__(self, switch: Ringer, house: House, media: Mapping[str, Attendant]) -> None:
        self.media = dict(media)
        self._switch = switch
        self._house = house
        self._sessions: set[Session] = set()
        self._is_cut = False

    def offer(self, command: Offer) -> None:
        """Ring a seat for a call."""
        call = self._house.dispatcher.core.state.calls.get(command.call)
        caller = call.caller if call is not None else ""
        who = self._house.customers.known.name(command.call) or caller or "unknown"
        number = "" if "@" in caller else caller
        self._switch.ring(command, f"{self.media[command.medium].title} {who}", number)

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back."""
        self._switch.withdraw(command)

    def handler(self, runner: Runner) -> Handler:
        """Make the handler of the route `desk`."""
        serve = runner.handler(Flow(ROUTE, self._run), to_fallback=False)

        async def run(session: Session) -> None:
            self._sessions.add(session)
            try:
                async with asyncio.timeout(LINK_S):
                    await self._switch.connected.wait()  # before the first look at it no leg is known
            except TimeoutError:
                log.warning("agent answers while the switch is out of sight", offer=session.request.headers["uniqueid"])
            else:
                if not self._is_cut:
                    await serve(session)
            finally:
                self._sessions.discard(session)

        return run

    def cut(self) -> None:
        """Leave every agent to the server that takes over."""
        self._is_cut = True
        for session in list(self._sessions):
            session.end("another server takes over")

    async def _run(self, caller: Caller) -> None:
        work = self._work(caller.uniqueid) if self._switch.attend(caller.uniqueid) else None
        if work is None:
            log.info("agent answers too late", offer=caller.uniqueid)
            await Play("already-answered")
            return
        await SetLanguage(work.language)
        await self.media[work.call.medium].attend(work)

    def _work(self, name: str) -> Work | None:
        """What the agent of a leg has before him, as the core has it; None if that is nothing, or nothing any more."""
        state = self._house.dispatcher.core.state
        offer = state.offers.get(name)
        call = state.calls.get(offer.call or "") if offer is not None and offer.in_talk else None
        seat = self._house.site.seats.get(offer.seat) if offer is not None else None
        if call is None or seat is None or call.medium not in self.media:
            return None
        return Work(offer=name, call=call, seat=seat, language=language_of(seat))
