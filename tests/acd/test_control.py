"""The control socket: questions and answers of one machine's own user."""

import asyncio
import contextlib
import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from acd.control import (
    LINE_MAX,
    SOCKET,
    Control,
    ControlError,
    UnansweredError,
    WithFiles,
    ask,
    ask_for_files,
    is_answered,
)


def fail():
    raise ValueError("no such thing")


ANSWERS = {"status": lambda: {"calls": 3, "name": "zażółć"}, "invariants": list, "fail": fail}


@pytest.fixture
async def serve():
    """Give a way to start servers; all are closed at the end."""
    servers = []

    async def serve(folder, answers=ANSWERS):
        servers.append(Control(folder, answers))
        await servers[-1].start()
        return servers[-1]

    yield serve
    for server in servers:
        await server.close()


def asking(folder, what):
    """Ask in a thread: `ask` waits, and the server is in this loop."""
    return asyncio.to_thread(ask, folder, what, timeout_s=10.0)


async def raw(folder, data):
    """What the server says to these bytes, until it closes."""
    here = os.open(folder, os.O_PATH)
    reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{here}/{SOCKET}")
    os.close(here)
    writer.write(data)
    writer.write_eof()
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return said


async def test_a_question_about_something_names_it(tmp_path):
    """`of` reaches the answer; without it, and for a name that nobody knows, the error says what can be asked."""

    def about(name):
        if name != "5550203":
            raise ControlError(f"no call '{name}'")
        return {"waits": name}

    server = Control(tmp_path, ANSWERS, {"why-waiting": about})
    await server.start()
    try:
        assert await asyncio.to_thread(ask, tmp_path, "why-waiting", "5550203") == {"waits": "5550203"}
        with pytest.raises(ControlError, match="no call 'x'"):
            await asyncio.to_thread(ask, tmp_path, "why-waiting", "x")
        with pytest.raises(ControlError, match="ask one of: status, invariants, fail, why-waiting of"):
            await asking(tmp_path, "why-waiting")
        assert b"ask one of" in await raw(tmp_path, b'{"ask": "why-waiting", "of": 3}\n')
    finally:
        await server.close()


def open_files():
    """What this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.append(str(link.readlink()))
    return found


async def test_open_files_go_with_an_answer(serve, tmp_path):
    """The asker gets descriptors of his own of what was sent; the sender's are closed."""
    letter = tmp_path / "letter"
    letter.write_text("from one to the other")

    async def give():
        return WithFiles({"pages": 1}, [os.open(letter, os.O_RDONLY)])

    await serve(tmp_path, {"give": give})
    answer, [theirs] = await asyncio.to_thread(ask_for_files, tmp_path, "give", timeout_s=10.0)
    assert answer == {"pages": 1}
    assert os.read(theirs, 100) == b"from one to the other"
    assert open_files().count(str(letter)) == 1
    os.close(theirs)


async def test_a_question_is_answered(serve, tmp_path):
    """What the table gives comes back as it is."""
    await serve(tmp_path)
    assert await asking(tmp_path, "status") == {"calls": 3, "name": "zażółć"}
    assert await asking(tmp_path, "invariants") == []


async def test_an_unknown_question_is_told_what_can_be_asked(serve, tmp_path):
    """The error names the questions there are."""
    await serve(tmp_path)
    with pytest.raises(ControlError, match="ask one of: status, invariants, fail"):
        await asking(tmp_path, "stauts")


async def test_an_answer_that_fails_is_an_error_with_its_reason(serve, tmp_path):
    """A failing answer does not end the server; the reason reaches who asked."""
    await serve(tmp_path)
    with pytest.raises(ControlError, match=r"^no such thing$"):
        await asking(tmp_path, "fail")
    assert await asking(tmp_path, "invariants") == []


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{\n",
        b"[]\n",
        b'"status"\n',
        b'{"ask": 7}\n',
        b'{"ask": null}\n',
        b"{}\n",
        b"\xff\xfe\n",
        b"GET / HTTP/1.1\r\n",
    ],
)
async def test_garbage_gets_a_hint_and_harms_nobody(serve, tmp_path, line):
    """Whatever is no question is answered by what can be asked, on a connection that goes on."""
    await serve(tmp_path)
    hint, answer = (await raw(tmp_path, line + b'{"ask": "invariants"}\n')).splitlines()
    assert msgspec.json.decode(hint) == {"error": "ask one of: status, invariants, fail"}
    assert msgspec.json.decode(answer) == {"ok": []}


