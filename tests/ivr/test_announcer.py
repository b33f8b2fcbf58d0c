"""The voice that comes to a waiting caller: one at a time, in his language, and gone when he is."""

import asyncio

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from ivr.announcements import lay_out, sentences
from ivr.prompts import Prompts
from ivr.switch import AmiSettings, AmiSwitch
from ivr.tones import tone
from tests.ivr.ami_peer import AmiPeer, message
from tests.ivr.transcripts import HANDSETS

ARRIVAL = {
    "Channel": "PJSIP/trunk-1",
    "Context": "acd-hold",
    "Uniqueid": "1.1",
    "UserEvent": "CallArrived",
    "Queue": "sales",
}


class Site:
    """A switch that is connected, with words that can be held back."""

    def __init__(self, peer):
        self.peer = peer
        self.events = asyncio.Queue()
        self.rendered = []
        self.ready = asyncio.Event()
        self.ready.set()
        settings = AmiSettings(host="127.0.0.1", port=peer.port, user="callfloor", secret="s3cret")
        self.switch = AmiSwitch(settings, HANDSETS, submit=self._submit, clock=lambda: 1, render=self._render)

    def _submit(self, *events):
        for event in events:
            self.events.put_nowait(event)

    async def _render(self, command, language):
        self.rendered.append((command, language))
        await self.ready.wait()
        if command.prompt == "broken":
            raise OSError("disk full")
        return [word for word in (command.prompt, f"place{command.position}" if command.position else "") if word]

    async def arrive(self, language="en"):
        self.peer.say(message("UserEvent", **ARRIVAL, Language=language))
        while not isinstance(await asyncio.wait_for(self.events.get(), 10), ev.CallArrived):
            pass

    def announce(self, **words):
        self.switch.announce(cmd.Announce(call="1.1", **words))

    async def voices(self, count):
        """Wait for so many voices to be asked for; gives their ids and what they say."""
        asked = await self.peer.asked("Originate", count)
        return [(one["ChannelId"], one["Variable"].rpartition("=")[2]) for one in asked]

    def ends(self, voice):
        self.peer.say(message("Hangup", Uniqueid=voice, Channel="Local/words@acd-announce-1;1", Cause="16"))


@pytest.fixture
async def site():
    """Give a site where one caller waits."""
    async with AmiPeer() as peer:
        site = Site(peer)
        running = asyncio.create_task(site.switch.run())
        await asyncio.wait_for(site.switch.connected.wait(), 10)
        await site.arrive()
        yield site
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_voice_is_sent_to_the_caller(site):
    """One Originate of a Local channel, whose one half joins the caller's bridge and whose other half has the words."""
    site.announce(prompt="closed", position=2)
    [asked] = await site.peer.asked("Originate")
    assert asked["Channel"] == "Local/words@acd-announce/n"
    assert (asked["Context"], asked["Exten"]) == ("acd-announce", "beside")
    assert asked["Variable"] == "ACD_CALL=1.1\nACD_WORDS=closed-place2"
    assert asked["ChannelId"].startswith("words-")


async def test_the_second_waits_for_the_first(site):
    """A second announcement is spoken when the first has ended, a third after that, in the order they came."""
    for place in (3, 2, 1):
        site.announce(position=place)
    [(first, words)] = await site.voices(1)
    assert words == "place3"
    site.ends(first)
    [_, (second, words)] = await site.voices(2)
    assert words == "place2"
    site.ends(second)
    [*_, (_, words)] = await site.voices(3)
    assert words == "place1"


async def test_of_too_many_the_newest_are_told(site):
    """While one speaks four may wait; of more, what is out of date is never said."""
    for place in range(9, 0, -1):
        site.announce(position=place)
    said = []
    for count in range(1, 6):
        voice, words = (await site.voices(count))[-1]
        said.append(words)
        site.ends(voice)
    assert said == ["place9", "place4", "place3", "place2", "place1"]


async def test_it_is_hushed_when_he_is_taken(site):
    """With the join of caller and agent the voice is hung up; what waited is forgotten."""
    site.announce(position=2)
    site.announce(position=1)
    [(voice, _)] = await site.voices(1)
    site.switch.offer(cmd.Offer(offer="offer-1", call="1.1", seat="101", ring_ms=1_000))
    for unique in ("offer-1", "1.1"):
        site.peer.say(message("BridgeEnter", Uniqueid=unique, BridgeUniqueid="b", Channel="x"))
    [hung_up] = await site.peer.asked("Hangup")
    assert hung_up["Channel"] == voice
    site.ends(voice)
    await site.arrive()  # everything before it has been read
    assert [one["ChannelId"] for one in await site.peer.asked("Originate", 2)] == [voice, "offer-1"]


