"""What a message centre may say in acd.conf, and what is wrong with it only beside the other sections."""

import json
import re
from typing import Any

from acd.channels.sms import webhook
from acd.mail_options import place
from acd.options import Kind, Option, choice, duration, number, pattern, secret, shown, words, yes_no
from acd.problems import did_you_mean
from acd.settings import GROUP_NAME, QUEUE_NAME, Site
from acd.site_checks import LOOPBACK, Written
from acd.smscs import GateSettings, GatewaySettings, OwnNumber, SmscSettings

_OWN = r"\+[1-9][0-9]{6,14}|[0-9]{2,15}|[A-Za-z][A-Za-z0-9 ]{0,10}"


def _own_number() -> Kind:
    """Return the kind of an own number with its queue."""

    def read(text: str) -> OwnNumber:
        own, _, queue = text.strip().rpartition(" ")
        own = re.sub(r"(?<=[0-9])[ ()-]+(?=[0-9])", "", own.strip())
        if not re.fullmatch(_OWN, own) or not re.fullmatch(QUEUE_NAME, queue):
            raise ValueError(f"{shown(text)} is not a number and a queue such as +48221234567 sales")
        return OwnNumber(own, queue)

    return Kind("NUMBER QUEUE", read)


_NUMBER = Option(
    "number",
    _own_number(),
    None,
    "A number of yours that customers write to, international with a `+` or a short code, and the queue where its "
    "texts wait. Texts to a number that is not named wait where those of the first do. Only with `bind = "
    "transmitter` it may be left out.",
    "numbers",
    many=True,
)
_SHARED = (
    Option(
        "answers_by",
        pattern(f"({GROUP_NAME})?", "name of a section"),
        "",
        "Which other message centre sends the answers to what came by this one; a `receiver` needs one.",
    ),
    Option(
        "give_up",
        duration("1m", "30d"),
        "1d",
        "An answer that cannot be sent for so long comes back to its queue, as one that is refused does at once.",
        "give_up_ms",
    ),
    Option(
        "acknowledge",
        yes_no(),
        "no",
        "Whether customers are told that their text has come, in the words of `sms/acknowledgement.LANGUAGE.txt`: "
        "nobody more than once a day.",
    ),
    Option(
        "stop_words",
        words(r"\w{1,40}", "words"),
        "",
        "By which words, alone in a text, a customer opts out; left out, STOP and its like in twenty languages. Case, "
        "accents and signs do not count.",
    ),
    Option("start_words", words(r"\w{1,40}", "words"), "", "And back in; left out, START and its like."),
)
SMSC = (
    Option("host", place(none=False), None, "Where the message centre is.", "host"),
    Option("user", pattern(r"[!-~]{1,15}", "name"), None, "Who we are there (`system_id`)."),
    Option("secret", secret(r"[!-~]{0,64}", "visible ASCII characters"), "", "The password."),
    _NUMBER,
    Option(
        "bind",
        choice("transceiver", "receiver", "transmitter"),
        "transceiver",
        "What goes over this session: texts both ways, those that come in, or those that go out.",
    ),
    Option("system_type", pattern(r"[!-~]{0,12}", "name"), "", "What the centre wants to hear as `system_type`."),
    Option("tls", yes_no(), "no", "Whether the way there is encrypted, with a certificate that this machine trusts."),
    Option("window", number(1, 1_000), "10", "So many texts are on their way at once, not answered yet."),
    Option("rate", number(1, 10_000), "10", "So many messages a second at most; a long text is several."),
    Option(
        "enquire",
        duration("1s", "10m"),
        "30s",
        "Where nothing is heard of the centre for so long, it is asked whether it is there.",
        "enquire_ms",
    ),
    Option(
        "alphabet",
        choice("gsm", "latin1", "utf8"),
        "gsm",
        "What the centre means by its default alphabet (data coding 0) in what it brings.",
    ),
    Option(
        "parts",
        duration("1s", "7d"),
        "10m",
        "How long is waited for the next part of a long text; then what came is brought, with a mark where some is "
        "missing.",
        "parts_ms",
    ),
    *_SHARED,
)

