"""Messages and presences of XMPP, read and written (RFC 6120, RFC 6121). Nothing here waits, and nothing is trusted.

Of a message counts what stands directly in it: XHTML-IM, what is forwarded (XEP-0297) and whoever is named there does
not. What a server makes for a client of its own, a room says, or is sent by a machine, is nothing that somebody wrote.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree as ET

from msgspec import Struct

from acd.channels.email.text import line

NS, CLIENT_NS = "jabber:component:accept", "jabber:client"
"""Ours; some servers leave what is inside a stanza in that of clients."""
STATES, RECEIPTS, MARKERS = "http://jabber.org/protocol/chatstates", "urn:xmpp:receipts", "urn:xmpp:chat-markers:0"
STABLE_IDS, HINTS, DELAY = "urn:xmpp:sid:0", "urn:xmpp:hints", "urn:xmpp:delay"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
FEATURES = (STATES, RECEIPTS, MARKERS)
ID_MOST, REASON_MOST = 1_000, 200

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 has none of these
_STATES = {f"{{{STATES}}}{word}": word for word in ("active", "composing", "paused", "inactive", "gone")}
_NOT_HIS = frozenset(
    {
        *(f"{{urn:xmpp:carbons:2}}{word}" for word in ("sent", "received")),
        "{urn:xmpp:mam:2}result",
        "{http://jabber.org/protocol/muc#user}x",
        "{jabber:x:conference}x",
        "{http://jabber.org/protocol/pubsub#event}event",
    }
)

Condition = Literal[
    "item-not-found", "not-acceptable", "resource-constraint", "internal-server-error", "policy-violation"
]
_WAITS = frozenset({"resource-constraint", "internal-server-error"})
"""What may be said again later."""


# Read


class Said(Struct, frozen=True):
    """Somebody writes."""

    id: str
    """Of the stanza; empty for none."""
    name: str
    """By which it is known when it comes once more: made of its id and its words; empty for none."""
    text: str
    language: str
    wants_receipt: bool
    has_states: bool
    """His program tells when he types, and wants to be told."""


class Types(Struct, frozen=True):
    """Somebody types, or does so no more."""

    on: bool


class Came(Struct, frozen=True):
    """A line of ours has come to his program, or before his eyes."""

    id: str
    is_seen: bool


class Failed(Struct, frozen=True):
    """A line of ours comes back."""

    id: str
    reason: str


Heard = Said | Types | Came | Failed


def message(stanza: ET.Element) -> Heard | None:
    """Read a message; None for what is nothing that somebody does to us."""
    kind = stanza.get("type", "normal")
    if kind == "error":
        return _failed(stanza)
    if kind in {"groupchat", "headline"} or any(child.tag in _NOT_HIS for child in stanza):
        return None
    state = next((_STATES[child.tag] for child in stanza if child.tag in _STATES), "")
    if text := _text(stanza):
        return _said(stanza, text, has_states=bool(state))
    for child in stanza:
        if child.tag in {f"{{{RECEIPTS}}}received", f"{{{MARKERS}}}received", f"{{{MARKERS}}}displayed"}:
            return Came(child.get("id", "")[:ID_MOST], is_seen=child.tag.endswith("displayed"))
    return Types(state == "composing") if state else None


def _child(stanza: ET.Element, name: str) -> ET.Element | None:
    """Give the first one of a name that is the protocol's own: a body may be there in several languages."""
    return next((one for one in stanza if one.tag in {f"{{{NS}}}{name}", f"{{{CLIENT_NS}}}{name}"}), None)


def _text(stanza: ET.Element) -> str:
    subject, body = (
        one.text or "" if one is not None else "" for one in (_child(stanza, "subject"), _child(stanza, "body"))
    )
    return "\n".join(one for one in (line(subject, 200), body) if one.strip()) if body.strip() else ""


