"""Bad input to chats by XMPP, through a real Prosody: what comes of it, and that the next customer is served."""

import asyncio
import json

import pytest
import websockets

from acd.channels.chat import protocol
from acd.channels.chat.xmpp import guests, stanzas
from acd.channels.contact import Reply
from acd.store import people
from acd.store.handles import xmpp
from tests.channels import prosody
from tests.channels.chat_house import Page
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS, HOST, ROOMS, SECRET
from tests.channels.test_chat_hostile import XSS
from tests.channels.xmpp_house import US, Customer, Neighbour, XmppHouse, confirms, refused, said


@pytest.fixture(scope="module")
def server():
    try:
        with prosody.running() as made:
            yield made
    except prosody.MissingError as error:
        pytest.skip(str(error))


@pytest.fixture
async def house(tmp_path, server):
    async with XmppHouse(tmp_path, server.inside) as made:
        yield made
        async with Customer("ola", server.port) as well:  # whatever was done before, the next customer is served
            await well.write("still served")


@pytest.fixture
async def jan(server):
    async with Customer("jan", server.port) as made:
        yield made


@pytest.fixture
async def neighbour(server):
    async with Neighbour(server.inside) as made:
        yield made


async def settled(house, stream):
    """Wait until the component has taken in all that was sent before: its server brings all in one order."""
    name = f"ping-{id(stream)}-{len(stream.answers)}"
    stream.send_raw(f'<iq from="{stream.boundjid}" to="{US}" type="get" id="{name}"><ping xmlns="urn:xmpp:ping"/></iq>')
    await until(lambda: name in stream.answers)
    component, chores = house.chatting.components["net"], house.chatting.rooms.chores
    await until(lambda: component._heard.empty() and not chores._tasks)


async def card(house, call=""):
    return await house.chat.card(call or house.call)


# What is written


@pytest.mark.parametrize("text", XSS)
async def test_markup_is_text(house, jan, text):
    """Stored XSS of a desk, expressions of a dialplan, SQL: kept as it is, to be shown as it is."""
    await jan.write(text)
    assert (await card(house)).text == text


async def test_xhtml_is_not_read(house, jan):
    """XEP-0071: neither beside a text, nor alone."""
    html = (
        '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml">{}</body></html>'
    )
    script = "<p style='x'><script>alert(1)</script><img src='http://127.0.0.1/x' onerror='alert(1)'/></p>"
    jan.put(f'<message to="{US}" type="chat" id="alone">{html.format(script)}</message>')
    await jan.write("Hello", inside=html.format(script))
    found = await card(house)
    assert (found.text, found.html) == ("Hello", "")


async def test_signs_that_turn_or_hide_text_are_gone(house, jan):
    """Bidi, C1 controls, accents piled up, line separators."""
    await jan.write("in\u202evoice\u2066.exe\u0085a\u009fb\u2028c Z" + "\u0301" * 500)
    assert (await card(house)).text == "invoice.exe\nab\nc Z" + "\u0301" * 3


async def test_a_huge_message_is_refused(house, jan):
    """He sees that it is not delivered, and what there may be; one that is just so long is taken."""
    name = jan.say("x" * 200_000)
    assert refused(await jan.hear(lambda one: one.get("id") == name)) == (name, "not-acceptable")
    await jan.write("x" * protocol.TEXT_MOST)
    assert len((await card(house)).text) == protocol.TEXT_MOST


async def test_a_hostile_id_comes_back_as_it_is(house, jan):
    """Quotes, brackets, other scripts; it breaks nothing in a receipt."""
    for name in ("'\"><x/>&amp;", "żółw\u202e", "i" * 900):
        await jan.write(f"line {len(name)}", name=name)
    assert (await card(house)).text.count("line") == 3


async def test_nothing_is_fetched(house, jan):
    """A link, out-of-band data, a forwarded message: text at most."""
    oob = '<x xmlns="jabber:x:oob"><url>http://169.254.169.254/latest</url></x>'
    await jan.write("http://127.0.0.1:1/a.png", inside=oob)
    found = await card(house)
    assert (found.text, found.files) == ("http://127.0.0.1:1/a.png", ())


# Who writes