_HEADER = r"[A-Za-z][A-Za-z0-9-]{0,60}"
_FIELD = r"[A-Za-z0-9_.@-]{1,60}"


def _header() -> Kind:
    """Return the kind of an HTTP header with its value."""

    def read(text: str) -> tuple[str, str]:
        match = re.fullmatch(rf"({_HEADER}):[ ]*([ -~]{{0,500}})", text)
        if match is None:
            raise ValueError("this is no header; write NAME: VALUE")
        return match[1], match[2]

    return Kind("NAME: VALUE", read)


def _url() -> Kind:
    """Return the kind of a URL with variables, none of them in what leads to another host."""

    def read(text: str) -> str:
        if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]{1,255}(/[!-~]*)?", text):
            raise ValueError("this is no URL such as https://api.example.com/send")
        if reason := webhook.fault(text):
            raise ValueError(reason)
        return text

    return Kind("URL", read)


GATEWAY = (
    Option(
        "listen",
        place(none=False),
        "127.0.0.1:8025",
        "Where callfloor listens for the provider, by HTTP at `/sms/NAME`. For the world put your web server with its "
        "certificate before it. Gateways may have the same place.",
    ),
    Option(
        "secret",
        secret(r"[!-~]{16,200}", "16 to 200 visible ASCII characters"),
        None,
        "By which the provider signs what it brings: HMAC-SHA256, hexadecimal, over the time, a dot, and the body.",
    ),
    Option("signature_header", pattern(_HEADER, "header"), "X-Signature", "Which header has the signature."),
    Option(
        "time_header",
        pattern(_HEADER, "header"),
        "X-Timestamp",
        "Which header has the time, seconds since 1970: it must be within 5 minutes of ours.",
    ),
    _NUMBER,
    Option(
        "id_field",
        pattern(_FIELD, "name of a field"),
        "id",
        "Which field of what it brings, JSON or a form, has its id: the same id is the same text. Dots lead into what "
        "is inside, as in `data.id`.",
    ),
    Option("from_field", pattern(_FIELD, "name of a field"), "from", "Which has the customer's number."),
    Option("to_field", pattern(_FIELD, "name of a field"), "to", "Which has the number that he wrote to."),
    Option("text_field", pattern(_FIELD, "name of a field"), "text", "Which has what he wrote."),
    Option(
        "receipt_id_field",
        pattern(_FIELD, "name of a field"),
        "id",
        "Which field of what it brings to `/sms/NAME/receipt` has the text's id: that of `answer_id`, or our `${id}` "
        "where there is none.",
    ),
    Option(
        "receipt_state_field",
        pattern(_FIELD, "name of a field"),
        "status",
        "Which has what became of it: `delivered`, `read`; or `failed`, `undelivered`, `expired`, `rejected` and their "
        "like, which bring it back. Any other word is on its way.",
    ),
    Option(
        "url",
        _url(),
        None,
        "Where answers go. `${from}`, `${to}`, `${text}` and `${id}` stand for what they say, escaped by their place; "
        "`id` is the same whenever the same text is sent.",
    ),
    Option("method", choice("POST", "PUT", "GET"), "POST", "How."),
    Option("header", _header(), "", "A header that goes with it, such as the provider's key.", "headers", many=True),
    Option("form", choice("json", "form", "none"), "json", "What `body` is: JSON, a form (`a=b&c=d`), or nothing."),
    Option(
        "body",
        secret(r"[^\x00-\x1f\x7f]{0,2000}", "JSON or a form, in one line"),
        '{"from": "${from}", "to": "${to}", "text": "${text}", "id": "${id}"}',
        "What is sent, with the same variables.",
    ),
    Option(
        "answer_id",
        pattern(f"({_FIELD})?", "name of a field"),
        "",
        "Which field of the provider's answer, JSON, has its id of the text.",
    ),
    Option("timeout", duration("1s", "2m"), "10s", "How long the provider may take for each step.", "timeout_ms"),
    Option("rate", number(1, 10_000), "10", "So many texts a second at most."),
    *_SHARED,
)


