"""The whole API against its own description: what that allows is answered as it says, what it does not is refused."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from acd.core import invariants
from acd.desk.web import access
from acd.store import people
from tests.desk.web_house import MAIL, WebHouse

EXAMPLES = 10
RUN = (
    str(Path(sys.executable).with_name("schemathesis")),
    "run",
    "--phases=examples,coverage,fuzzing",
    f"--max-examples={EXAMPLES}",
    "--seed=1",
    "--no-color",
    "--generation-database=none",
    "--exclude-checks=positive_data_acceptance",  # whether it can be done is the floor's to say: a problem is an answer
    "--exclude-path=/api/v1/session",  # its limit on wrong PINs, and its end, would end the rest
)


@pytest.fixture
async def house(tmp_path):
    async with WebHouse(tmp_path) as house:
        yield house


async def test_the_whole_api_keeps_its_word(house, tmp_path, monkeypatch):
    """With all rights, over all operations, schemathesis finds nothing; the core is whole, and the server answers."""
    monkeypatch.setattr(access, "FAILURES_MOST", 1_000_000)  # it tries each operation with wrong tokens
    made = await house.store.write(_person)
    program = house.token("agent", "supervisor", "read", "customers", "promises", seat="101")
    call = await house.bring(MAIL)
    run = await asyncio.create_subprocess_exec(
        *RUN,
        f"--header=Authorization: Bearer {program.secret}",
        f"{house.url}/openapi.json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    said = (await run.communicate())[0].decode()
    assert run.returncode == 0, said[-12_000:]
    tested = re.search(r"(\d+) (?:generated|test cases)", said)
    assert tested is not None, said[-2_000:]
    assert int(tested[1]) > 300
    assert list(invariants.broken(house.dispatcher.core.state)) == []
    assert (await program.ask("GET", f"/contacts/{call}/card")).status_code == 200
    assert (await program.ask("GET", f"/customers/{made}")).status_code == 200


def _person(session):
    return people.make(session, 1, name="Maria Nowak", language="pl")
