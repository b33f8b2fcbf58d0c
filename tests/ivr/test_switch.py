"""The switch over a manager interface: what is sent, in which order, and what happens when the link breaks."""

import asyncio
import contextlib
import re
import typing
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.core import commands as cmd
from acd.core import events as ev
from ivr import ami, switch
from ivr.channels import Leg
from ivr.display import LAMPS
from ivr.switch import AmiSettings, AmiSwitch
from tests.ivr.ami_peer import ARRIVAL, AmiPeer, message
from tests.ivr.transcripts import HANDSETS, read

HINT = "start it"
NOW = 1_800_000_000_000
OFFER = cmd.Offer(offer="offer-t-1", call="1.1", seat="101", ring_ms=15_000)
WITHDRAW = cmd.Withdraw(offer="offer-t-1", call="1.1")


@pytest.fixture
async def peer(monkeypatch):
    """Give a manager interface; who loses it is back soon."""
    monkeypatch.setattr(switch, "RETRY_FIRST_S", 0.01)
    async with AmiPeer() as peer:
        yield peer


class Floor:
    """A running switch, and what it submits."""

    def __init__(self, peer):
        self.events = asyncio.Queue()
        settings = AmiSettings(host="127.0.0.1", port=peer.port, user="callfloor", secret="s3cret", hint=HINT)
        self.switch = AmiSwitch(settings, HANDSETS, submit=self._submit, clock=lambda: NOW)
        self._peer = peer

    def _submit(self, *events):
        for event in events:
            self.events.put_nowait(event)

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 10)

    async def arrive(self):
        """Have a caller wait whom the switch knows."""
        self._peer.say(ARRIVAL)
        assert await self.next() == ev.CallArrived(call="1.1", queue="sales", caller="555")

    def sent(self, *without):
        """What went out, without ActionID, as `Action: value of the telling headers`."""
        return [_brief(asked) for asked in self._peer.actions if asked["Action"] not in without]


def _brief(asked):
    telling = ("Channel", "ChannelId", "Variable", "Value", "Exten", "Context", "Timeout")
    return " ".join([asked["Action"], *(asked[name] for name in telling if name in asked)]).strip()


@asynccontextmanager
async def floor_at(peer, *, connected=True):
    """Run a switch; with `connected` its first snapshot has been taken and what was sent till then is forgotten."""
    floor = Floor(peer)
    running = asyncio.create_task(floor.switch.run())
    try:
        if connected:
            await asyncio.wait_for(floor.switch.connected.wait(), 10)
            assert isinstance(await floor.next(), ev.Snapshot)
            peer.received = b""
        yield floor
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


HELLO = [
    "Login",
    "Getvar STRFTIME(,,%s%3q)",
    f"Setvar GLOBAL(CALLFLOOR_ALIVE) {NOW // 1000}",
    *(f"Setvar GLOBAL(CALLFLOOR_AT_{seat})" for seat in HANDSETS),
    "Status",
    "DeviceStateList",
    "CoreStatus",
]


async def test_a_new_link_begins_with_a_sign_of_life_and_a_look(peer):
    """The dialplan is told that callfloor lives, and where seats are; then the switch is asked for all it holds."""
    async with floor_at(peer, connected=False) as floor:
        snapshot = await floor.next()
        assert floor.sent() == HELLO
        assert snapshot.asked == NOW
        assert [state.seat for state in snapshot.handsets] == list(HANDSETS)
        assert floor.switch.connected.is_set()


