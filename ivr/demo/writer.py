"""A customer who writes: a mail, a text, a chat, each by the way that it takes in life, and what comes back of them."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from acd.channels.chat.protocol import VERSION
from ivr.demo.outside import MailServer, Provider, write_mail
from ivr.demo.stage import CHAT, GATEWAY, HOST, MAILBOX, NUMBER, SHOP, Places

ANSWER_S = 60.0
"""A customer waits so long for an answer; then the story goes on without."""
THANKS_S = 1.5
"""To read an answer, and to thank."""
ANSWER = "bright_blue"
"""The style of what comes back."""

Tell = Callable[[str, str, str], None]
"""Told who does what, and in which style."""


class Writers:
    """The customers as writers, with the servers that their words come by.

    Args:
        places: where it all is.
        names: an address's or a number's owner.
        tell: told what they get.

    """

    def __init__(self, places: Places, names: Mapping[str, str], tell: Tell) -> None:
        self._places, self._names, self._tell = places, names, tell
        self._mails = MailServer(places.mail_out, self._gets_mail)
        self._provider = Provider(places.texts_out, GATEWAY, self._gets_text)
        self._answered = {medium: asyncio.Event() for medium in ("email", "sms")}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Have the servers there."""
        async with self._mails.serving(), self._provider.serving():
            yield

    @property
    def desk(self) -> str:
        """Where the desk is."""
        return self._places.desk

    # What comes back

    def _gets_mail(self, address: str, words: str) -> None:
        self._gets("email", address, f"gets a mail: {words}")

    def _gets_text(self, number: str, words: str) -> None:
        self._gets("sms", number, f"gets an SMS: {words}")

    def _gets(self, medium: str, whose: str, what: str) -> None:
        self._tell(self._names.get(whose, whose), what, ANSWER)
        self._answered[medium].set()

    async def answered(self, medium: str) -> bool:
        """Wait for the first answer in a medium; False if there is none."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._answered[medium].wait(), ANSWER_S)
        return False

    # What they write

    async def mail(self, address: str, subject: str, words: str) -> None:
        """Write a mail.

        Raises:
            TimeoutError, aiosmtplib.SMTPException: it cannot be brought.

        """
        await write_mail(self._places.mail_in, f"{self._names[address]} <{address}>", MAILBOX, subject, words)

    async def text(self, number: str, words: str) -> None:
        """Write a text.

        Raises:
            TimeoutError, httpx.HTTPError: it cannot be brought.

        """
        await self._provider.bring(self._places.texts_in, self._places.secret, number, NUMBER, words)

    async def chat(self, address: str, question: str, thanks: str) -> bool:
        """Chat as a page does that has the widget: ask, thank, go when the agent is done. False if none answers.

        Raises:
            OSError, websockets.WebSocketException: there is no chat.

        """
        url = f"ws://{HOST}:{self._places.web}/chat/{CHAT}/ws"
        async with connect(url, origin=Origin(SHOP), compression=None, proxy=None) as socket:
            page = _Page(socket)
            await page.say(t="hello", v=VERSION)
            await page.say(t="who", id=page.name(), name=self._names[address], email=address)
            await page.say(t="say", id=page.name(), text=question)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    return await self._converse(page, self._names[address], thanks)
        return False

    async def _converse(self, page: "_Page", name: str, thanks: str) -> bool:
        has_answer = False
        async for told in page.hears():
            if told["t"] == "line" and not told["mine"]:
                self._tell(name, f"reads on the page: {told.get('text', '')}", ANSWER)
                if not has_answer:
                    await asyncio.sleep(THANKS_S)
                    self._tell(name, f"writes on the page: {thanks}", "")
                    await page.say(t="say", id=page.name(), text=thanks)
                has_answer = True
            elif told["t"] == "standing" and told["stage"] == "closed" and has_answer:
                break
        return has_answer


class _Page:
    """What the widget says and hears."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._names = itertools.count(1)

    def name(self) -> str:
        """Give what to call the next thing that is said."""
        return f"demo-{next(self._names):06d}"

    async def say(self, **said: Any) -> None:
        """Say something."""
        await self._socket.send(json.dumps(said))

    async def hears(self) -> AsyncIterator[dict[str, Any]]:
        """Give what it is told, until the socket is closed."""
        async for frame in self._socket:
            yield json.loads(frame)
