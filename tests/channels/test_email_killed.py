"""kill -9 in the midst: a mail whose sender was told that it is here is one call, an answer goes out, none twice."""

import asyncio
import contextlib
import email
import json
import random
import smtplib
import sys
from collections import Counter

from tests.channels.mail_house import MailServer, listens, until
from tests.channels.mails import mail
from tests.ports import free_port

MAILS = 24


class Program:
    """A server's mails in a process of its own."""

    def __init__(self, folder, smtp, more=""):
        self.folder, self.smtp, self.lmtp, self.more = folder, smtp, free_port(), more

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "tests.channels.mail_program",
                self.folder,
                str(self.lmtp),
                str(self.smtp),
                self.more,
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await until(lambda: listens(self.lmtp), 60)

    async def kill(self):
        self.process.kill()
        await self.process.wait()

    async def ask(self, what):
        self.process.stdin.write(f"{what}\n".encode())
        while not (line := await self.process.stdout.readline()).startswith(b"@"):
            assert line, "it has ended"
        return json.loads(line[1:])


def brought(port, raw):
    """Bring a mail as a mail server does: again and again until it hears 250; gives its call's id."""
    with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        client.mail("jan@example.org")
        client.rcpt("sales@acme.example")
        code, said = client.data(raw)
        return said.decode().split()[-1] if code == 250 else None


async def bring(program, raw):
    while True:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if call := await asyncio.to_thread(brought, program.lmtp, raw):
                return call
        await asyncio.sleep(0.05)


async def test_a_mail_that_was_acknowledged_is_one_call_whatever_is_killed(tmp_path):
    """Killed at any moment while mails come: all of them wait at the end, each once."""
    program, luck = Program(tmp_path, 9), random.Random(7)
    await program.start()
    raws = [mail(body=f"mail {one}", Message_ID=f"<{one}@example.org>") for one in range(MAILS)]
    tasks = [asyncio.create_task(bring(program, raw)) for raw in raws]
    for _ in range(4):
        await asyncio.sleep(luck.uniform(0.05, 0.5))
        await program.kill()
        await program.start()
    told = await asyncio.wait_for(asyncio.gather(*tasks), 120)
    assert len(set(told)) == MAILS
    await program.kill()
    await program.start()

    async def all_wait():
        return set(await program.ask("calls")) == set(told)

    await until(all_wait)
    # What was brought again because the word was lost is no other call.
    assert await asyncio.gather(*(bring(program, raw) for raw in raws)) == told
    assert sorted(await program.ask("calls")) == sorted(told)
    await program.kill()


async def test_an_answer_that_was_stored_goes_out_whatever_is_killed(tmp_path):
    """Each under one Message-ID; twice at most what was under way in the moment of a kill."""
    luck, kills = random.Random(11), 3
    async with MailServer() as relay:
        program = Program(tmp_path, relay.port)
        await program.start()
        raws = [mail(body=f"mail {one}", Message_ID=f"<{one}@example.org>") for one in range(MAILS)]
        told = await asyncio.gather(*(bring(program, raw) for raw in raws))
        await program.ask("reply")
        for _ in range(kills):
            await asyncio.sleep(luck.uniform(0.0, 0.1))
            await program.kill()
            await program.start()
        await until(lambda: len({name_of(one) for one in relay.got}) == MAILS, 60)
        await asyncio.sleep(1.0)
        await program.kill()
        seen = Counter(name_of(one) for one in relay.got)
        assert len(seen) == MAILS == len(told)
        assert sum(seen.values()) <= MAILS + kills


def name_of(got):
    return email.message_from_bytes(got[2])["Message-ID"]
