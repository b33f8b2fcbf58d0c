"""A blend, from the first contact to the last word about it."""

import asyncio
import contextlib
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
from msgspec import Struct

from acd.journal import Folder
from ivr.server import JOURNAL
from tests.blend import site as of_site
from tests.blend import verdict
from tests.blend.agents import Crew
from tests.blend.audit import Audit, audited
from tests.blend.ends import Telephones, Visitor, post_text, write_mail
from tests.blend.plan import Contact, Scale, drawn
from tests.channels import dovecot, node_smsc, postfix
from tests.channels.mail_house import until
from tests.channels.test_sms_gateway import Provider
from tests.ports import free_port

DRAIN_S = 120.0
"""So long the last ones may take, after the last has come."""
SETTLE_S = 30.0
"""So long answers may be on their way, when all were given."""
MISSING = (dovecot.MissingError, postfix.MissingError, node_smsc.MissingError)
"""There is no such peer on this machine; the message says why."""


class Outcome(Struct):
    """What came of it."""

    faults: list[str]
    figures: dict[str, object]


class Blend:
    """One run.

    Args:
        folder: an empty one.
        scale: how much.
        modules: where node-smpp is.
        cache: spoken prompts, for several runs; None for none.

    """

    def __init__(self, folder: Path, scale: Scale, modules: Path, cache: Path | None = None) -> None:
        self.folder, self.scale, self.modules, self.cache = folder, scale, modules, cache
        self.contacts = drawn(scale)
        self.visitors = [
            Visitor(one, number) for number, one in enumerate(one for one in self.contacts if one.medium == "chat")
        ]
        self._file = folder / "home/customers/customers.sqlite3"
        self.heard, self.faults = verdict.Heard(), list[str]()
        self.blind: list[tuple[float, float]] = []
        """From each kill until the program served again, epoch in ms."""
        self.lasted_s = 0.0

    async def run(self) -> Outcome:
        """Let everybody call and write, and ask what became of it."""
        lmtp = free_port()
        with (
            dovecot.running() as boxes,
            postfix.running(lmtp, boxes=boxes.boxes, named=["info@acme.example"]) as (smtp, log),
        ):
            async with node_smsc.running(self.modules) as centre, Provider() as provider:
                ports = {"lmtp": lmtp, "smtp": smtp, "imap": boxes.port, "smsc": centre.port, "provider": provider.port}
                async with of_site.opened(self.folder, self.scale, ports, self.cache) as site:
                    telephones = Telephones(self.folder, site, self.scale)
                    with telephones.plugged_in():
                        await self._live(site, telephones, smtp, centre)
                        await self._settled(boxes.boxes, centre, provider)
                    await site.down(signal.SIGTERM)
                self.heard.mails(boxes.boxes)
                self.heard.texts("smpp", [(one["to"], one["text"], "") for one in centre.submitted])
                told = [(body["to"], body["text"], body["id"]) for _, _, body in provider.requests]
                self.heard.texts("http", told)
                self.faults += [f"the mail server: {line}" for line in _bounced(log.read_text())]
        return self._outcome(telephones)

    # While they come

    async def _live(
        self, site: of_site.BlendSite, telephones: Telephones, smtp: int, centre: node_smsc.Listened
    ) -> None:
        async with Crew(site, self.contacts) as crew, httpx.AsyncClient(trust_env=False) as client:
            callers = [one for one in self.contacts if one.medium == "voice"]
            begun = time.monotonic()
            with telephones.calling(callers):
                coming = [
                    self._comes(site, one, smtp, centre, client) for one in self.contacts if one.medium != "voice"
                ]
                try:
                    async with asyncio.timeout(self.scale.lasts_s + DRAIN_S):
                        await asyncio.gather(self._kill(site, begun), *coming)
                        await telephones.finished(DRAIN_S)
                        await until(lambda: _is_empty(site), DRAIN_S)
                except (TimeoutError, AssertionError):
                    self.faults.append(f"not all were served within {DRAIN_S:g} s: {await site.status()}")
            self.lasted_s = time.monotonic() - begun
            self.faults += crew.faults
            self.taken_aside = crew.took_aside

    async def _comes(
        self,
        site: of_site.BlendSite,
        contact: Contact,
        smtp: int,
        centre: node_smsc.Listened,
        client: httpx.AsyncClient,
    ) -> None:
        await asyncio.sleep(contact.at_s)
        match contact.way:
            case "lmtp" | "imap":
                await write_mail(contact, smtp)
            case "smpp":
                await centre.brings(f"What about {contact.token}?", source_addr=contact.who, ref=contact.token)
            case "http":
                await post_text(contact, site.ports["gateway"], client)
            case _:
                visitor = next(one for one in self.visitors if one.contact is contact)
                await visitor.chat(site.ports["web"])

    async def _kill(self, site: of_site.BlendSite, begun: float) -> None:
        """Kill the program, in equal distances, a little sooner or later; and start it again."""
        chance = random.Random(self.scale.seed)
        for number in range(1, self.scale.kills + 1):
            at_s = self.scale.lasts_s * number / (self.scale.kills + 1) + chance.uniform(-0.5, 0.5)
            await asyncio.sleep(max(0.0, begun + at_s - time.monotonic()))
            killed = time.time()
            await site.down()
            await site.up()
            self.blind.append((1_000 * killed, 1_000 * time.time()))

    async def _settled(self, boxes: Path, centre: node_smsc.Listened, provider: Provider) -> None:
        """Wait until all answers are where they belong; what is missing then is told by the verdict."""
        ways = Counter(one.way for one in self.contacts)

        def are_there() -> bool:
            texts, posted = {one["to"] for one in centre.submitted}, {body["to"] for _, _, body in provider.requests}
            mails = [*boxes.glob(f"{postfix.ALL}/new/*")]
            wanted = ways["smpp"], ways["http"], ways["lmtp"] + ways["imap"]
            return (len(texts), len(posted), len(mails)) == wanted and self._is_all_stored()

        with contextlib.suppress(AssertionError):
            await until(lambda: asyncio.to_thread(are_there), SETTLE_S)

    def _is_all_stored(self) -> bool:
        """Whether the customer file has come up with the journal."""
        with contextlib.closing(sqlite3.connect(self._file)) as database:
            ended = "SELECT count(*) FROM interactions WHERE ended_at IS NOT NULL"
            return database.execute(ended).fetchone()[0] >= len(self.contacts)

    # Afterwards

    def _outcome(self, telephones: Telephones) -> Outcome:
        calls = verdict.Calls(self.contacts, *telephones.notes(), self.blind)
        self.faults += self.heard.chats(self.visitors)
        self.faults += self.heard.faults(self.contacts, twice_most=verdict.twice_most(self.scale))
        self.faults += [f"{fault}\n{telephones.errors()}" for fault in calls.faults()]
        self.faults += verdict.stored_faults(self.contacts, calls, self._file, of_site.CODES)
        audit = audited(Folder(self.folder / "home" / JOURNAL))
        self.faults += audit.faults
        self.faults += _counted(audit, self.contacts, calls.unseen)
        if audit.restarts != self.scale.kills + 1:
            self.faults.append(f"started {audit.restarts} times")
        figures = {
            **Counter(one.medium for one in self.contacts),
            "seats": self.scale.seats,
            "minutes": self.scale.minutes,
            "factor": self.scale.factor,
            "lasted_s": round(self.lasted_s, 1),
            "kills": self.scale.kills,
            "down_max_s": round(max((until - since for since, until in self.blind), default=0) / 1_000, 2),
            "mails_set_aside_for_calls": audit.aside_for_voice,
            "set_aside_seen_at_desks": self.taken_aside,
            "most_at_a_seat": dict(audit.peak),
            "rung_for_who_had_gone": len(calls.late),
            "sent_again": len(self.heard.twice),
            "faults": len(self.faults),
        }
        return Outcome(self.faults, figures)


async def _is_empty(site: of_site.BlendSite) -> bool:
    """Whether nobody is in the house."""
    status = await site.status()
    return status is not None and not status.calls


def _counted(audit: Audit, contacts: Sequence[Contact], unseen: set[str]) -> Iterator[str]:
    """As many calls in the journal as there were contacts, each connected, and each written one closed once."""
    there, came = Counter(call.medium for call in audit.calls.values()), Counter(one.medium for one in contacts)
    if there != came:
        yield f"the journal has {there}, there were {came}"
    for name, call in audit.calls.items():
        if call.medium == "voice" and call.caller not in unseen and audit.connected[name] != 1:
            yield f"{call} was connected {audit.connected[name]} times"
        if call.medium != "voice" and audit.closed[name] != 1:
            yield f"{call} was closed {audit.closed[name]} times"


def _bounced(log: str) -> list[str]:
    return [line for line in log.splitlines() if "status=bounced" in line or "fatal:" in line or "panic:" in line]
