"""Texts by HTTP, without a network: who signed a request and when, what it says, and what a request of ours says.

A request is signed by HMAC-SHA256, in hexadecimal, over the time in its header, a dot and its body, octet by octet as
they came. So neither can be changed, nor sent again later than a few minutes. Sent again before that, it has the same
id of the provider's, and is the same text.

In what we send each value is escaped by its place: in a URL and a form by percent signs, in JSON by being put into the
strings of the parsed template. No value can become another field, header or path.
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Struct

from acd.channels.sms import receipts
from acd.channels.sms.receipts import Receipt
from acd.smscs import GatewaySettings

BODY_MOST, NAME_MOST = 65_536, 65
SKEW_S = 300
"""So far may the time of a request be from ours."""
VARIABLES = ("from", "to", "text", "id")
"""What a request of ours can say; `id` is the same whenever the same text is sent."""
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


class WebhookError(Exception):
    """A request is not taken: with which status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Incoming(Struct, frozen=True):
    """A text that a provider brought."""

    name: str
    """Its id of it."""
    theirs: str
    own: str
    text: str


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Sign a request."""
    return hmac.digest(secret.encode(), stamp.encode("latin-1", "replace") + b"." + body, "sha256").hex()


def verify(settings: GatewaySettings, headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """See that the provider sent a request, and just now.

    Args:
        settings: with the secret.
        headers: by their names, whatever their case.
        body: as it came.
        now_s: the time.

    Raises:
        WebhookError: it did not.

    """
    stamp = headers.get(settings.time_header, "")
    given = headers.get(settings.signature_header, "").removeprefix("sha256=").lower()
    if not settings.secret or not hmac.compare_digest(
        given.encode("latin-1", "replace"), signature(settings.secret, stamp, body).encode()
    ):
        raise WebhookError(401, "the signature is wrong")
    if not re.fullmatch("[0-9]{1,12}", stamp) or abs(int(stamp) - now_s) > SKEW_S:
        raise WebhookError(401, "the time is not now")


def read(settings: GatewaySettings, content_type: str, body: bytes) -> Incoming:
    """Read a request that is signed.

    Raises:
        WebhookError: it is no text.

    """
    said = _said(content_type, body)
    fields = (settings.id_field, settings.from_field, settings.to_field, settings.text_field)
    name, theirs, own, text = (_field(said, field) for field in fields)
    if not (name and theirs) or own is None or text is None:
        raise WebhookError(400, f"it lacks one of {', '.join(fields)}")
    return Incoming(name[:200], theirs[:100], own[:100], text)


def read_receipt(settings: GatewaySettings, content_type: str, body: bytes) -> Receipt:
    """Read what became of a text of ours, of a request that is signed.

    Raises:
        WebhookError: it says nothing of one.

    """
    said = _said(content_type, body)
    fields = (settings.receipt_id_field, settings.receipt_state_field)
    name, state = (_field(said, field) for field in fields)
    if not (name and state):
        raise WebhookError(400, f"it lacks one of {', '.join(fields)}")
    return receipts.of_field(name[:NAME_MOST], state)


def _said(content_type: str, body: bytes) -> Any:
    try:
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200, errors="strict")
            said: dict[str, str] = {}
            for key, value in pairs:
                said.setdefault(key, value)
            return said
        return json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookError(400, "it is neither JSON nor a form") from None


def _field(said: Any, path: str) -> str | None:
    """Find a field; dots lead into what is inside."""
    if isinstance(said, dict) and path in said:
        said = said[path]
    else:
        for step in path.split("."):
            if not isinstance(said, dict) or step not in said:
                return None
            said = said[step]
    if isinstance(said, str):
        return said
    return str(said) if isinstance(said, int) and not isinstance(said, bool) else None


def answered(settings: GatewaySettings, body: bytes) -> str:
    """Read the name that a provider gave a text of ours; empty if it gave none."""
    if not settings.answer_id:
        return ""
    try:
        return (_field(json.loads(body), settings.answer_id) or "")[:NAME_MOST]
    except (ValueError, RecursionError):
        return ""


class Request(Struct, frozen=True):
    """What is sent to a provider."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def request(settings: GatewaySettings, values: Mapping[str, str]) -> Request:
    """Make a request; `values` has all `VARIABLES`."""
    headers = dict(settings.headers)
    url = _VARIABLE.sub(lambda match: quote(values[match[1]], safe=""), settings.url)
    body = b""
    if settings.form == "json":
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(_filled(json.loads(settings.body), values)).encode()
    elif settings.form == "form":
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        pairs = parse_qsl(settings.body, keep_blank_values=True)
        body = urlencode([(name, _filled(value, values)) for name, value in pairs]).encode()
    return Request(settings.method, url, headers, body)


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, str):
        return _VARIABLE.sub(lambda match: values[match[1]], template)
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items()}
    return [_filled(one, values) for one in template] if isinstance(template, list) else template


def fault(text: str) -> str:
    """Say what is wrong with the variables of a template; empty if nothing is."""
    unknown = [name for name in _VARIABLE.findall(text) if name not in VARIABLES]
    if unknown:
        return f"there is no variable '${{{unknown[0]}}}'; known are {', '.join(VARIABLES)}"
    return "a '${' is never closed" if "${" in _VARIABLE.sub("", text) else ""
