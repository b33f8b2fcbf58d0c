"""Messages on the disk: what becomes a call, what is none, and what a look finds that nobody took care of."""

import asyncio
import contextlib
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
from structlog.testing import capture_logs

from acd.core.commands import CallOver
from acd.core.events import CallArrived, CallEnded
from acd.settings import VoicemailSettings
from ivr import mailbox as module
from ivr.audio import Audio, to_wav
from ivr.flow import Caller, Record
from ivr.mailbox import CLOSED, Mailbox, file_name, messages
from ivr.tones import tone

NOW = 1_800_000_000_000


class House:
    """What the mailbox needs of the server; `calls` is what the core knows."""

    def __init__(self, folder, **settings):
        self.site = SimpleNamespace(voicemail=VoicemailSettings(**settings))
        self.switch = SimpleNamespace(channels=SimpleNamespace(ahead_ms=0), link=None)
        self.calls, self.events, self.now = {}, [], NOW
        core = SimpleNamespace(state=SimpleNamespace(calls=self.calls))
        self.dispatcher = SimpleNamespace(core=core, clock=lambda: self.now, submit=self.submit, is_closed=False)
        self.mailbox = Mailbox(folder, self)
        self.folder = folder

    def submit(self, *events):
        for event in events:
            self.events.append(event)
            if isinstance(event, CallArrived):
                self.calls[event.call] = event
            else:
                self.calls.pop(event.call, None)

    def record(self, message, audio, *, age_s=0):
        path = self.folder / f"{message.id}.wav"
        path.write_bytes(to_wav(audio))
        os.utime(path, (time.time() - age_s,) * 2)
        return path

    async def leave(self, number="5550201", queue="sales", arrived=""):
        message = self.mailbox.begin(Caller(number=number, uniqueid=f"{len(self.events)}.1"), queue, arrived)
        self.record(message, speech())
        assert await self.mailbox.take(message)
        return message


def speech(ms=3_000, level_db=-12.0):
    return tone(440, duration_ms=ms, level_db=level_db)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@contextlib.asynccontextmanager
async def running(house, known_until=0):
    task = asyncio.create_task(house.mailbox.run(known_until))
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(reached):
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - a file and a list
            await asyncio.sleep(0.01)


async def test_a_message_becomes_a_call_at_its_callers_place(house):
    """Of its medium, in its queue, since his wait began by the switch's clock; the note says whose it is."""
    house.switch.channels.ahead_ms = 5_000
    house.site.voicemail = VoicemailSettings(priority=12)
    message = await house.leave(arrived=str(NOW - 60_000 + 5_000))
    [event] = house.events
    assert event == CallArrived(
        call=message.id, queue="sales", caller="5550201", medium="voicemail", priority=12, since=NOW - 60_000
    )
    [noted] = messages(house.folder)
    assert (noted.number, noted.length_ms, noted.closed_at) == ("5550201", 3_000, None)
    assert house.mailbox.get(message.id) == noted


@pytest.mark.parametrize("arrived", ["", "x", "-1", "9" * 400, str(NOW + 1), str(NOW - 10**9), "${SHELL(x)}"])
async def test_no_time_of_arrival_that_cannot_be(house, arrived):
    """Then it stands where it was left."""
    assert (await house.leave(arrived=arrived)).since == NOW


@pytest.mark.parametrize(
    "audio",
    [
        speech(800),
        Audio(np.zeros(8 * 5_000), 8_000),
        speech(5_000, level_db=-60.0),
        Audio(np.concatenate([np.zeros(16_000), speech(100).samples, np.zeros(16_000)]), 8_000),
    ],
    ids=["short", "silent", "noise", "click"],
)
async def test_what_is_no_message(house, audio):
    """Too short, silent, a noise on the line, a click: neither a file stays nor a call comes of it."""
    message = house.mailbox.begin(Caller(number="5"), "sales", "")
    house.record(message, audio)
    assert not await house.mailbox.take(message)
    assert house.events == []
    assert list(house.folder.iterdir()) == []


async def test_a_file_that_never_was(house):
    """The caller hung up before the tone."""
    assert not await house.mailbox.take(house.mailbox.begin(Caller(), "sales", ""))


async def test_a_head_that_says_nothing_yet(house):
    """Length and sound are those of the file: Asterisk completes a head at the end."""
    message = house.mailbox.begin(Caller(), "sales", "")
    path = house.record(message, speech())
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\0\0\0\0" + data[8:40] + b"\0\0\0\0" + data[44:])
    assert await house.mailbox.take(message)
    assert message.length_ms == 3_000


async def test_who_hangs_up_while_he_speaks(house, monkeypatch):
    """His message is taken when the switch has finished the file, and not before."""
    monkeypatch.setattr(module, "STILL_S", 0.2)
    message = house.mailbox.begin(Caller(number="5"), "sales", "")
    path = house.record(message, speech(500))
    house.mailbox.take_soon(message)
    await asyncio.sleep(0)
    with path.open("ab") as file:
        file.write(b"\x00\x20" * 16_000)
    await until(lambda: house.events)
    assert message.length_ms == 2_500


async def test_closed_once_and_put_away(house):
    """Noted before the core is asked; then file and note lie among the closed."""
    message = await house.leave()

    async def agrees():
        [noted] = messages(house.folder)
        assert (noted.closed_by, noted.code) == ("101", "sold")
        house.calls.clear()
        return "ok"

    assert await house.mailbox.close(message.id, "101", "sold", agrees())
    assert list(messages(house.folder)) == []
    [closed] = messages(house.folder / CLOSED)
    assert (closed.id, closed.closed_at) == (message.id, NOW)
    assert house.mailbox.get(message.id) is None


