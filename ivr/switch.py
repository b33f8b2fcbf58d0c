"""Asterisk as the distributor sees it: carries out commands over AMI and submits what `channels` makes of its events.

One `AmiSwitch` lives as long as the server; under it links come and go. When a link is gone the core hears `SwitchLost`
and decides nothing; when a new one stands, a snapshot is taken and the core hears that.

An AMI session carries out its actions one after another. Both moves rest on that: an offer sets its token on the
caller's channel before its Originate is sent, a withdrawal clears the token before it hangs up the leg. Whatever the
race, a leg whose token is gone finds so out before it bridges (acd-seat in extensions.conf).

Where several seats ring for one caller each seat has a token of its own, and who answers first takes a mark that only
one can have (ACD_TALK). Which one that was, the bridge tells: of a shared offer `OfferAnswered` comes with `Connected`,
and a seat that answered too late ends as withdrawn, when it has heard so.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import structlog

from acd.core import commands as cmd
from acd.core import events as ev
from acd.desk.calling import CallOut
from ivr import display
from ivr.amends import NORMAL_CLEARING, SWITCH_TIME, set_right
from ivr.ami import Link, LinkError, Message, text
from ivr.announcer import Announcer, Render
from ivr.channels import EVENTS, Channels, number
from ivr.held import ON_A_LINE, TALK_MARK, WIRED, Leg, place_of
from ivr.legs import caller_id, token, variables
from ivr.lists import everything
from ivr.reach import call_customer
from ivr.trunks import dialled

log = structlog.get_logger()

KEEP_ALIVE_S = 10.0
"""Between two keep-alives; the dialplan takes callfloor for dead after 120 s of silence (acd-hold)."""
RETRY_FIRST_S, RETRY_MOST_S = 0.25, 10.0
EVENT_CLASSES = "call,user,system,dtmf"
EVENT_NAMES = EVENTS | {"FullyBooted", "HangupRequest"}
"""The events that are read; `eventfilter` of manager.conf names the same ones."""
HANGUP_GRACE_S = 3.0
"""How long a channel may stand after its telephone has hung up; a busy Asterisk takes a second."""


class AmiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the manager interface is and who we are there."""

    host: str
    port: int
    user: str
    secret: str
    hint: str = ""
    """What a person can do when nobody answers there for longer."""

    def __repr__(self) -> str:
        return f"AmiSettings({self.user}@{self.host}:{self.port})"


async def _nothing(_command: cmd.Announce, _language: str) -> tuple[str, ...]:
    return ()


