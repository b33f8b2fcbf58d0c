"""What a mailbox may say in acd.conf, and what is wrong with it only beside the other sections."""

import re
from typing import Any

from acd.channels.email.headers import is_address
from acd.mailboxes import MailboxSettings, Place
from acd.oauth_options import OAUTH, check_oauth
from acd.options import Kind, Option, choice, duration, number, optional, pattern, secret, shown, words, yes_no
from acd.problems import did_you_mean
from acd.settings import GENERATE, QUEUE_NAME, TEXT, Site
from acd.site_checks import LOOPBACK, Written

NONE, DELETE = "none", "delete"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"


def _address() -> Kind:
    """Return the kind of an e-mail address; its value is in small letters."""

    def read(text: str) -> str:
        if not is_address(text) or "+" in text:
            raise ValueError(f"{shown(text)} is not an address such as sales@example.com, without a +")
        return text.lower()

    return Kind("e-mail address", read)


def _addresses() -> Kind:
    """Return the kind of a list of e-mail addresses."""
    one = _address()

    def read(text: str) -> tuple[str, ...]:
        return tuple(one.read(word) for word in re.split(r"[,\s]+", text.strip(", \t"))) if text.strip() else ()

    return Kind("e-mail addresses", read)


def place(*, none: bool) -> Kind:
    """Return the kind of a host and a port; the word none is None."""

    def read(text: str) -> Place | None:
        if none and text == NONE:
            return None
        match = re.fullmatch(rf"({_HOST}|\[[0-9a-fA-F:.]{{2,45}}\]):([0-9]{{1,5}})", text)
        if match is None or not 1 <= int(match[2]) <= 65_535:
            raise ValueError(f"{shown(text)} is not a host and a port such as 127.0.0.1:2424")
        return Place(match[1].strip("[]"), int(match[2]))

    return Kind(f"HOST:PORT{', or none' if none else ''}", read)


def _folder() -> Kind:
    """Return the kind of the name of a folder of a mail server."""
    return pattern(r"[^\x00-\x1f\x7f-\x9f%*\"\\]{1,200}", "name of a folder")


