"""Chats by XMPP, through a real Prosody: a customer's program on one side, an agent on the other."""

import pytest
from slixmpp import JID

from acd.channels.chat.xmpp import stanzas
from acd.channels.contact import Reply, ReplyError
from acd.store import people, privacy, timeline
from acd.store.handles import xmpp
from tests.apt import MissingError
from tests.channels import prosody
from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS
from tests.channels.xmpp_house import STATES, US, Customer, Neighbour, XmppHouse, confirms, said


async def text(house):
    return (await house.chat.card(house.call)).text


async def test_a_message_becomes_a_contact_and_is_answered(net, jan):
    """It is confirmed when it is kept, and waits in the entry's queue; the answer reaches him, whatever he has open."""
    await jan.write("Where is it?")
    card = await net.chat.card(net.call)
    assert (card.text, card.sender, card.medium, card.marks) == ("Where is it?", "xmpp:jan@example.org", "chat", ())
    assert net.calls[net.call].queue == "sales"
    assert net.calls[net.call].caller == "xmpp:jan@example.org"
    await net.chat.reply(net.call, "101", Reply(text="On its way."))
    heard = await jan.reads("On its way.")
    assert (heard.get("from"), heard.get("to"), heard.get("type")) == (US, "jan@example.org", "chat")
    await jan.write("Thanks")
    assert await text(net) == "Thanks"


async def test_it_is_in_the_customer_file_as_his(net, jan):
    """By his address, whatever program he has open; both sides stand on his timeline, in his case."""
    await jan.write("Where is it?")
    await net.chat.reply(net.call, "101", Reply(text="On its way."))
    person = await net.store.read(people.find, xmpp("jan@example.org"))
    (contact,) = await net.store.read(timeline.contacts, person)
    assert (contact.medium, contact.call, contact.case_id is not None) == ("chat", net.call, True)
    messages = await net.store.read(timeline.messages, contact.id)
    assert [(one.direction, one.body) for one, _ in messages] == [("in", "Where is it?"), ("out", "On its way.")]


async def test_what_he_writes_after_the_close_is_another_contact(net, jan):
    """He is told that the first is over; the second goes on with its case, and its agent sees all that was said."""
    await net.sit_down()
    await jan.write("Where is it?")
    first = await net.pick_up()
    await jan.reads("Anna Nowak is with you.")
    await net.chat.card(first)
    await net.chat.reply(first, "101", Reply(text="There."))
    await net.close(first)
    await jan.reads("This conversation is over. Write to begin another one.")
    await until(lambda: not net.chatting.rooms.rooms)
    await jan.write("And now?")
    second = await net.pick_up()
    assert second != first
    card = await net.chat.card(second)
    assert card.text == "And now?"
    assert card.quoted.count("Where is it?") == card.quoted.count("There.") == 1


async def test_he_is_told_how_it_stands(net, jan):
    """In the site's words, then in ours; a contact that is taken at once is not said to wait."""
    await jan.write("Hello")
    words = "Hello! This is Acme.\nWe are looking for somebody for you."
    await jan.hear(lambda one: said(one).startswith(words))
    await net.sit_down()
    await net.pick_up()
    await jan.reads("Anna Nowak is with you.")


async def test_he_is_answered_in_his_language(net, jan):
    """As his program says it, if the site speaks it."""
    name = "in-polish"
    jan.put(f'<message to="{US}" type="chat" id="{name}" xml:lang="pl-PL"><body>Halo</body></message>')
    await jan.hear(lambda one: "Szukamy kogoś dla Ciebie." in said(one))
    await net.chat.reply(net.call, "101", Reply(choice="opening-hours"))
    await jan.reads("Otwieramy o dziewiątej, xmpp:jan@example.org.")


async def test_a_site_that_tells_nothing(tmp_path, xmpp_server, jan):
    """With `notices = no` he reads what agents write, and nothing else."""
    async with XmppHouse(tmp_path, xmpp_server.inside, more="notices = no") as house:
        await house.sit_down()
        await jan.write("Hello")
        call = await house.pick_up()
        await house.chat.reply(call, "101", Reply(text="Hello."))
        await house.close(call)
        await jan.write("Again")
        await jan.reads("Hello.")
        assert [words for _, words in jan.lines] == ["Hello."]


async def test_the_same_id_twice_is_one_line(net, jan):
    """Brought again by his server or his program; each is confirmed. Another text under it is another line."""
    await jan.write("Where is it?", name="same")
    await jan.write("Where is it?", name="same")
    await jan.write("Hello?", name="same")
    assert await text(net) == "Where is it?\nHello?"


