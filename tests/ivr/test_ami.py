"""One connection to the manager interface: opened, used and lost, against a peer on a real socket."""

import asyncio
import socket
import time

import pytest
from structlog.testing import capture_logs

from ivr import ami
from ivr.ami import Link, LinkError
from tests.ivr.ami_peer import BANNER, AmiPeer, message


@pytest.fixture
async def peer():
    """Give a manager interface."""
    async with AmiPeer() as peer:
        yield peer


def opening(port, on_event=lambda _message: None):
    return asyncio.create_task(
        Link.open(host="127.0.0.1", port=port, user="callfloor", secret="s3cret", events="call", on_event=on_event)
    )


def answer(asked, response="Success", text="Done"):
    return f"Response: {response}\r\nActionID: {asked['ActionID']}\r\nMessage: {text}\r\n\r\n".encode()


async def test_a_log_in_says_who_we_are_and_what_we_want_to_hear(peer):
    """The one action of a new link is Login, with user, secret and event classes; no keep-alive is sent behind it."""
    link = await opening(peer.port)
    assert [{**asked, "ActionID": ""} for asked in peer.actions] == [
        {"Action": "Login", "ActionID": "", "Username": "callfloor", "Secret": "s3cret", "Events": "call"}
    ]
    link.close()


async def test_nobody_listens():
    """A port where nobody is gives an error that names address and reason."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(LinkError, match=rf"no manager interface at 127\.0\.0\.1:{port}: .*Connect call failed"):
            await opening(port)


@pytest.mark.parametrize("greeting", [b"", BANNER])
async def test_somebody_listens_and_says_nothing(peer, monkeypatch, greeting):
    """A log-in that is not answered in time is given up, with or without a banner."""
    monkeypatch.setattr(ami, "CONNECT_S", 0.05)
    peer.greeting, peer.silent = greeting, True
    with pytest.raises(LinkError, match="does not answer"):
        await opening(peer.port)


async def test_a_wrong_password_is_not_repeated_in_the_error(peer):
    """The reason is the peer's own; the secret is in no text."""
    peer.silent = True
    task = opening(peer.port)
    [asked] = await peer.asked("Login")
    peer.say(answer(asked, "Error", "Authentication failed"))
    with pytest.raises(LinkError, match="does not let 'callfloor' in: Authentication failed") as caught:
        await task
    assert "s3cret" not in str(caught.value)


async def test_the_peer_leaves_instead_of_answering(peer):
    """A connection that ends before the log-in was answered names the address and the end."""
    peer.silent = True
    task = opening(peer.port)
    await peer.asked("Login")
    peer.drop()
    with pytest.raises(LinkError, match=rf"127\.0\.0\.1:{peer.port}.*closed by Asterisk"):
        await task


async def test_a_late_banner_is_no_matter(peer):
    """Asterisk may be slow to greet: the log-in waits for it."""
    peer.greeting, peer.silent = b"", True
    task = opening(peer.port)
    [asked] = await peer.asked("Login")
    for piece in (BANNER[:9], BANNER[9:-1], BANNER[-1:] + answer(asked)):
        peer.say(piece)
        await asyncio.sleep(0)
    link = await task
    assert not link.lost.done()
    link.close()


async def test_a_cancelled_log_in_leaves_no_connection(peer):
    """Who stops waiting for the log-in closes the connection; the peer sees its end."""
    peer.silent = True
    task = opening(peer.port)
    await peer.asked("Login")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        await asyncio.gather(*peer._serving)


async def test_an_odd_answer_to_the_log_in_is_an_answer(peer):
    """A peer that announces a list instead of an answer does not break the one who asks."""
    peer.silent = True
    task = opening(peer.port)
    [asked] = await peer.asked("Login")
    peer.say(answer(asked, text="it will follow") + message("LoginComplete", ActionID=asked["ActionID"]))
    (await task).close()


