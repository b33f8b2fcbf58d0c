"""Chats from the socket to the agent and back: real sockets, a real customer file, a core that decides."""

import asyncio
import email
import email.policy

import pytest
import websockets
from sqlalchemy import func, select

from acd.channels.contact import Reply, ReplyError
from acd.core.events import OfferEnded, QueueSet
from acd.site import load_site
from acd.site_secrets import fill_secrets
from acd.store import chats, people, privacy, timeline
from acd.store.handles import number
from acd.store.schema import Message
from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import MailServer, until


async def test_a_visitor_is_answered(tmp_path):
    """He writes, sees his place, who takes him, and the answer; it is all in the customer file."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        welcome = await page.hear("welcome")
        assert len(welcome["token"]) == 43
        assert welcome["greeting"] == "Hello! This is Acme."
        line = await page.say("Where is my parcel?")
        assert (line["seq"], line["mine"]) == (1, True)
        (call,) = house.calls.values()
        assert (call.medium, call.queue, call.virtual) == ("chat", "sales", True)
        await page.hear("standing", stage="waiting", position=1)
        await house.sit_down()
        assert await house.pick_up() == call.id
        await page.hear("standing", stage="talking", agent="Anna Nowak")
        card = await house.chat.card(call.id)
        assert (card.text, card.quoted, card.language) == ("Where is my parcel?", "", "en")
        await page.hear("seen", seq=1)
        await house.chat.reply(call.id, "101", Reply(text="On its way."))
        answer = await page.hear("line", seq=2)
        assert (answer["text"], answer["by"], answer["mine"]) == ("On its way.", "Anna Nowak", False)
        await house.close(call.id)
        await page.hear("standing", stage="closed")
        await until(lambda: not house.calls)


async def test_he_goes_on_where_he_was(tmp_path):
    """In another tab, after a reload, with the token alone; both tabs see every line once, in one order."""
    async with ChatHouse(tmp_path) as house:
        async with house.page() as page:
            await page.say("one")
            await page.say("two")
        async with house.page(token=page.token, last=1) as again, house.page(token=page.token) as other:
            await again.hear("line", seq=2)
            await other.hear("line", seq=2)
            await again.say("three")
            await other.hear("line", seq=3)
            assert again.lines == [(2, "two"), (3, "three")]
            assert other.lines == [(1, "one"), (2, "two"), (3, "three")]
            assert len(house.calls) == 1


async def test_a_line_is_one_line_however_often_it_is_said(tmp_path):
    """By another tab, after a reload: it has the number that it has."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        first = await page.say("once", name="line-0001")
        async with house.page(token=page.token, last=1) as other:
            await other.hear("standing")
            await other.send(t="say", id="line-0001", text="once")
            assert (await other.hear("line", id="line-0001"))["seq"] == first["seq"]
            assert (await other.say("two"))["seq"] == 2


async def test_who_is_gone_waits_no_more(tmp_path):
    """After the grace time his contact is taken out of the queue; when he writes again it is the same case."""
    async with ChatHouse(tmp_path) as house:
        async with house.page() as page:
            await page.say("hello")
            first = next(iter(house.calls))
            await page.socket.close()
            await asyncio.sleep(2)
            assert first in house.calls
        await until(lambda: not house.calls, within_s=10)
        await until(lambda: house.store.read(closed, first))
        async with house.page(token=page.token, last=page.last) as again:
            await again.hear("standing", stage="closed")
            await again.say("me again")
            (second,) = house.calls
            assert second != first
            assert (await house.chat.card(second)).case == (await house.chat.card(first)).case


def none_open(session):
    return chats.still_open(session) == []


def are_kept(session, lines):
    return session.scalar(select(func.count(Message.id))) == lines


def closed(session, call):
    return chats.closed_among(session, [call]) == [call]


async def test_his_agent_is_told_that_he_is_gone(tmp_path):
    """The contact stays with its agent; should he put it off, it does not wait for nobody."""
    async with ChatHouse(tmp_path) as house:
        news = []
        house.chatting.rooms.listeners.append(lambda call, what: news.append(what))
        await house.sit_down()
        async with house.page() as page:
            await page.say("hello")
            call = await house.pick_up()
            assert (await house.chat.card(call)).marks == ()
        await until(lambda: "gone" in news, within_s=10)
        assert (await house.chat.card(call)).marks == ("gone",)
        assert house.calls[call].state == "talking"
        await house.chat.reply(call, "101", Reply(text="Are you there?"))
        async with house.page(token=page.token, last=page.last) as again:
            await again.hear("line", text="Are you there?")
            assert news[-1] == "back"
        await until(lambda: news.count("gone") == 2, within_s=10)
        house.dispatcher.submit(OfferEnded(offer=house.calls[call].offer, outcome="hung-up"))
        await until(lambda: not house.calls)


