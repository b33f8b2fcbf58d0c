"""E-mails a second, from a mail server's LMTP to the queue: each stored, its call in the journal, before 250 is said.

A server's mails in a process of its own, and a mail server's deliveries here: some connections, each of which brings
mail after mail as a mail server does, plain text of some 3 KiB from as many people as there are mails. Beside it, in
turns, a Postfix is brought the same mails and puts them into a mailbox: it too stores each before it says 250, and
reads none. Where there is no Postfix, there is no ratio.
"""

import asyncio
import contextlib
import pwd
import shutil
import smtplib
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.channels import dovecot, postfix
from tests.channels.mails import mail
from tests.channels.test_email_killed import Program

MAILS, ROUNDS, CONNECTIONS, BATCH = 600, 2, 8, 200
BODY = "Good day,\n\nwhere is my parcel? It was to be here last week, and nobody has told me anything.\n\n" * 30


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    return measure(MAILS, ROUNDS)


def measure(mails: int, rounds: int) -> dict[str, object]:
    """Let both take so many mails, each so often."""
    ours, theirs = [], []
    for number in range(rounds):
        raws = [
            mail(
                From=f"Customer {one} <c{number}.{one}@example.org>",
                Message_ID=f"<{number}.{one}@example.org>",
                body=f"{one}\n{BODY}",
            )
            for one in range(mails)
        ]
        ours.append(asyncio.run(_callfloor(raws)))
        theirs.append(_postfix(raws))
    there = [one for one in theirs if one]
    figures: dict[str, object] = {
        "mails": mails,
        "connections": CONNECTIONS,
        "callfloor_per_s": round(max(ours)),
        "postfix_per_s": round(max(there)) if there else None,
        "ratio": round(max(ours) / max(there), 2) if there else None,
    }
    table = Table(title=f"{mails} e-mails over {CONNECTIONS} connections, each stored before 250", min_width=60)
    table.add_column("taken by")
    table.add_column("a second", justify="right")
    table.add_row("callfloor, to its queue", f"{max(ours):,.0f}")
    table.add_row("Postfix, to a mailbox", f"{max(there):,.0f}" if there else "not there")
    Console().print(table)
    return figures


async def _callfloor(raws: list[bytes]) -> float:
    with tempfile.TemporaryDirectory(prefix="mail-rate-") as name:
        program = Program(Path(name), 9)
        await program.start()
        try:
            took_s, waiting = 0.0, []
            for at in range(0, len(raws), BATCH):
                some = raws[at : at + BATCH]
                took_s += await asyncio.to_thread(bring, smtplib.LMTP, program.lmtp, some, "sales@acme.example")
                waiting = await program.ask("calls")  # and what it logs is read, or it could not go on
            assert len(waiting) == len(set(waiting)) == len(raws), f"{len(waiting)} wait of {len(raws)}"
        finally:
            await program.kill()
    return len(raws) / took_s


def _postfix(raws: list[bytes]) -> float | None:
    with contextlib.suppress(dovecot.MissingError, postfix.MissingError):
        dovecot.program()
        boxes = Path(tempfile.mkdtemp(prefix="mail-rate-"))
        try:
            shutil.chown(boxes, pwd.getpwnam("dovecot").pw_uid)
            with postfix.running(9, boxes=boxes, named=["sales@acme.example"]) as (port, _):
                begun = time.monotonic()
                bring(smtplib.SMTP, port, raws, "sales@acme.example")
                while len(list(boxes.glob("sales/new/*"))) < len(raws):
                    assert time.monotonic() < begun + 120, "Postfix does not put them there"
                    time.sleep(0.01)
                return len(raws) / (time.monotonic() - begun)
        finally:
            shutil.rmtree(boxes)
    return None


def bring(kind: type[smtplib.SMTP], port: int, raws: list[bytes], to: str) -> float:
    """Bring mails over some connections at a time; gives the seconds until the last was acknowledged."""
    errors: list[BaseException] = []

    def work(own: list[bytes]) -> None:
        try:
            with kind("127.0.0.1", port) as client:
                for raw in own:
                    client.sendmail("bounces@example.org", [to], raw)
        except (OSError, smtplib.SMTPException) as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(raws[at::CONNECTIONS],)) for at in range(CONNECTIONS)]
    begun = time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors, errors
    return time.monotonic() - begun