async def test_a_line_without_an_end_ends_the_connection_only(serve, tmp_path):
    """A line beyond the limit is cut off; others are served."""
    await serve(tmp_path)
    assert await raw(tmp_path, b"x" * (2 * LINE_MAX + 10)) == b""
    assert await asking(tmp_path, "invariants") == []


async def test_several_ask_at_once(serve, tmp_path):
    """Each asker gets an answer of his own, and half a question of another one holds nobody up."""
    await serve(tmp_path)
    here = os.open(tmp_path, os.O_PATH)
    _, slow = await asyncio.open_unix_connection(f"/proc/self/fd/{here}/{SOCKET}")
    os.close(here)
    slow.write(b'{"ask": ')
    await slow.drain()
    assert await asyncio.gather(*(asking(tmp_path, "invariants") for _ in range(8))) == [[]] * 8
    slow.close()


async def test_only_its_own_user_may_ask(serve, tmp_path):
    """The socket has mode 0600 from its first moment on, whatever the umask was, and the umask is what it was."""
    old = os.umask(0)
    try:
        await serve(tmp_path)
        assert os.umask(0) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600


async def test_a_folder_of_any_depth_will_do(serve, tmp_path):
    """A Unix socket's path ends at 108 bytes; a home's may be longer."""
    folder = tmp_path / ("deep" * 30) / ("deeper" * 30)
    folder.mkdir(parents=True)
    assert len(str(folder)) > 300
    await serve(folder)
    assert await asking(folder, "invariants") == []


async def test_the_socket_of_a_dead_server_is_taken_over(serve, tmp_path):
    """What a killed server left behind does not keep the next one from starting."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET))
    assert not is_answered(tmp_path)
    await serve(tmp_path)
    assert await asking(tmp_path, "invariants") == []


async def test_a_second_server_is_refused_and_the_first_goes_on(serve, tmp_path):
    """Two servers on one home would both command the switch: the second one is told, and takes nothing away."""
    await serve(tmp_path)
    second = Control(tmp_path, ANSWERS)
    with pytest.raises(ControlError, match=f"runs here already .*{SOCKET}"):
        await second.start()
    await second.close()
    assert await asking(tmp_path, "invariants") == []


async def test_a_closed_server_leaves_no_socket(serve, tmp_path):
    """After the end the place is as it was, and can be taken again."""
    server = await serve(tmp_path)
    await server.close()
    assert list(tmp_path.iterdir()) == []
    await serve(tmp_path)


@pytest.mark.parametrize("there", [True, False])
def test_without_a_server_the_error_says_how_to_start_one(tmp_path, there):
    """No socket, or no folder even, is one line with a way out."""
    folder = tmp_path if there else tmp_path / "none"
    assert not is_answered(folder)
    with pytest.raises(UnansweredError, match=r"no callfloor server runs in .*start one with: callfloor up"):
        ask(folder, "status")


def test_a_server_that_does_not_answer_is_no_wait_for_ever(tmp_path):
    """Somebody who accepts and says nothing is given up after the time-out."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / SOCKET))
        mute.listen()
        with pytest.raises(UnansweredError, match="cannot be asked: timed out"):
            ask(tmp_path, "status", timeout_s=0.05)


def test_a_server_that_ends_before_it_answers_is_said(tmp_path):
    """A connection that closes without an answer, as in a restart, is one more way not to be answered."""
    with socket.socket(socket.AF_UNIX) as ending:
        ending.bind(str(tmp_path / SOCKET))
        ending.listen()

        def hang_up():
            connection, _ = ending.accept()
            with connection:
                connection.recv(LINE_MAX)

        with ThreadPoolExecutor() as pool:
            pool.submit(hang_up)
            with pytest.raises(UnansweredError, match="ended before it answered"):
                ask(tmp_path, "status")
