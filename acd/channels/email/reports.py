"""How a message looks to machines: what wrote it, and what a delivery report says (RFC 3464, RFC 3834)."""

import re
from collections.abc import Callable

from acd.channels.email import headers, scan
from acd.channels.email.message import Failure, Mark, Report
from acd.channels.email.text import line

RECIPIENTS_MOST = 200
Values = Callable[[str], list[str]]
"""Gives all values of a header by its name in lower case."""

_AWAY = re.compile(
    r"(?i)(?:out of (?:the )?office|auto(?:matic)?[- ]?(?:reply|response)|away from|on (?:vacation|leave)"
    r"|abwesenheit|automatische antwort|automatyczna odpowied|nieobecno|poza biurem|urlop|r[ée]ponse automatique"
    r"|absen[ct]e? du bureau|absence|respuesta autom[áa]tica|fuera de (?:la )?oficina|risposta automatica|fuori sede"
    r"|resposta autom[áa]tica|afwezig|automatisch antwoord|autosvar|fr[åa]nvaro|автоответ|автоматическ|автовідповід)"
)
_AUTO_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply")
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "list-help", "x-mailing-list")
_MACHINES = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"})
_PRECEDENCE: dict[str, Mark] = {"bulk": "bulk", "junk": "bulk", "list": "list", "auto_reply": "auto-replied"}


def marks(values: Values, subject: str, sender: str, kind: str, report_type: str) -> set[Mark]:
    """Tell what wrote a message, from its headers; a subject alone says only that somebody is away, by its first words.

    Args:
        values: its headers.
        subject: as it is shown.
        sender: the address in From.
        kind: type of the whole.
        report_type: that parameter of it.

    """
    found = _of_machines(values)
    if _AWAY.match(subject) or ("auto-replied" in found and _AWAY.search(subject)):
        found |= {"auto-replied", "out-of-office"}
    is_null = _first(values("return-path")) == "<>"
    is_machine = sender.partition("@")[0].lower() in _MACHINES
    if report_type == "delivery-status" or values("x-failed-recipients") or (is_null and is_machine):
        found.add("bounce")
    if kind in {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}:
        found.add("encrypted")
    if kind == "multipart/signed":
        found.add("signed")
    return found


def _of_machines(values: Values) -> set[Mark]:
    found: set[Mark] = set()
    for value in values("auto-submitted"):
        word = value.partition(";")[0].strip().lower()
        if word and word != "no":
            found.add("auto-replied" if word == "auto-replied" else "auto-generated")
    if (precedence := _PRECEDENCE.get(_first(values("precedence")))) is not None:
        found.add(precedence)
    if any(_first(values(name)) not in {"", "no"} for name in _AUTO_HEADERS):
        found.add("auto-replied")
    if any(values(name) for name in _LIST_HEADERS):
        found.add("list")
    if {"all", "oof", "autoreply"} & {one.strip() for one in _first(values("x-auto-response-suppress")).split(",")}:
        found.add("no-auto-reply")
    return found


def _first(values: list[str]) -> str:
    return values[0].strip().lower() if values else ""


def report(status: bytes, about: bytes) -> Report:
    """Read a delivery report.

    Args:
        status: its part message/delivery-status.
        about: the message that it is about, or its headers; empty if it is not there.

    """
    blocks = re.split(r"\n[ \t]*\n", headers.decoded(status[: headers.HEADER_MOST]).replace("\r\n", "\n"))
    failures = (_failure(_fields(block)) for block in blocks[: RECIPIENTS_MOST + 2])
    original = scan.found(about)
    return Report(
        message_id=next(iter(headers.ids(original.get("message-id", ""))), ""),
        to=next((one.address for one in headers.addresses(original.get("to", ""))), ""),
        failures=tuple(one for one in failures if one is not None),
    )


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for one in re.sub(r"\n(?=[ \t])", "", block).split("\n"):
        name, colon, value = one.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _failure(fields: dict[str, str]) -> Failure | None:
    recipient = fields.get("final-recipient") or fields.get("original-recipient")
    if recipient is None:
        return None
    address = line(recipient.partition(";")[2] or recipient, 320).strip("<> ")
    status = re.match(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fields.get("status", ""))
    said = line(fields.get("diagnostic-code", "").partition(";")[2], 500)
    return Failure(address, line(fields.get("action", ""), 20).lower(), status[0] if status else "", said)
