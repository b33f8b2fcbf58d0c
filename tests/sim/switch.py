"""The switch, the phones behind it, and the executors of the virtual media, as far as the core can tell.

Written from what Asterisk does, not from what the core expects:

* An offer puts itself on the caller's token, then its leg is born in a thread of its own, some time later. An offer
  that is not shared replaces what stood on the token; shared ones stand there side by side.
* The dialplan of an answered leg claims the caller in one step: if the token names its offer, it names no other from
  then on, and none is put there any more.
* A Bridge takes the caller from wherever he is (a theft if he already talks: `faults` tells).
* A withdrawal takes the offer from the token, hangs the leg up, and can come too late or never.
* A caller whose talk ends without the token naming it was cut off by us, and waits again.
* An agent may give his caller away: the caller waits elsewhere since he first came, and the agent's leg ends.
* A virtual contact's executor has no such races: an acceptance joins at once. It can set a contact aside and go on.
* A message is the server's: here are only the legs of its agents. An answered one asks the server whether it is
  still its own, again and again while there is none, and anew when the server is new.
* A snapshot is what all of these held when it was asked, and is read later.
"""

from acd.core import events as ev
from tests.sim.calls_out import CallsOut
from tests.sim.parties import Leg
from tests.sim.site import OURS, VIRTUAL

ANY_RACE_MS = 1_000
"""Two who talk longer than this are not joined by a race that is still going on."""