def _said(stanza: ET.Element, text: str, *, has_states: bool) -> Said:
    origin = stanza.find(f"{{{STABLE_IDS}}}origin-id")
    own = stanza.get("id", "")[:ID_MOST]
    known = (origin.get("id", "") if origin is not None else "")[:ID_MOST] or own
    language = stanza.get("{http://www.w3.org/XML/1998/namespace}lang", "")[:35].partition("-")[0].lower()
    return Said(
        id=own,
        name=hashlib.sha256(f"{known}\0{text}".encode("utf-8", "replace")).hexdigest()[:40] if known else "",
        text=text,
        language=language if re.fullmatch("[a-z]{2,3}", language) else "",
        wants_receipt=stanza.find(f"{{{RECEIPTS}}}request") is not None,
        has_states=has_states,
    )


def _failed(stanza: ET.Element) -> Failed | None:
    error, own = _child(stanza, "error"), stanza.get("id", "")[:ID_MOST]
    if not own:
        return None
    words = [child.tag.removeprefix(f"{{{STANZAS}}}") for child in (error if error is not None else ())]
    said = error.findtext(f"{{{STANZAS}}}text", "") if error is not None else ""
    condition = next((word for word in words if "{" not in word and word != "text"), "refused")
    return Failed(own, line(f"{condition}: {said}" if said.strip() else condition, REASON_MOST))


# Written


def fit(text: str) -> str:
    """Give text as XML can hold it: with anything else in it the server would end the stream."""
    return _UNFIT.sub("\ufffd", text)


def _message(sender: str, to: str, own: str, children: Iterable[ET.Element], kind: str = "chat") -> ET.Element:
    made = ET.Element(f"{{{NS}}}message", {"from": sender, "to": to, "type": kind, "id": own})
    made.extend(children)
    return made


def _body(text: str) -> ET.Element:
    made = ET.Element(f"{{{NS}}}body")
    made.text = fit(text)
    return made


def spoken(sender: str, to: str, own: str, text: str) -> ET.Element:
    """Write a line of ours: it is to be confirmed, and the same however often it comes."""
    extra = [ET.Element(f"{{{RECEIPTS}}}request"), ET.Element(f"{{{MARKERS}}}markable")]
    extra += [ET.Element(f"{{{STABLE_IDS}}}origin-id", {"id": own}), ET.Element(f"{{{STATES}}}active")]
    return _message(sender, to, own, [_body(text), *extra])


def notice(sender: str, to: str, own: str, text: str) -> ET.Element:
    """Write what we say of ourselves."""
    return _message(sender, to, own, [_body(text), ET.Element(f"{{{STATES}}}active")])


def typing(sender: str, to: str, own: str, *, on: bool) -> ET.Element:
    """Write that one of us types, or does so no more: for now, and for nobody who is away."""
    state = ET.Element(f"{{{STATES}}}{'composing' if on else 'paused'}")
    return _message(sender, to, own, [state, ET.Element(f"{{{HINTS}}}no-store")])


def receipt(sender: str, to: str, own: str, of: str) -> ET.Element:
    """Write that a message of his is kept."""
    return _message(sender, to, own, [ET.Element(f"{{{RECEIPTS}}}received", {"id": of})])


def refusal(sender: str, to: str, of: str, condition: Condition, text: str) -> ET.Element:
    """Write that a message of his is not kept."""
    kind = "wait" if condition in _WAITS else "modify" if condition == "not-acceptable" else "cancel"
    error = ET.Element(f"{{{NS}}}error", {"type": kind})
    ET.SubElement(error, f"{{{STANZAS}}}{condition}")
    ET.SubElement(error, f"{{{STANZAS}}}text").text = fit(text)
    return _message(sender, to, of, [error], "error")


def presence(sender: str, to: str, kind: str = "", *, away: bool = False) -> ET.Element:
    """Write a presence; without a kind that we are there."""
    made = ET.Element(f"{{{NS}}}presence", {"from": sender, "to": to, **({"type": kind} if kind else {})})
    if away:
        ET.SubElement(made, f"{{{NS}}}show").text = "away"
    return made
