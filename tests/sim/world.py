"""The world around one core: time, a link that fails, a server that is killed, people.

Time is a number, chance is a seed, and nothing waits, so a day of trouble takes a second and can be repeated exactly.

* Actions reach the switch in order, some milliseconds after they were sent, or never if the link breaks first.
* Events keep their order for each channel, not between channels. In bad weather some come late, twice or never.
* The server dies between an event's entry on the tape and its commands. It comes back by replaying the tape, or from
  the last stored state and the rest of the tape; what the adapter knew is gone, what the switch holds is not.
"""

import heapq
import random
from collections import deque

import msgspec

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from tests.sim.checks import EVERY, Checks, Violation
from tests.sim.site import OURS, Site
from tests.sim.stored import decoded, difference, encoded
from tests.sim.switch import Switch

START = 1_800_000_000_000
TRACE = 40
NOT_LATE = (ev.DeadlineReached, ev.Started, ev.SwitchLost)
"""Events that do not come after what is overdue, see the dispatcher."""
LAST_WORDS = (ev.CallArrived, ev.CallEnded, ev.OfferEnded)
"""What an event says that a snapshot which was asked for before cannot know better."""


class World:
    """A site, all around it, and the core in its midst, whose every step is checked."""

    def __init__(self, seed, every=EVERY):
        self.seed = seed
        self.chance = random.Random(seed)
        self.site = Site(self.chance)
        self.now = START
        self.rough = True
        self.events = 0
        self.trace = deque(maxlen=TRACE)
        self.loss = self.chance.choice((0.0, 0.01, 0.01, 0.1))  # of the switch's words, lost or late in bad weather
        self.switch = Switch(self)
        self.tape = []
        self.messages = set()
        """Those that the server holds and nobody has closed."""
        self.stored = None
        """The state as it was last stored, and how much of the tape it holds."""
        self.twin = None
        """A core restored from the state, that must go on alike, and for how many events."""
        self.commands_lost = 0
        self._cut = False
        self._plans, self._planned = [], 0
        self._due_after, self._due_at = -1, None
        self._last_word = {}
        self._lags_until = 0
        self._link = 0
        """Number of the link that stands; negative while none does."""
        self._runs = 0
        self._ours = {}
        """What the adapter knows: offer -> whether it was withdrawn. It forgets at a restart."""
        self.told_answered = set()  # legs of whose answer a word came
        self._told_of = {}
        """Channel -> when an event last said that it began or ended."""
        self._looking = self._look_again = False
        """Whether a look at the switch is under way, and one more is wanted after it."""
        self.checks = Checks(self, every)
        self._start()

    @property
    def state(self):
        return self.core.state

    def fault(self, text):
        """Something happened that must not."""
        raise Violation(text)

    # Time and chance

    def plan(self, after_ms, what, *args):
        """Do something later."""
        self._planned += 1
        heapq.heappush(self._plans, (self.now + after_ms, self._planned, what, args))

    def live(self, ms, *, events=None):
        """Let time pass, until there were so many events in all."""
        end = self.now + ms
        while events is None or self.events < events:
            due = self._due()
            at = self._plans[0][0] if self._plans else end + 1
            if min(at, end + 1 if due is None else due) > end:
                break
            if due is not None and due < at:
                self.now = max(self.now, due)
                self.tell(ev.DeadlineReached())
            else:
                at, _, what, args = heapq.heappop(self._plans)
                self.now = max(self.now, at)
                what(*args)
        else:
            return
        self.now = max(self.now, end)

    def _due(self):
        """The next deadline of the core, asked for once after each event."""
        if self._due_after != self.events:
            self._due_after, self._due_at = self.events, self.core.next_deadline()
        return self._due_at

    def some(self, least, most):
        """Give a number by chance."""
        return least + int(self.chance.random() * (most - least + 1))  # several times as fast as randint

    def often(self, share):
        """Say whether something happens that happens this often."""
        return self.chance.random() < share

    def some_queue(self):
        """Name a queue, now and then one that does not exist."""
        return "nowhere" if self.often(0.02) else self.chance.choice(self.site.queue_names)

    @property
    def may_hold_two(self):
        """Whether a phone takes a second call while it is in one."""
        return any("*" not in rule.blocks or rule.interrupted_by for rule in self.site.media)

    # The server

    def tell(self, event):
        """Give an event to the core, as the dispatcher does; the server may die of it."""
        if not isinstance(event, NOT_LATE) and (due := self._due()) is not None and due <= self.now:
            self._decide(ev.DeadlineReached(at=self.now))
        self._decide(msgspec.structs.replace(event, at=self.now), may_die=True)

    def _decide(self, event, *, may_die=False):
        self.events += 1
        self.tape.append(event)
        self.trace.append([event, None])
        self.checks.before(event)
        commands = self.core.decide(event)
        self.trace[-1][1] = commands
        self.switch.calls_out.keep_books(commands)
        self.checks.after(event, commands)
        self._follow_twin(event, commands)
        if self._cut and may_die:
            self._cut = False
            self.commands_lost += len(commands)
            self._die()
            return
        for command in commands:
            self._carry_out(command)

    def _follow_twin(self, event, commands):
        if self.twin is None:
            if self.often(0.002):
                self.twin = [Core(decoded(encoded(self.state))), self.some(1, 120)]
            return
        core, left = self.twin
        told = core.decide(event)
        if told != commands:
            self.fault(f"a restored core says otherwise:\n  {told}\n  {commands}")
        self.twin[1] = left - 1
        if left <= 1:
            self.twin = None
            if encoded(core.state) != encoded(self.state):
                self.fault(f"a restored core came to another state: {difference(core.state, self.state)}")

    def _start(self):
        core, rest = Core(), self.tape
        if self.stored is not None and self.often(0.97):
            core, rest = Core(decoded(self.stored[0])), self.tape[self.stored[1] :]
        for event in rest:
            core.decide(event)
        if self.tape:
            text = encoded(core.state)
            if text != encoded(self.state):
                self.fault(f"a replay came to another state: {difference(core.state, self.state)}")
            self.stored = text, len(self.tape)
        self.core = core
        self.twin = None
        self.checks.watch(core)
        self._runs += 1
        self._ours, self._told_of, self.switch.phones = {}, {}, {}
        self.switch.new_server()
        for leg in self.switch.legs.values():
            leg.aside = None  # the executors show all they hold to an agent whose server is new
        self.tell(ev.Started(run=f"r{self._runs}"))
        self.tell(self.site.configured())
        self._connect()

    def _die(self):
        self._link = -abs(self._link) - 1
        self.now += self.some(200, 6_000)
        self._start()

    def kill(self):
        """Let the server die at its next event, every other time."""
        self._cut = self._cut or self.often(0.5)

    def store(self):
        """Store the state, for the next start."""
        self.stored = (encoded(self.state), len(self.tape))

    def replay(self):
        """A second core that is given the whole tape comes to the same state."""
        core = Core()
        deque(map(core.decide, self.tape), maxlen=0)
        if encoded(core.state) != encoded(self.state):
            self.fault(f"a replay came to another state: {difference(core.state, self.state)}")

    # The link

    def cut_link(self):
        """Break it; it comes back after a while."""
        if self._link > 0:
            self._link = -self._link
            self._ours = {offer: mark for offer, mark in self._ours.items() if self.switch.is_born(offer)}
            self.plan(self.some(300, 40_000), self._connect)
            self.tell(ev.SwitchLost())

    def mend_link(self):
        """Let it come back now."""
        self._connect()

    def _connect(self):
        if self._link <= 0:
            self._link = -self._link + 1
            self._looking = self._look_again = False
            self._take_snapshot()

    def lag(self):
        """The switch is so busy that its words come late for a while."""
        self._lags_until = self.now + self.some(500, 6_000)

    def kill_switch(self):
        """The switch dies; who was cut off may call again."""
        gone = self.switch.die()
        self.cut_link()
        for caller in gone:
            if self.often(0.4):
                self.plan(self.some(1_000, 90_000), self.call_again, caller)

    def call_again(self, caller):
        """One who was cut off is back, on a new channel."""
        if not self.rough:
            return
        again = type(caller)(caller.name + "+", caller.queue, caller.number, caller.medium, self.now)
        self.switch.arrive(again)

    def _act(self, what, *args):
        """Send an action: in order, and lost with the link."""
        self._in_order("actions", self._if_linked, self._link, what, *args)

    def hear(self, channel, event, *, sure=False):
        """Let an event of a channel come: in its channel's order, in bad weather late, twice or never."""
        if sure:
            self._in_order(channel, self._read, channel, event)
            return
        times, late = 1, 0
        if self.rough:
            times = 0 if self.often(self.loss) else 2 if self.often(0.02) else 1
            # The word of an arrival is on the one connection before all that comes of it, a snapshot's answer included.
            if not isinstance(event, ev.CallArrived):
                late = self.some(100, 3_000) if self.often(self.loss) else max(self._lags_until - self.now, 0)
        for _ in range(times):
            self._in_order(channel, self._if_linked, self._link, self._read, channel, event, late=late)

    def _in_order(self, stream, what, *args, late=0):
        at = max(self.now + late + self.some(1, 30 if self.rough else 3), self._last_word.get(stream, 0))
        self._last_word[stream] = at
        self.plan(at - self.now, what, *args)

    def _if_linked(self, link, what, *args):
        if link == self._link and link > 0:
            what(*args)

    def _read(self, channel, event):
        if isinstance(event, ev.OfferEnded) and self._ours.pop(event.offer, None) is None:
            return
        if isinstance(event, LAST_WORDS):
            self._told_of[channel] = self.now
        self.told_answered.update({event.offer} if isinstance(event, (ev.OfferAnswered, ev.Connected)) else ())
        self.tell(event)
        if isinstance(event, ev.CallArrived) and event.medium in OURS and event.call in self.switch.callers:
            self.messages.add(event.call)

    def attend(self, leg):
        """An agent asks for the message of his leg: the desk's flow. Says whether he has it, or who is to blame."""
        if self._link <= 0 or not self.state.fresh:
            return "nobody"
        others = (other for other in self.switch.legs.values() if other.call == leg.call and other is not leg)
        if self._ours.get(leg.offer, True) or any(other.joined_at for other in others):
            return "too late"
        self.tell(ev.Connected(offer=leg.offer))
        offer = self.state.offers.get(leg.offer)
        return "his" if offer is not None and offer.in_talk and offer.call is not None else "too late"

    def withdrawn_by_adapter(self, offer):
        """Whether the adapter hangs a leg up as soon as it is born."""
        return self._ours.get(offer, True)

    # What the core wants

    def _carry_out(self, command):
        match command:
            case cmd.Offer():
                self._offer(command)
            case cmd.Withdraw():
                self._ours.update({command.offer: True} if command.offer in self._ours else {})
                self._act_on(command, self.switch.take_back, command, self.now)
            case cmd.SendAway():
                self._act_on(command, self.switch.go_elsewhere, command.call)
            case cmd.Suspend() | cmd.Resume():
                self.switch.set_aside(command.offer, aside=isinstance(command, cmd.Suspend))
            case cmd.Reach():
                self._act(self.switch.calls_out.reach, command)
            case cmd.GiveUp():
                self._act(self.switch.calls_out.give_up, command)
            case cmd.Dial():
                self.switch.calls_out.dial(command)
            case cmd.UsePhone():
                self.hear(command.seat, self.switch.use_phone(command), sure=True)
            case cmd.TakeSnapshot():
                self._take_snapshot()

    def _act_on(self, command, what, *args):
        """Tell the telephone switch through the link, an executor of this house at once."""
        leg, caller = self.switch.legs.get(getattr(command, "offer", "")), self.switch.callers.get(command.call)
        if (leg is not None and leg.virtual) or (caller is not None and self.switch.is_virtual(caller)):
            self._in_order(f"to {command.call}", what, *args)
        elif self._link > 0:
            self._act(what, *args)

    def _offer(self, command):
        if self._link <= 0:
            self.fault(f"{command.offer} was made with the switch out of sight")
        self._ours[command.offer] = False
        caller = self.switch.callers.get(command.call)
        if caller is not None and self.switch.is_virtual(caller):
            self.switch.originate(command)
        else:
            self._act(self.switch.originate, command)

    def _take_snapshot(self):
        """Look; who wants to while an answer is under way gets one more after it."""
        if self._link > 0:
            if not self._looking:
                self._looking = True
                self._act(self._list_all, self.now)
            else:
                self._look_again = True

    def _list_all(self, asked):
        self.plan(
            self.some(1, 60),
            self._if_linked,
            self._link,
            self._read_lists,
            asked,
            self.switch.run,
            self.switch.lists(),
        )

    def _read_lists(self, asked, run, lists):
        self._told_lists(asked, run, lists)
        again, self._looking, self._look_again = self._look_again, False, False
        if again:
            self._take_snapshot()

    def _told_lists(self, asked, run, lists):
        """What events said since it was asked for counts more; and a leg that is not born yet is not missing."""
        calls, legs, handsets, (lines, troubles), (outgoing, answered) = lists
        stale = {name for name, at in self._told_of.items() if at >= asked}
        calls = [call for call in calls if call.call not in stale or call.call in self.switch.callers]
        listed = {leg.offer for leg in legs}
        young = [
            ev.LiveLeg(offer=offer, call=leg.call, seat=leg.seat, joined=False)
            for offer in self._ours
            if offer not in listed
            and (leg := self.switch.legs.get(offer)) is not None
            and (not leg.born_at or leg.born_at >= asked)
        ]
        legs = [leg for leg in legs if leg.offer not in stale] + young
        for leg in legs:
            self._ours.setdefault(leg.offer, False)
        self.told_answered.update(leg.offer for leg in legs if leg.joined)
        snapshot = ev.Snapshot(
            asked=asked,
            calls=tuple(calls),
            legs=tuple(legs),
            handsets=tuple(handsets),
            lines=lines,
            troubles=troubles,
            outgoing=outgoing,
            answered=answered,
            switch_run=f"switch {run}",
        )
        self.tell(snapshot)