class AmiSwitch:
    """Implements `acd.ports.Switch` on one Asterisk."""

    def __init__(
        self,
        settings: AmiSettings,
        handsets: Mapping[str, str],
        *,
        submit: Callable[..., None],
        clock: Callable[[], int],
        lines: tuple[Iterable[str], Mapping[int, Iterable[str]]] = ((), {}),
        phones: Mapping[str, str] | None = None,
        render: Render = _nothing,
    ) -> None:
        """`lines`: trunk lines, and devices of each span; `phones` are nobody's; `render` prepares what is told."""
        self.channels = Channels(handsets, phones)
        self.channels.trunks.set_lines(*lines)
        self.ring_tones: Mapping[str, str] = {}
        """Queue -> how phones ring for its calls; see `ivr.display`."""
        self.connected = asyncio.Event()
        """A link stands and its first snapshot was handed over."""
        self.listeners: list[Callable[[Message], None]] = []  # get each message before it is understood here
        self.legs_out: Callable[[], Iterable[tuple[str, str]]] = tuple  # calls out that the core has, and their lines
        self.legs_elsewhere: Callable[[], Iterable[ev.LiveLeg]] = tuple  # seats that have contacts without a telephone
        self.to_customer: Callable[[cmd.Reach], CallOut] = lambda _: CallOut(answer="over")  # how one is called
        self.name_of: Callable[[str], str] = lambda _: ""  # call -> as whom the customer file knows who it is
        self._settings = settings
        self._submit = submit
        self._clock = clock
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._look_again = False
        caller = lambda call: self.channels.calls.get(call)  # noqa: E731, PLW0108 - each snapshot makes it anew
        self._announcer = Announcer(caller, render)

    # The link

    @property
    def link(self) -> Link | None:
        """The one that stands, if any: for orders beside those of the core."""
        return self._link if self.connected.is_set() else None

    async def run(self) -> None:
        """Keep a link until cancelled: connect, take a snapshot, watch, and start over with growing patience."""
        patience = RETRY_FIRST_S
        while True:
            try:
                await self._session()
            except LinkError as error:
                if self.connected.is_set():
                    patience = RETRY_FIRST_S
                hint = {"hint": self._settings.hint} if self._settings.hint and patience >= RETRY_MOST_S else {}
                log.warning("switch not reachable", reason=str(error), retry_s=round(patience, 2), **hint)
            except Exception:  # our own fault; a server that is blind from then on would be worse
                log.exception("switch session failed", retry_s=round(patience, 2))
            finally:
                self._lose_link()
            await asyncio.sleep(patience * random.uniform(0.8, 1.2))  # noqa: S311 - spreads reconnects
            patience = min(patience * 2, RETRY_MOST_S)

    async def _session(self) -> None:
        settings = self._settings
        link = self._link = await Link.open(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            secret=settings.secret,
            events=EVENT_CLASSES,
            on_event=self._on_event,
            names=EVENT_NAMES,
        )
        await self._keep_alive(link)
        for seat, device in self.channels.handsets.places().items():
            self._tell_place(link, seat, device)
        await self._snapshot(link)
        self.connected.set()
        log.info("switch connected", host=settings.host, port=settings.port)
        while not link.lost.done():
            await asyncio.wait({link.lost}, timeout=KEEP_ALIVE_S)
            if not link.lost.done():
                await self._keep_alive(link)
        raise LinkError(link.lost.result())

    def _lose_link(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = self._looking = None
            self.channels.link_lost()
            self._announcer.forget()
        if self.connected.is_set():
            self.connected.clear()
            self._submit(ev.SwitchLost())

    async def _keep_alive(self, link: Link) -> None:
        """Tell the dialplan that we live, in Asterisk's own time: its clock may be another, and either may be set."""
        [answer] = await link.ask("Getvar", Variable=SWITCH_TIME)
        here = self._clock()
        there = number(text(answer, "Value")) or here
        self.channels.ahead_ms = there - here
        await link.ask("Setvar", Variable="GLOBAL(CALLFLOOR_ALIVE)", Value=str(there // 1000))

    # Commands

    def offer(self, command: cmd.Offer) -> None:
        """Ring a seat for a call."""
        caller = self.channels.calls.get(command.call)
        handset = self._handset(command)
        if self._link is None or caller is None or handset is None:
            self._submit(ev.OfferEnded(offer=command.offer, outcome="failed"))
            if caller is None:
                self.take_snapshot()  # or a caller who is not there would be offered to one seat after the other
            return
        if command.shared and not self._rings(command.call):  # who had him before, has him no more
            self._link.tell("Setvar", Channel=caller.channel, Variable=TALK_MARK, Value="")
        leg = self._leg(command, lifts=handset.startswith(WIRED))
        self._link.tell("Setvar", Channel=caller.channel, Variable=token(leg), Value=command.offer)
        tone = self.ring_tones.get(caller.queue, "")
        self._originate(
            self._link,
            command,
            Channel=display.rung(handset, tone),
            Context="acd-seat",
            Exten="first" if command.shared else "s",
            CallerID=display.caller_id(caller, self.name_of(command.call)),
            Variable=[*variables(command), f"ACD_CALLER={caller.channel}", *display.variables(handset, tone)],
        )

    def ring(self, command: cmd.Offer, title: str, number: str) -> None:
        """Ring a seat's handset for a virtual call, which it shows by these. Who answers is led to acd-desk."""
        handset = self._handset(command)
        if self._link is None or handset is None:
            self._submit(ev.OfferEnded(offer=command.offer, outcome="failed"))
            return
        self._leg(command)
        self._originate(
            self._link,
            command,
            Channel=handset,
            Context="acd-desk",
            Exten="s",
            CallerID=caller_id(title, number),
            Variable=variables(command),
        )

    def attend(self, offer: str) -> bool:
        """Say that an agent has a virtual call before him. Answers whether it is his: of several the first one's."""
        events = self.channels.attended(offer)
        if events is not None:
            self._submit(*events)
        return events is not None

    def _leg(self, command: cmd.Offer, *, lifts: bool = False) -> Leg:
        self.channels.legs[command.offer] = leg = Leg(
            call=command.call,
            seat=command.seat,
            line=command.line,
            ring_ms=command.ring_ms,
            made_at=self._clock(),
            shared=command.shared,
            lifts=lifts,
        )
        return leg

    def _originate(self, link: Link, command: cmd.Offer, **details: str | Sequence[str]) -> None:
        if str(details["Channel"]).startswith(WIRED):
            details |= self.channels.wires.asked(command.offer, self.channels.legs[command.offer], details)
        ring = str(command.ring_ms)
        answer = link.send("Originate", ChannelId=command.offer, Priority="1", Timeout=ring, Async="true", **details)
        answer.add_done_callback(lambda future: self._originated(command.offer, future))

    def withdraw(self, command: cmd.Withdraw) -> None:
        """Take an offer back: first the token, then the leg. One that does not exist yet is hung up when it does.

        A shared leg that is answered already is left to hear that somebody else was quicker; then it ends by itself.
        """
        if self._link is None:
            return
        leg = self.channels.legs.get(command.offer)
        if (caller := self.channels.calls.get(command.call)) is not None:
            self._link.tell("Setvar", Channel=caller.channel, Variable=token(leg), Value="")
        if leg is not None:
            hears_why = leg.shared and leg.answered and not leg.joined and not leg.withdrawn
            leg.withdrawn = True
            if hears_why:
                return
        self._link.tell("Hangup", Channel=self.channels.wires.channel(command.offer), Cause=NORMAL_CLEARING)

    def announce(self, command: cmd.Announce) -> None:
        """Tell a waiting caller something."""
        if self._link is not None:
            self._announcer.announce(self._link, command)

    def change_queue(self, command: cmd.ChangeQueue) -> None:
        """Note on the caller's channel which queue he is in; his music follows when he enters his bridge anew."""
        caller = self.channels.calls.get(command.call)
        if caller is not None:
            caller.queue = command.queue
            if self._link is not None:
                self._link.tell("Setvar", Channel=caller.channel, Variable="ACD_QUEUE", Value=command.queue)

    def send_away(self, command: cmd.SendAway) -> None:
        """Move a waiting call to the overflow, whose flow reads where to and why."""
        caller = self.channels.calls.get(command.call)
        if self._link is not None and caller is not None:
            caller.waits = False
            self._announcer.hush(self._link, command.call)
            for name, value in (("ACD_TO", command.to), ("ACD_REASON", command.reason)):
                self._link.tell("Setvar", Channel=caller.channel, Variable=name, Value=value)
            self._link.tell("Redirect", Channel=caller.channel, Context="acd-overflow", Exten="s", Priority="1")

    def dial(self, command: cmd.Dial) -> None:
        """Note that a channel calls out: what becomes of it is then known by its id."""
        self.channels.outs.dial(command)

    def reach(self, command: cmd.Reach) -> None:
        """Call a customer, who comes to his queue when he answers."""
        out = self.to_customer(command)
        if self._link is None or out.answer != "ok":
            self._submit(ev.LegEnded(leg=command.leg, outcome="cancelled"))
            return
        self.channels.outs.reach(command)
        answer = call_customer(self._link, command, out, self.channels.ahead_ms)
        answer.add_done_callback(lambda future: self._submit(*self.channels.outs.judge(command.leg, future)))

    def give_up(self, command: cmd.GiveUp) -> None:
        """Hang up the call to a customer, as long as he has not answered."""
        if self._link is not None and not self.channels.outs.is_answered(command.leg):
            self._link.tell("Hangup", Channel=command.leg, Cause=NORMAL_CLEARING)

    def show_seat(self, seat: str, look: cmd.SeatLook) -> None:
        """Set the lamp of a seat."""
        if self._link is not None:
            self._link.tell("Setvar", Variable=f"DEVICE_STATE(Custom:callfloor-{seat})", Value=display.LAMPS[look])

    def use_phone(self, seat: str, phone: str) -> None:
        """Ring a seat at this phone from now on."""
        self.channels.handsets.place(seat, phone)
        if self._link is not None:
            self._tell_place(self._link, seat, self.channels.handsets.places().get(seat, ""))
        self._submit(self.channels.handsets.told(seat))

    @staticmethod
    def _tell_place(link: Link, seat: str, device: str) -> None:
        """Have the dialplan ring a seat at a device; empty for its own."""
        link.tell("Setvar", Variable=f"GLOBAL({place_of(seat)})", Value=device)

    def take_snapshot(self) -> None:
        """Ask for all the switch holds. Who asks while an answer is under way gets one more after it."""
        if self._link is None:
            return
        self._look_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._snapshot_or_reset(self._link))
            self._tasks.add(self._looking)
            self._looking.add_done_callback(self._tasks.discard)

    def _handset(self, command: cmd.Offer) -> str | None:
        """Say what to dial for a seat: None when there is nothing, or no line to dial it on."""
        handset = self.channels.handsets.device_of(command.seat)
        if handset is None or not ON_A_LINE.search(handset):
            return handset
        if not command.line:
            log.warning("offer without a line", seat=command.seat, handset=handset, line=command.line)
            return None
        return ON_A_LINE.sub(dialled(command.line), handset)

    def _rings(self, call: str) -> bool:
        """Whether a shared offer of this call is out already and not taken back."""
        of_call = (leg for leg in self.channels.legs.values() if leg.call == call and leg.shared)
        return any(not (leg.withdrawn or leg.joined) for leg in of_call)

    def _originated(self, offer: str, future: "asyncio.Future[list[Message]]") -> None:
        """Judge the Originate's own answer, where no leg came of it that could tell by its events."""
        leg = self.channels.legs.get(offer)
        if future.cancelled() or leg is None or leg.exists:
            return
        last = future.result()[-1]
        if text(last, "Response") in {"Failure", "Error"}:
            reason = text(last, "Message") or text(last, "Reason")
            log.info("offer not delivered", offer=offer, seat=leg.seat, reason=reason)
            self._submit(*self.channels.leg_ended(offer, "unreachable"))

    # What the switch says

    def _on_event(self, message: Message) -> None:
        for listener in self.listeners:
            listener(message)
        events = self.channels.take(message, self._clock())
        if self._link is not None:
            set_right(self._link, self.channels, events)
            self._announcer.take(self._link, message)
            for event in events:
                if isinstance(event, ev.Connected | ev.CallEnded):
                    call = event.call if isinstance(event, ev.CallEnded) else self.channels.legs[event.offer].call
                    self._announcer.hush(self._link, call)
        if text(message, "Event") == "HangupRequest" and self.channels.knows(text(message, "Uniqueid")):
            asyncio.get_running_loop().call_later(HANGUP_GRACE_S, self._hang_up_again, text(message, "Uniqueid"))
        if events:
            self._submit(*events)
        wanted = (
            self.channels.led_away.wants_look() or self.channels.trunks.wants_look or message.event == "FullyBooted"
        )
        if wanted and self.connected.is_set():
            self.take_snapshot()  # Asterisk restarted under a link that lived on, or something must be looked at

    def _hang_up_again(self, unique: str) -> None:
        """Hang up who still stands, though his telephone has hung up.

        A Bridge takes a caller who is not in his holding bridge yet by moving him into a new channel (ast_channel_yank
        in main/channel.c). A hang-up in that moment marks the old one: two would stand in a bridge, one of them without
        a telephone.
        """
        if self._link is not None and self.channels.knows(unique):
            log.warning("channel stands after its hang-up, hanging up again", channel=unique)
            self._link.tell("Hangup", Channel=unique, Cause=NORMAL_CLEARING)

    async def _snapshot_or_reset(self, link: Link) -> None:
        """A switch that cannot say what it holds is not to be trusted: start over."""
        try:
            while self._look_again and link is self._link:
                self._look_again = False
                await self._snapshot(link)
        except LinkError as error:
            log.warning("no snapshot", reason=str(error))
            link.close()
        except Exception:  # as in `run`
            log.exception("snapshot failed")
            link.close()

    async def _snapshot(self, link: Link) -> None:
        snapshot = await everything(link, self.channels, self._clock(), self.legs_out())
        if link is not self._link:
            raise LinkError("the link ended before the snapshot was read")
        self._submit(msgspec.structs.replace(snapshot, legs=(*snapshot.legs, *self.legs_elsewhere())))