class Switch:
    """All that exists outside the server."""

    def __init__(self, world):
        self.world = world
        self.chance = world.chance
        self.callers, self.legs = {}, {}
        self.calls_out = CallsOut(world)
        self.unreachable, self.engaged = set(), set()
        """Phones; a seat's own has its name."""
        self.phones = {}
        """Seat -> the phone at which its offers ring, where the adapter was told that it is another than its own."""
        self.lines_taken = set()
        self.troubles = {}
        """Line -> what is wrong with it."""
        """Lines that carry a call of somebody else's."""
        self.run = 1
        self.talk_ms = (500, world.chance.choice([4_000, 20_000]))

    @staticmethod
    def is_virtual(caller):
        """Whether an executor of its own holds him."""
        return caller.medium in VIRTUAL

    def phone(self, seat):
        """The phone at which a seat is rung."""
        return self.phones.get(seat, seat)

    def handset(self, seat):
        """How that stands."""
        phone = self.phone(seat)
        return {"seat": seat, "reachable": phone not in self.unreachable, "busy": phone in self.engaged}

    def use_phone(self, command):
        """Ring a seat at another phone from now on."""
        self.phones[command.seat] = command.phone
        return ev.HandsetChanged(**self.handset(command.seat))

    # Callers

    def arrive(self, caller):
        """Somebody comes and waits."""
        self.callers[caller.name] = caller
        self._word(caller, caller.arrival())

    def give_up(self, name):
        """A caller hangs up, whatever he does at the moment, unless he talks."""
        if name in self.callers and self.callers[name].place == "hold":
            self.leave(name, self.chance.choice(["hung-up", "key-exit"]))

    def leave(self, name, reason="hung-up"):
        """He is gone."""
        caller = self.callers.pop(name, None)
        if caller is None:
            return
        reason = "done" if caller.medium in OURS else reason
        self._word(caller, ev.CallEnded(call=name, reason=reason))
        leg = self.legs.get(caller.joined_by)
        if leg is not None and caller.place == "talk":
            self._plan((1, 10), self.end_leg, leg, "hung-up")

    def go_elsewhere(self, name):
        """He is led out of the queue: to a voicemail box, a menu, and now and then back into a queue."""
        caller = self.callers.get(name)
        if caller is None or caller.place != "hold":
            return
        caller.place = "away"
        caller.token.clear()
        self._plan((20, 4_000), self._back_or_gone, caller)

    def _back_or_gone(self, caller):
        if caller.name not in self.callers or caller.place not in {"away", "after"}:
            return
        if self.world.rough and self.world.often(0.2):
            caller.place, caller.queue, caller.arrived = "hold", self.world.some_queue(), self.world.now
            caller.joined_by, caller.claimed = "", False
            self._word(caller, caller.arrival())
        else:
            self.leave(caller.name)

    # Legs

    def originate(self, command):
        """Ring a seat for a caller."""
        caller = self.callers.get(command.call)
        leg = Leg(command.offer, command.call, command.seat, command.ring_ms, command.line, command.shared)
        if caller is not None:
            if not command.shared:
                caller.token = {command.offer}
            elif not caller.claimed:  # nobody joins the race when it is over
                caller.token = caller.token | {command.offer}
            leg.virtual, leg.ours = caller.medium in VIRTUAL, caller.medium in OURS
        self.legs[command.offer] = leg
        self._plan((1, 40), self._born, leg)

    def is_born(self, offer):
        """Whether its leg exists."""
        return offer in self.legs and self.legs[offer].born_at > 0

    def _born(self, leg):
        if leg.offer not in self.legs:
            return
        leg.born_at = self.world.now
        if leg.line:
            self.world.hear(leg.line, self.line_word(leg.line))
        if not leg.virtual and self.world.withdrawn_by_adapter(leg.offer):  # by now, or of an earlier life
            self._plan((1, 30), self.end_leg, leg, "withdrawn")
        way = self._way(leg)
        if way == "answer":
            self._leg_word(leg, ev.OfferRinging(offer=leg.offer))
            self._plan((50, 4_000), self._pick_up, leg)
            self.world.plan(leg.ring_ms, self._rang_out, leg)
        else:
            self.world.plan(leg.ring_ms if way == "no-answer" else self.world.some(5, 200), self.end_leg, leg, way)

    def _way(self, leg):
        if not leg.virtual:
            phone = self.phone(leg.seat)
            others = [other for other in self.legs.values() if other.seat == leg.seat and not other.virtual]
            if phone in self.unreachable:
                return "unreachable"
            if phone in self.engaged or (len(others) > 1 and not self.world.may_hold_two):
                return "busy"
        if not self.world.rough:
            return "answer"
        return self.chance.choice(["answer"] * 9 + ["refused", "busy", "unreachable", "no-answer", "failed"])

    def _rang_out(self, leg):
        if not leg.answered:
            self.end_leg(leg, "no-answer")

    def _pick_up(self, leg):
        if leg.offer not in self.legs:
            return
        caller = self.callers.get(leg.call)
        if leg.virtual:
            if caller is None or leg.offer not in caller.token or caller.place != "hold":
                self.end_leg(leg, "failed")
                return
            leg.answered, caller.token, caller.claimed = True, {leg.offer}, True
            self._leg_word(leg, ev.OfferAnswered(offer=leg.offer))
            self._join(leg, caller)
            return
        leg.answered = True
        self._leg_word(leg, ev.OfferAnswered(offer=leg.offer))
        self._plan((1, 20), self._attend if leg.ours else self._claim, leg)

    def _attend(self, leg):
        """Acd-desk: ask the server for the message."""
        if leg.offer not in self.legs:
            return
        answer = self.world.attend(leg)
        if answer == "nobody":
            self._plan((500, 1_500), self._attend, leg)
        elif answer == "too late":
            self._plan((500, 3_000), self.end_leg, leg, "hung-up")
        else:
            leg.joined_at = leg.joined_at or self.world.now
            leg.visits += 1
            self._plan(self.talk_ms, self._decide, leg, leg.visits)

    def new_server(self):
        """Who was with the old one is left alone, and asks for the new one."""
        for leg in self.legs.values():
            if leg.ours and leg.joined_at:
                leg.visits += 1
                self._plan((10, 1_000), self._attend, leg)

    def _decide(self, leg, visit):
        """The agent has heard the message."""
        if leg.offer not in self.legs or visit != leg.visits:
            return
        if leg.aside:
            self._plan((500, 5_000), self._decide, leg, visit)
            return
        offer = {"seat": leg.seat, "offer": leg.offer}
        if not self.world.rough or self.world.often(0.6):
            self.world.messages.discard(leg.call)
            self.world.tell(ev.CloseAsked(**offer))
            if leg.call in self.world.state.calls:
                self.world.messages.add(leg.call)
            else:
                self.callers.pop(leg.call, None)
        elif self.world.often(0.4):
            self.world.tell(ev.DeferAsked(**offer, for_ms=self.chance.choice([100, 5_000, 60_000, -5])))
        self.end_leg(leg, "hung-up")

    def _claim(self, leg):
        if leg.offer not in self.legs:
            return
        caller = self.callers.get(leg.call)
        if caller is None or leg.offer not in caller.token:
            self._plan((500, 3_000), self.end_leg, leg, "hung-up")  # hears "already answered"
            return
        caller.token, caller.claimed = {leg.offer}, True
        self._plan((0, 5), self._bridge, leg, caller)

    def _bridge(self, leg, caller):
        if leg.offer not in self.legs:
            return
        if caller.name not in self.callers:
            self.end_leg(leg, "hung-up")
            return
        if caller.place == "talk":
            self.world.fault(f"{leg.offer} took {caller.name}, who talks on {caller.joined_by}")
        self._join(leg, caller)

    def _join(self, leg, caller):
        caller.place, caller.joined_by, leg.joined_at = "talk", leg.offer, self.world.now
        self._leg_word(leg, ev.Connected(offer=leg.offer))
        self._plan(self.talk_ms, self._finish, leg, caller)

    def _finish(self, leg, caller):
        if leg.offer not in self.legs:
            return
        if leg.aside:
            self._plan((500, 5_000), self._finish, leg, caller)
            return
        caller.served += 1
        if not leg.virtual and self.world.rough and self.world.often(0.1):
            self._give_away(leg, caller)
        elif self.world.often(0.5):
            self.leave(caller.name)
        else:
            self.end_leg(leg, "hung-up")

    def _give_away(self, leg, caller):
        """His agent gives him to a queue, or to somebody who may not take him: then he is back where he was."""
        others = [other for other in self.legs.values() if other.joined_at and not (other.virtual or other.ours)]
        others = [other for other in others if other is not leg]  # nobody asks a message, or a customer to be called
        if others and self.world.often(0.3):
            self._take_over(leg, caller, self.chance.choice(others))
            return
        caller.place, caller.joined_by = "given", ""
        self._word(caller, ev.CallTransferred(call=caller.name, seat=leg.seat, to="301"))
        self._plan((0, 10), self.end_leg, leg, "hung-up")
        if self.world.often(0.7):
            caller.queue = self.world.some_queue()
        self._plan((0, 3_000), self._given, caller)

    def _take_over(self, leg, caller, other):
        """He asked somebody first, by a call of his own to a queue; his caller comes into that talk in his place."""
        own, other.call = other.call, caller.name
        caller.joined_by, caller.token = other.offer, {other.offer}
        self._word(caller, ev.CallTransferred(call=caller.name, seat=leg.seat, to=other.seat, takes=own))
        self._plan((0, 10), self.end_leg, leg, "hung-up")
        self._plan((0, 10), self.leave, own)
        self._plan(self.talk_ms, self._finish, other, caller)

    def _given(self, caller):
        if caller.name in self.callers and caller.place == "given":
            caller.place, caller.claimed = "hold", False
            self._word(caller, caller.arrival(since=caller.arrived))

    def end_leg(self, leg, outcome):
        """The leg is gone."""
        if self.legs.pop(leg.offer, None) is None:
            return
        self._leg_word(leg, ev.OfferEnded(offer=leg.offer, outcome="hung-up" if leg.answered else outcome))
        if leg.line:
            self.world.hear(leg.line, self.line_word(leg.line))
        caller = self.callers.get(leg.call)
        if caller is not None and not leg.joined_at and caller.place == "hold" and caller.token == {leg.offer}:
            caller.claimed = False
        if caller is not None and leg.joined_at and caller.joined_by == leg.offer and caller.place == "talk":
            caller.place = "after"
            self._plan((0, 5), self._after, caller)

    def _after(self, caller):
        """Acd-after: cut off by us, so he waits again; or goodbye."""
        if caller.name not in self.callers or caller.place != "after":
            return
        if caller.joined_by not in caller.token:
            caller.place, caller.claimed = "hold", False
            self._word(caller, caller.arrival(since=caller.arrived))
            return
        if not caller.served:
            self.world.fault(f"{caller.name} was cut off and did not wait again")
        self._plan((100, 5_000), self._back_or_gone, caller)

    def take_back(self, command, told_at):
        """Withdraw an offer. It is judged by when it was told: on its way it may have slept with the machine."""
        leg = self.legs.get(command.offer)
        for name in {command.call, leg.call if leg is not None else ""} & self.callers.keys():
            self.callers[name].token.discard(command.offer)
        caller = self.callers.get(leg.call) if leg is not None else None
        talks = caller is not None and leg.joined_at and caller.place != "given"  # who was given away left the leg
        # That somebody took the place of who was rung for, in a talk of which no word ever came, nobody could know.
        is_news = leg is not None and command.call != leg.call and leg.offer not in self.world.told_answered
        if talks and not is_news and told_at - leg.joined_at > ANY_RACE_MS:
            self.world.fault(f"{leg.offer} was taken back {told_at - leg.joined_at} ms into the talk")
        if leg is not None and leg.born_at:
            self._plan((1, 10), self.end_leg, leg, "withdrawn")
        elif leg is not None and leg.virtual:
            self.end_leg(leg, "withdrawn")

    def set_aside(self, offer, *, aside):
        """Suspend or resume a contact."""
        leg = self.legs.get(offer)
        if leg is not None:
            if leg.aside == aside and not self.world.commands_lost:
                self.world.fault(f"{offer} was told twice to be aside: {aside}")
            leg.aside = aside

    def die(self):
        """The process dies, and everybody who is on the telephone is cut off. Contacts in writing live elsewhere."""
        self.run += 1
        self.calls_out.die()
        for leg in [leg for leg in self.legs.values() if not leg.virtual]:
            del self.legs[leg.offer]
        gone = [caller for caller in self.callers.values() if caller.medium not in VIRTUAL | OURS]
        for caller in gone:
            del self.callers[caller.name]
        return gone

    # Words

    def _plan(self, span, what, *args):
        self.world.plan(self.world.some(*span), what, *args)

    def _word(self, caller, event):
        self.world.hear(caller.name, event, sure=caller.medium in VIRTUAL | OURS)

    def line_word(self, line):
        """What is said of a line."""
        return ev.LineChanged(line=line, in_use=line in self._carried(), trouble=self.troubles.get(line))

    def _carried(self):
        return {leg.line for leg in self.legs.values() if leg.line and leg.born_at} | self.lines_taken

    def _leg_word(self, leg, event):
        self.world.hear(leg.offer, event, sure=leg.virtual)

    def lists(self):
        """Write down all there is now."""
        calls = [caller.held() for caller in self.callers.values() if caller.medium not in OURS]
        legs = [
            ev.LiveLeg(offer=leg.offer, call=leg.call, seat=leg.seat, joined=leg.joined_at > 0 and not leg.ours)
            for leg in self.legs.values()
            if leg.born_at
        ]
        handsets = [ev.HandsetState(**self.handset(seat)) for seat in self.world.site.seat_names]
        carried = self._carried()
        lines = {line.name: line.name in carried for group in self.world.site.groups for line in group.lines}
        return calls, legs, handsets, (lines, dict(self.troubles)), self.calls_out.lists()
