"""Chats by XMPP, through a real Prosody: a customer's program on one side, an agent on the other."""

import asyncio

import pytest
from slixmpp import JID

from acd.channels.chat.xmpp import stanzas
from acd.channels.contact import Reply, ReplyError
from acd.store import people, timeline
from acd.store.handles import xmpp
from tests.channels import prosody
from tests.channels.mail_house import until
from tests.channels.prosody import ADDRESS
from tests.channels.xmpp_house import STATES, US, Customer, XmppHouse, confirms, said


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


@pytest.fixture
async def jan(server):
    async with Customer("jan", server.port) as made:
        yield made


async def text(house):
    return (await house.chat.card(house.call)).text


async def test_a_message_becomes_a_contact_and_is_answered(house, jan):
    """It is confirmed when it is kept, and waits in the entry's queue; the answer reaches him, whatever he has open."""
    await jan.write("Where is it?")
    card = await house.chat.card(house.call)
    assert (card.text, card.sender, card.medium, card.marks) == ("Where is it?", "xmpp:jan@example.org", "chat", ())
    assert house.calls[house.call].queue == "sales"
    assert house.calls[house.call].caller == "xmpp:jan@example.org"
    await house.chat.reply(house.call, "101", Reply(text="On its way."))
    heard = await jan.reads("On its way.")
    assert (heard.get("from"), heard.get("to"), heard.get("type")) == (US, "jan@example.org", "chat")
    await jan.write("Thanks")
    assert await text(house) == "Thanks"


async def test_it_is_in_the_customer_file_as_his(house, jan):
    """By his address, whatever program he has open; both sides stand on his timeline, in his case."""
    await jan.write("Where is it?")
    await house.chat.reply(house.call, "101", Reply(text="On its way."))
    person = await house.store.read(people.find, xmpp("jan@example.org"))
    (contact,) = await house.store.read(timeline.contacts, person)
    assert (contact.medium, contact.call, contact.case_id is not None) == ("chat", house.call, True)
    messages = await house.store.read(timeline.messages, contact.id)
    assert [(one.direction, one.body) for one, _ in messages] == [("in", "Where is it?"), ("out", "On its way.")]


async def test_what_he_writes_after_the_close_is_another_contact(house, jan):
    """He is told that the first is over; the second goes on with its case, and its agent sees all that was said."""
    await house.sit_down()
    await jan.write("Where is it?")
    first = await house.pick_up()
    await jan.reads("Anna Nowak is with you.")
    await house.chat.card(first)
    await house.chat.reply(first, "101", Reply(text="There."))
    await house.close(first)
    await jan.reads("This conversation is over. Write to begin another one.")
    await until(lambda: not house.chatting.rooms.rooms)
    await jan.write("And now?")
    second = await house.pick_up()
    assert second != first
    card = await house.chat.card(second)
    assert card.text == "And now?"
    assert card.quoted.count("Where is it?") == card.quoted.count("There.") == 1


async def test_he_is_told_how_it_stands(house, jan):
    """In the site's words, then in ours; a contact that is taken at once is not said to wait."""
    await jan.write("Hello")
    words = "Hello! This is Acme.\nWe are looking for somebody for you."
    await jan.hear(lambda one: said(one).startswith(words))
    await house.sit_down()
    await house.pick_up()
    await jan.reads("Anna Nowak is with you.")


async def test_he_is_answered_in_his_language(house, jan):
    """As his program says it, if the site speaks it."""
    name = "in-polish"
    jan.put(f'<message to="{US}" type="chat" id="{name}" xml:lang="pl-PL"><body>Halo</body></message>')
    await jan.hear(lambda one: "Szukamy kogoś dla Ciebie." in said(one))
    await house.chat.reply(house.call, "101", Reply(choice="opening-hours"))
    await jan.reads("Otwieramy o dziewiątej, xmpp:jan@example.org.")


async def test_a_site_that_tells_nothing(tmp_path, server, jan):
    """With `notices = no` he reads what agents write, and nothing else."""
    async with XmppHouse(tmp_path, server.inside, more="notices = no") as house:
        await house.sit_down()
        await jan.write("Hello")
        call = await house.pick_up()
        await house.chat.reply(call, "101", Reply(text="Hello."))
        await house.close(call)
        await jan.write("Again")
        await jan.reads("Hello.")
        assert [words for _, words in jan.lines] == ["Hello."]


async def test_the_same_id_twice_is_one_line(house, jan):
    """Brought again by his server or his program; each is confirmed. Another text under it is another line."""
    await jan.write("Where is it?", name="same")
    await jan.write("Where is it?", name="same")
    await jan.write("Hello?", name="same")
    assert await text(house) == "Where is it?\nHello?"


async def test_an_origin_id_counts_more(house, jan):
    """A server may give a stanza another id on its way (XEP-0359)."""
    origin = '<origin-id xmlns="urn:xmpp:sid:0" id="own"/>'
    await jan.write("Where is it?", name="first", inside=origin)
    await jan.write("Where is it?", name="second", inside=origin)
    assert await text(house) == "Where is it?"


async def test_who_asks_for_no_receipt_gets_none(house, jan):
    """And a message without an id is a line all the same, as often as it is said."""
    for _ in range(2):
        jan.put(f'<message to="{US}"><body>Hello</body></message>')
    jan.put(f'<message to="{US}" type="chat" id="none"><body>you</body></message>')
    await jan.write("there")
    assert await text(house) == "Hello\nHello\nyou\nthere"
    assert len(jan.confirmed) == 1


