"""A model of the world around the distributor: callers, agents, a switch, a link that fails, a server that is killed.

Time is a number, chance is a seed, and nothing waits, so a day of trouble takes a second and can be repeated exactly.
The model is written from what Asterisk does, not from what the core expects:

* Actions reach the switch in order, some milliseconds after they were sent, or never if the link breaks first.
* An offer sets the token on the caller's channel, then its leg is born in a thread of its own, some time later.
* The dialplan of an answered leg bridges only while the token names its offer; a Bridge takes the caller from wherever
  he is (this would be a theft if he already talks: `faults` tells).
* Events keep their order for each channel, not between channels. In bad weather some come twice, some never.
* A snapshot is what the switch held when it answered, and reaches us later. What events said meanwhile counts more.
"""

import heapq
import random
from collections import Counter

import msgspec

from acd.core import Core, invariants
from acd.core import commands as cmd
from acd.core import events as ev
from acd.dispatcher import Dispatcher

START = 1_800_000_000_000
ANY_RACE_MS = 1_000
"""Two who talk longer than this are not joined by a race that is still going on."""


class Caller(msgspec.Struct):
    """One who calls, until he hangs up."""

    name: str
    queue: str
    arrived: int
    place: str = "hold"
    token: str = ""
    joined_by: str = ""
    served: int = 0


class Leg(msgspec.Struct):
    """A seat's leg. It is unborn while the switch's thread is still at it."""

    offer: str
    call: str
    seat: str
    ring_ms: int
    born_at: int = 0
    answered: bool = False
    joined_at: int = 0


class Tape(list):
    """A journal in memory. `cut` makes the server die right after the entry was written."""

    cut = False
    failed = None

    def append(self, event, commands):
        super().append(event)
        if self.cut:
            self.cut = False
            raise Killed
        return len(self)

    def commit(self):
        return len(self)

    def flush(self, *_):
        pass

    tend = flush


class Killed(Exception):  # noqa: N818 - an end, no error
    """The server was killed between the journal and the commands."""


