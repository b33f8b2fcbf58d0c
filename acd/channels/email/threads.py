"""What a message is to us: which case it goes on with, whether a person wrote it, what of ours failed, who vouches.

A subject is never a reason to put a message into a case: two customers write "Invoice", and one may guess the other's.

DKIM, SPF and DMARC are shown, not judged, and taken from the Authentication-Results (RFC 8601) of the site's own mail
server. It has the envelope, the resolver and the time; checking here again (with dkimpy) would bring a resolver, a
second truth, and no SPF, as by now the sender's network address is only hearsay.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from acd.channels.email.message import Failure, Message
from acd.channels.email.tags import Tags
from acd.channels.email.text import line

HOUR_MS = 3_600_000
Nature = Literal["person", "list", "automatic", "out-of-office", "bounce", "loop"]
"""What wrote a message. All but a person and a list are no work for a seat by themselves."""


class Index(Protocol):
    """Knows the messages that were stored."""

    async def cases(self, message_ids: Sequence[str]) -> Mapping[str, int]:
        """Give the cases of those among these Message-IDs that are known."""


class Thread(Struct, frozen=True):
    """Which case a message goes on with."""

    case: int | None
    by: Literal["tag", "message-id", "index", ""]
    """What said so: the address it was sent to, a Message-ID of ours that it answers, the store; "" if nothing did."""


class Bounce(Struct, frozen=True):
    """A message of ours that did not get there, or not yet."""

    message_id: str
    """Of ours; empty if nothing in it says which."""
    case: int | None
    failures: tuple[Failure, ...]
    is_permanent: bool
    """Whether trying goes on no more for any of the recipients."""


class Verdict(Struct, frozen=True):
    """What our mail server found: `dkim`, `pass`, `header.d=example.com`."""

    method: str
    result: str
    about: str


async def thread_of(message: Message, tags: Tags, index: Index) -> Thread:
    """Tell which case a message belongs to."""
    for address in _recipients(message):
        if (case := tags.case_of_address(address)) is not None:
            return Thread(case, "tag")
    answered = _answered(message)
    for message_id in answered:
        if (case := tags.case_of_id(message_id)) is not None:
            return Thread(case, "message-id")
    known = await index.cases(answered) if answered else {}
    return next((Thread(known[one], "index") for one in answered if one in known), Thread(None, ""))


def _recipients(message: Message) -> Iterator[str]:
    yield from message.delivered_to
    yield from (one.address for one in (*message.to, *message.cc))


def _answered(message: Message) -> list[str]:
    """Name the messages it answers, the nearest one first."""
    return list(dict.fromkeys([*reversed(message.in_reply_to), *reversed(message.references)]))


class Pace:
    """Counts what came of each name within a period, in memory that does not grow: the least recent are forgotten.

    Args:
        most: so many are allowed in the period.
        period_ms: its length.
        names: how many names are kept.

    """

    def __init__(self, most: int, period_ms: int = HOUR_MS, names: int = 10_000) -> None:
        self._most, self._period_ms, self._names = most, period_ms, names
        self._seen: OrderedDict[str, list[int]] = OrderedDict()

    def allows(self, name: str, at: int) -> bool:
        """Count one more of a name now (ms), unless there were too many; tells which."""
        recent = [one for one in self._seen.pop(name, []) if at - one < self._period_ms]
        is_allowed = len(recent) < self._most
        self._seen[name] = [*recent, at] if is_allowed else recent
        while len(self._seen) > self._names:
            self._seen.popitem(last=False)
        return is_allowed


class Gate:
    """Tells persons from machines and loops.

    Args:
        tags: of the site.
        own_addresses: mailboxes of the site, without tags.
        name: what X-Loop says of us.
        hourly_most: messages of one address in an hour; more is a loop, or a machine gone wrong.

    """

    def __init__(self, tags: Tags, own_addresses: Collection[str], name: str, hourly_most: int = 30) -> None:
        self._tags, self._name = tags, name.lower()
        self._own = frozenset(one.lower() for one in own_addresses)
        self._pace = Pace(hourly_most)

    def is_own(self, address: str) -> bool:
        """Tell whether an address is one of the site's, with a tag or without."""
        local, _, domain = address.lower().partition("@")
        return f"{local.partition('+')[0]}@{domain}" in self._own or address.lower() in self._own

    def nature(self, message: Message, at: int) -> Nature:
        """Tell what wrote a message that came now (ms); it counts to its sender's messages of this hour."""
        if self.comes_back(message):
            return "loop"
        if "bounce" in message.marks:
            return "bounce"
        sender = message.sender.address.lower()
        if sender and not self._pace.allows(sender, at):
            return "loop"
        if "out-of-office" in message.marks:
            return "out-of-office"
        if message.marks & {"auto-replied", "auto-generated"}:
            return "automatic"
        return "list" if message.marks & {"list", "bulk"} else "person"

    def comes_back(self, message: Message) -> bool:
        """Tell whether it is one of ours, or says that it is from us."""
        has_our_name = any(one.lower() == self._name for one in message.loops)
        return has_our_name or self._tags.case_of_id(message.message_id) is not None or self._is_from_us(message)

    def _is_from_us(self, message: Message) -> bool:
        return any(self.is_own(one) for one in (message.sender.address, message.return_path or "") if one)


def bounce_of(message: Message, tags: Tags) -> Bounce | None:
    """Tell what of ours failed; None if a message is no bounce.

    A report is a stranger's word like any other: believed is only that it is about a message whose id we signed.
    """
    if "bounce" not in message.marks:
        return None
    report = message.report
    named = [report.message_id] if report and report.message_id else []
    files = [one for one in message.attachments if one.claimed.startswith(("message/", "text/"))]
    quoted = (one.content[:100_000].decode("latin-1") for one in files)
    named += [*message.in_reply_to, *message.references, *tags.ours_in(message.text)]
    ours = next((one for one in named if tags.case_of_id(one) is not None), "")
    ours = ours or next((one for text in quoted for one in tags.ours_in(text)), "")
    failures = report.failures if report else ()
    is_permanent = any(one.is_permanent for one in failures) if failures else True
    return Bounce(ours, tags.case_of_id(ours), failures, is_permanent)


_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"(?i)\s*(dkim|spf|dmarc|arc|dkim-adsp|iprev)\s*=\s*([a-z]{1,20})\b(.*)", re.DOTALL)
_ABOUT = re.compile(r"(?i)\b(?:smtp\.mailfrom|smtp\.helo|header\.(?:d|from|i|s|b))=[^\s;]{1,260}")


def authentication(message: Message, trusted: Collection[str], hops_most: int = 2) -> tuple[Verdict, ...]:
    """Give what the site's mail server found, in its own order; nothing of what a sender wrote himself.

    Args:
        message: as it came.
        trusted: names (authserv-id) by which the site's servers sign such headers. A server removes forged ones.
        hops_most: so many Received headers may stand above it: servers of the site that it passed since.

    """
    names = {one.lower() for one in trusted}
    for claim in message.authentication:
        server, _, rest = _COMMENT.sub(" ", claim.text).partition(";")
        if claim.hops <= hops_most and server.split()[:1] and server.split()[0].lower() in names:
            return tuple(_verdicts(rest))  # the uppermost: ours was written last
    return ()


def _verdicts(text: str) -> Iterator[Verdict]:
    for part in text.split(";")[:50]:
        if match := _RESULT.match(part):
            about = " ".join(_ABOUT.findall(match[3])[:4])
            yield Verdict(match[1].lower(), match[2].lower(), line(about, 300))