MAILBOX = (
    Option(
        "address",
        _address(),
        None,
        "The address that customers write to. Mails to it with a tag (`sales+anything@example.com`) come here too, and "
        "answers go out under it.",
    ),
    Option("aliases", _addresses(), "", "More addresses whose mails come here."),
    Option("queue", pattern(QUEUE_NAME, "name of a queue"), None, "Where its mails wait."),
    Option("name", optional(TEXT), "", "What stands before the address in answers; left out, the name of the site."),
    Option(
        "lmtp",
        place(none=True),
        "127.0.0.1:2424",
        "Where callfloor listens for your mail server, by LMTP. Mailboxes may have the same place. LMTP knows no "
        "password: keep it on loopback.",
    ),
    Option(
        "smtp_in",
        place(none=True),
        NONE,
        "The same by SMTP, for a server that speaks no LMTP. Nothing is relayed: mails to other addresses are refused.",
    ),
    Option(
        "imap",
        place(none=True),
        NONE,
        "Where callfloor fetches mails by IMAP, the moment they come there (IDLE), from a server that cannot bring "
        "them.",
    ),
    Option(
        "imap_tls",
        choice("tls", "starttls", "no"),
        "tls",
        "How the way there is encrypted: `tls` (from the first byte, mostly port 993) and `starttls` both need a "
        "certificate that this machine trusts; `no` is for loopback alone.",
    ),
    Option("imap_user", pattern(r"[!-~]{0,120}", "name"), "", "Who we are there."),
    Option("imap_secret", secret(r"[!-~]{0,120}", "visible ASCII characters"), "", "The password."),
    Option("imap_folder", _folder(), "INBOX", "The folder that is fetched from. All that comes there is taken."),
    Option(
        "imap_done",
        optional(_folder(), DELETE),
        "Archive",
        "The folder where a mail is moved when it is in the customer file; it is made if it is not there. Or `delete`.",
    ),
    Option("smtp", place(none=False), None, "The mail server that takes answers."),
    Option(
        "smtp_tls",
        choice("starttls", "tls", "no"),
        "starttls",
        "How the way there is encrypted: `starttls` and `tls` (from the first byte, mostly port 465) both need a "
        "certificate that this machine trusts; `no` is for loopback.",
    ),
    Option("smtp_user", pattern(r"[!-~]{0,120}", "name"), "", "Who we are there; left out, nobody logs in."),
    Option("smtp_secret", secret(r"[!-~]{0,120}", "visible ASCII characters"), "", "The password."),
    *OAUTH,
    Option(
        "give_up",
        duration("1h", "30d"),
        "4d",
        "An answer that cannot be sent for so long comes back to its queue, as one that is refused does at once.",
        "give_up_ms",
    ),
    Option(
        "acknowledge",
        yes_no(),
        "no",
        "Whether customers are told that their mail has come (RFC 3834), in the words of `mail/acknowledgement.LANGUAGE"
        ".txt`: never machines and lists, and nobody more than once a day.",
    ),
    Option("size_most", number(1, 40), "35", "So many MiB may a mail have, its attachments encoded."),
    Option(
        "authserv",
        words(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", "names"),
        "",
        "By which name your mail server signs what it found of SPF, DKIM and DMARC (`Authentication-Results`): agents "
        "are told what failed.",
    ),
    Option(
        "tag_secret",
        secret(r"[!-~]{16,80}", f"16 to 80 visible ASCII characters, or {GENERATE}", empty=GENERATE),
        GENERATE,
        "What signs the tags in addresses and Message-IDs, by which an answer finds its case.",
    ),
)


def mailbox(name: str, values: dict[str, Any], site_name: str) -> MailboxSettings:
    """Make the settings of what was read."""
    return MailboxSettings(**{**values, "section": name, "name": values["name"] or site_name})


def check_mailboxes(written: Written, site: Site) -> None:
    """See that mails find a queue and a file to be kept in, and that what has no password stays on this machine."""
    owners: dict[str, str] = {}
    places: dict[Place, str] = {}
    folders: dict[tuple[Place, str, str], str] = {}
    for name, one in site.mailboxes.items():
        if one.queue not in written.names("queue"):
            hint = did_you_mean(one.queue, site.queues) or f"there are {', '.join(site.queues)}"
            written.problems.error(written.origin(name, "queue"), f"there is no queue '{one.queue}'", hint)
        for option, addresses in (("address", (one.address,)), ("aliases", one.aliases)):
            for address in addresses:
                if owners.setdefault(address, name) != name:
                    message = f"mails to {address} could be of mailbox '{owners[address]}' and of '{name}'"
                    written.problems.error(written.origin(name, option), message, "name it in one of them")
        if site.store.database == NONE:
            hint = "take database = none out of [store]"
            written.problems.error(written.sections[name].origin, f"mailbox '{name}' needs a customer file", hint)
        if one.lmtp is None and one.smtp_in is None and one.imap is None:
            hint = "write lmtp = 127.0.0.1:2424, or imap = HOST:PORT"
            written.problems.error(written.origin(name, "lmtp"), f"no mail can come into mailbox '{name}'", hint)
        _check_doors(written, name, one, places)
        _check_fetching(written, name, one, folders)
        _check_way_out(written, name, one)
        check_oauth(written, name, one)


def _check_doors(written: Written, name: str, one: MailboxSettings, places: dict[Place, str]) -> None:
    for option, place in (("lmtp", one.lmtp), ("smtp_in", one.smtp_in)):
        if place is None:
            continue
        if places.setdefault(place, option) != option:
            message = f"{place} is for {places[place]} already"
            written.problems.error(written.origin(name, option), message, "take another port")
        if not re.fullmatch(f"{LOOPBACK}|::1", place.host):
            message = f"{option} of '{name}' is not on loopback, and whoever gets there can bring mails"
            written.problems.warning(written.origin(name, option), message, "guard that network")


def _check_fetching(
    written: Written, name: str, one: MailboxSettings, folders: dict[tuple[Place, str, str], str]
) -> None:
    if one.imap is None:
        return
    problems = written.problems
    for option in ("imap_user", "imap_secret"):
        if not getattr(one, option) and not (one.oauth_url and option == "imap_secret"):
            message = f"mailbox '{name}' has imap and no {option}"
            problems.error(written.origin(name, "imap"), message, f"write {option} = ...")
    if one.imap_tls == "no" and not re.fullmatch(f"{LOOPBACK}|::1", one.imap.host):
        message = f"its {'tokens' if one.oauth_url else 'password'} and mails would go over the network unencrypted"
        problems.error(written.origin(name, "imap_tls"), message, "write imap_tls = tls, or starttls")
    if one.imap_done is not None and _same(one.imap_done) == _same(one.imap_folder):
        message = f"mails would be fetched from {one.imap_done}, and moved there"
        problems.error(written.origin(name, "imap_done"), message, "name another folder, or delete")
    owner = folders.setdefault((one.imap, one.imap_user, _same(one.imap_folder)), name)
    if owner != name:
        message = f"mails in this folder could be of mailbox '{owner}' and of '{name}'"
        hint = "fetch it for one of the two, or name another imap_folder"
        problems.error(written.origin(name, "imap"), message, hint)


def _same(folder: str) -> str:
    return "INBOX" if folder.upper() == "INBOX" else folder  # its name alone may be written in any way


def _check_way_out(written: Written, name: str, one: MailboxSettings) -> None:
    if bool(one.smtp_user) != bool(one.smtp_secret) and not one.oauth_url:
        here, missing = ("smtp_user", "smtp_secret") if one.smtp_user else ("smtp_secret", "smtp_user")
        message = f"mailbox '{name}' has {here} and no {missing}"
        written.problems.error(written.origin(name, here), message, "write both, or neither")
    with_token = one.smtp_user and one.oauth_url  # that is an error
    if one.smtp_tls == "no" and not with_token and not re.fullmatch(f"{LOOPBACK}|::1", one.smtp.host):
        what = "its password and mails go" if one.smtp_user else "mails go"
        message = f"{what} over the network unencrypted"
        written.problems.warning(written.origin(name, "smtp_tls"), message, "write smtp_tls = starttls")