@pytest.mark.parametrize("way", ["hangs up", "is sent away"])
async def test_it_is_hushed_when_he_is_gone(site, way):
    """No voice stays with nobody."""
    site.announce(position=2)
    [(voice, _)] = await site.voices(1)
    if way == "hangs up":
        site.peer.say(message("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1", Cause="16"))
    else:
        site.switch.send_away(cmd.SendAway(call="1.1", to="voicemail", reason="full"))
    [hung_up] = await site.peer.asked("Hangup")
    assert hung_up["Channel"] == voice


async def test_words_that_come_too_late_are_not_said(site):
    """He was taken while they were rendered, which took its time and held up nothing: no voice is sent."""
    site.ready.clear()
    site.announce(position=2)
    site.peer.say(message("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1", Cause="16"))
    assert await asyncio.wait_for(site.events.get(), 10) == ev.CallEnded(call="1.1")
    site.ready.set()
    await site.peer.asked("Hangup")
    await site.arrive()
    site.announce(prompt="closed")
    assert [words for _, words in await site.voices(1)] == ["closed"]


async def test_a_voice_that_was_hushed_before_it_was_is_hung_up_when_it_comes(site):
    """The hang-up found no channel; its entry into a bridge is the sign of life that brings the second one."""
    site.announce(position=2)
    [(voice, _)] = await site.voices(1)
    site.peer.say(message("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1", Cause="16"))
    await site.peer.asked("Hangup")
    site.peer.say(message("BridgeEnter", Uniqueid=voice, BridgeUniqueid="b", Channel="Local/words@acd-announce-1;1"))
    assert [one["Channel"] for one in await site.peer.asked("Hangup", 2)] == [voice, voice]


async def test_what_cannot_be_said_does_not_silence_the_rest(site):
    """A prompt that fails, and one that says nothing, are passed over; the next announcement is spoken."""
    site.announce(prompt="broken")
    site.announce()
    site.announce(position=4)
    assert [words for _, words in await site.voices(1)] == ["place4"]


async def test_an_originate_that_fails_does_not_silence_the_rest(site):
    """Asterisk refuses the voice: the next announcement is tried."""
    site.peer.silent = True
    site.announce(position=5)
    site.announce(position=4)
    [asked] = await site.peer.asked("Originate")
    site.peer.say(f"Response: Error\r\nActionID: {asked['ActionID']}\r\nMessage: no\r\n\r\n".encode())
    assert [words for _, words in await site.voices(2)] == ["place5", "place4"]


async def test_he_is_spoken_to_in_his_language(site):
    """The language that the channel had when it came is asked for."""
    await site.arrive("pl")
    site.announce(position=2)
    await site.voices(1)
    assert [language for _, language in site.rendered] == ["pl"]


class Voice:
    """A speech engine that notes what it is asked to speak."""

    name = "voice"

    def __init__(self):
        self.spoken = []

    def speaks(self, language):
        return True

    def identity(self, language):
        return "voice 1"

    def speak(self, text, language):
        self.spoken.append((language, text))
        return tone(400, duration_ms=100)


@pytest.mark.parametrize(
    ("language", "default", "spoken"),
    [("pl", "en", "pl"), ("en", "pl", "en"), ("", "pl", "pl"), ("cs", "pl", "pl"), ("cs", "de", "en")],
)
async def test_a_language_that_is_not_known_is_the_sites(tmp_path, language, default, spoken):
    """Without a language, or with one that callfloor has no words in, he hears the site's; that failing, English."""
    voice = Voice()
    prompts = Prompts(tmp_path / "site", tmp_path / "cache", {}, [voice], default)
    names = await lay_out(prompts, tmp_path, cmd.Announce(call="1", position=2), language, default)
    again = await lay_out(prompts, tmp_path, cmd.Announce(call="2", position=2), language, default)
    prompts.close()
    assert [tongue for tongue, _ in voice.spoken] == [spoken]
    assert names == again
    for suffix in (".wav", ".wav16"):
        assert (tmp_path / "said" / f"{names[0]}{suffix}").read_bytes()[:4] == b"RIFF"


def test_an_announcement_says_only_what_it_holds():
    """Prompt, place and range, in this order; what is 0 or empty is not said."""
    everything = cmd.Announce(call="1", prompt="closed", position=1, wait_least_ms=60_000, wait_most_ms=120_000)
    assert len(sentences(everything, "en")) == 3
    assert sentences(everything, "en")[0] == "closed"
    assert sentences(cmd.Announce(call="1"), "en") == []
    assert sentences(cmd.Announce(call="1", wait_least_ms=60_000), "en") == []
