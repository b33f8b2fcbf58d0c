"""Who it is, at a glance, for whoever has a contact before him. A CRM's word comes later, with `customer-changed`."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends

from acd.core.model import Call
from acd.desk.web.access import Principal, allowed
from acd.desk.web.contacts import seen
from acd.desk.web.customers import store_of
from acd.desk.web.house import In, Rooms
from acd.desk.web.models import Told
from acd.desk.web.problems import ProblemError
from acd.store import pop
from acd.store.handles import HandleError, email, number

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Watcher = Annotated[Principal, Depends(allowed("agent", "supervisor", "read"))]

router = APIRouter(prefix="/api/v1")


class Elsewhere(Told):
    """The customer in a CRM."""

    source: str
    external_id: str
    link: str
    """http or https; empty for none."""


class Pop(Told):
    """The customer at a glance. All of it is hostile text: to be shown as text."""

    person: int
    name: str
    language: str
    tier: str
    attributes: dict[str, str]
    elsewhere: list[Elsewhere]
    today: int
    """So many times he came to us today, this time included."""


@router.get("/contacts/{call}/customer")
async def show_customer_of_contact(call: str, principal: Watcher, rooms: In) -> Pop:
    """Show who it is, as far as the customer file knows by now."""
    found = await pop_of(rooms, seen(rooms, principal, call))
    if found is None:
        raise ProblemError(404, "nobody knows who it is", "ask again after `customer-changed`")
    return found


async def pop_of(rooms: Rooms, call: Call) -> Pop | None:
    """Look up whose contact it is; None for nobody that is known."""
    store, now = store_of(rooms), rooms.house.dispatcher.clock()

    def look(session: "Session") -> pop.Pop | None:
        try:
            named = email(call.caller) if "@" in call.caller else number(call.caller, store.settings.country)
        except HandleError:
            return None
        return pop.screen_pop(session, named, now, call.id)

    found = await store.read(look)
    return None if found is None else Pop.model_validate(found)
