"""Handsets that forward a call for their seat (SIP 302): to nobody, for they could name any number of the world.

A number is looked up in the context FORWARD_CONTEXT, and there is none of that name. But a target with a slash in it,
`PJSIP/0048...@carrier`, Asterisk dials as it stands (do_forward in main/dial.c). In the stream that is a channel that
no other asked for, and at once the end of the leg's dialling with what it was forwarded to. It is hung up before
anybody answers.
"""

from collections import deque
from collections.abc import Collection

import structlog

from ivr.ami import Message, clean, text

log = structlog.get_logger()

FRESH_MOST = 32
_DOWN = "0"
"""A channel that dials has not yet another ChannelState (include/asterisk/channelstate.h)."""


class Forwards:
    """Sees them."""

    def __init__(self) -> None:
        self._fresh: deque[tuple[str, str]] = deque(maxlen=FRESH_MOST)
        """Technology and unique id of channels that dial and that no other channel asked for."""

    def take(self, message: Message, legs: Collection[str]) -> list[str]:
        """Name the channel to hang up, by its unique id, if a message says that one of the legs was forwarded."""
        event, unique = message.event, text(message, "Uniqueid")
        if event == "Newchannel" and text(message, "ChannelState") == _DOWN and text(message, "Linkedid") == unique:
            if unique not in legs:
                self._fresh.append((_technology(text(message, "Channel")), unique))
            return []
        to, leg = text(message, "Forward"), text(message, "DestUniqueid")
        if event != "DialEnd" or "/" not in to or leg not in legs:
            return []
        log.warning("handset forwards, which is not followed", leg=leg, to=clean(to, 80))
        return [channel for technology, channel in reversed(self._fresh) if technology == _technology(to)][:1]


def _technology(device: str) -> str:
    return device.partition("/")[0].casefold()