async def test_not_closed_where_the_core_does_not_agree(house):
    """Somebody else has it by now, or the server is about to end: it stays open."""
    message = await house.leave()

    async def another_has_it():
        return "already"

    async def fails():
        raise RuntimeError("taken over")

    assert not await house.mailbox.close(message.id, "101", "", another_has_it())
    with pytest.raises(RuntimeError):
        await house.mailbox.close(message.id, "101", "", fails())
    [noted] = messages(house.folder)
    assert (noted.closed_at, noted.closed_by) == (None, "")


async def test_a_start_finds_what_was_left_over(house, tmp_path):
    """Noted as closed: the call ends. Open, and the journal lost: it comes again. Without a note: it becomes a call."""
    first, second = await house.leave("1"), await house.leave("2")
    noted = house.mailbox.get(first.id)
    noted.closed_at = NOW
    house.mailbox._note(noted)
    third = house.mailbox.begin(Caller(number="3", uniqueid="9.9"), "support", "")
    house.record(third, speech(), age_s=5)
    again = House(tmp_path)
    again.calls[first.id] = first
    async with running(again, known_until=int(time.time() * 1000) - 60_000):
        await until(lambda: len(again.events) == 3)
    assert again.events[0] == CallEnded(call=first.id, reason="done")
    assert [(event.call, event.queue) for event in again.events[1:]] == [(second.id, "sales"), (third.id, "support")]
    assert [message.number for message in messages(tmp_path)] == ["2", "3"]


async def test_files_of_other_days_and_of_this_moment_are_left_alone(house, tmp_path):
    """What was recorded before messages were calls is none; what is still being recorded is none yet."""
    old = house.mailbox.begin(Caller(number="1"), "sales", "")
    house.record(old, speech(), age_s=5_000)
    young = house.mailbox.begin(Caller(number="2"), "sales", "")
    house.record(young, speech())
    again = House(tmp_path)
    again.mailbox._oldest = int(time.time() * 1000) - 600_000
    assert again.mailbox._without_note() == []
    os.utime(tmp_path / f"{young.id}.wav", (time.time() - 5,) * 2)
    assert [path.stem for path in again.mailbox._without_note()] == [young.id]
    assert house.mailbox._without_note() == []


async def test_who_was_handed_over_leaves_it_to_the_other_server(house, tmp_path):
    """The old server makes no call any more, and leaves the file for the new one to find."""
    message = house.mailbox.begin(Caller(number="1", uniqueid="9.9"), "sales", "")
    house.record(message, speech(), age_s=5)
    house.dispatcher.is_closed = True
    assert await house.mailbox.take(message)
    assert house.events == []
    again = House(tmp_path)
    async with running(again, known_until=int(time.time() * 1000)):
        await until(lambda: again.events)


async def test_over_by_other_means(house):
    """Its caller was called back, or a supervisor took it out: it is put away, and does not come again at a start."""
    first, second = await house.leave("1"), await house.leave("2")
    caller = CallEnded(call="17.4")
    house.mailbox.watch(caller, [CallOver(call=first.id, reason="called-back")])
    house.mailbox.watch(CallEnded(call=second.id, reason="done"), [])
    assert list(messages(house.folder)) == []
    assert [(one.code, one.closed_at) for one in messages(house.folder / CLOSED)] == [
        ("called-back", NOW),
        ("done", NOW),
    ]


async def test_closed_ones_are_kept_for_a_while(house):
    """Then file and note go; open ones are kept for ever."""
    opened, closed = await house.leave("1"), await house.leave("2")

    async def ok():
        return "ok"

    await house.mailbox.close(closed.id, "101", "", ok())
    house.now += 30 * 86_400_000
    house.mailbox._forget_old()
    assert [message.id for message in messages(house.folder / CLOSED)] == [closed.id]
    house.now += 1
    house.mailbox._forget_old()
    assert list((house.folder / CLOSED).iterdir()) == []
    assert house.mailbox.get(opened.id) is not None


async def test_a_note_that_cannot_be_read_costs_nothing(house):
    """The file's own name tells enough; the list says what it left out."""
    message = await house.leave("77")
    (house.folder / f"{message.id}.json").write_bytes(b"{")
    with capture_logs() as logs:
        assert list(messages(house.folder)) == []
    assert logs[0]["event"] == "note of a voicemail cannot be read"
    known = house.mailbox.get(message.id)
    assert (known.number, known.queue, known.length_ms) == ("77", "sales", 3_000)


async def test_a_full_disk_costs_no_message(house, monkeypatch):
    """It cannot be noted, and is a call all the same."""
    message = house.mailbox.begin(Caller(number="1"), "sales", "")
    house.record(message, speech())

    def full(_self, _data):
        raise OSError("no space left")

    monkeypatch.setattr(module.Path, "write_bytes", full)
    with capture_logs() as logs:
        assert await house.mailbox.take(message)
    assert len(house.events) == 1
    assert "voicemail cannot be noted" in [entry["event"] for entry in logs]


@pytest.mark.parametrize("number", ["../../etc/passwd", "5\n6", "%s${SHELL(x)}", "9" * 500])
def test_no_caller_chooses_a_path(number):
    """Whatever number the line delivers, the name is one that `Record` takes: no path, no blank, not too long."""
    name = file_name("sa/les", Caller(number=number, uniqueid="1/2"), time.gmtime(0))
    assert Record(name=name).name == name
    assert name.startswith("voicemail-sales-19700101-000000-")
