"""Short messages a second over SMPP: in, each in the customer file and the journal before `ESME_ROK`; and out.

A server's texts in a process of its own, the message centre of the tests here, which has a window's worth of texts on
their way. Then all are answered: an answer is in the customer file before its agent hears that it is sent, noted as in
doubt before it goes, and as sent when it has gone. Beside it node-smpp takes the same texts and answers each at once;
it keeps nothing, so it is what the protocol and the centre cost alone. Without node there is no ratio.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.channels import node_smsc
from tests.channels.smsc_raw import Centre, body
from tests.channels.test_sms_killed import Program

TEXTS, WINDOW = 500, 50
DELIVERED = 0x80000005
"""deliver_sm_resp."""
MORE = "rate = 10000\nwindow = 100"
ESME = Path(__file__).with_name("node_esme.js")


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    return measure(TEXTS)


def measure(texts: int) -> dict[str, object]:
    """Let both take so many, and answer them."""
    ours_in, ours_out = asyncio.run(_callfloor(texts))
    theirs = asyncio.run(_node(texts))
    table = Table(title=f"{texts} short messages over SMPP, a second", min_width=60)
    table.add_column("by")
    table.add_column("in", justify="right")
    table.add_column("out", justify="right")
    table.add_row("callfloor, kept", f"{ours_in:,.0f}", f"{ours_out:,.0f}")
    both = f"{theirs:,.0f}" if theirs else "not there"
    table.add_row("node-smpp, nothing kept", both, both)
    Console().print(table)
    return {
        "texts": texts,
        "window": WINDOW,
        "callfloor_in_per_s": round(ours_in),
        "callfloor_out_per_s": round(ours_out),
        "node_smpp_per_s": round(theirs) if theirs else None,
        "ratio_in": round(ours_in / theirs, 3) if theirs else None,
        "ratio_out": round(ours_out / theirs, 3) if theirs else None,
    }


class Busy(Centre):
    """Has a window's worth of texts on their way, all the time."""

    def __init__(self) -> None:
        super().__init__()
        self._ways = asyncio.Semaphore(WINDOW)

    def _got(self, writer, command, status, sequence, octets):
        super()._got(writer, command, status, sequence, octets)
        if command == DELIVERED:
            self._ways.release()

    async def bring_all(self, texts: int) -> None:
        """Bring texts of as many people, until all are acknowledged."""
        for number in range(texts):
            await self._ways.acquire()
            self.send(0x05, body(b"Where is my parcel?", source=f"48601{number:06}"))
        for _ in range(WINDOW):
            await self._ways.acquire()
        assert [*self.answers.values()] == [0] * texts, "some were refused"


async def _callfloor(texts: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="sms-rate-") as name:
        async with Busy() as centre:
            program = Program(Path(name), centre, MORE)
            await program.start()
            try:
                begun = time.monotonic()
                await centre.bring_all(texts)
                brought_s = time.monotonic() - begun
                begun = time.monotonic()
                assert len(await program.ask("reply")) == texts
                await _submitted(centre, texts)
                answered_s = time.monotonic() - begun
                assert len({one.to for one in centre.submitted}) == texts
            finally:
                await program.kill()
    return texts / brought_s, texts / answered_s


async def _node(texts: int) -> float | None:
    """Let node-smpp take and answer them; gives how many a second it had in and out."""
    with tempfile.TemporaryDirectory(prefix="sms-rate-") as name:
        try:
            modules = node_smsc.modules(Path(name))
        except node_smsc.MissingError:
            return None
        async with Busy() as centre, node_smsc.started(modules, ESME, str(centre.port)):
            await asyncio.wait_for(centre.bound.wait(), 20)
            begun = time.monotonic()
            await centre.bring_all(texts)
            await _submitted(centre, texts)
            return texts / (time.monotonic() - begun)


async def _submitted(centre: Centre, texts: int) -> None:
    async with asyncio.timeout(120):
        while len(centre.submitted) < texts:  # noqa: ASYNC110 - notes of what came
            await asyncio.sleep(0.005)