async def test_nobody_else_is_spoken_for_by_a_wrapper(house, jan):
    """Carbons (XEP-0280) that a client made itself are nothing; of what is forwarded (XEP-0297) his own words count."""
    inner = (
        '<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="ewa@example.org/x" '
        f'to="{US}" type="chat" id="in"><body>I am Ewa</body></message></forwarded>'
    )
    for word in ("sent", "received"):
        jan.say("outer", inside=f'<{word} xmlns="urn:xmpp:carbons:2">{inner}</{word}>')
    jan.say("outer", inside=f'<result xmlns="urn:xmpp:mam:2">{inner}</result>')
    await jan.write("Look what she says", inside=inner)
    found = await card(house)
    assert (found.text, found.sender) == ("Look what she says", "xmpp:jan@example.org")
    assert await house.store.read(people.find, xmpp("ewa@example.org")) is None


async def test_rooms_and_headlines_are_no_contacts(house, jan, neighbour):
    """Group chat, what a room sends in private, invitations of both kinds, through a real room as well."""
    jan.put(f'<presence to="hall@{ROOMS}/jan"><x xmlns="http://jabber.org/protocol/muc"/></presence>')
    invite = f'<x xmlns="http://jabber.org/protocol/muc#user"><invite to="{US}"><reason>come</reason></invite></x>'
    jan.put(f'<message to="hall@{ROOMS}">{invite}</message>')
    jan.say("come", inside=f'<x xmlns="jabber:x:conference" jid="hall@{ROOMS}"/>', kind="normal")
    jan.say("to all", kind="groupchat")
    jan.say("buy", kind="headline")
    private = '<x xmlns="http://jabber.org/protocol/muc#user"/>'
    neighbour.send_raw(f'<message from="hall@other.{HOST}/x" to="{US}" type="chat"><body>x</body>{private}</message>')
    await settled(house, jan)
    await settled(house, neighbour)
    assert not house.calls


async def test_servers_and_components_are_nobody(house, neighbour):
    """What comes from a bare domain is a machine's; and nobody is us."""
    neighbour.send_raw(f'<message from="other.{HOST}" to="{US}" type="chat" id="1"><body>x</body></message>')
    neighbour.send_raw(f'<message from="other.{HOST}/r" to="{US}" id="2"><body>x</body></message>')
    neighbour.send_raw(f'<message from="bot@other.{HOST}" to="{ADDRESS}" id="3"><body>x</body></message>')
    await settled(house, neighbour)
    assert not house.calls
    assert neighbour.heard == []


async def test_a_name_that_is_no_entry_is_refused(house, jan):
    """And he sees that; neither a queue nor a section is a name."""
    for name in ("net", "support", "101", "sales%2f"):
        own = jan.say("x", to=f"{name}@{ADDRESS}")
        assert refused(await jan.hear(lambda one, own=own: one.get("id") == own)) == (own, "item-not-found")
    assert not house.calls


async def test_a_page_does_not_get_at_it(house, jan):
    """Neither by the name of the section and entry, nor by what names the talk."""
    await jan.write("secret")
    key = next(iter(house.chatting.rooms.rooms))
    for section in ("net", "net/sales", "net%2fsales"):
        with pytest.raises(websockets.InvalidStatus):
            await Page(house.url.replace("shop", section)).__aenter__()
    async with Page(house.url) as page:
        await page.hear("welcome")
        await page.socket.send(json.dumps({"t": "hello", "v": 1, "token": key[-43:]}))
        await page.hear("bye", why="protocol")
    async with Page(house.url, token=key[-43:]) as page:
        await page.hear("welcome", last=0)
        assert page.lines == []


async def test_addresses_of_any_script_are_somebodys(house, neighbour):
    """What a server lets in (RFC 7622) is found again in the customer file."""
    for who in ("żółw", "a\\40b", "o.k+x", "名前"):
        neighbour.send_raw(f'<message from="{who}@other.{HOST}/r" to="{US}" type="chat"><body>x</body></message>')
    await until(lambda: len(house.calls) == 4)
    assert await house.store.read(people.find, xmpp(f"żółw@other.{HOST}"))
    assert {(await card(house, call)).sender for call in house.calls} >= {f"xmpp:名前@other.{HOST}"}


# Errors, receipts, loops


