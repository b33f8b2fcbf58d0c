"""Who else than callfloor says what becomes of a caller: administrators and other programs, with orders of their own.

A caller who waits can be taken by anybody who has a right to at the switch: an administrator's Redirect sends him to
another extension, his Bridge joins him to another channel. Nobody asks us, and until it was seen here the caller would
still be offered to a seat, whose Bridge would tear him out of what talk he is in by then. Both show in the stream:

    BridgeLeave of the holding bridge, with a context of somebody else's    he was sent away
    BridgeEnter of another bridge, though no leg of his was answered        he was joined to somebody
    BridgeEnter of a holding bridge by one who does not wait, as we think   he is back: only a look tells since when
"""

from collections.abc import Iterable, Mapping, MutableMapping

import structlog

from acd.core.events import CallEnded
from ivr.ami import Message, text
from ivr.held import Held, Leg, Meanwhile

log = structlog.get_logger()

OURS = "acd-"
"""The contexts of extensions.conf between which callfloor moves callers begin so."""
HOLD = "acd-hold"
_HOLDING = "holding_bridge"


class LedAway:
    """Sees callers go who wait."""

    EVENTS = frozenset({"BridgeEnter", "BridgeLeave"})
    """What it reads."""

    def __init__(self) -> None:
        self.look_wanted = False
        """Somebody waits of whom nothing, or something else, is known."""

    def wants_look(self) -> bool:
        """Whether a look at the switch is wanted; asked once, it is taken for granted."""
        wanted, self.look_wanted = self.look_wanted, False
        return wanted

    def take(
        self,
        message: Message,
        calls: MutableMapping[str, Held],
        legs: Mapping[str, Leg],
        notes: Iterable[Meanwhile],
    ) -> list[CallEnded]:
        """See whether a message says that one of the calls was led away; if so it is not among them any more."""
        event = message.event
        if event not in self.EVENTS:
            return []
        call, context = text(message, "Uniqueid"), text(message, "Context")
        held = calls.get(call)
        waits, holding = held is not None and held.waits, text(message, "BridgeTechnology") == _HOLDING
        if event == "BridgeEnter" and holding:
            self.look_wanted = self.look_wanted or (context == HOLD and not waits)
            return []
        if not waits or (holding and (not context or context.startswith(OURS))):
            return []
        if not holding and (event == "BridgeLeave" or not _joined_by_another(message, call, legs)):
            return []
        for noted in notes:
            noted.ended.add(call)
        del calls[call]
        log.warning("caller led away", call=call, context=context, exten=text(message, "Exten"))
        return [CallEnded(call=call, reason="key-exit")]


def _joined_by_another(message: Message, call: str, legs: Mapping[str, Leg]) -> bool:
    """Whether no seat of ours is what he is joined to: its leg would have been answered before it bridged."""
    if not text(message, "BridgeTechnology"):
        return False
    return not any(leg.call == call and leg.answered for leg in legs.values())


def is_of_dialplan(message: Message) -> bool:
    """Whether a user event was said by a channel in our part of the dialplan; what is not is logged.

    Anybody who may write at the manager interface can send a UserEvent with whatever headers he likes. Asterisk writes
    its name first then; of a channel's it writes what it knows of the channel first. (A header that comes twice, so
    that one of a dialplan's own could stand for the channel's, is refused in `ivr.ami`.)
    """
    headers = iter(message.headers())
    of_channel = "Channel" in headers and "UserEvent" in headers  # in this order
    if of_channel and text(message, "Context").startswith(OURS):
        return True
    if text(message, "UserEvent") in {"CallArrived", "CallLeft"}:
        log.warning("user event refused", said=text(message, "UserEvent"), context=text(message, "Context")[:80])
    return False
