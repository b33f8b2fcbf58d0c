"""kill -9 in the midst: what was journaled or stored is told, at least once, and under one id however often."""

import asyncio
import contextlib
import random
import sys
from itertools import count

from tests.channels.mail_house import until
from tests.hooks.endpoint import OK, Endpoint, answer
from tests.hooks.test_hook_sender import verify

CONTACTS, NOTES = 60, 20


class Program:
    """A server's webhooks in a process of its own."""

    def __init__(self, folder, endpoint):
        self.folder, self.endpoint = folder, endpoint

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.hooks.hook_program", self.folder, self.endpoint.url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert await self.hears() == b"@ready\n"

    async def hears(self):
        while not (line := await self.process.stdout.readline()).startswith(b"@"):
            assert line, "it has ended"
        return line

    async def do(self, what):
        self.process.stdin.write(f"{what}\n".encode())
        assert await self.hears() == b"@ok\n"

    async def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


async def test_whatever_was_kept_is_told_whatever_is_killed(tmp_path):
    """Killed at any moment, its endpoint failing now and then: all is told, once or more, in its order, one id each."""
    luck, numbers = random.Random(5), count()

    def says(_asked):
        return answer(503) if next(numbers) % 7 == 3 else OK

    async with Endpoint(says) as endpoint:
        program = Program(tmp_path, endpoint)
        await program.start()
        try:
            wishes = [f"arrive 1.{one}" for one in range(CONTACTS)] + [f"note n{one}" for one in range(NOTES)]
            luck.shuffle(wishes)
            for number, wish in enumerate(wishes, 1):
                await program.do(wish)
                if number % 16 == 0:
                    await asyncio.sleep(luck.uniform(0.0, 0.4))
                    await program.kill()
                    await program.start()
            wanted = {wish.split()[1] for wish in wishes}
            await until(lambda: wanted <= set(map(named, endpoint.got)), 60)
        finally:
            await program.kill()
    ids = {}
    for one in endpoint.got:
        verify(one)
        ids.setdefault(named(one), set()).add((one.id, one.body))
    assert {len(each) for each in ids.values()} == {1}
    assert len({one.id for one in endpoint.got}) == CONTACTS + NOTES
    first = list(dict.fromkeys(named(one) for one in endpoint.of("contact-waits")))
    assert first == [wish.split()[1] for wish in wishes if wish.startswith("arrive")]


def named(asked):
    return asked.data["call"] if asked.type == "contact-waits" else asked.data["notes"][0]["text"]