async def test_an_offer_sets_the_token_before_it_rings(peer):
    """The caller's channel names the offer before the seat's leg is asked for, and the leg bears the offer's id."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(OFFER)
        [originate] = await peer.asked("Originate")
        assert floor.sent()[0] == "Setvar PJSIP/trunk-1 SHARED(ACD_OFFER) offer-t-1"
        assert originate | {"ActionID": ""} == {
            "Action": "Originate",
            "ActionID": "",
            "Channel": "PJSIP/101",
            "ChannelId": "offer-t-1",
            "Context": "acd-seat",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "15000",
            "CallerID": '"555 (sales)" <555>',
            "Variable": "ACD_OFFER=offer-t-1\nACD_CALL=1.1\nACD_RUNG=101\nFORWARD_CONTEXT=acd-no-forward\n"
            "ACD_CALLER=PJSIP/trunk-1",
            "Async": "true",
        }


async def test_a_withdrawal_clears_the_token_before_it_hangs_up(peer):
    """In this order a leg that is answered in the same moment finds its token gone; twice does no harm."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(OFFER)
        floor.switch.withdraw(WITHDRAW)
        floor.switch.withdraw(WITHDRAW)
        await peer.asked("Hangup", 2)
        assert floor.sent()[2:] == ["Setvar PJSIP/trunk-1 SHARED(ACD_OFFER)", "Hangup offer-t-1"] * 2
        peer.say(message("Newchannel", Uniqueid="offer-t-1", Channel="PJSIP/101-1"))
        peer.say(message("Hangup", Uniqueid="offer-t-1", Channel="PJSIP/101-1", Cause="16"))
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="withdrawn")


async def test_a_leg_that_was_withdrawn_before_it_was_is_hung_up_when_it_appears(peer):
    """The first Hangup finds no channel; the second one goes out at its first sign of life."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(OFFER)
        floor.switch.withdraw(WITHDRAW)
        await peer.asked("Hangup")
        peer.say(message("Newchannel", Uniqueid="offer-t-1", Channel="PJSIP/101-1"))
        await peer.asked("Hangup", 2)
        assert floor.sent()[-1] == "Hangup offer-t-1"


async def test_a_handset_that_is_not_registered(peer):
    """What the real Asterisk answers then, which is no event of a leg, ends the offer as unreachable, once."""
    [recorded] = [one for _, _, one in read("unregistered") if one and one.event == "OriginateResponse"]
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(OFFER)
        [asked] = await peer.asked("Originate")
        headers = recorded.headers() | {"ActionID": asked["ActionID"], "Uniqueid": "offer-t-1"}
        peer.say(message(headers.pop("Event"), **headers))
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="unreachable")
        assert floor.switch.channels.legs == {}


async def test_an_originate_that_is_refused(peer):
    """An error instead of "queued" ends the offer too."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        peer.silent = True
        floor.switch.offer(OFFER)
        [asked] = await peer.asked("Originate")
        refusal = f"Response: Error\r\nActionID: {asked['ActionID']}\r\nMessage: Channel identifier in use\r\n\r\n"
        peer.say(refusal.encode())
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="unreachable")


async def test_the_answer_to_originate_is_not_the_last_word_of_a_leg_that_is(peer):
    """Asterisk reports a failure before the hang-up that says why: the hang-up decides."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(OFFER)
        [asked] = await peer.asked("Originate")
        peer.say(message("Newchannel", Uniqueid="offer-t-1", Channel="PJSIP/101-1"))
        peer.say(message("OriginateResponse", ActionID=asked["ActionID"], Response="Failure", Reason="0"))
        peer.say(message("Hangup", Uniqueid="offer-t-1", Channel="PJSIP/101-1", Cause="21"))
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="refused")


@pytest.mark.parametrize(("call", "seat"), [("nobody", "101"), ("1.1", "999")])
async def test_an_offer_that_names_nobody_ends_at_once(peer, call, seat):
    """Without the caller's channel or the seat's handset nothing is sent, and the core hears of it."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.offer(cmd.Offer(offer="offer-t-1", call=call, seat=seat, ring_ms=1_000))
        assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="failed")
        assert floor.sent() == []


async def test_the_overflow_takes_the_callers_channel(peer):
    """A caller who waited too long is redirected; one who is gone is not."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.send_away(cmd.SendAway(call="gone"))
        floor.switch.send_away(cmd.SendAway(call="1.1"))
        await peer.asked("Redirect")
        assert floor.sent() == [
            "Setvar PJSIP/trunk-1 ACD_TO",
            "Setvar PJSIP/trunk-1 ACD_REASON",
            "Redirect PJSIP/trunk-1 s acd-overflow",
        ]


async def test_a_move_to_another_queue_is_noted_on_the_callers_channel(peer):
    """A later snapshot reads it there, and so does the music; of one who is gone nothing is said."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.change_queue(cmd.ChangeQueue(call="gone", queue="night"))
        floor.switch.change_queue(cmd.ChangeQueue(call="1.1", queue="night"))
        [*_, noted] = await peer.asked("Setvar")
        assert (noted["Channel"], noted["Variable"], noted["Value"]) == ("PJSIP/trunk-1", "ACD_QUEUE", "night")
        assert floor.sent() == ["Setvar PJSIP/trunk-1 ACD_QUEUE night"]