async def test_an_error_is_never_answered(house, jan, neighbour):
    """Whatever it is an error of, with a body or without, to an entry or to nobody."""
    error = '<error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    for to in (US, f"nobody@{ADDRESS}", ADDRESS):
        for body in ("", "<body>x</body>"):
            neighbour.send_raw(
                f'<message from="a@other.{HOST}/r" to="{to}" type="error" id="e">{body}{error}</message>'
            )
            neighbour.send_raw(f'<presence from="a@other.{HOST}/r" to="{to}" type="error">{error}</presence>')
            neighbour.send_raw(f'<iq from="a@other.{HOST}/r" to="{to}" type="error" id="e">{error}</iq>')
            neighbour.send_raw(f'<iq from="a@other.{HOST}/r" to="{to}" type="result" id="e"/>')
    await settled(house, neighbour)
    assert neighbour.heard == []
    assert not house.calls


async def test_what_comes_back_is_told_once(house, neighbour):
    """The server's own error, of a customer who is gone; the same again, and from somebody else, changes nothing."""
    bot = f"bot@other.{HOST}"
    neighbour.send_raw(f'<message from="{bot}/r" to="{US}" type="chat"><body>Hello</body></message>')
    await until(lambda: house.calls)
    await house.chat.reply(house.call, "101", Reply(text="Yes?"))
    line = (await until(lambda: [one for one in neighbour.heard if said_by(one) == "Yes?"]))[0]
    error = '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    fails = '<message from="{}" to="{}" type="error" id="{}"><body>Yes?</body>{}</message>'
    neighbour.send_raw(fails.format(f"other@other.{HOST}", US, line.get("id"), error))
    neighbour.send_raw(fails.format(bot, f"help@{ADDRESS}", line.get("id"), error))
    await settled(house, neighbour)
    assert (await card(house)).marks == ()
    for _ in range(5):
        neighbour.send_raw(fails.format(bot, US, line.get("id"), error))
    await until(lambda: is_undelivered(house))
    await settled(house, neighbour)
    found = await card(house)
    assert found.text == f"Not delivered to xmpp:{bot}: service-unavailable\n\nYes?"


def said_by(stanza):
    return next((child.text for child in stanza if child.tag.endswith("}body")), "")


async def is_undelivered(house):
    return any(["undelivered" in (await card(house, call)).marks for call in house.calls])


async def test_what_comes_back_after_the_close_is_a_contact_again(house, server):
    """Its customer is gone, and his server says so: somebody looks after it."""
    bot = f"bot@other.{HOST}"
    await house.sit_down()
    async with Neighbour(server.inside) as neighbour:
        neighbour.send_raw(f'<message from="{bot}/r" to="{US}" type="chat"><body>Hello</body></message>')
        first = await house.pick_up()
        await house.chat.card(first)
    await house.chat.reply(first, "101", Reply(text="Yes?"))
    await house.close(first)
    second = await house.pick_up()
    found = await card(house, second)
    assert second != first or found.marks == ("undelivered",)
    assert found.text.startswith(f"Not delivered to xmpp:{bot}: ")
    assert found.text.endswith("\n\nYes?")


async def test_a_receipt_of_somebody_else_confirms_nothing(house, jan, server):
    """Nor does one of a line that there is not, or of his own."""
    await jan.write("Hello")
    await house.chat.reply(house.call, "101", Reply(text="Yes?"))
    name = (await jan.reads("Yes?")).get("id")
    news = []
    house.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    async with Customer("ewa", server.port) as ewa:
        ewa.put(f'<message to="{US}"><displayed xmlns="{stanzas.MARKERS}" id="{name}"/></message>')
        await settled(house, ewa)
    for other in ("out-none", "", "in-1"):
        jan.put(f'<message to="{US}"><displayed xmlns="{stanzas.MARKERS}" id="{other}"/></message>')
    await settled(house, jan)
    assert news == []


async def test_two_machines_do_not_talk_for_ever(house, jan):
    """A customer's program answers whatever it hears: what we say of ourselves ends, and so does it."""
    answered = []

    def answer(stanza):
        if said(stanza.xml) and stanza.xml.get("type") != "error":
            answered.append(said(stanza.xml))
            jan.say(f"I am away {len(answered)}")
        return stanza

    jan.add_filter("in", answer)
    await house.sit_down()
    await jan.write("Hello")
    closed = 0
    while closed < 6:
        try:
            async with asyncio.timeout(4):
                call = await house.pick_up()
        except TimeoutError:
            break
        await house.chat.card(call)
        await house.close(call)
        closed += 1
    assert 1 <= len(answered) <= guests.NOTICES.most
    assert closed <= guests.NOTICES.most + 1


