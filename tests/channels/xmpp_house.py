"""A server's chats by XMPP: the house of chats with a component in it, and a customer's program."""

import asyncio
from xml.etree import ElementTree as ET

from slixmpp import ClientXMPP, ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS, HOST, PASSWORD, SECRET

SITE = """
[net]
type = xmpp
host = 127.0.0.1:{inside}
address = {address}
secret = {secret}
entry = sales sales
entry = help sales
{more}
"""
US = f"sales@{ADDRESS}"
RECEIPTS, STATES = "{urn:xmpp:receipts}", "{http://jabber.org/protocol/chatstates}"


def section(inside, more=""):
    return SITE.format(inside=inside, address=ADDRESS, secret=SECRET, more=more)


class XmppHouse(ChatHouse):
    """The house of chats, with a component."""

    def __init__(self, folder, inside, *, more="", port=0):
        super().__init__(folder, more=section(inside, more), port=port)

    async def __aenter__(self):
        await super().__aenter__()
        await until(lambda: self.is_up)
        return self

    @property
    def is_up(self):
        component = self.chatting.components.get("net")
        return component is not None and component.can_send

    @property
    def call(self):
        (call,) = self.calls
        return call


class Customer(ClientXMPP):
    """Somebody with an account at the server: says stanzas, and keeps what he hears."""

    def __init__(self, user, port, resource="phone"):
        super().__init__(f"{user}@{HOST}/{resource}", PASSWORD)
        self.register_plugin("xep_0030")
        self.plugin["feature_mechanisms"].unencrypted_plain = True
        self.enable_direct_tls = self.enable_starttls = False
        self.enable_plaintext = True
        self.port, self.heard, self.answers, self.count = port, [], set(), 0
        self.add_filter("in", self._note)
        self.remove_handler("IM")
        self.remove_handler("IMError")
        self.register_handler(Callback("all", MatchXPath("{jabber:client}message"), self._hear))
        self.register_handler(Callback("seen", MatchXPath("{jabber:client}presence"), self._hear))

    def _note(self, stanza):
        if stanza.xml.tag.endswith("}iq"):
            self.answers.add(stanza.xml.get("id"))
        return stanza

    def _hear(self, stanza):
        self.heard.append(stanza.xml)

    async def __aenter__(self):
        started = asyncio.Event()
        self.add_event_handler("session_start", lambda _: started.set())
        self.connect("127.0.0.1", self.port)
        async with asyncio.timeout(20):
            await started.wait()
        self.put("<presence/>")
        await self.hear(lambda one: one.tag.endswith("presence") and one.get("from") == self.boundjid.full)
        return self

    async def __aexit__(self, *_):
        await end(self)

    def put(self, xml):
        """Send a stanza as it is."""
        self.send_raw(xml)

    def say(self, text, name="", to=US, inside="", kind="chat"):
        """Send a message that is to be confirmed; gives its id."""
        self.count += 1
        name = name or f"{self.boundjid.user}-{id(self)}-{self.count}"
        made = ET.Element("message", {"to": to, "type": kind, "id": name})
        ET.SubElement(made, "body").text = text
        made.append(ET.Element(f"{RECEIPTS}request"))
        self.put(ET.tostring(made, encoding="unicode").replace("</message>", f"{inside}</message>"))
        return name

    async def write(self, text, **more):
        """The same, and wait until it is confirmed."""
        before = len(self.confirmed)
        name = self.say(text, **more)
        await until(lambda: name in self.confirmed[before:])
        return name

    async def hear(self, fits):
        """Wait for a stanza."""
        return (await until(lambda: [one for one in self.heard if fits(one)]))[0]

    async def reads(self, text):
        """Wait for a message."""
        return await self.hear(lambda one: said(one) == text)

    @property
    def lines(self):
        """What he has read, in its order."""
        return [(one.get("id"), said(one)) for one in self.heard if said(one) and one.get("type") != "error"]

    @property
    def confirmed(self):
        return [confirms(one) for one in self.heard if confirms(one)]


async def end(stream):
    """End a session of slixmpp, and what it leaves."""
    stream.cancel_connection_attempt()
    await asyncio.wait_for(stream.disconnect(wait=1.0), 5)
    stream.abort()
    for name in list(stream.scheduled_events):
        stream.cancel_schedule(name)
    if stream._run_out_filters is not None:
        stream._run_out_filters.cancel()
    await asyncio.sleep(0)


def said(stanza):
    return stanza.findtext("{jabber:client}body", "")


def confirms(stanza):
    found = stanza.find(f"{RECEIPTS}received")
    return found.get("id", "") if found is not None else ""


def refused(stanza):
    """Give the id of what is refused, and why; None for what is no refusal."""
    error = stanza.find("{jabber:client}error")
    if stanza.get("type") != "error" or error is None:
        return None
    return stanza.get("id"), error[0].tag.rpartition("}")[2]


class Neighbour(ComponentXMPP):
    """Another component of the server, which may say that it is anybody at its domain."""

    def __init__(self, inside, address=f"other.{HOST}"):
        super().__init__(address, SECRET, "127.0.0.1", inside)
        self.heard, self.answers = [], set()
        self.add_filter("in", self._hear)

    def _hear(self, stanza):
        if not stanza.xml.tag.endswith(("}message", "}presence", "}iq")):
            return stanza
        if stanza.xml.get("id", "").startswith("ping-"):
            self.answers.add(stanza.xml.get("id"))
        else:
            self.heard.append(stanza.xml)
        return None

    async def __aenter__(self):
        started = asyncio.Event()
        self.add_event_handler("session_start", lambda _: started.set())
        self.connect("127.0.0.1", self.server_port)
        async with asyncio.timeout(20):
            await started.wait()
        return self

    async def __aexit__(self, *_):
        await end(self)


async def settled(house, stream):
    """Wait until the component has taken in all that was sent before: its server brings all in one order."""
    name = f"ping-{id(stream)}-{len(stream.answers)}"
    stream.send_raw(f'<iq from="{stream.boundjid}" to="{US}" type="get" id="{name}"><ping xmlns="urn:xmpp:ping"/></iq>')
    await until(lambda: name in stream.answers)
    component, chores = house.chatting.components["net"], house.chatting.rooms.chores
    await until(lambda: component._heard.empty() and not chores._tasks)


async def card(house, call=""):
    return await house.chat.card(call or house.call)
