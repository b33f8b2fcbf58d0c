"""Prompts that the dialplan plays by itself and that say nothing: files without a sound."""

import pytest

from ivr.prompts import Prompts
from ivr.tones import read_wav


@pytest.fixture
def prompts(tmp_path):
    """Prompts of a site that nobody speaks for; one has an empty text."""
    made = Prompts(tmp_path / "site", tmp_path / "cache", {"stop": {"en": "", "pl": ""}}, [], "en")
    yield made
    made.close()


async def test_nothing_is_played_and_no_time_taken(prompts, tmp_path):
    """A file without a sound, in each language; where the prompt was recorded that is played."""
    folder, recording = tmp_path / "sounds", tmp_path / "site/sounds/pl/stop.ulaw"
    await prompts.render_fixed(folder, ["stop"])
    files = [folder / "en/stop.wav", folder / "pl/stop.wav", folder / "stop.wav"]
    assert sorted(folder.rglob("*.*")) == files
    assert all(read_wav(file).duration_ms == 0 for file in files)
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"recorded")
    await prompts.render_fixed(folder, ["stop"])
    assert sorted(folder.rglob("*.*")) == [files[0], folder / "pl/stop.ulaw", files[2]]
    assert (folder / "pl/stop.ulaw").read_bytes() == b"recorded"