async def test_every_look_of_a_seat_has_a_lamp(peer):
    """Each thing the core can want to show is a device state, and no two of them the same."""
    assert set(LAMPS) == set(typing.get_args(cmd.SeatLook))
    assert len(set(LAMPS.values())) == len(LAMPS)
    async with floor_at(peer) as floor:
        for look in LAMPS:
            floor.switch.show_seat("101", look)
        await peer.asked("Setvar", len(LAMPS))
        assert floor.sent() == [f"Setvar DEVICE_STATE(Custom:callfloor-101) {state}" for state in LAMPS.values()]


# The link


async def test_the_loss_of_the_link_is_told_once_and_a_look_follows(peer):
    """The core hears SwitchLost, then, when there is a new link, what the switch holds by now."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        peer.drop()
        assert await floor.next() == ev.SwitchLost()
        assert isinstance(await floor.next(), ev.Snapshot)
        assert floor.sent() == HELLO
        assert floor.events.empty()
        assert floor.switch.channels.calls == {}, "the caller was not in the new list"


async def test_what_was_asked_of_a_dead_link_is_never_asked_again(peer):
    """An offer, a withdrawal and a lamp that the old link did not answer are not sent on the new one."""
    async with floor_at(peer) as floor:
        await floor.arrive()
        peer.silent = True
        floor.switch.offer(OFFER)
        floor.switch.withdraw(WITHDRAW)
        floor.switch.show_seat("101", "ringing")
        await peer.asked("Hangup")
        before = len(peer.actions)
        peer.silent = False
        peer.drop()
        assert await floor.next() == ev.SwitchLost()
        assert isinstance(await floor.next(), ev.Snapshot)
        peer.say(message("FullyBooted", Status="Fully Booted"))
        assert isinstance(await floor.next(), ev.Snapshot)
        assert floor.sent()[before:] == [*HELLO, "Status", "DeviceStateList", "CoreStatus"]


async def test_without_a_link_nothing_is_kept_for_later(peer):
    """An offer fails at once; all else is silently left, for the snapshot of the next link will tell what is."""
    floor = Floor(peer)
    floor.switch.offer(OFFER)
    assert await floor.next() == ev.OfferEnded(offer="offer-t-1", outcome="failed")
    floor.switch.withdraw(WITHDRAW)
    floor.switch.send_away(cmd.SendAway(call="1.1"))
    floor.switch.show_seat("101", "ready")
    floor.switch.take_snapshot()
    assert floor.events.empty()
    assert peer.received == b""


async def test_patience_grows_while_nobody_is_there_and_starts_over_after_a_success(peer, monkeypatch):
    """Each failed try waits twice as long as the one before, up to a limit; after a link the first wait is short."""
    monkeypatch.setattr(switch, "RETRY_MOST_S", 0.04)
    good, peer.greeting = peer.greeting, b"SSH-2.0\r\n"

    def waits():
        return [entry["retry_s"] for entry in logs if entry["event"] == "switch not reachable"]

    with capture_logs() as logs:
        async with floor_at(peer, connected=False) as floor:
            async with asyncio.timeout(10):
                while len(waits()) < 5:  # noqa: ASYNC110 - a log tells nobody
                    await asyncio.sleep(0.001)
            peer.greeting = good
            assert isinstance(await floor.next(), ev.Snapshot)
            tries = len(waits())
            peer.drop()
            assert await floor.next() == ev.SwitchLost()
            assert isinstance(await floor.next(), ev.Snapshot)
    assert waits()[:5] == [0.01, 0.02, 0.04, 0.04, 0.04]
    hints = [entry.get("hint") for entry in logs if entry["event"] == "switch not reachable"]
    assert hints[:5] == [None, None, HINT, HINT, HINT], "what to do is said to who has waited a while"
    assert waits()[tries] == 0.01


async def test_a_link_that_breaks_before_the_first_look_is_no_loss(peer):
    """The core was told nothing yet, so there is nothing to take back."""
    peer.silent = True
    async with floor_at(peer, connected=False) as floor:
        for connection in (1, 2):
            await peer.asked("Login", connection)
            peer.drop()
        peer.silent = False
        assert isinstance(await floor.next(), ev.Snapshot)


async def test_signs_of_life_go_on(peer, monkeypatch):
    """The dialplan is told again and again that callfloor lives, though nothing happens."""
    monkeypatch.setattr(switch, "KEEP_ALIVE_S", 0.005)
    async with floor_at(peer) as floor:
        await peer.asked("Setvar", 3)
        assert set(floor.sent()) == {HELLO[1], HELLO[2]}


async def test_a_sign_of_life_without_an_answer_ends_the_link(peer, monkeypatch):
    """A connection on which nobody answers any more is lost, healthy as it looks."""
    async with floor_at(peer, connected=False) as floor:
        monkeypatch.setattr(switch, "KEEP_ALIVE_S", 0.005)
        assert isinstance(await floor.next(), ev.Snapshot)
        monkeypatch.setattr(ami, "ANSWER_S", 0.05)
        peer.silent = True
        assert await floor.next() == ev.SwitchLost()
        peer.silent = False
        assert isinstance(await floor.next(), ev.Snapshot)
        assert peer.connections == 2


async def test_a_switch_that_cannot_say_what_it_holds_is_left(peer, monkeypatch):
    """A snapshot without an end is a reason to start over."""
    async with floor_at(peer) as floor:
        monkeypatch.setattr(ami, "ANSWER_S", 0.05)
        peer.silent = True
        floor.switch.take_snapshot()
        assert await floor.next() == ev.SwitchLost()
        peer.silent = False
        assert isinstance(await floor.next(), ev.Snapshot)


async def test_who_arrives_while_the_list_is_written_can_be_offered(peer):
    """A caller who comes between the list and its last line is not forgotten by the snapshot."""
    async with floor_at(peer) as floor:
        peer.silent = True
        floor.switch.take_snapshot()
        [asked] = await peer.asked("Status")
        lists = (
            f"Response: Success\r\nActionID: {asked['ActionID']}\r\nEventList: start\r\nMessage: will follow\r\n\r\n"
        )
        peer.say(lists.encode() + message("StatusComplete", ActionID=asked["ActionID"], EventList="Complete"))
        peer.say(ARRIVAL)
        [asked] = await peer.asked("DeviceStateList")
        peer.silent = False
        peer._answer(asked)
        assert isinstance(await floor.next(), ev.CallArrived)
        snapshot = await floor.next()
        assert snapshot.calls == ()
        floor.switch.offer(OFFER)
        await peer.asked("Originate")


async def test_a_hang_up_that_the_switch_lost_is_said_again(peer, monkeypatch):
    """A caller's channel that outlives its telephone's hang-up is hung up; one that ended is left alone."""
    monkeypatch.setattr(switch, "HANGUP_GRACE_S", 0.01)
    async with floor_at(peer) as floor:
        await floor.arrive()
        floor.switch.channels.legs["offer-t-2"] = Leg(call="1.1", seat="101", born_at=NOW)
        peer.say(message("HangupRequest", Uniqueid="offer-t-2"))
        peer.say(message("Hangup", Uniqueid="offer-t-2", Cause="16"))
        peer.say(message("HangupRequest", Uniqueid="1.1"))
        peer.say(message("HangupRequest", Uniqueid="9.9"))
        await peer.asked("Hangup")
        assert floor.sent() == ["Hangup 1.1"]


def test_the_event_filter_lets_through_what_is_read():
    """manager.conf names the events that the switch reads, and the two that the link itself looks at."""
    conf = (Path(__file__).parents[2] / "asterisk-config/manager.conf").read_text()
    lists = re.findall(r"^eventfilter = \^Event: \(([\w|]+)\)", conf, re.MULTILINE)
    named = {name for names in lists for name in names.split("|")}
    assert named == switch.EVENT_NAMES | {"OriginateResponse", "Shutdown"}


def test_settings_keep_their_secret():
    """The secret is in no text that a log or a traceback could show."""
    assert "s3cret" not in repr(AmiSettings(host="h", port=1, user="u", secret="s3cret"))
