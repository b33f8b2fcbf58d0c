"""Answers by voice, and their words: written down in time, too late, or not at all."""

import asyncio

import pytest

from acd.core.events import CallEnded
from ivr.audio import to_wav
from ivr.tones import tone
from tests.ivr.brought import bring
from tests.ivr.letter_house import CALL, HANG_UP, Agent, House, card

KEYS = "letter-keys"


async def spoken(tmp_path, monkeypatch, model, *script):
    """An agent answers by voice where an engine understands it; gives him and the house."""
    bring(tmp_path / "packages", monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path, recogniser=f"odd {model}")
    house.recorded = to_wav(tone(600, duration_ms=2_000))
    return await house.attend(card(), (KEYS, "3"), *script), house


async def test_what_was_spoken_is_written_down(tmp_path, monkeypatch):
    """Where an engine understands it: behind the line in the customer's language, which the engine was told, too."""
    _, house = await spoken(tmp_path, monkeypatch, "chatty", ("letter-record-choice", "1"))
    [reply] = house.room.told("replies")
    assert reply["text"].split("\n") == [
        "Nasza odpowiedź jest w załączonym nagraniu.",
        "",
        "Spisane automatycznie; w razie różnic liczy się nagranie:",
        "heard 2000 ms at 8000 in pl",
    ]
    assert len(reply["files"]) == 1


async def test_what_nobody_understood_is_sent_all_the_same(tmp_path, monkeypatch):
    """The recording is the answer."""
    agent, house = await spoken(tmp_path, monkeypatch, "breaks", ("letter-record-choice", "1"))
    assert agent.heard[-2:] == ["letter-sent", "letter-closed"]
    assert [one["text"] for one in house.room.told("replies")] == ["Nasza odpowiedź jest w załączonym nagraniu."]


async def test_the_customer_does_not_wait_for_a_slow_engine(tmp_path, monkeypatch):
    """The agent is told to wait a moment; then it is sent without."""
    monkeypatch.setattr("ivr.letters.SOON_S", 0.1)
    monkeypatch.setattr("ivr.letters.TRANSCRIPT_S", 0.5)
    agent, house = await spoken(tmp_path, monkeypatch, "slow", ("letter-record-choice", "1"))
    assert agent.heard[-3:] == ["letter-moment", "letter-sent", "letter-closed"]
    assert len(house.room.told("replies")) == 1
    assert house.recordings() == []


async def test_who_hangs_up_while_it_is_written_down(tmp_path, monkeypatch):
    """His answer goes out, and the letter is closed."""
    monkeypatch.setattr("ivr.letters.SOON_S", 0.1)
    monkeypatch.setattr("ivr.letters.TRANSCRIPT_S", 1.0)
    _, house = await spoken(tmp_path, monkeypatch, "slow", ("letter-record-choice", "1"), ("letter-moment", HANG_UP))
    assert len(house.room.told("replies")) == 1
    assert house.room.told("closed") == [[CALL, "101", ""]]
    assert house.submitted == [CallEnded(call=CALL, reason="done")]


@pytest.mark.parametrize("script", [[("letter-record-choice", "3"), (KEYS, "0")], [("letter-record-choice", HANG_UP)]])
async def test_what_is_dropped_is_written_down_no_more(tmp_path, monkeypatch, script):
    """By 3, or by hanging up: nobody wants to know what was said."""
    house, works = House(tmp_path), []

    async def words(_file, language):
        works.append(language)
        try:
            await asyncio.Event().wait()
        finally:
            works.append("dropped")

    async def perform(agent, step):
        await asyncio.sleep(0)
        return await heard(agent, step)

    heard = Agent.perform
    monkeypatch.setattr(Agent, "perform", perform)
    monkeypatch.setattr(house.letters.transcriber, "words", words)
    await house.attend(card(), (KEYS, "3"), *script)
    await asyncio.sleep(0)
    assert works == ["pl", "dropped"]
    assert (house.recordings(), house.room.told("replies")) == ([], [])
