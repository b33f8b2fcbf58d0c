"""kill -9 in the midst: a text that was acknowledged waits, once; an answer goes out, twice at most."""

import asyncio
import contextlib
import json
import random
import sys
from collections import Counter

from tests.channels.mail_house import until
from tests.channels.smsc_raw import Centre, body, part

TEXTS = 24


class Program:
    """A server's texts in a process of its own."""

    def __init__(self, folder, centre, more=""):
        self.folder, self.centre, self.more = folder, centre, more

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.channels.sms_program", self.folder, str(self.centre.port), self.more),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await asyncio.wait_for(self.centre.bound.wait(), 60)

    async def kill(self):
        self.process.kill()
        await self.process.wait()
        self.centre.drop()

    async def ask(self, what):
        self.process.stdin.write(f"{what}\n".encode())
        while not (line := await self.process.stdout.readline()).startswith(b"@"):
            assert line, "it has ended"
        return json.loads(line[1:])


async def bring(centre, octets):
    """Bring a message as a centre does: again in the next session until it is acknowledged."""
    while True:
        await centre.bound.wait()
        with contextlib.suppress(AttributeError):  # it broke in this instant
            sequence = centre.send(0x05, octets)
            await until(lambda: not centre.bound.is_set() or sequence in centre.answers, 60)  # noqa: B023 - at once
        if centre.answers.get(sequence) == 0:
            return


async def test_a_text_that_was_acknowledged_waits_once_whatever_is_killed(tmp_path):
    """Killed at any moment while texts and parts come: all of them wait at the end, each once."""
    luck = random.Random(7)
    async with Centre() as centre:
        program = Program(tmp_path, centre)
        await program.start()
        octets = [body(f"text {one}".encode(), source=f"486016026{one:02}") for one in range(TEXTS)]
        octets += [part(bytes([64 + one]), 7, 3, one, source="48601602699") for one in (1, 2, 3)]
        tasks = []
        for one in octets:
            tasks.append(asyncio.create_task(bring(centre, one)))
            await asyncio.sleep(0.02)
            if len(tasks) % 7 == 0:
                await asyncio.sleep(luck.uniform(0.0, 0.1))
                await program.kill()
                await program.start()
        await asyncio.wait_for(asyncio.gather(*tasks), 120)
        await program.kill()
        await program.start()
        wanted = sorted([f"text {one}" for one in range(TEXTS)] + ["ABC"])

        async def all_wait():
            return sorted(await program.ask("calls")) == wanted

        await until(all_wait, 30)
        # What was brought again because the answer was lost is the same.
        for one in octets[:5]:
            await bring(centre, one)
        assert sorted(await program.ask("calls")) == wanted
        await program.kill()


async def test_an_answer_that_was_stored_goes_out_whatever_is_killed(tmp_path):
    """Each once, but what was under way in the moment of a kill: that twice at most."""
    luck, kills = random.Random(11), 3
    async with Centre() as centre:
        program = Program(tmp_path, centre)
        await program.start()
        for one in range(TEXTS):
            await bring(centre, body(b"Hello", source=f"486016026{one:02}"))
        await program.ask("reply")
        for _ in range(kills):
            await asyncio.sleep(luck.uniform(0.01, 0.15))
            await program.kill()
            await program.start()
        await until(lambda: len({one.to for one in centre.submitted}) == TEXTS, 60)
        await asyncio.sleep(1)
        sent = Counter(one.to for one in centre.submitted)
        assert set(sent.values()) <= {1, 2}
        assert sum(sent.values()) <= TEXTS + kills * 10  # the window
        await program.kill()
