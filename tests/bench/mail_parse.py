"""How many mails a second are read: in a process of its own, cleaned and sorted, beside the bare `email` parser here.

The standard library only parses each message and decodes its parts (`message_from_bytes` under the modern policy,
`get_content`), in the same process, with no limits, no cleaning and no answer to be carried over. They take turns,
round after round; the ratio is the median of the rounds' ratios. The hostile ones, which it would not survive, are read
by ours alone.
"""

import asyncio
import email
import email.policy
import os
import time
from collections.abc import Sequence
from email.message import EmailMessage
from statistics import median

from rich.console import Console
from rich.table import Table

from acd.channels.email.worker import Parsers
from tests.channels.mails import row

ROUNDS = 5
A_ROUND = {"short": 300, "page and text": 200, "photo 200 KB": 40, "scan 5 MB": 2}
HOSTILE = 1_000


def main() -> dict[str, object]:
    """Run the rounds."""
    figures = asyncio.run(_run())
    table = Table("mail", "callfloor mails/s", "bare parser mails/s", "ratio")
    for kind, (ours, bare, ratio) in figures["kinds"].items():
        table.add_row(kind, f"{ours:,.0f}", f"{bare:,.0f}", f"{ratio:.2f}")
    table.add_row("hostile", f"{figures['hostile']:,.0f}", "", "")
    Console().print(table)
    slugs = {kind: kind.replace(" ", "_").lower() for kind in A_ROUND}
    return {
        **{f"{slug}_of_bare_parser": round(figures["kinds"][kind][2], 3) for kind, slug in slugs.items()},
        **{f"{slug}_mails_per_s": round(figures["kinds"][kind][0], 1) for kind, slug in slugs.items()},
        "hostile_mails_per_s": round(figures["hostile"], 1),
    }


async def _run() -> dict:
    parsers = Parsers()
    await parsers.parsed(b"From: a@b.example\n\nThe process is there, and all is loaded.")
    rates: dict[str, list[tuple[float, float]]] = {kind: [] for kind in A_ROUND}
    try:
        for _ in range(ROUNDS):
            for kind, count in A_ROUND.items():
                mails = [_mail(kind, number) for number in range(min(count, 20))] * max(1, count // 20)
                rates[kind].append((await _ours(parsers, mails), _bare(mails)))
        started = time.perf_counter()
        for raw in row(HOSTILE):
            await parsers.parsed(raw)
        hostile = HOSTILE / (time.perf_counter() - started)
    finally:
        await parsers.close()
    kinds = {
        kind: (median(ours for ours, _ in told), median(bare for _, bare in told), median(o / b for o, b in told))
        for kind, told in rates.items()
    }
    return {"kinds": kinds, "hostile": hostile}


async def _ours(parsers: Parsers, mails: Sequence[bytes]) -> float:
    started = time.perf_counter()
    for raw in mails:
        message = await parsers.parsed(raw)
        if message.fault or not message.text:
            raise RuntimeError(f"an honest mail was not read: {message.fault}")
    return len(mails) / (time.perf_counter() - started)


def _bare(mails: Sequence[bytes]) -> float:
    started = time.perf_counter()
    for raw in mails:
        read = email.message_from_bytes(raw, policy=email.policy.default)
        for name in ("From", "To", "Subject", "Date", "Message-ID", "References"):
            str(read[name])
        for part in read.walk():
            if not part.is_multipart():
                part.get_content()
    return len(mails) / (time.perf_counter() - started)


def _mail(kind: str, number: int) -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Jan Żółw <jan@example.org>", "Sales <sales@example.com>"
    made["Subject"], made["Date"] = f"Zamówienie {number}", "Mon, 30 Nov 2026 10:00:00 +0100"
    made["Message-ID"], made["References"] = f"<{number}@example.org>", f"<r{number}@example.com>"
    made.set_content("Dzień dobry,\n\nproszę o fakturę.\n\nOn Monday, Anna wrote:\n> Please wait.\n-- \nJan\n" * 3)
    if kind == "page and text":
        made.add_alternative(
            "<html><body><table><tr><td><p style='x'>Dzień <b>dobry</b></p></td></tr></table>" * 40, "html"
        )
    elif kind != "short":
        made.add_attachment(os.urandom(5 << 20 if "MB" in kind else 200 << 10), maintype="image", subtype="jpeg")
    return made.as_bytes()