async def test_an_origin_id_counts_more(net, jan):
    """A server may give a stanza another id on its way (XEP-0359)."""
    origin = '<origin-id xmlns="urn:xmpp:sid:0" id="own"/>'
    await jan.write("Where is it?", name="first", inside=origin)
    await jan.write("Where is it?", name="second", inside=origin)
    assert await text(net) == "Where is it?"


async def test_who_asks_for_no_receipt_gets_none(net, jan):
    """And a message without an id is a line all the same, as often as it is said."""
    for _ in range(2):
        jan.put(f'<message to="{US}"><body>Hello</body></message>')
    jan.put(f'<message to="{US}" type="chat" id="none"><body>you</body></message>')
    await jan.write("there")
    assert await text(net) == "Hello\nHello\nyou\nthere"
    assert len(jan.confirmed) == 1


async def test_two_entries_are_two_talks(net, jan):
    """Each with its own contact; what is said in one is not told in the other."""
    await jan.write("To sales")
    await jan.write("To help", to=f"help@{ADDRESS}")
    assert len(net.calls) == 2
    for call in net.calls:
        card = await net.chat.card(call)
        await net.chat.reply(call, "101", Reply(text=f"re: {card.text}"))
    heard = await jan.reads("re: To help")
    assert heard.get("from") == f"help@{ADDRESS}"
    assert (await jan.reads("re: To sales")).get("from") == US


async def test_both_see_each_other_type(net, jan):
    """XEP-0085: until he says that he does so no more, or writes; he is told whose program knows of it."""
    await net.sit_down()
    news = []
    net.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    await jan.write("Hello", inside=f'<active xmlns="{stanzas.STATES}"/>')
    jan.put(f'<message to="{US}" type="chat"><composing xmlns="{stanzas.STATES}"/></message>')
    await until(lambda: "typing" in news)
    jan.put(f'<message to="{US}" type="chat"><paused xmlns="{stanzas.STATES}"/></message>')
    await until(lambda: "typing-over" in news)
    call = await net.pick_up()
    await jan.reads("Anna Nowak is with you.")
    net.chat.typing(call)
    await jan.hear(lambda one: one.find(f"{STATES}composing") is not None)
    await jan.hear(lambda one: one.find(f"{STATES}paused") is not None)


async def test_who_knows_nothing_of_typing_is_not_told(net, jan):
    """His program would show nothing, or worse."""
    await jan.write("Hello")
    net.chat.typing(net.call)
    await net.chat.reply(net.call, "101", Reply(text="Yes?"))
    await jan.reads("Yes?")
    assert not any(one.find(f"{STATES}composing") is not None for one in jan.heard)


async def test_that_he_has_read_it_is_told(net, jan):
    """By a marker of his program (XEP-0333)."""
    news = []
    net.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    await jan.write("Hello")
    await net.chat.reply(net.call, "101", Reply(text="Yes?"))
    name = (await jan.reads("Yes?")).get("id")
    jan.put(f'<message to="{US}" type="chat"><displayed xmlns="{stanzas.MARKERS}" id="{name}"/></message>')
    await until(lambda: "seen" in news)


async def test_a_program_finds_us(net, jan):
    """The component names its entries, and each says what it can (XEP-0030); it answers a ping (XEP-0199)."""
    disco = jan.plugin["xep_0030"]
    items = await disco.get_items(jid=ADDRESS, timeout=10)
    assert {one[0] for one in items["disco_items"]["items"]} == {JID(US), JID(f"help@{ADDRESS}")}
    info = (await disco.get_info(jid=US, timeout=10))["disco_info"]
    assert {("client", "web", "Acme")} == {(one[0], one[1], one[3]) for one in info["identities"]}
    assert {stanzas.STATES, stanzas.RECEIPTS, "urn:xmpp:ping"} <= set(info["features"])
    about = (await disco.get_info(jid=ADDRESS, timeout=10))["disco_info"]
    assert {("component", "generic", "Acme")} == {(one[0], one[1], one[3]) for one in about["identities"]}


async def test_he_may_have_us_in_his_list(net, xmpp_server):
    """Whoever asks is let; then we are seen to be there, and when he comes again."""
    async with Customer("ewa", xmpp_server.port) as ewa:
        ewa.put(f'<presence to="{US}" type="subscribe"/>')
        await ewa.hear(lambda one: one.tag.endswith("presence") and not one.get("type") and one.get("from") == US)
    async with Customer("ewa", xmpp_server.port) as ewa:
        await ewa.hear(lambda one: one.tag.endswith("presence") and not one.get("type") and one.get("from") == US)
        ewa.put(f'<presence to="{US}" type="unsubscribe"/>')


