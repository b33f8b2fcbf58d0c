"""What is told of contacts, seats and customers to who listens: one vocabulary, for pages, programs and webhooks.

A happening is an entry of the journal, said in a few words (`acd.store.telling`), or a change of the customer file,
told where it is made (`acd.store.hooks`).
"""

from typing import Any

from msgspec import Struct

TOLD = {
    "contact-waits": "A contact waits in a queue: `call`, `medium`, `queue`, `caller` (his number or address).",
    "contact-moved": "It waits in another queue: `call`, `queue`.",
    "contact-sent-away": "It waits no more, and no agent had it: `call`, `reason`.",
    "offer": "A seat is offered it: `offer`, `call`, `seat`, `medium`, `ring_ms`.",
    "offer-over": "An offer has ended, the talk with it: `offer`, `call`, `seat`, `outcome`.",
    "contact-answered": "The agent has picked up: `offer`, `call`, `seat`, `medium`.",
    "contact-taken": "Customer and agent have each other: `offer`, `call`, `seat`, `medium`.",
    "contact-suspended": "It is set aside at its seat: `offer`, `call`.",
    "contact-resumed": "And goes on: `offer`, `call`.",
    "contact-transferred": "An agent gave his caller away: `call`, `seat`, `to` (as it was dialled), `asked_first`.",
    "contact-put-off": "The agent puts a written contact or a callback off: `offer`, `call`, `seat`.",
    "contact-closed": "The agent is done with it: `offer`, `call`, `seat`.",
    "contact-coded": "The agent says what his last contact was about: `seat`, `call`, `code`.",
    "contact-over": "It is over: `call`, `outcome` (`abandoned`, or as reports say it).",
    "call-out": "An agent calls a number: `call`, `seat`, `number`.",
    "callback-promised": "A customer will be called back: `call`, `queue`, `caller`.",
    "callback-kept": "He was reached: `call`.",
    "callback-dropped": "He is not called any more: `call`, `reason` (`not-reached`, `called-again`, `expired`).",
    "seat": "A seat looks different: `seat`, `look` (`logged-out`, `ready`, `ringing`, `talking`, `wrap-up` or "
    "`paused`).",
    "message-received": "Something was written to us: `message`, `call`, `medium`, `customer`.",
    "message-sent": "What we wrote has left the house: `message`, `call`, `medium`, `customer`.",
    "appointment-made": "`appointment`, `customer`, `kind`, `starts_at` (ms since 1970), `length_ms`, `place`, `host`.",
    "appointment-moved": "The same, at its new time.",
    "appointment-cancelled": "The same.",
    "customer-changed": "Something is known of a customer that was not: `customer`, and what of it changed: `name`, "
    "`language`, `attributes`, `handles`, `notes`, `consents`, `merged`; `external` (his ids elsewhere); `source` of "
    "what did not come from here.",
    "customer-erased": "All of a customer is gone: `customer`, `external`.",
}
"""What can happen, and what is said of it. Two more are told on pages alone: `contact-news` and `queue`."""


class Happening(Struct, frozen=True, kw_only=True):
    """Something that happened."""

    at: int
    what: dict[str, Any]
    """`type`, one of `TOLD`, and what is said of it."""
    seat: str = ""
    """The one whom it concerns alone."""
    queue: str = ""
    call: str = ""
    person: int | None = None
    """Whose it is, where that is known."""
    more: dict[str, Any] = {}
    """What is told to webhooks alone: on a page it would be for more eyes than the customer file is."""
