"""The session with an XMPP server as its component (XEP-0114), by slixmpp: kept alive, begun again when it breaks.

Messages and presences are read here; what asks something (IQ) is slixmpp's: whether we are there (XEP-0199), and what
we are (XEP-0030). What is heard is handed on one at a time, in its order.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

import structlog
from slixmpp import JID, ComponentXMPP, InvalidJID
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream import StanzaBase

from acd.channels.chat.xmpp import stanzas
from acd.channels.chat.xmpp.guests import Guests, Peer
from acd.channels.chat.xmpp.outbox import Away, Doubt
from acd.channels.chat.xmpp.stanzas import Heard, Said
from acd.channels.email.text import line
from acd.chat_settings import XmppSettings

log = structlog.get_logger()
logging.getLogger("slixmpp").setLevel(logging.CRITICAL)  # it would write down what people say

CONNECT_S = 15.0
AGAIN_S, AGAIN_MOST_S = 1.0, 60.0
"""Between two attempts to be bound, twice as long each time, a fifth more or less by chance."""
ECHO_S = 20.0
"""So long the server may take to show that it has what it was sent."""
IDLE_S = 60.0
"""It is asked so often whether it is there."""
HEARD_MOST = 2_000
"""So much waits to be taken in; then it is refused."""
KEPT_MOST = 1_000
"""So much is kept for when the server is there again."""


class Component:
    """A session.

    Args:
        settings: with whom.
        guests: who takes in what is heard.
        up: is called when something can be sent.

    """

    def __init__(self, settings: XmppSettings, guests: Guests, up: Callable[[], None]) -> None:
        self.settings = settings
        self._guests, self._up = guests, up
        self._heard: asyncio.Queue[tuple[Peer, Heard]] = asyncio.Queue(HEARD_MOST)
        self._kept: deque[ET.Element] = deque(maxlen=KEPT_MOST)
        self._client: ComponentXMPP | None = None
        self._ended: asyncio.Future[str]
        self.can_send = self._is_over = False
        """The server has us."""

    # Life

    async def run(self) -> None:
        """Keep a session, until cancelled or closed."""
        taking = asyncio.create_task(self._take(), name="xmpp in")
        again_s = AGAIN_S
        try:
            while True:
                reason, was_up = await self._session()
                if self._is_over:
                    return
                again_s = AGAIN_S if was_up else min(2 * again_s, AGAIN_MOST_S)
                log.warning("XMPP server is away", component=self.settings.section, reason=reason, again_s=again_s)
                await asyncio.sleep(again_s * random.uniform(0.8, 1.2))  # noqa: S311 - so that many do not come at once
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _session(self) -> tuple[str, bool]:
        """Have one session, to its end; gives why it ended, and whether it was one."""
        loop, place, client = asyncio.get_running_loop(), self.settings.host, self._begin()
        began: asyncio.Future[None] = loop.create_future()
        ended = self._ended = loop.create_future()

        def begin(_: object) -> None:
            if not began.done():
                began.set_result(None)
                self._is_up(client)

        def end(reason: object) -> None:
            if not ended.done():
                ended.set_result(line(str(reason or "it closed the stream"), 200))

        client.add_event_handler("session_start", begin)
        client.add_event_handler("stream_error", lambda error: end(error["condition"]))
        for event in ("connection_failed", "disconnected"):
            client.add_event_handler(event, end)
        try:
            client.connect(place.host, place.port)
            await asyncio.wait({ended, began}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
            while began.done() and not ended.done():
                await self._echo(client)
                await asyncio.wait({ended}, timeout=IDLE_S)
        except Doubt as doubt:
            end(doubt)
        except Exception as error:
            log.exception("XMPP session fails", component=self.settings.section)
            end(error)
        finally:
            self.can_send, self._client = False, None
            end("it does not answer")
            _discard(client)
        return ended.result(), began.done()

    def _begin(self) -> ComponentXMPP:
        settings = self.settings
        client = ComponentXMPP(settings.address, settings.secret, settings.host.host, settings.host.port)
        client.add_filter("in", self._hear)
        client.register_plugin("xep_0030")
        client.register_plugin("xep_0199")
        disco, name = client.plugin["xep_0030"], self._guests.house.office.site.general.name
        disco.add_identity(category="component", itype="generic", name=name)
        for one in settings.entries:
            address = f"{one.name}@{settings.address}"
            disco.add_identity(category="client", itype="web", name=name, jid=address)
            disco.add_item(jid=address, ijid=settings.address, name=f"{name}: {one.name}")
            for feature in ("http://jabber.org/protocol/disco#info", "urn:xmpp:ping", *stanzas.FEATURES):
                disco.add_feature(feature, jid=address)
        return client

    def _is_up(self, client: ComponentXMPP) -> None:
        self._client, self.can_send = client, True
        log.info("XMPP server has us", component=self.settings.section, address=self.settings.address)
        while self._kept:
            client.send_xml(self._kept.popleft())
        self._up()

    async def close(self) -> None:
        """Say good-bye, when what was to be sent is sent."""
        client, self.can_send, self._is_over = self._client, False, True
        if client is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    await client.disconnect(wait=1.0)

    # Out

    def post(self, stanza: ET.Element, *, keep: bool = False) -> None:
        """Send something; with `keep` when the server is there again, if it is away."""
        if self.can_send and self._client is not None:
            self._client.send_xml(stanza)
        elif keep:
            self._kept.append(stanza)

    async def deliver(self, those: Sequence[ET.Element]) -> None:
        """Send some; when this returns the server has them.

        Raises:
            Away: nothing was sent.
            Doubt: nobody knows.

        """
        client = self._client
        if client is None or not self.can_send:
            raise Away
        for one in those:
            client.send_xml(one)
        await self._echo(client)

    async def _echo(self, client: ComponentXMPP) -> None:
        """Wait until the server has all that it was sent: it hands back what we send to ourselves after that.

        Raises:
            Doubt: it does not.

        """
        own = self.settings.address
        question = client.make_iq_get(ito=own, ifrom=own)
        question.append(ET.Element("{urn:xmpp:ping}ping"))
        answer = asyncio.ensure_future(question.send(timeout=ECHO_S))
        await asyncio.wait({answer, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise Doubt(self._ended.result())
        try:
            await answer
        except IqTimeout:
            raise Doubt("it does not answer") from None
        except IqError:
            return  # an answer as well

    # In

    def _hear(self, stanza: StanzaBase) -> StanzaBase | None:
        """Take what is ours of what comes in; the rest is slixmpp's. Never raises."""
        try:
            return self._heard_of(stanza)
        except InvalidJID:
            return None
        except Exception:
            log.exception("stanza cannot be read")
            return None

    def _heard_of(self, stanza: StanzaBase) -> StanzaBase | None:
        xml = stanza.xml
        kind = xml.tag.rpartition("}")[2]
        if kind not in {"message", "presence", "iq"}:
            return stanza
        source = JID(xml.get("from", ""))
        if source.domain == self.settings.address:  # our own echo; else nobody speaks for us but ourselves
            return stanza if kind == "iq" else None
        if kind == "message":
            self._message(source, xml)
        elif self._guests.may_come(source.bare):
            if kind == "iq":
                return stanza
            self._presence(source, xml)
        return None

    def _peer(self, source: JID, xml: ET.Element) -> Peer | None:
        """Say who writes; None for a server, or what is written to nobody."""
        to = JID(xml.get("to", ""))
        if not source.local or not to.local or to.domain != self.settings.address:
            return None
        return Peer(source.bare, source.full, source.domain, self.settings.section, to.local)

    def _message(self, source: JID, xml: ET.Element) -> None:
        peer, heard = self._peer(source, xml), stanzas.message(xml)
        if peer is None or heard is None:
            return
        try:
            if self._guests.may_come(peer.bare):
                self._heard.put_nowait((peer, heard))
                return
        except asyncio.QueueFull:
            pass
        if isinstance(heard, Said):
            self._guests.refuse(peer, heard.id, "slow")

    def _presence(self, source: JID, xml: ET.Element) -> None:
        """Let who wants to have us in his list; we are there whenever somebody asks."""
        peer, kind = self._peer(source, xml), xml.get("type", "")
        if peer is None or peer.entry not in self.settings.entrances:
            return
        us, away = f"{peer.entry}@{self.settings.address}", self._guests.is_away(peer)
        if kind in {"subscribe", "unsubscribe"}:
            self.post(stanzas.presence(us, peer.bare, f"{kind}d"))
        if kind in {"subscribe", "probe"}:
            self.post(stanzas.presence(us, peer.full if kind == "probe" else peer.bare, away=away))

    async def _take(self) -> None:
        while True:
            await self._guests.take(*await self._heard.get())


def _discard(client: ComponentXMPP) -> None:
    """Leave nothing of a session behind: slixmpp would try again by itself, and keeps a task and timers."""
    client.cancel_connection_attempt()
    client.abort()
    for name in list(client.scheduled_events):
        client.cancel_schedule(name)
    filters = client._run_out_filters  # noqa: SLF001 - nothing else ends it
    if filters is not None:
        filters.cancel()