# Floods


async def test_a_flood_of_one_is_held_back(house, jan, server):
    """Eight lines at once; he is told a few times that it is too much; somebody else is served meanwhile."""
    for number in range(200):
        jan.say(f"flood {number}")
    async with Customer("ewa", server.port) as ewa:
        await ewa.write("Hello")
    await until(lambda: any(refused(one) for one in jan.heard))
    lines = (await card(house, next(iter(house.calls)))).text.splitlines()
    assert 8 <= len(lines) <= 20
    assert 1 <= sum(1 for one in jan.heard if (refused(one) or ("", ""))[1] == "resource-constraint") <= 20


async def test_a_flood_of_many_of_one_server_is_held_back(house, neighbour):
    """A server that makes up addresses opens so many talks, and then one a second."""
    for number in range(300):
        neighbour.send_raw(f'<message from="x{number}@other.{HOST}" to="{US}" id="1"><body>x</body></message>')
    await settled(house, neighbour)
    assert guests.NEW_TALKS.most <= len(house.calls) <= guests.NEW_TALKS.most + 30


async def test_a_flood_of_other_stanzas_costs_nobody_anything(house, jan, neighbour):
    """Typing, receipts of nothing, presences, questions: dropped beyond a measure."""
    for number in range(500):
        neighbour.send_raw(
            f'<message from="x@other.{HOST}" to="{US}"><received xmlns="{stanzas.RECEIPTS}" id="{number}"/></message>'
            f'<message from="x@other.{HOST}" to="{US}"><composing xmlns="{stanzas.STATES}"/></message>'
            f'<presence from="x@other.{HOST}" to="{US}" type="probe"/>'
            f'<iq from="x@other.{HOST}" to="{US}" type="get" id="{number}"><vCard xmlns="vcard-temp"/></iq>'
        )
    await jan.write("Hello")
    assert len(neighbour.heard) < 200


async def test_typing_opens_nothing(house, jan):
    """Who only begins to write is no contact."""
    jan.put(f'<message to="{US}" type="chat"><composing xmlns="{stanzas.STATES}"/></message>')
    await settled(house, jan)
    assert not house.calls
    assert not house.chatting.rooms.rooms


# Faults of ours


async def test_what_cannot_be_kept_is_refused(house, jan):
    """While the customer file is away he sees that it is not delivered; later the same is taken."""
    database, house.store._database = house.store._database, None
    name = jan.say("Hello", name="same")
    assert refused(await jan.hear(lambda one: one.get("id") == name)) == (name, "internal-server-error")
    assert not house.calls
    house.store._database = database
    await jan.write("Hello", name="same")
    assert (await card(house)).text == "Hello"
    assert sum(confirms(one) == name for one in jan.heard) == 1


async def test_an_answer_that_is_no_xml_ends_no_session(house, jan):
    """A sign that XML does not have is replaced: else the server would end the stream whenever it is sent."""
    await jan.write("Hello")
    before = house.chatting.components["net"]._client
    await house.chat.reply(house.call, "101", Reply(text="a\ufffeb\uffff </body></message><x>"))
    await jan.reads("a\ufffdb\ufffd </body></message><x>")
    assert house.chatting.components["net"]._client is before


async def test_a_wrong_secret_is_told_and_never_shown(tmp_path, server, capfd):
    """It is tried again, later each time."""
    house = XmppHouse(tmp_path, server.inside)
    conf = house.folder / "acd.conf"
    conf.write_text(conf.read_text().replace(SECRET, "wrong-geheim-4711"))
    said_all = ""
    async with Bare(house):

        def told():
            nonlocal said_all
            out, err = capfd.readouterr()
            said_all += out + err
            return said_all.count("XMPP server is away") >= 2

        await until(told)
        assert not house.is_up
    assert "not-authorized" in said_all
    assert "4711" not in said_all


class Bare:
    """A house whose component need not be up."""

    def __init__(self, house):
        self.house = house

    async def __aenter__(self):
        return await super(XmppHouse, self.house).__aenter__()

    async def __aexit__(self, *ends):
        await self.house.__aexit__(*ends)