async def test_what_came_while_his_agent_closed_is_not_lost(tmp_path):
    """The line that nobody was shown waits, in a contact of its own."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await house.sit_down()
        await page.say("hello")
        call = await house.pick_up()
        await house.chat.card(call)
        await page.say("one more thing")
        await house.close(call)
        other = await house.pick_up()
        assert other != call
        assert (await house.chat.card(other)).text == "hello\none more thing"
        await page.hear("standing", stage="talking")


async def test_the_agent_sees_the_talk_and_what_is_new(tmp_path):
    """What is new stands apart from what was said before, by both, in earlier contacts too."""
    async with ChatHouse(tmp_path) as house, house.page(language="pl") as page:
        await house.sit_down()
        await page.say("Dzień dobry, kiedy jest otwarte?")
        call = await house.pick_up()
        assert [one.name for one in house.chat.choices("sales", "pl")] == ["opening-hours"]
        await house.chat.reply(call, "101", Reply(choice="opening-hours"))
        await page.hear("line", text="Otwieramy o dziewiątej, .")
        await page.say("A jutro?")
        card = await house.chat.card(call)
        assert (card.text, card.language) == ("A jutro?", "pl")
        assert [one[6:] for one in card.quoted.split("\n")] == [
            ">: Dzień dobry, kiedy jest otwarte?",
            "Anna Nowak: Otwieramy o dziewiątej, .",
        ]


@pytest.mark.parametrize(
    "reply", [Reply(), Reply(text="  "), Reply(choice="greeting"), Reply(choice="x"), Reply(text="x" * 10_001)]
)
async def test_what_cannot_be_said_is_refused(tmp_path, reply):
    """Nothing, what the page says by itself, what there is not, a book."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.say("hello")
        (call,) = house.calls
        with pytest.raises(ReplyError):
            await house.chat.reply(call, "101", reply)
        with pytest.raises(ReplyError):
            await house.chat.reply("chat-other", "101", Reply(text="hello"))


async def test_a_caller_goes_on_with_his_case(tmp_path):
    """Who chats after he has called says his number, and the agent finds both together."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        caller = await house.store.write(people.find_or_make, number("+48221234567"), 1, name="Jan")
        contact = timeline.Contact(
            key="1.1", medium="voice", direction="in", at=house.dispatcher.clock() - 9, person=caller
        )
        await house.store.write(timeline.begin, contact)
        await page.hear("welcome")
        await page.send(t="who", id="who-00001", name="Jan Kowalski", number="22 123 45 67")
        await page.hear("done", id="who-00001")
        await page.say("I have just called you")
        (call,) = house.calls.values()
        assert call.caller == "+48221234567"
        card = await house.chat.card(call.id)
        assert (card.person, card.sender, card.address) == (caller, "Jan Kowalski", "+48221234567")
        assert "unproven" in card.marks
        assert [one.case_id for one in await house.store.read(timeline.contacts, caller)] == [card.case] * 2


async def test_he_is_called_at_his_place(tmp_path):
    """The callback has the place and the case of his chat, which waits no more; asking twice makes no second one."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.say("hello")
        (chat,) = house.calls.values()
        await page.send(t="call-me", id="call-0001", number="601 601 601")
        await page.hear("done", id="call-0001")
        await page.hear("standing", stage="closed")
        (call,) = house.calls.values()
        assert (call.medium, call.caller, call.queue) == ("callback", "+48601601601", "sales")
        assert call.arrived == chat.arrived
        card = await house.chat.card(chat.id)
        (mine, theirs) = await house.store.read(timeline.contacts, card.person)
        assert mine.case_id == theirs.case_id == card.case
        await page.send(t="call-me", id="call-0002", number="+48601601601")
        await page.hear("done", id="call-0002")
        assert len(house.calls) == 1
        await page.send(t="call-me", id="call-0003", number="112")
        assert (await page.hear("refused", id="call-0003"))["why"] == "no-number"


async def test_he_has_it_by_mail(tmp_path):
    """Through the outbox of e-mail, in plain text, and an answer to it belongs to his case; so often and no more."""
    async with MailServer() as relay, ChatHouse(tmp_path, smtp=relay.port) as house, house.page() as page:
        await page.hear("welcome")
        await page.send(t="transcript", id="mail-0000", email="jan@example.org")
        assert (await page.hear("refused", id="mail-0000"))["why"] == "nothing"
        await page.say("Where is my <b>parcel</b>?")
        (call,) = house.calls
        await house.chat.reply(call, "101", Reply(text="On its way."))
        for at in range(4):
            await page.send(t="transcript", id=f"mail-000{at + 1}", email="Jan@Example.org")
        await page.hear("done", id="mail-0003")
        assert (await page.hear("refused", id="mail-0004"))["why"] == "too-many"
        await until(lambda: len(relay.got) == 3)
        sender, recipients, raw = relay.got[0]
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert (sender, recipients) == ("<>", ("jan@example.org",))
        assert [one[6:] for one in mail.get_content().strip().splitlines()] == [
            "-: Where is my <b>parcel</b>?",
            "Anna Nowak: On its way.",
        ]
        assert mail.get_content_type() == "text/plain"
        assert mail["Auto-Submitted"] == "auto-generated"
        await page.send(t="transcript", id="mail-0005", email="no address")
        assert (await page.hear("refused", id="mail-0005"))["why"] == "no-address"