def smsc(name: str, values: dict[str, Any]) -> SmscSettings:
    """Make the settings of what was read."""
    return SmscSettings(**values, section=name)


def gateway(name: str, values: dict[str, Any]) -> GatewaySettings:
    """Make the settings of what was read."""
    return GatewaySettings(**values, section=name)


def check_smscs(written: Written, site: Site) -> None:
    """See that texts find a queue and a file to be kept in, and answers a way out."""
    gates: dict[str, GateSettings] = {**site.smscs, **site.gateways}
    for name, one in gates.items():
        if site.store.database == "none":
            hint, message = "take database = none out of [store]", f"'{name}' needs a customer file for its texts"
            written.problems.error(written.sections[name].origin, message, hint)
        if not one.numbers and not (isinstance(one, SmscSettings) and one.bind == "transmitter"):
            hint = "write number = +48221234567 sales"
            written.problems.error(written.sections[name].origin, f"'{name}' has no 'number'", hint)
        _check_numbers(written, site, name, one)
        _check_way_out(written, gates, name, one)
    for name, gate in site.gateways.items():
        _check_gateway(written, name, gate)


def _check_numbers(written: Written, site: Site, name: str, one: GateSettings) -> None:
    seen = set[str]()
    for own in one.numbers:
        if own.queue not in written.names("queue"):
            hint = did_you_mean(own.queue, site.queues) or f"there are {', '.join(site.queues)}"
            written.problems.error(written.origin(name, "number"), f"there is no queue '{own.queue}'", hint)
        if own.number in seen:
            written.problems.error(written.origin(name, "number"), f"number {own.number} stands there twice")
        seen.add(own.number)


def _check_way_out(written: Written, gates: dict[str, GateSettings], name: str, one: GateSettings) -> None:
    problems, other = written.problems, gates.get(one.answers_by)
    sender = other or one
    if one.answers_by and other is None:
        if one.answers_by not in {*written.names("smsc"), *written.names("sms-gateway")}:
            hint = did_you_mean(one.answers_by, gates) or f"there are {', '.join(gates)}"
            message = f"there is no section '{one.answers_by}' that sends texts"
            problems.error(written.origin(name, "answers_by"), message, hint)
    elif isinstance(sender, SmscSettings) and sender.bind == "receiver":
        hint = "write answers_by = NAME of one that is bound as transmitter or transceiver"
        problems.error(written.origin(name, "bind"), f"nothing sends the answers of '{name}'", hint)
    if not isinstance(one, SmscSettings) or one.tls or not one.secret or _is_here(one.host.host):
        return
    message = f"the password of '{name}' and its texts go over the network unencrypted"
    problems.warning(written.origin(name, "tls"), message, "write tls = yes, or guard that way by a tunnel")


def _check_gateway(written: Written, name: str, one: GatewaySettings) -> None:
    problems = written.problems
    if reason := webhook.fault(one.body) or _fault(one):
        problems.error(written.origin(name, "body"), f"body: {reason}", "write it as the provider wants it")
    if not _is_here(one.listen.host):
        message = f"listen of '{name}' is not on loopback, and HTTP is not encrypted"
        problems.warning(written.origin(name, "listen"), message, "put a web server with a certificate before it")
    if one.url.startswith("http://") and not _is_here(
        one.url.removeprefix("http://").partition("/")[0].partition(":")[0]
    ):
        message = f"the answers of '{name}' go over the network unencrypted"
        problems.warning(written.origin(name, "url"), message, "write https://")


def _fault(one: GatewaySettings) -> str:
    """Say what is wrong with a body that is to be JSON."""
    if one.form != "json":
        return ""
    try:
        json.loads(one.body)
    except ValueError as error:
        return f"it is no JSON: {str(error).partition(':')[0]}"
    return ""


def _is_here(host: str) -> bool:
    return re.fullmatch(f"{LOOPBACK}|::1", host) is not None
