"""Bad input to chats by XMPP, through a real Prosody: what comes of it, and that the next customer is served."""

import json

import pytest
import websockets

from acd.channels.chat import protocol
from acd.channels.contact import Reply
from acd.store import people
from acd.store.handles import xmpp
from tests.channels.chat_house import ChatHouse, Page
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS, HOST, ROOMS, SECRET
from tests.channels.test_chat_hostile import XSS
from tests.channels.xmpp_house import US, card, confirms, refused, section, settled

# What is written


@pytest.mark.parametrize("texts", [XSS[:5], XSS[5:]])
async def test_markup_is_text(net, jan, texts):
    """Stored XSS of a desk, expressions of a dialplan, SQL: kept as it is, to be shown as it is."""
    for text in texts:
        await jan.write(text)
    assert (await card(net)).text == "\n".join(texts)


async def test_xhtml_is_not_read(net, jan):
    """XEP-0071: neither beside a text, nor alone."""
    html = (
        '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml">{}</body></html>'
    )
    script = "<p style='x'><script>alert(1)</script><img src='http://127.0.0.1/x' onerror='alert(1)'/></p>"
    jan.put(f'<message to="{US}" type="chat" id="alone">{html.format(script)}</message>')
    await jan.write("Hello", inside=html.format(script))
    found = await card(net)
    assert (found.text, found.html) == ("Hello", "")


async def test_signs_that_turn_or_hide_text_are_gone(net, jan):
    """Bidi, C1 controls, accents piled up, line separators."""
    await jan.write("in\u202evoice\u2066.exe\u0085a\u009fb\u2028c Z" + "\u0301" * 500)
    assert (await card(net)).text == "invoice.exe\nab\nc Z" + "\u0301" * 3


async def test_a_huge_message_is_refused(net, jan):
    """He sees that it is not delivered, and what there may be; one that is just so long is taken."""
    name = jan.say("x" * 200_000)
    assert refused(await jan.hear(lambda one: one.get("id") == name)) == (name, "not-acceptable")
    await jan.write("x" * protocol.TEXT_MOST)
    assert len((await card(net)).text) == protocol.TEXT_MOST


async def test_a_hostile_id_comes_back_as_it_is(net, jan):
    """Quotes, brackets, other scripts; it breaks nothing in a receipt."""
    for name in ("'\"><x/>&amp;", "żółw\u202e", "i" * 900):
        await jan.write(f"line {len(name)}", name=name)
    assert (await card(net)).text.count("line") == 3


async def test_nothing_is_fetched(net, jan):
    """A link, out-of-band data, a forwarded message: text at most."""
    oob = '<x xmlns="jabber:x:oob"><url>http://169.254.169.254/latest</url></x>'
    await jan.write("http://127.0.0.1:1/a.png", inside=oob)
    found = await card(net)
    assert (found.text, found.files) == ("http://127.0.0.1:1/a.png", ())


# Who writes


async def test_nobody_else_is_spoken_for_by_a_wrapper(net, jan):
    """Carbons (XEP-0280) that a client made itself are nothing; of what is forwarded (XEP-0297) his own words count."""
    inner = (
        '<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="ewa@example.org/x" '
        f'to="{US}" type="chat" id="in"><body>I am Ewa</body></message></forwarded>'
    )
    for word in ("sent", "received"):
        jan.say("outer", inside=f'<{word} xmlns="urn:xmpp:carbons:2">{inner}</{word}>')
    jan.say("outer", inside=f'<result xmlns="urn:xmpp:mam:2">{inner}</result>')
    await jan.write("Look what she says", inside=inner)
    found = await card(net)
    assert (found.text, found.sender) == ("Look what she says", "xmpp:jan@example.org")
    assert await net.store.read(people.find, xmpp("ewa@example.org")) is None


async def test_rooms_and_headlines_are_no_contacts(net, jan, neighbour):
    """Group chat, what a room sends in private, invitations of both kinds, through a real room as well."""
    jan.put(f'<presence to="hall@{ROOMS}/jan"><x xmlns="http://jabber.org/protocol/muc"/></presence>')
    invite = f'<x xmlns="http://jabber.org/protocol/muc#user"><invite to="{US}"><reason>come</reason></invite></x>'
    jan.put(f'<message to="hall@{ROOMS}">{invite}</message>')
    jan.say("come", inside=f'<x xmlns="jabber:x:conference" jid="hall@{ROOMS}"/>', kind="normal")
    jan.say("to all", kind="groupchat")
    jan.say("buy", kind="headline")
    private = '<x xmlns="http://jabber.org/protocol/muc#user"/>'
    neighbour.send_raw(f'<message from="hall@other.{HOST}/x" to="{US}" type="chat"><body>x</body>{private}</message>')
    await settled(net, jan)
    await settled(net, neighbour)
    assert not net.calls


