"""Phones under a private Python: what runs on Pythons that pjsua2 has no wheel for."""

import asyncio
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ivr.asterisk import ProvisionError
from ivr.asterisk.archive import debian_mirror
from ivr.asterisk.private import find_bundle
from ivr.softphone import SoftphoneError, Softphones
from ivr.softphone import interpreter as interpreter_module
from ivr.softphone.interpreter import PRIVATE, find_interpreter


@pytest.fixture(autouse=True)
def _no_pjsua2(monkeypatch):
    """Hide pjsua2 from this Python."""
    monkeypatch.setitem(sys.modules, "pjsua2", None)


@pytest.fixture
def private_python():
    """Give the private Python, fetched if it is not there; without a network there is nothing to test."""
    if find_bundle(PRIVATE) is None:
        try:
            urllib.request.urlopen(f"{debian_mirror()}/dists/bookworm/InRelease", timeout=20).close()
        except (ProvisionError, urllib.error.URLError, TimeoutError) as error:
            pytest.skip(f"no private Python here, and no Debian archive to fetch it from: {error}")
    return find_interpreter()


def program_of(phone):
    """Name the program that runs a phone."""
    return Path(f"/proc/{phone.pid}/cmdline").read_text().split("\0")[0]


async def test_phones_talk_under_the_private_python(private_python):
    """Without pjsua2 in the owner's Python, phones run in the private one, and a call with keys goes through."""
    async with Softphones() as phones:
        anna, ben = await asyncio.gather(phones.phone("anna"), phones.phone("ben"))
        assert program_of(anna) == program_of(ben) == private_python.argv[0]
        await ben.on_call()
        call = await anna.dial(ben.uri)
        there = await ben.incoming()
        await asyncio.gather(call.confirmed(), there.confirmed())
        await call.dtmf("42")
        assert await there.pressed(2) == "42"
        await call.hang_up()
        assert (await there.ended()).code == 200


async def test_private_python_takes_nothing_of_the_owners(private_python, monkeypatch, tmp_path):
    """Of packages that lie in several places it imports the bundle's, and none of the machine's or current folder's."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('the current folder was searched')")
    monkeypatch.chdir(tmp_path)
    code = "import msgspec, pjsua2, ivr.phone_engine as own; print(msgspec.__file__, pjsua2.__file__, own.__file__)"
    python = await asyncio.create_subprocess_exec(
        *(*private_python.argv, "-c", code), env=private_python.environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await python.communicate()
    msgspec, pjsua2, own = map(Path, said.decode().split())
    assert msgspec.parents[1] == pjsua2.parents[1] == find_bundle(PRIVATE).wheels
    assert own.is_relative_to(Path(interpreter_module.__file__).parents[2])


async def test_phone_without_any_python_says_what_to_do(monkeypatch, tmp_path):
    """Where the private Python cannot be had either, the phone's error says why and under which Pythons it runs."""
    monkeypatch.setenv("CALLFLOOR_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    async with Softphones() as phones:
        with pytest.raises(SoftphoneError, match=r"no `apt-get`.*Python 3\.11 and 3\.12.*make PYTHON="):
            await phones.phone("anna")
