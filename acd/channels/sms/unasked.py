"""Texts that nobody asked for just now, such as a reminder. Each is stored once, then sent."""

import unicodedata
from typing import TYPE_CHECKING

from acd.channels.contact import Notice, ReplyError
from acd.channels.sms import addresses, alphabet
from acd.channels.sms.intake import MEDIUM
from acd.channels.sms.intake import House as IntakeHouse
from acd.channels.sms.parts import cut

if TYPE_CHECKING:
    from acd.channels.sms.office import Office


async def notify(house: IntakeHouse, notice: Notice) -> None:
    """Have a notice sent; `acd.ports.Channel.notify`."""
    store, office, at = house.store, house.office, house.dispatcher.clock()
    if not addresses.is_number(notice.to):
        raise ReplyError(f"'{notice.to}' is no number that could be written to")
    gate, own = _from(office, notice.queue)
    body = _words(office, notice)
    try:
        cut(body, 0)
    except ValueError as error:
        raise ReplyError(str(error)) from None
    from acd.store import texts_out, timeline  # noqa: PLC0415 - is loaded

    contact = timeline.Contact(
        key=notice.key,
        medium=MEDIUM,
        direction="out",
        at=at,
        person=notice.person,
        case=notice.case,
        queue=notice.queue,
        ended_at=at,
        outcome="automatic",
    )
    out = texts_out.Unasked(gate=gate, sender=office.out_gate(gate), own=own, theirs=notice.to, body=body)
    if reason := await store.write(texts_out.notice, contact, out, country=office.country):
        raise ReplyError(reason)
    house.has_post()


def _from(office: "Office", queue: str) -> tuple[str, str]:
    """Give the section and the number that texts of a queue come from: its own, or else the first that there is."""
    found = [(name, one) for name, gate in office.gates.items() for one in gate.numbers]
    if not found:
        raise ReplyError("there is no number to write from")
    gate, number = next((one for one in found if one[1].queue == queue), found[0])
    return gate, number.number


def _words(office: "Office", notice: Notice) -> str:
    """Give what is said: what the site has ready, and what is said besides."""
    parts = [notice.text.strip()] if notice.text.strip() else []
    if notice.choice:
        languages = office.site.general
        language = notice.language if notice.language in languages.languages else languages.language
        template = office.templates.find(notice.choice, notice.queue, language)
        if template is None:
            raise ReplyError(f"there is no reply '{notice.choice}'")
        said = {"customer": notice.name or notice.to, **notice.values}
        parts.insert(0, office.filled(template, queue=notice.queue, case=notice.case, **said))
    if not parts:
        raise ReplyError("there is nothing in it")
    return alphabet.plain(unicodedata.normalize("NFC", "\n".join(parts)))
