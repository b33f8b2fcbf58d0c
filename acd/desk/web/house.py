"""What the web desk needs of the server, and how its parts find it."""

from collections.abc import Mapping
from typing import Annotated, Protocol

from fastapi import Depends, Request
from msgspec import Struct

from acd.desk.agents import AgentDesk
from acd.desk.callbacks import CallbackDesk
from acd.desk.offers import DeskOffers
from acd.desk.web.access import Access, Principal
from acd.desk.web.live import Live
from acd.desk.web.problems import ProblemError
from acd.desk.web.uploads import Uploads
from acd.dispatcher import Dispatcher
from acd.ports import Channel
from acd.settings import Site
from acd.status import Status
from acd.store.store import Store


class House(Protocol):
    """The server, and what it has at the moment."""

    @property
    def site(self) -> Site:
        """The settings."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The core's."""

    @property
    def desk(self) -> AgentDesk:
        """Who fulfils an agent's wishes."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The written media."""

    def status(self) -> Status:
        """What the floor looks like now."""


class Rooms(Struct, frozen=True):
    """All that a request may need."""

    house: House
    store: Store | None
    """The customer file; None where none is kept."""
    offers: DeskOffers
    access: Access
    live: Live
    uploads: Uploads
    callbacks: CallbackDesk
    answering: set[str]
    """Offers whose customer is being answered: nobody is answered twice by a double click."""


def rooms(request: Request) -> Rooms:
    """Give them to a request."""
    found = request.app.state.rooms
    assert isinstance(found, Rooms)
    return found


In = Annotated[Rooms, Depends(rooms)]


def seat_of(principal: Principal) -> str:
    """Name the seat of one who acts for it.

    Raises:
        ProblemError: he does not.

    """
    if not principal.may("agent"):
        raise ProblemError(403, "this is for the agent of a seat", "log in with its PIN, or use a token of that seat")
    return principal.seat