async def test_two_entries_are_two_talks(house, jan):
    """Each with its own contact; what is said in one is not told in the other."""
    await jan.write("To sales")
    await jan.write("To help", to=f"help@{ADDRESS}")
    assert len(house.calls) == 2
    for call in house.calls:
        card = await house.chat.card(call)
        await house.chat.reply(call, "101", Reply(text=f"re: {card.text}"))
    heard = await jan.reads("re: To help")
    assert heard.get("from") == f"help@{ADDRESS}"
    assert (await jan.reads("re: To sales")).get("from") == US


async def test_both_see_each_other_type(house, jan):
    """XEP-0085: until he says that he does so no more, or writes; he is told whose program knows of it."""
    await house.sit_down()
    news = []
    house.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    await jan.write("Hello", inside=f'<active xmlns="{stanzas.STATES}"/>')
    jan.put(f'<message to="{US}" type="chat"><composing xmlns="{stanzas.STATES}"/></message>')
    await until(lambda: "typing" in news)
    jan.put(f'<message to="{US}" type="chat"><paused xmlns="{stanzas.STATES}"/></message>')
    await until(lambda: "typing-over" in news)
    call = await house.pick_up()
    await jan.reads("Anna Nowak is with you.")
    house.chat.typing(call)
    await jan.hear(lambda one: one.find(f"{STATES}composing") is not None)
    await jan.hear(lambda one: one.find(f"{STATES}paused") is not None)


async def test_who_knows_nothing_of_typing_is_not_told(house, jan):
    """His program would show nothing, or worse."""
    await jan.write("Hello")
    house.chat.typing(house.call)
    await house.chat.reply(house.call, "101", Reply(text="Yes?"))
    await jan.reads("Yes?")
    assert not any(one.find(f"{STATES}composing") is not None for one in jan.heard)


async def test_that_he_has_read_it_is_told(house, jan):
    """By a marker of his program (XEP-0333)."""
    news = []
    house.chatting.rooms.listeners.append(lambda _call, what: news.append(what))
    await jan.write("Hello")
    await house.chat.reply(house.call, "101", Reply(text="Yes?"))
    name = (await jan.reads("Yes?")).get("id")
    jan.put(f'<message to="{US}" type="chat"><displayed xmlns="{stanzas.MARKERS}" id="{name}"/></message>')
    await until(lambda: "seen" in news)


async def test_a_program_finds_us(house, jan):
    """The component names its entries, and each says what it can (XEP-0030); it answers a ping (XEP-0199)."""
    disco = jan.plugin["xep_0030"]
    items = await disco.get_items(jid=ADDRESS, timeout=10)
    assert {one[0] for one in items["disco_items"]["items"]} == {JID(US), JID(f"help@{ADDRESS}")}
    info = (await disco.get_info(jid=US, timeout=10))["disco_info"]
    assert {("client", "web", "Acme")} == {(one[0], one[1], one[3]) for one in info["identities"]}
    assert {stanzas.STATES, stanzas.RECEIPTS, "urn:xmpp:ping"} <= set(info["features"])
    about = (await disco.get_info(jid=ADDRESS, timeout=10))["disco_info"]
    assert {("component", "generic", "Acme")} == {(one[0], one[1], one[3]) for one in about["identities"]}


async def test_he_may_have_us_in_his_list(house, server):
    """Whoever asks is let; then we are seen to be there, and when he comes again."""
    async with Customer("ewa", server.port) as ewa:
        ewa.put(f'<presence to="{US}" type="subscribe"/>')
        await ewa.hear(lambda one: one.tag.endswith("presence") and not one.get("type") and one.get("from") == US)
    async with Customer("ewa", server.port) as ewa:
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
    except prosody.MissingError as error:
        pytest.skip(str(error))


async def test_no_files_go_there(house, jan, tmp_path):
    """The agent is told so, and nothing is sent."""
    await jan.write("Hello")
    file = tmp_path / "a.txt"
    file.write_text("a")
    with pytest.raises(ReplyError, match="no files can be sent to xmpp:jan@"):
        await house.chat.reply(house.call, "101", Reply(text="Here", files=(file,)))


async def test_a_talk_is_gone_on_with_after_a_restart(tmp_path, server, jan):
    """Its contact waits as before, he is not told anew how it stands, and what he says again is one line."""
    async with XmppHouse(tmp_path, server.inside) as house:
        await jan.write("Hello", name="first")
        await jan.hear(lambda one: "looking for somebody" in said(one))
        call = house.call
    async with XmppHouse(tmp_path, server.inside) as house:
        await jan.write("Hello", name="first")
        await jan.write("Still there?")
        assert house.call == call
        assert await text(house) == "Hello\nStill there?"
        await house.chat.reply(call, "101", Reply(text="Yes."))
        await jan.reads("Yes.")
        await asyncio.sleep(0)
        assert sum("looking for somebody" in words for _, words in jan.lines) == 1


async def test_other_settings_are_another_session(house, jan):
    """A component whose section has changed is bound anew; talks go on by it."""
    await jan.write("Hello")
    conf = house.folder / "acd.conf"
    conf.write_text(conf.read_text().replace("entry = help sales", "entry = help sales\nentry = info sales"))
    from acd.site import fill_secrets, load_site  # noqa: PLC0415 - here alone

    before, house.site = house.chatting.components["net"], fill_secrets(load_site(house.folder), house.home)
    house.written.use(house.folder)
    await until(lambda: house.is_up and house.chatting.components["net"] is not before)
    await jan.write("To info", to=f"info@{ADDRESS}")
    await house.chat.reply(next(iter(house.calls)), "101", Reply(text="Yes?"))
    await jan.reads("Yes?")
    assert [confirms(one) for one in jan.heard if confirms(one)]