async def test_what_waits_is_sent_once_when_the_server_is_back(tmp_path):
    """Answers that were written while it was away, in their order; also to a customer who is not there."""
    try:
        with prosody.running() as own:
            async with XmppHouse(tmp_path, own.inside) as house:
                async with Customer("jan", own.port) as jan:
                    await jan.write("Hello")
                call = house.call
                own.stop()
                await until(lambda: not house.is_up)
                for number in range(5):
                    await house.chat.reply(call, "101", Reply(text=f"answer {number}"))
                own.start()
                await until(lambda: house.is_up)
                async with Customer("jan", own.port) as jan:
                    await jan.reads("answer 4")
                    await jan.write("Thanks")
                    answers = [words for _, words in jan.lines if words.startswith("answer")]
                    assert answers == [f"answer {number}" for number in range(5)]
    except MissingError as error:
        pytest.skip(str(error))


async def test_no_files_go_there(net, jan, tmp_path):
    """The agent is told so, and nothing is sent."""
    await jan.write("Hello")
    file = tmp_path / "a.txt"
    file.write_text("a")
    with pytest.raises(ReplyError, match="no files can be sent to xmpp:jan@"):
        await net.chat.reply(net.call, "101", Reply(text="Here", files=(file,)))


async def test_a_talk_is_gone_on_with_after_a_restart(tmp_path, xmpp_server, jan):
    """Its contact waits as before, he is not told anew how it stands, and what he says again is one line."""
    async with XmppHouse(tmp_path, xmpp_server.inside) as house:
        await jan.write("Hello", name="first")
        await jan.hear(lambda one: "looking for somebody" in said(one))
        call = house.call
    async with XmppHouse(tmp_path, xmpp_server.inside) as house:
        await jan.write("Hello", name="first")
        await jan.write("Still there?")
        assert house.call == call
        assert await text(house) == "Hello\nStill there?"
        await house.chat.reply(call, "101", Reply(text="Yes."))
        await jan.reads("Yes.")
        assert sum("looking for somebody" in words for _, words in jan.lines) == 1
    async with XmppHouse(tmp_path, xmpp_server.inside) as house:  # and though he says nothing
        rooms = house.chatting.rooms
        await until(lambda: (room := rooms.of(call)) and room.tabs and room.tabs[-1]._stage == "waiting")
        await house.sit_down()
        assert await house.pick_up() == call
        await jan.reads("Anna Nowak is with you.")
        await house.close(call)
        await jan.hear(lambda one: said(one).startswith("This conversation is over"))


async def test_other_settings_are_another_session(net, jan):
    """A component whose section has changed is bound anew; talks go on by it."""
    await jan.write("Hello")
    conf = net.folder / "acd.conf"
    conf.write_text(conf.read_text().replace("entry = help sales", "entry = help sales\nentry = info sales"))
    from acd.site import load_site  # noqa: PLC0415 - here alone
    from acd.site_secrets import fill_secrets  # noqa: PLC0415 - here alone

    before, net.site = net.chatting.components["net"], fill_secrets(load_site(net.folder), net.home)
    net.written.use(net.folder)
    await until(lambda: net.is_up and net.chatting.components["net"] is not before)
    await jan.write("To info", to=f"info@{ADDRESS}")
    await net.chat.reply(next(iter(net.calls)), "101", Reply(text="Yes?"))
    await jan.reads("Yes?")
    assert [confirms(one) for one in jan.heard if confirms(one)]


async def test_who_is_erased_is_a_stranger_when_he_writes_again(net, jan):
    """Though his talk was live: his line is kept, confirmed, and waits."""
    await jan.write("Hello")
    await jan.write("Are you there?")
    first = net.call
    person = await net.store.read(people.find, xmpp("jan@example.org"))
    await net.store.write(privacy.erase, person)
    await jan.write("It is me")
    (second,) = set(net.calls) - {first}
    card = await net.chat.card(second)
    assert (card.text, card.quoted) == ("It is me", "")
    await net.chat.reply(second, "101", Reply(text="Hello"))
    await jan.reads("Hello")


async def test_one_server_takes_over_from_another(tmp_path, xmpp_server, jan):
    """An address is one component's at a time: the next has it as soon as the last one lets it go."""
    async with Neighbour(xmpp_server.inside, ADDRESS):
        house = XmppHouse(tmp_path, xmpp_server.inside)
        await ChatHouse.__aenter__(house)
        await until(lambda: "net" in house.chatting.components)
        assert not house.is_up
    await until(lambda: house.is_up)
    await jan.write("Hello")
    assert len(house.calls) == 1
    await house.__aexit__()