async def test_a_closed_queue_says_so(tmp_path):
    """His contact waits all the same, and his place is told when it opens."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.hear("standing", closed=None)
        house.dispatcher.submit(QueueSet(queue="sales", closed=True))
        await page.hear("standing", closed=True)
        await page.say("hello")
        await page.hear("standing", stage="waiting", closed=True)
        house.dispatcher.submit(QueueSet(queue="sales", closed=False))
        await page.hear("standing", stage="waiting", position=1)


async def test_places_move_up(tmp_path):
    """Each is told his own place, again when it changes."""
    async with ChatHouse(tmp_path) as house, house.page() as one, house.page() as two:
        await one.say("first")
        await two.say("second")
        await two.hear("standing", position=2)
        await one.send(t="leave")
        await two.hear("standing", position=1)


async def test_new_settings_hold_at_once(tmp_path):
    """A section that is gone lets nobody in, and keeps no line; what is open goes on."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.say("hello")
        (call,) = house.calls
        conf = (house.folder / "acd.conf").read_text()
        (house.folder / "acd.conf").write_text(conf[: conf.index("[shop]")])
        house.site = fill_secrets(load_site(house.folder), house.home)
        house.written.use(house.folder)
        with pytest.raises(websockets.InvalidStatus):
            await house.page().__aenter__()
        await page.send(t="say", id="line-0009", text="still here")
        assert (await page.hear("refused", id="line-0009"))["why"] == "not-now"
        await house.chat.reply(call, "101", Reply(text="so are we"))
        await page.hear("line", text="so are we")


async def test_who_has_ended_it_is_gone_for_his_agent_too(tmp_path):
    """At once, and for good: should his agent put it off, it waits for nobody."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        news = []
        house.chatting.rooms.listeners.append(lambda call, what: news.append(what))
        await house.sit_down()
        await page.say("hello")
        call = await house.pick_up()
        await page.send(t="leave")
        await page.hear("bye", why="gone")
        assert news[-1] == "gone"
        assert (await house.chat.card(call)).marks == ("gone",)
        await house.chat.reply(call, "101", Reply(text="Good bye."))
        await house.chat._look(is_first=False)
        assert (await house.chat.card(call)).marks == ("gone",)
        house.dispatcher.submit(OfferEnded(offer=house.calls[call].offer, outcome="hung-up"))
        await until(lambda: not house.calls)


async def test_who_is_erased_while_his_page_is_open_begins_anew(tmp_path):
    """His page forgets its talk as the customer file did, when he writes again."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.hear("welcome")
        await page.send(t="who", id="who-00001", name="Jan", email="jan@example.org")
        await page.hear("done")
        await page.say("secret")
        await page.say("more")
        (call,) = house.calls
        person = (await house.chat.card(call)).person
        await house.store.write(privacy.erase, person)
        assert await house.chat.card(call) is None
        await page.send(t="say", id="line-0009", text="after that")
        await page.hear("bye", why="gone")
        async with house.page(token=page.token) as again:
            await again.hear("welcome", last=0)
            assert again.lines == []


async def test_who_closes_his_page_with_his_first_line_can_come_back(tmp_path):
    """He did not see it confirmed, and it waits all the same; he comes again in time, and it goes on waiting."""
    async with ChatHouse(tmp_path) as house:
        page = house.page()
        async with page:
            await page.hear("standing")
            await page.send(t="say", id="line-0001", text="hello")
            await page.socket.close()
        await until(lambda: house.calls)
        async with house.page(token=page.token) as again:
            await again.hear("line", id="line-0001")
            await again.hear("standing", stage="waiting", position=1)
            await asyncio.sleep(6)
            assert len(house.calls) == 1
        await until(lambda: not house.calls, within_s=10)


async def test_who_ends_it_with_a_line_on_its_way_is_not_waited_for(tmp_path):
    """The line is kept, and its contact is taken out when somebody looks after it."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.hear("standing")
        await page.send(t="say", id="line-0001", text="hello")
        await page.send(t="leave")
        await page.hear("bye", why="gone")

        async def is_out():
            await house.chat._look(is_first=False)
            return await house.store.read(are_kept, 1) and not house.calls and await house.store.read(none_open)

        await until(is_out)


async def test_while_the_customer_file_is_away_nothing_is_confirmed(tmp_path):
    """He is told to say it again in a moment; then it is kept, once, and a page that came meanwhile is let in."""
    async with ChatHouse(tmp_path) as house, house.page() as page:
        await page.say("one")
        database, house.store._database = house.store._database, None
        await page.send(t="say", id="line-0002", text="two")
        assert (await page.hear("refused", id="line-0002"))["why"] == "not-now"
        async with house.page(token=page.token) as other:
            await asyncio.sleep(0.5)
            assert other.heard == []
            house.store._database = database
            await other.hear("line", text="one")
            await page.send(t="say", id="line-0002", text="two")
            await other.hear("line", text="two")
            assert page.lines == other.lines == [(1, "one"), (2, "two")]