async def test_a_list_is_whole(peer):
    """Asking for a list gives its beginning, its lines and its end, in order, and none of it as an event."""
    seen = []
    link = await opening(peer.port, seen.append)
    peer.list_lines = b"".join(message("Status", ActionID="$ID", Uniqueid=f"1.{n}") for n in range(50))
    messages = await link.ask("Status")
    assert [one.event for one in messages] == ["", *["Status"] * 50, "StatusComplete"]
    assert [one["Uniqueid"] for one in messages[1:-1]] == [f"1.{n}" for n in range(50)]
    assert seen == []
    link.close()


async def test_answers_find_who_asked(peer):
    """Several actions on their way at once get each its own answer, in whatever order these come."""
    link = await opening(peer.port)
    peer.silent = True
    tasks = [asyncio.create_task(link.ask("Getvar", Variable=name)) for name in "abc"]
    for asked in reversed(await peer.asked("Getvar", 3)):
        peer.say(answer(asked, text=asked["Variable"]))
    assert [one["Message"] for [one] in await asyncio.gather(*tasks)] == ["a", "b", "c"]
    link.close()


async def test_no_answer_in_time(peer, monkeypatch):
    """An action that stays without an answer is an error that names it, and a late answer to it does no harm."""
    link = await opening(peer.port)
    peer.silent = True
    monkeypatch.setattr(ami, "ANSWER_S", 0.05)
    with pytest.raises(LinkError, match="Ping: no answer"):
        await link.ask("Ping")
    monkeypatch.undo()
    [asked] = await peer.asked("Ping")
    peer.say(answer(asked))
    peer.silent = False
    assert [one["Response"] for one in await link.ask("Setvar")] == ["Success"]
    link.close()


async def test_an_end_in_the_midst_of_an_answer(peer):
    """Who waits for an answer hears of the lost link at once; half an answer is none."""
    link = await opening(peer.port)
    peer.silent = True
    task = asyncio.create_task(link.ask("Status"))
    [asked] = await peer.asked("Status")
    peer.say(answer(asked)[:-2])
    peer.drop()
    with pytest.raises(LinkError, match="Status: closed by Asterisk"):
        await task
    assert link.lost.result() == "closed by Asterisk"


async def test_a_closed_link_sends_nothing(peer):
    """What is sent on a link that has ended reaches nobody, raises nothing, and is not kept for a later link."""
    link = await opening(peer.port)
    link.close()
    link.send("Originate", Channel="PJSIP/101")
    with pytest.raises(LinkError, match="closed by callfloor"):
        await link.ask("Status")
    second = await opening(peer.port)
    await second.ask("Ping")
    second.close()
    assert [asked["Action"] for asked in peer.actions] == ["Login", "Login", "Ping"]


@pytest.mark.parametrize("broken", ["\r\nAction: Command", "\n\n", "\r", "a\x00b", "\x85", "\u2028", "\u2029"])
async def test_no_line_break_leaves_in_any_place(peer, broken):
    """A line break in a value or in one of several values does not reach the wire."""
    link = await opening(peer.port)
    await link.ask("Setvar", Channel=broken, Variable=["A=1", f"B={broken}"])
    [asked] = await peer.asked("Setvar")
    assert set(asked) == {"Action", "ActionID", "Channel", "Variable"}
    assert len(asked["Variable"].split("\n")) == 2
    assert b"\x00" not in peer.received
    link.close()


async def test_only_wanted_events_are_handed_over(peer):
    """Of a stream of all kinds of events the reader gets those it named; answers come whatever they are called."""
    seen = []
    link = await Link.open(
        host="127.0.0.1", port=peer.port, user="u", secret="s", events="on", on_event=seen.append, names=["Hangup"]
    )
    peer.list_lines = message("Status", ActionID="$ID", Uniqueid="1.1")
    peer.say(b"".join(message(kind, Uniqueid="1.1") for kind in ("VarSet", "Hangup", "Newexten", "hangup")))
    assert [one.event for one in await link.ask("Status")] == ["", "Status", "StatusComplete"]
    assert [one.event for one in seen] == ["Hangup"]
    peer.say(message("Shutdown"))
    assert await asyncio.wait_for(asyncio.shield(link.lost), 10) == "Asterisk shuts down"
    link.close()


