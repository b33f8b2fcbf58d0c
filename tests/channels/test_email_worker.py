"""The processes that read mails: what they may use, that they die alone, and that nothing of them is left."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acd.channels.email.worker import Limits, Parsers
from tests.channels.mails import mail


def children(of: int) -> list[int]:
    """The processes, zombies too, that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == of:
                found.append(int(entry.name))
    return found


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.fixture
async def parsers():
    made = []

    def make(workers: int = 1, **limits) -> Parsers:
        made.append(Parsers(workers, Limits(**limits)))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_no_process_is_there_before_the_first_message(parsers):
    """The pool starts nothing by itself, and one process for messages one after the other."""
    before = children(os.getpid())
    pool = parsers(workers=2)
    assert children(os.getpid()) == before
    for number in range(5):
        assert (await pool.parsed(mail(body=f"{number}"))).text == f"{number}"
    assert len(children(os.getpid())) == len(before) + 1


async def test_two_read_at_the_same_time(parsers):
    """A pool of two has two processes when there is work for three, and all come back as what they are."""
    pool = parsers(workers=2)
    before = len(children(os.getpid()))
    read = await asyncio.gather(*(pool.parsed(mail(body=f"{number}")) for number in range(30)))
    assert [one.text for one in read] == [f"{number}" for number in range(30)]
    assert len(children(os.getpid())) == before + 2


async def test_one_that_takes_too_much_time_is_replaced(parsers):
    """The system ends it after its seconds; the message comes back scanned, whole, and the next one is read."""
    pool = parsers(cpu_s=1)
    slow = mail("Content-Type: multipart/mixed; boundary=x\n", b"--y\n" * 9_000_000)
    message = await pool.parsed(slow)
    assert "processor time" in message.fault
    assert message.sender.address == "jan@example.org"
    assert message.attachments[0].content == slow
    assert (await pool.parsed(mail(body="next"))).text == "next"


async def test_one_that_takes_too_much_memory_is_replaced(parsers):
    """What does not fit into its memory comes back scanned, and the next one is read."""
    pool = parsers(memory=200 << 20)
    message = await pool.parsed(mail(body=b"x\n" * 15_000_000))
    assert "memory" in message.fault
    assert message.message_id == "<m1@example.org>"
    assert (await pool.parsed(mail(body="next"))).text == "next"


async def test_one_that_stands_still_is_replaced(parsers):
    """A process that is stopped by a signal is given up by the clock."""
    pool = parsers(wall_s=3)
    before = children(os.getpid())
    await pool.parsed(mail())
    (worker,) = {*children(os.getpid())} - {*before}
    os.kill(worker, signal.SIGSTOP)
    assert "longer than 3 s" in (await pool.parsed(mail())).fault
    for _ in range(100):
        if worker not in children(os.getpid()):
            break
        await asyncio.sleep(0.05)
    assert worker not in children(os.getpid())


async def test_one_that_was_killed_while_idle_is_not_missed(parsers):
    """The next message finds a new one and is read."""
    pool = parsers()
    before = children(os.getpid())
    await pool.parsed(mail())
    (worker,) = {*children(os.getpid())} - {*before}
    os.kill(worker, signal.SIGKILL)
    assert (await pool.parsed(mail(body="next"))).fault == ""


async def test_what_is_too_large_is_not_even_asked(parsers):
    """It comes back scanned, whole, without a process."""
    pool = parsers(size=1_000)
    before = children(os.getpid())
    raw = mail(body="x" * 2_000)
    message = await pool.parsed(raw)
    assert "longer than 1000 bytes" in message.fault
    assert message.attachments[0].content == raw
    assert children(os.getpid()) == before


async def test_who_stops_waiting_spoils_nothing(parsers):
    """After a cancelled message the next one gets its own answer, not that of the other."""
    pool = parsers()
    await pool.parsed(mail())
    for number in range(5):
        task = asyncio.create_task(pool.parsed(mail(body="cancelled" * 100_000)))
        await asyncio.sleep(0.005 * number)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert (await pool.parsed(mail(body=f"{number}"))).text == f"{number}"


async def test_the_loop_goes_on_meanwhile(parsers):
    """While a message takes its seconds, the loop is never held for long."""
    pool = parsers(cpu_s=1)
    worst, now = 0.0, time.monotonic()
    task = asyncio.create_task(pool.parsed(mail("Content-Type: multipart/mixed; boundary=x\n", b"--y\n" * 9_000_000)))
    spent = time.process_time()
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.005)
        worst, now = max(worst, time.monotonic() - now), time.monotonic()
        ticks += 1
    assert (await task).fault
    assert ticks > 50
    assert time.process_time() - spent < 2  # the work was the other process's


async def test_nothing_is_left(parsers):
    """After many deaths and a close there are as many processes and open files as before."""
    await asyncio.sleep(0)
    pool = parsers(workers=2)
    await pool.parsed(mail())
    await pool.close()
    files, processes = open_files(), children(os.getpid())
    pool = parsers(workers=2)
    for _ in range(5):
        before = {*children(os.getpid())}
        await asyncio.gather(*(pool.parsed(mail()) for _ in range(4)))
        for worker in {*children(os.getpid())} - before:
            os.kill(worker, signal.SIGKILL)
    await pool.close()
    assert children(os.getpid()) == processes
    for _ in range(100):  # the event loop lets go of pipes in its own time
        if open_files() <= files:
            break
        await asyncio.sleep(0.02)
    assert open_files() <= files


async def test_a_closed_pool_loses_nothing(parsers):
    """A message that comes too late is scanned, and one that is being read is read."""
    pool = parsers()
    await pool.parsed(mail())
    running = asyncio.create_task(pool.parsed(mail(body="in time")))
    await asyncio.sleep(0)
    await pool.close()
    assert (await running).message_id == "<m1@example.org>"
    late = await pool.parsed(mail(body="late"))
    assert "closed" in late.fault
    assert late.attachments[0].content == mail(body="late")


def test_it_does_not_outlive_its_owner():
    """When the owner is killed, the process ends by itself."""
    program = (
        "import asyncio, os\nfrom acd.channels.email.worker import Parsers\n"
        "async def main():\n    pool = Parsers()\n    await pool.parsed(b'From: a@b.example\\n\\nx')\n"
        "    print(pool._idle[0]._process.pid, flush=True)\n    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    worker = int(done.stdout.split()[-1])
    deadline = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    gone = not Path(f"/proc/{worker}").exists()
    assert gone or Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_secrets_of_the_environment_stay_here():
    """The process that reads strangers' mails is given no variable but what Python needs."""
    program = (
        "import asyncio, os\nfrom pathlib import Path\nfrom acd.channels.email.worker import Parsers\n"
        "async def main():\n    pool = Parsers()\n    await pool.parsed(b'From: a@b.example\\n\\nx')\n"
        "    print(Path(f'/proc/{pool._idle[0]._process.pid}/environ').read_text())\n    await pool.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DATABASE_PASSWORD": "hunter2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PATH=" in done.stdout
    assert "hunter2" not in done.stdout


def test_the_command_starts_without_all_this():
    """Importing the room loads neither the cleaner nor the calendar, nor the parser."""
    program = (
        "import sys, ivr.cli, acd.channels.email.worker, acd.channels.email.threads, acd.channels.email.templates\n"
        "print(sorted({'nh3', 'icalendar', 'email.parser', 'html.parser'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "nh3" not in done.stdout
    assert "icalendar" not in done.stdout
