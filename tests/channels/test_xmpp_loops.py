"""Loops and floods of chats by XMPP, through a real Prosody: errors, receipts, machines, and too much of anything."""

import asyncio

from acd.channels.chat.xmpp import guests, stanzas
from acd.channels.contact import Reply
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS, HOST
from tests.channels.xmpp_house import US, Customer, Neighbour, card, refused, said, settled

# Errors, receipts, loops


async def test_an_error_is_never_answered(net, jan, neighbour):
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
    await settled(net, neighbour)
    assert neighbour.heard == []
    assert not net.calls


async def test_what_comes_back_is_told_once(net, neighbour):
    """The server's own error, of a customer who is gone; the same again, and from somebody else, changes nothing."""
    bot = f"bot@other.{HOST}"
    neighbour.send_raw(f'<message from="{bot}/r" to="{US}" type="chat"><body>Hello</body></message>')
    await until(lambda: net.calls)
    await net.chat.reply(net.call, "101", Reply(text="Yes?"))
    line = (await until(lambda: [one for one in neighbour.heard if said_by(one) == "Yes?"]))[0]
    error = '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    fails = '<message from="{}" to="{}" type="error" id="{}"><body>Yes?</body>{}</message>'
    neighbour.send_raw(fails.format(f"other@other.{HOST}", US, line.get("id"), error))
    neighbour.send_raw(fails.format(bot, f"help@{ADDRESS}", line.get("id"), error))
    await settled(net, neighbour)
    assert (await card(net)).marks == ()
    for _ in range(5):
        neighbour.send_raw(fails.format(bot, US, line.get("id"), error))
    await until(lambda: is_undelivered(net))
    await settled(net, neighbour)
    found = await card(net)
    assert found.text == f"Not delivered to xmpp:{bot}: service-unavailable\n\nYes?"


def said_by(stanza):
    return next((child.text for child in stanza if child.tag.endswith("}body")), "")


async def is_undelivered(house):
    return any(["undelivered" in (await card(house, call)).marks for call in house.calls])


async def test_what_comes_back_after_the_close_is_a_contact_again(net, xmpp_server):
    """Its customer is gone, and his server says so: somebody looks after it."""
    bot = f"bot@other.{HOST}"
    await net.sit_down()
    async with Neighbour(xmpp_server.inside) as neighbour:
        neighbour.send_raw(f'<message from="{bot}/r" to="{US}" type="chat"><body>Hello</body></message>')
        first = await net.pick_up()
        await net.chat.card(first)
    await net.chat.reply(first, "101", Reply(text="Yes?"))
    await net.close(first)
    second = await net.pick_up()
    found = await card(net, second)
    assert second != first or found.marks == ("undelivered",)
    assert found.text.startswith(f"Not delivered to xmpp:{bot}: ")
    assert found.text.endswith("\n\nYes?")


async def test_a_receipt_of_somebody_else_confirms_nothing(net, jan, xmpp_server):
    """Nor does one of a line that there is not, or of his own."""
    await jan.write("Hello")
    await net.chat.reply(net.call, "101", Reply(text="Yes?"))
    name = (await jan.reads("Yes?")).get("id")
    news = []
    net.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    async with Customer("ewa", xmpp_server.port) as ewa:
        ewa.put(f'<message to="{US}"><displayed xmlns="{stanzas.MARKERS}" id="{name}"/></message>')
        await settled(net, ewa)
    for other in ("out-none", "", "in-1"):
        jan.put(f'<message to="{US}"><displayed xmlns="{stanzas.MARKERS}" id="{other}"/></message>')
    await settled(net, jan)
    assert news == []


async def test_two_machines_do_not_talk_for_ever(net, jan):
    """A customer's program answers whatever it hears: what we say of ourselves ends, and so does it."""
    answered = []

    def answer(stanza):
        if said(stanza.xml) and stanza.xml.get("type") != "error":
            answered.append(said(stanza.xml))
            jan.say(f"I am away {len(answered)}")
        return stanza

    jan.add_filter("in", answer)
    await net.sit_down()
    await jan.write("Hello")
    closed = 0
    while closed < 12:
        try:
            async with asyncio.timeout(4):
                call = await net.pick_up()
        except TimeoutError:
            break
        rooms = net.chatting.rooms
        await until(lambda call=call, rooms=rooms: rooms.of(call).talk.standing.stage == "talking")
        await net.chat.card(call)
        await net.close(call)
        closed += 1
    assert 1 <= len(answered) <= 4
    assert closed <= 5


# Floods


async def test_a_flood_of_one_is_held_back(net, jan, xmpp_server):
    """Eight lines at once; he is told a few times that it is too much; somebody else is served meanwhile."""
    for number in range(200):
        jan.say(f"flood {number}")
    async with Customer("ewa", xmpp_server.port) as ewa:
        await ewa.write("Hello")
    await until(lambda: any(refused(one) for one in jan.heard))
    lines = (await card(net, next(iter(net.calls)))).text.splitlines()
    assert 8 <= len(lines) <= 20
    assert 1 <= sum(1 for one in jan.heard if (refused(one) or ("", ""))[1] == "resource-constraint") <= 20


async def test_a_flood_of_many_of_one_server_is_held_back(net, neighbour):
    """A server that makes up addresses opens so many talks, and then one a second."""
    for number in range(300):
        neighbour.send_raw(f'<message from="x{number}@other.{HOST}" to="{US}" id="1"><body>x</body></message>')
    await settled(net, neighbour)
    assert guests.NEW_TALKS.most <= len(net.calls) <= guests.NEW_TALKS.most + 30


async def test_a_flood_of_other_stanzas_costs_nobody_anything(net, jan, neighbour):
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


async def test_typing_opens_nothing(net, jan):
    """Who only begins to write is no contact."""
    jan.put(f'<message to="{US}" type="chat"><composing xmlns="{stanzas.STATES}"/></message>')
    await settled(net, jan)
    assert not net.calls
    assert not net.chatting.rooms.rooms