async def test_servers_and_components_are_nobody(net, neighbour):
    """What comes from a bare domain is a machine's; and nobody is us."""
    neighbour.send_raw(f'<message from="other.{HOST}" to="{US}" type="chat" id="1"><body>x</body></message>')
    neighbour.send_raw(f'<message from="other.{HOST}/r" to="{US}" id="2"><body>x</body></message>')
    neighbour.send_raw(f'<message from="bot@other.{HOST}" to="{ADDRESS}" id="3"><body>x</body></message>')
    await settled(net, neighbour)
    assert not net.calls
    assert not net.chatting.rooms.rooms
    assert neighbour.heard == []


async def test_a_name_that_is_no_entry_is_refused(net, jan):
    """And he sees that; neither a queue nor a section is a name."""
    for name in ("net", "support", "101", "sales%2f"):
        own = jan.say("x", to=f"{name}@{ADDRESS}")
        assert refused(await jan.hear(lambda one, own=own: one.get("id") == own)) == (own, "item-not-found")
    assert not net.calls


async def test_a_page_does_not_get_at_it(net, jan):
    """Neither by the name of the section and entry, nor by what names the talk."""
    await jan.write("secret")
    key = next(iter(net.chatting.rooms.rooms))
    for name in ("net", "net/sales", "net%2fsales"):
        with pytest.raises(websockets.InvalidStatus):
            await Page(net.url.replace("shop", name)).__aenter__()
    async with Page(net.url) as page:
        await page.hear("welcome")
        await page.socket.send(json.dumps({"t": "hello", "v": 1, "token": key[-43:]}))
        await page.hear("bye", why="protocol")
    async with Page(net.url, token=key[-43:]) as page:
        await page.hear("welcome", last=0)
        assert page.lines == []


async def test_addresses_of_any_script_are_somebodys(net, neighbour):
    """What a server lets in (RFC 7622) is found again in the customer file."""
    for who in ("żółw", "a\\40b", "o.k+x", "名前"):
        neighbour.send_raw(f'<message from="{who}@other.{HOST}/r" to="{US}" type="chat"><body>x</body></message>')
    await until(lambda: len(net.calls) == 4)
    assert await net.store.read(people.find, xmpp(f"żółw@other.{HOST}"))
    assert {(await card(net, call)).sender for call in net.calls} >= {f"xmpp:名前@other.{HOST}"}


async def test_an_address_that_nobody_could_be_is_refused(net, neighbour):
    """Longer than any that the customer file keeps: nothing of it is left."""
    who = f"{'x' * 300}@other.{HOST}/r"
    neighbour.send_raw(f'<message from="{who}" to="{US}" type="chat" id="1"><body>x</body></message>')
    await until(lambda: neighbour.heard)
    assert [one.get("type") for one in neighbour.heard] == ["error"]
    assert not net.chatting.rooms.rooms


# Faults of ours


async def test_what_cannot_be_kept_is_refused(net, jan):
    """While the customer file is away he sees that it is not delivered; later the same is taken."""
    database, net.store._database = net.store._database, None
    name = jan.say("Hello", name="same")
    assert refused(await jan.hear(lambda one: one.get("id") == name)) == (name, "internal-server-error")
    assert not net.calls
    net.store._database = database
    await jan.write("Hello", name="same")
    assert (await card(net)).text == "Hello"
    assert sum(confirms(one) == name for one in jan.heard) == 1


async def test_an_answer_that_is_no_xml_ends_no_session(net, jan):
    """A sign that XML does not have is replaced: else the server would end the stream whenever it is sent."""
    await jan.write("Hello")
    before = net.chatting.components["net"]._client
    await net.chat.reply(net.call, "101", Reply(text="a\ufffeb\uffff </body></message><x>"))
    await jan.reads("a\ufffdb\ufffd </body></message><x>")
    assert net.chatting.components["net"]._client is before


async def test_a_wrong_secret_is_told_and_never_shown(tmp_path, xmpp_server, capfd):
    """It is tried again, later each time."""
    more = section(xmpp_server.inside).replace(SECRET, "wrong-geheim-4711")
    shown = ""
    async with ChatHouse(tmp_path, more=more) as house:

        def told():
            nonlocal shown
            shown += "".join(capfd.readouterr())
            return shown.count("XMPP server is away") >= 2

        await until(told)
        assert not house.chatting.components["net"].can_send
    assert "not-authorized" in shown
    assert "4711" not in shown