async def test_an_originate_is_answered_by_its_outcome(peer):
    """A call that was queued is no outcome; the event that follows is. A refusal is one by itself."""
    link = await opening(peer.port)
    first, second = link.send("Originate", Channel="PJSIP/101"), link.send("Originate", Channel="PJSIP/102")
    asked, other = await peer.asked("Originate", 2)
    await link.ask("Ping")
    assert not first.done()
    peer.say(message("OriginateResponse", ActionID=asked["ActionID"], Response="Failure", Reason="3"))
    assert [one.get("Reason") for one in await asyncio.wait_for(first, 10)] == ["", "3"]
    peer.say(message("OriginateResponse", ActionID=other["ActionID"], Response="Success"))
    assert [one.event for one in await asyncio.wait_for(second, 10)] == ["", "OriginateResponse"]
    peer.silent = True
    third = link.send("Originate", Channel="PJSIP/103")
    asked = (await peer.asked("Originate", 3))[-1]
    peer.say(answer(asked, "Error", "Extension does not exist."))
    assert [one["Response"] for one in await asyncio.wait_for(third, 10)] == ["Error"]
    link.close()


async def test_english_words_do_not_make_a_list(peer):
    """An answer without EventList is whole, whatever its message says."""
    link = await opening(peer.port)
    peer.silent = True
    task = asyncio.create_task(link.ask("Getvar", Variable="X"))
    [asked] = await peer.asked("Getvar")
    peer.say(answer(asked, text="it will follow, and was successfully queued"))
    assert len(await asyncio.wait_for(task, 10)) == 1
    link.close()


async def test_others_get_their_turn_while_much_is_handled(peer, monkeypatch):
    """A thousand events that take a millisecond each do not keep anybody else from running, and none is lost."""
    monkeypatch.setattr(ami, "TURN_S", 0.002)
    seen = []

    def slow(event):
        time.sleep(0.001)
        seen.append(event["Uniqueid"])

    link = await opening(peer.port, slow)
    peer.say(b"".join(message("Hangup", Uniqueid=number) for number in range(1_000)))
    gaps, last = [], time.monotonic()
    async with asyncio.timeout(20):
        while len(seen) < 1_000:
            await asyncio.sleep(0)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
    assert seen == [str(number) for number in range(1_000)]
    assert sorted(gaps)[-3] < 0.1  # without turns: a second and more
    link.close()


async def test_a_backlog_is_not_endless(peer, monkeypatch):
    """While more is read than can be handled the stream is left where it is, and all of it is handled in the end."""
    monkeypatch.setattr(ami, "BACKLOG_MAX", 10)
    monkeypatch.setattr(ami, "TURN_S", 0.0)
    seen, most = [], 0

    def count(event):
        nonlocal most
        most = max(most, len(link._manager.protocol._read))
        seen.append(event["Uniqueid"])

    link = await opening(peer.port, count)
    peer.say(b"".join(message("Hangup", Uniqueid=number) for number in range(30_000)))
    async with asyncio.timeout(30):
        while len(seen) < 30_000:  # noqa: ASYNC110 - the list tells nobody
            await asyncio.sleep(0.001)
    assert seen == [str(number) for number in range(30_000)]
    assert most < 10_000  # what one reading holds, not the whole stream
    link.close()


async def test_an_event_that_cannot_be_handled_ends_the_link(peer):
    """A failure of ours is logged and costs the link, since what an unread event said is not known any more."""

    def fail(_event):
        raise ValueError("broken")

    link = await opening(peer.port, fail)
    with capture_logs() as logs:
        peer.say(message("Hangup") * 3)
        assert await asyncio.wait_for(asyncio.shield(link.lost), 10) == "a message could not be handled"
    assert [entry["event"] for entry in logs] == ["ami message not handled"]
    link.close()
