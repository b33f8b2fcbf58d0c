"""The world around the demo's site, as far as writing goes: the customers' mail server, the provider of their texts.

Both are real servers on loopback: what callfloor sends arrives here by SMTP and by HTTP, and is told as it arrives.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import make_msgid

import aiosmtplib
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from acd.channels.sms.webhook import signature
from acd.desk.web.serve import Door
from acd.mailboxes import Place
from ivr.demo.stage import HOST

OPEN_S, AGAIN_S = 30.0, 0.1
"""So long callfloor may take until it listens; how often that is tried."""
DOOR_S = 5.0

Gets = Callable[[str, str], None]
"""Told of what has arrived: for which address or number, and its words; of a mail its subject and first line."""


class MailServer:
    """Takes the mails that callfloor sends.

    Args:
        port: where.
        gets: told of each.

    """

    def __init__(self, port: int, gets: Gets) -> None:
        self._port, self._gets = port, gets
        self._peers: list[SMTP] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve."""
        server = await asyncio.get_running_loop().create_server(self._peer, HOST, self._port)
        try:
            yield
        finally:
            server.close()
            for peer in self._peers:
                if peer.transport is not None:
                    peer.transport.close()
            await server.wait_closed()

    def _peer(self) -> SMTP:
        peer = SMTP(self, hostname="mail.example.org", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())
        self._peers.append(peer)
        return peer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        body = mail.get_body(("plain",))
        words = body.get_content() if body is not None else ""
        first = next((line for line in words.splitlines() if line.strip()), "")
        for address in envelope.rcpt_tos:
            self._gets(address, f"{mail['subject']}: {first}")
        return "250 taken"


async def write_mail(port: int, sender: str, to: str, subject: str, words: str) -> None:
    """Bring a mail to callfloor, as the mail server of its site does.

    Raises:
        TimeoutError, aiosmtplib.SMTPException: it cannot be brought.

    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = make_msgid(domain="example.org")
    mail.set_content(words)
    await _open(port)
    await aiosmtplib.send(mail, hostname=HOST, port=port, local_hostname="localhost", start_tls=False)


class Provider:
    """Brings texts to callfloor and takes its answers, both by HTTP.

    Args:
        port: where it takes them.
        section: its name in acd.conf.
        gets: told of each answer.

    """

    def __init__(self, port: int, section: str, gets: Gets) -> None:
        self._port, self._section, self._gets = port, section, gets
        self._texts = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve."""
        app = Starlette(routes=[Route("/messages", self._take, methods=["POST"])])
        door, is_open = Door(app, Place(HOST, self._port), behind=False), asyncio.Event()
        task = asyncio.create_task(door.run(is_open))
        try:
            await asyncio.wait_for(is_open.wait(), DOOR_S)
            yield
        finally:
            await door.stop()
            await asyncio.wait({task}, timeout=DOOR_S)

    async def _take(self, request: Request) -> Response:
        said = await request.json()
        self._gets(str(said["to"]), str(said["text"]))
        return Response(status_code=204)

    async def bring(self, port: int, secret: str, sender: str, to: str, words: str) -> None:
        """Bring a text to callfloor.

        Args:
            port: where it listens.
            secret: by which a text is signed.
            sender: whose number.
            to: the site's.
            words: the text.

        Raises:
            TimeoutError, httpx.HTTPError: it cannot be brought.

        """
        self._texts += 1
        body = json.dumps({"id": f"demo-{self._texts}", "from": sender, "to": to, "text": words}).encode()
        stamp = str(int(time.time()))
        signed = {"X-Timestamp": stamp, "X-Signature": signature(secret, stamp, body)}
        await _open(port)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://{HOST}:{port}/sms/{self._section}", content=body, headers=signed)
        answer.raise_for_status()


async def _open(port: int) -> None:
    """Wait until somebody listens there.

    Raises:
        TimeoutError: nobody does.

    """
    async with asyncio.timeout(OPEN_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, port)
                writer.close()
                return
            await asyncio.sleep(AGAIN_S)
