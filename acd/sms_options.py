"""What a message centre may say in acd.conf, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.mail_options import place
from acd.options import Kind, Option, choice, duration, number, pattern, secret, shown, words, yes_no
from acd.problems import did_you_mean
from acd.settings import GROUP_NAME, QUEUE_NAME, Site
from acd.site_checks import LOOPBACK, Written
from acd.smscs import OwnNumber, SmscSettings

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


SMSC = (
    Option("host", place(none=False), None, "Where the message centre is.", "host"),
    Option("user", pattern(r"[!-~]{1,15}", "name"), None, "Who we are there (`system_id`)."),
    Option("secret", secret(r"[!-~]{0,64}", "visible ASCII characters"), "", "The password."),
    Option(
        "number",
        _own_number(),
        None,
        "A number of yours that customers write to, international with a `+` or a short code, and the queue where its "
        "texts wait. Texts to a number that is not named wait where those of the first do. Only with `bind = "
        "transmitter` it may be left out.",
        "numbers",
        many=True,
    ),
    Option(
        "bind",
        choice("transceiver", "receiver", "transmitter"),
        "transceiver",
        "What goes over this session: texts both ways, those that come in, or those that go out.",
    ),
    Option(
        "answers_by",
        pattern(f"({GROUP_NAME})?", "name of a section"),
        "",
        "Which other message centre sends the answers to what came by this one; a `receiver` needs one.",
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


def smsc(name: str, values: dict[str, Any]) -> SmscSettings:
    """Make the settings of what was read."""
    return SmscSettings(**values, section=name)


def check_smscs(written: Written, site: Site) -> None:
    """See that texts find a queue and a file to be kept in, and answers a way out."""
    for name, one in site.smscs.items():
        if site.store.database == "none":
            hint = "take database = none out of [store]"
            written.problems.error(
                written.sections[name].origin, f"message centre '{name}' needs a customer file", hint
            )
        if not one.numbers and one.bind != "transmitter":
            hint = "write number = +48221234567 sales"
            written.problems.error(written.sections[name].origin, f"message centre '{name}' has no 'number'", hint)
        seen = set[str]()
        for own in one.numbers:
            if own.queue not in written.names("queue"):
                hint = did_you_mean(own.queue, site.queues) or f"there are {', '.join(site.queues)}"
                written.problems.error(written.origin(name, "number"), f"there is no queue '{own.queue}'", hint)
            if own.number in seen:
                written.problems.error(written.origin(name, "number"), f"number {own.number} stands there twice")
            seen.add(own.number)
        _check_way_out(written, site, name, one)


def _check_way_out(written: Written, site: Site, name: str, one: SmscSettings) -> None:
    problems, other = written.problems, site.smscs.get(one.answers_by)
    if one.answers_by and other is None:
        if one.answers_by not in written.names("smsc"):
            hint = did_you_mean(one.answers_by, site.smscs) or f"there are {', '.join(site.smscs)}"
            message = f"there is no message centre '{one.answers_by}'"
            problems.error(written.origin(name, "answers_by"), message, hint)
    elif (other or one).bind == "receiver":
        hint = "write answers_by = NAME of one that is bound as transmitter or transceiver"
        problems.error(written.origin(name, "bind"), f"nothing sends the answers of '{name}'", hint)
    if not one.tls and one.secret and not re.fullmatch(f"{LOOPBACK}|::1", one.host.host):
        message = f"the password of '{name}' and its texts go over the network unencrypted"
        problems.warning(written.origin(name, "tls"), message, "write tls = yes, or guard that way by a tunnel")
