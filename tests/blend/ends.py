"""Who calls and writes, each by real means, and what they hear back: all of it is noted here, far from callfloor.

Mails go out through a Postfix, which brings them by LMTP or into a mailbox that callfloor fetches by IMAP, and which
puts the answers into the customers' mailbox. Texts come from a message centre by node-smpp, or by signed requests of a
provider. Chats are WebSockets, calls are sipp's. Whoever is not heard tries again, as such peers do: the mail server
and the centre by themselves, the provider and the visitors here.
"""

import asyncio
import contextlib
import json
import smtplib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import websockets

from acd.channels.sms import webhook
from tests.bench import crowd
from tests.bench.crowd import Crowd
from tests.blend import site as of_site
from tests.blend.plan import PATIENCE_S, WORK_S, Contact, Scale
from tests.channels.chat_house import Page
from tests.channels.test_sms_gateway import SECRET
from tests.ports import free_port

AGAIN_S = 0.2
LOOK_S = 0.05
MAIL = """\
From: {who} <{who}@example.org>
To: {to}@acme.example
Subject: About {token}
Message-ID: <{token}@example.org>

Good day,

what about {token}?
"""


async def write_mail(contact: Contact, smtp: int) -> None:
    """Give a mail to the mail server."""
    to = {"lmtp": "office", "imap": "info"}[contact.way]
    raw = MAIL.format(who=contact.who, to=to, token=contact.token)

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", smtp) as client:
            client.sendmail(f"{contact.who}@example.org", [f"{to}@acme.example"], raw)

    await asyncio.to_thread(send)


async def post_text(contact: Contact, gateway: int, client: httpx.AsyncClient) -> None:
    """Bring a text as a provider does: again and again until it hears 200."""
    said = {"id": contact.token, "from": f"+{contact.who}", "to": f"+{of_site.WRITTEN_BY_HTTP}"}
    body = json.dumps({**said, "text": f"What about {contact.token}?"}).encode()
    while True:
        stamp = str(int(time.time()))
        signed = {"X-Signature": webhook.signature(SECRET, stamp, body), "X-Timestamp": stamp}
        headers = {**signed, "Content-Type": "application/json"}
        with contextlib.suppress(httpx.TransportError):
            url = f"http://127.0.0.1:{gateway}/sms/cloud"
            if (await client.post(url, content=body, headers=headers)).status_code == 200:
                return
        await asyncio.sleep(AGAIN_S)


class Visitor:
    """One who chats: he asks, is answered, thanks, and leaves when his thanks are confirmed."""

    def __init__(self, contact: Contact, number: int) -> None:
        self.contact = contact
        self.lines: dict[int, tuple[bool, str]] = {}
        """By their numbers: whether it is his, and the words; as they came, whatever came twice."""
        self.said_otherwise: list[str] = []
        """Lines that came twice and were not the same."""
        self._own, self._token = f"127.2.{number // 250}.{number % 250 + 1}", ""
        self._to_say = {f"{contact.token}-1": f"What about {contact.token}?"}

    async def chat(self, port: int) -> None:
        """Come back until all is said and heard."""
        while not self._is_done():
            page = Page(
                f"127.0.0.1:{port}/chat/shop", token=self._token, last=max(self.lines, default=0), own=self._own
            )
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                async with page:
                    await self._talk(page)
            await asyncio.sleep(AGAIN_S)

    async def _talk(self, page: Page) -> None:
        told, said_at = 0, dict[str, float]()
        while not page.reader.done() and not self._is_done():
            for frame in page.heard[told:]:
                self._hear(frame)
            told, self._token = len(page.heard), page.token
            now = time.monotonic()
            confirmed = {words for mine, words in self.lines.values() if mine}
            for name, words in self._to_say.items():
                if self._token and words not in confirmed and said_at.get(name, 0) < now - 2:
                    said_at[name] = now
                    await page.send(t="say", id=name, text=words)
            await asyncio.sleep(LOOK_S)

    def _hear(self, frame: dict[str, object]) -> None:
        if frame["t"] != "line":
            return
        line = bool(frame["mine"]), str(frame.get("text", ""))
        if self.lines.setdefault(int(frame["seq"]), line) != line:
            self.said_otherwise.append(f"{frame}")
        if line == (False, self.contact.answer):
            self._to_say[f"{self.contact.token}-2"] = thanks(self.contact)

    def _is_done(self) -> bool:
        return (True, thanks(self.contact)) in self.lines.values()


def thanks(contact: Contact) -> str:
    """Say what a visitor says in the end."""
    return f"Thanks for {contact.token}."


class Telephones:
    """sipp: the callers, a crowd for each kind of patience, and all the seats' telephones."""

    def __init__(self, folder: Path, site: of_site.BlendSite, scale: Scale) -> None:
        self.folder, self.scale = folder, scale
        self.server, self.port = f"127.0.0.1:{site.site.switch.sip_port}", site.ports["agents"]
        self.agents: Crowd | None = None
        self.crowds: list[Crowd] = []

    @contextlib.contextmanager
    def plugged_in(self) -> Iterator[None]:
        """Have the seats' telephones answer."""
        talk_ms = [round(1_000 * self.scale.by_clock(seconds)) for seconds in WORK_S["voice"]]
        with Crowd(crowd.agent((talk_ms[0], talk_ms[1])), self.folder / "agents", self.port) as self.agents:
            yield

    @contextlib.contextmanager
    def calling(self, contacts: Sequence[Contact]) -> Iterator[None]:
        """Have all callers call when their time comes; this is that of the first."""
        with contextlib.ExitStack() as stack:
            for kind, patience_s in enumerate(PATIENCE_S):
                own = [one for one in contacts if one.patience == kind]
                if not own:
                    continue
                rows = self.folder / f"callers-{kind}.csv"
                listed = (f"{one.who};{round(1_000 * one.at_s)}\n" for one in own)
                rows.write_text("SEQUENTIAL\n" + "".join(listed))
                patience_ms = round(1_000 * self.scale.by_clock(patience_s))
                scenario = crowd.caller(patience_ms, who=crowd.LISTED, after=crowd.AS_LISTED)
                words = ["-inf", str(rows), "-s", of_site.NUMBER, self.server, "-m", str(len(own))]
                words += ["-l", str(len(own)), "-r", "1000"]
                made = Crowd(scenario, self.folder / f"callers-{kind}", free_port(), *words)
                self.crowds.append(stack.enter_context(made))
            yield

    async def finished(self, within_s: float) -> None:
        """Wait until all calls are over."""
        for one in self.crowds:
            await asyncio.to_thread(one.finish, within_s)

    def notes(self) -> tuple[dict[str, float], list[tuple[str, float]]]:
        """Say whom an agent hung up on, and whom the agents' telephones answered, each time; and when, epoch in ms."""
        ended: dict[str, float] = {}
        for one in self.crowds:
            ended |= one.notes().get("end", {})
        lines = (self.folder / "agents/notes.log").read_text().splitlines()
        notes = [line.removeprefix("answer ").rsplit(" ", 2) for line in lines if line.startswith("answer ")]
        return ended, [(who, float(seconds) * 1e3 + float(micros) / 1e3) for who, seconds, micros in notes]

    def errors(self) -> str:
        """Say what went otherwise than it should."""
        logs = self.folder.glob("*/errors.log")
        return "\n".join(log.read_text(errors="replace")[-2_000:] for log in logs)