class World:
    """Everything outside the core, and the dispatcher that the core runs in."""

    def __init__(self, seed, rules):
        self.chance = random.Random(seed)
        self.rules = rules
        self.now = START
        self.rough = True
        self.faults = []
        self.callers, self.legs = {}, {}
        self.rings = []
        self.tape = Tape()
        self._plans, self._planned = [], 0
        self._last_word = Counter()
        self._link = 0
        """Number of the link that stands; negative while none does."""
        self._runs = 0
        self._ours = {}
        """What the adapter knows: offer -> whether it was withdrawn. It forgets at a restart."""
        self._told_of = {}
        """Channel -> when an event last said that it began or ended."""
        self._look_wanted = False
        self._start()

    # Time

    def plan(self, after_ms, what, *args):
        """Do something later."""
        self._planned += 1
        heapq.heappush(self._plans, (self.now + after_ms, self._planned, what, args))

    def live(self, ms):
        """Let time pass."""
        end = self.now + ms
        while self._plans or self.dispatcher.core.next_deadline() is not None:
            due = self.dispatcher.core.next_deadline()
            at = self._plans[0][0] if self._plans else end + 1
            if min(at, end + 1 if due is None else due) > end:
                break
            if due is not None and due < at:
                self.now = max(self.now, due)
                self.tell(ev.DeadlineReached())
            else:
                at, _, what, args = heapq.heappop(self._plans)
                self.now = at
                what(*args)
        self.now = end

    def some(self, least, most):
        """Give a number by chance."""
        return self.chance.randint(least, most)

    def often(self, share):
        """Say whether something happens that happens this often."""
        return self.chance.random() < share

    # The server

    def tell(self, event):
        """Give an event to the dispatcher, as the adapter does; the server may die of it."""
        try:
            self.dispatcher.submit(event)
        except Killed:
            self._die()

    def _start(self):
        core = Core()
        for event in self.tape:
            core.decide(event)
        self._runs += 1
        self._ours, self._told_of = {}, {}
        self.dispatcher = Dispatcher(core, self.tape, self, clock=lambda: self.now)
        self.dispatcher.watchers.append(self._watch)
        self.tell(ev.Started(run=f"r{self._runs}"))
        self.tell(self.rules)
        self._connect()

    def _die(self):
        self._link = -abs(self._link) - 1
        self.dispatcher.close()
        self.dispatcher._inbox.clear()
        self.now += self.some(200, 6_000)
        self._start()

    def kill(self):
        """Let the server die at its next event."""
        self.tape.cut = True

    def _watch(self, event, commands):
        state = self.dispatcher.core.state
        if not isinstance(event, ev.Started | ev.SwitchLost):  # what is overdue comes right after them
            self.faults += [f"{event}: {fault}" for fault in invariants.broken(state)]
        for command in commands:
            if isinstance(command, cmd.Offer):
                self.rings.append((self.now, command.seat))
                self._judge_order(state, command)

    def _judge_order(self, state, offer):
        """Nobody whom this seat could have served stood before the one that it was given."""
        given, seat = state.calls.get(offer.call), state.seats[offer.seat]
        for call in state.calls.values():
            before = given and (call.rank, call.due, call.number) < (given.rank, given.due, given.number)
            if before and call.state == "waiting" and call.queue in seat.rule.queues and seat.name not in call.barred:
                self.faults.append(f"{given.id} was served before {call.id}")

    # The link

    def cut_link(self):
        """Break it; it comes back after a while."""
        if self._link > 0:
            self._link = -self._link
            self._ours = {offer: mark for offer, mark in self._ours.items() if self._is_born(offer)}
            self.tell(ev.SwitchLost())
            self.plan(self.some(300, 40_000), self._connect)

    def _connect(self):
        if self._link <= 0:
            self._link = -self._link + 1
            self._look_wanted = False
            self.take_snapshot()

    def _act(self, what, *args):
        """Send an action: in order, and lost with the link."""
        self._in_order("actions", self._if_linked, self._link, what, *args)

    def _word(self, channel, event):
        """Let an event of a channel come: in its channel's order, in bad weather sometimes twice or never."""
        times = 1
        if self.rough:
            times = 0 if self.often(0.01) else 2 if self.often(0.02) else 1
        for _ in range(times):
            self._in_order(channel, self._if_linked, self._link, self._hear, channel, event)

    def _in_order(self, stream, what, *args):
        at = max(self.now + self.some(1, 30 if self.rough else 3), self._last_word[stream])
        self._last_word[stream] = at
        self.plan(at - self.now, what, *args)

    def _if_linked(self, link, what, *args):
        if link == self._link and link > 0:
            what(*args)

    def _hear(self, channel, event):
        if isinstance(event, ev.OfferEnded) and self._ours.pop(event.offer, None) is None:
            return
        if isinstance(event, ev.CallArrived | ev.CallEnded | ev.OfferEnded):
            self._told_of[channel] = self.now
        self.tell(event)

    # What the dispatcher wants of a switch (see acd/ports)

    def offer(self, command):
        if self._link <= 0:
            self.faults.append(f"{command.offer} was made with the switch out of sight")
            self.dispatcher.submit(ev.OfferEnded(offer=command.offer, outcome="failed"))
            return
        self._ours[command.offer] = False
        self._act(self._originate, command)

    def withdraw(self, command):
        if self._link > 0:
            if command.offer in self._ours:
                self._ours[command.offer] = True
            self._act(self._take_back, command)

    def send_away(self, command):
        self._act(self._leave, command.call)

    def show_seat(self, seat, look):
        pass

    def take_snapshot(self):
        if self._link > 0 and not self._look_wanted:
            self._look_wanted = True
            self._act(self._list_all, self.now)
            self.plan(50, self._may_look)

    def _may_look(self):
        self._look_wanted = False

    # The switch

    def _is_born(self, offer):
        return offer in self.legs and self.legs[offer].born_at > 0

    def _originate(self, command):
        if command.call in self.callers:
            self.callers[command.call].token = command.offer
        leg = self.legs[command.offer] = Leg(command.offer, command.call, command.seat, command.ring_ms)
        self.plan(self.some(1, 40), self._born, leg)

    def _born(self, leg):
        leg.born_at = self.now
        if self._ours.get(leg.offer, True):  # withdrawn, or of an earlier life: the adapter hangs it up
            self.plan(self.some(1, 30), self._end_leg, leg, "withdrawn")
        if any(other is not leg and other.seat == leg.seat for other in self.legs.values()):
            self._end_leg(leg, "busy")
            return
        way = self.chance.choice(["answer"] * 8 + ["refused", "busy", "unreachable", "no-answer", "failed"])
        if not self.rough or way == "answer":
            self._word(leg.offer, ev.OfferRinging(offer=leg.offer))
            self.plan(self.some(50, 4_000), self._pick_up, leg)
        else:
            self.plan(leg.ring_ms if way == "no-answer" else self.some(5, 200), self._end_leg, leg, way)

    def _pick_up(self, leg):
        if leg.offer not in self.legs:
            return
        leg.answered = True
        self._word(leg.offer, ev.OfferAnswered(offer=leg.offer))
        self.plan(self.some(1, 20), self._check_token, leg)

    def _check_token(self, leg):
        if leg.offer not in self.legs:
            return
        caller = self.callers.get(leg.call)
        if caller is None or caller.token != leg.offer:
            self.plan(self.some(500, 3_000), self._end_leg, leg, "hung-up")  # hears "already answered"
            return
        self.plan(self.some(0, 5), self._bridge, leg, caller)

    def _bridge(self, leg, caller):
        if leg.offer not in self.legs:
            return
        if caller.name not in self.callers:
            self._end_leg(leg, "hung-up")
            return
        if caller.place == "talk":
            self.faults.append(f"{leg.offer} took {caller.name}, who talks on {caller.joined_by}")
        caller.place, caller.joined_by, leg.joined_at = "talk", leg.offer, self.now
        self._word(leg.offer, ev.Connected(offer=leg.offer))
        self.plan(self.some(500, 20_000), self._finish, leg, caller)

    def _finish(self, leg, caller):
        if leg.offer in self.legs:
            caller.served += 1
            if self.often(0.5):
                self._leave(caller.name)
            else:
                self._end_leg(leg, "hung-up")

    def _end_leg(self, leg, outcome):
        if self.legs.pop(leg.offer, None) is None:
            return
        self._word(leg.offer, ev.OfferEnded(offer=leg.offer, outcome="hung-up" if leg.answered else outcome))
        caller = self.callers.get(leg.call)
        if caller is not None and leg.joined_at and caller.joined_by == leg.offer and caller.place == "talk":
            caller.place = "after"
            self.plan(self.some(0, 5), self._after, caller)

    def _after(self, caller):
        """Acd-after: cut off by us, so he waits again; or goodbye."""
        if caller.name not in self.callers or caller.place != "after":
            return
        if caller.token != caller.joined_by:
            caller.place = "hold"
            arrived = ev.CallArrived(call=caller.name, queue=caller.queue, since=caller.arrived)
            self._word(caller.name, arrived)
        else:
            if not caller.served:
                self.faults.append(f"{caller.name} was cut off and did not wait again")
            self.plan(self.some(100, 5_000), self._leave, caller.name)

    def _take_back(self, command):
        if command.call in self.callers:
            self.callers[command.call].token = ""
        leg = self.legs.get(command.offer)
        talks = leg is not None and leg.joined_at and leg.call in self.callers
        if talks and self.now - leg.joined_at > ANY_RACE_MS:
            self.faults.append(f"{leg.offer} was taken back {self.now - leg.joined_at} ms into the talk")
        if leg is not None and leg.born_at:
            self.plan(self.some(1, 10), self._end_leg, leg, "withdrawn")

    def _leave(self, name):
        caller = self.callers.pop(name, None)
        if caller is None:
            return
        self._word(name, ev.CallEnded(call=name))
        leg = self.legs.get(caller.joined_by)
        if leg is not None and caller.place == "talk":
            self.plan(self.some(1, 10), self._end_leg, leg, "hung-up")

    def arrive(self, name, queue):
        """A caller comes and waits."""
        self.callers[name] = Caller(name, queue, self.now)
        self._word(name, ev.CallArrived(call=name, queue=queue))

    def give_up(self, name):
        """A caller hangs up, whatever he does at the moment, unless he talks."""
        if name in self.callers and self.callers[name].place == "hold":
            self._leave(name)

    def _list_all(self, asked):
        """Write the lists: what there is now, to be read later."""
        calls = [
            ev.HeldCall(call=caller.name, queue=caller.queue, since=caller.arrived, waiting=caller.place == "hold")
            for caller in self.callers.values()
        ]
        legs = [
            ev.LiveLeg(offer=leg.offer, call=leg.call, seat=leg.seat, joined=leg.joined_at > 0)
            for leg in self.legs.values()
            if leg.born_at
        ]
        self.plan(self.some(1, 60), self._if_linked, self._link, self._read_lists, asked, calls, legs)

    def _read_lists(self, asked, calls, legs):
        stale = {name for name, at in self._told_of.items() if at >= asked}
        calls = [call for call in calls if call.call not in stale or call.call in self.callers]
        listed = {leg.offer for leg in legs}
        young = [
            ev.LiveLeg(offer=offer, call=leg.call, seat=leg.seat, joined=False)
            for offer in self._ours
            if offer not in listed
            and (leg := self.legs.get(offer)) is not None
            and (not leg.born_at or leg.born_at >= asked)
        ]
        legs = [leg for leg in legs if leg.offer not in stale] + young
        for leg in legs:
            self._ours.setdefault(leg.offer, False)
        handsets = [ev.HandsetState(seat=seat.name, reachable=True, busy=False) for seat in self.rules.seats]
        self.tell(ev.Snapshot(asked=asked, calls=tuple(calls), legs=tuple(legs), handsets=tuple(handsets)))
