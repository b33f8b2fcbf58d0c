"""One day: a fault phase in which everything goes wrong that can, then calm, in which every queue must drain.

`run(seed, events)` lives through it and raises `Violation`, or whatever the core raised, for the first thing that is
wrong. The same seed and number of events make the same day.
"""

from typing import get_args

from acd.core import events as ev
from acd.core.line import Trouble, TroubleKind
from tests.sim import oracle
from tests.sim.checks import EVERY
from tests.sim.parties import Caller
from tests.sim.world import World

CROWDS = (2, 4, 8, 8, 25)
"""So many callers at most: races are found sooner among few, and limits among many."""
REPLAYED = 0.1
"""Share of the days that are lived through a second time, from the tape; restarts replay parts of all."""
CALM_MOST_MS = 2_400_000
FOR_EVER_MS = 10**9
HOSTILE = (-1, -(2**40), 2**60)
TROUBLES = get_args(TroubleKind)
WISHES = (
    *[(ev.LogInAsked, {"pin_matches": True})] * 4,
    *[(ev.ReadyAsked, {})] * 4,
    *[(ev.PauseAsked, {"reason": "lunch"})] * 2,
    (ev.LogInAsked, {"pin_matches": False}),
    (ev.LogOutAsked, {}),
    (ev.WrapUpEndAsked, {}),
    (ev.WrapUpExtendAsked, {}),
    (ev.CodeAsked, {"code": "sold"}),
    *[(ev.PullAsked, {})] * 2,
)
"""What agents ask for, each as often as it stands here."""


class Day:
    """What people and fate do to a world."""

    def __init__(self, world):
        self.world = world
        self.site, self.switch = world.site, world.switch
        self.pick = world.site.pick
        self.callers, self.asked = 0, 0
        self.callers_most = self.pick(*CROWDS)
        self.gap_ms = self.pick(300, 1_500, 5_000)
        self.patience_ms = self.pick((500, 20_000), (5_000, 200_000))
        self.media = self._media_mix()
        self.fates = self._fates()
        self.fate_ms = self.pick(500, 3_000, 10_000)
        self.numbers = [f"555{number}" for number in range(self.pick(3, 40))]

    def _media_mix(self):
        if self.world.often(0.5):
            return ["voice"]
        return (
            ["voice"] * 4
            + ["chat"] * self.pick(1, 4)
            + ["email"] * self.pick(0, 2)
            + ["voicemail"] * self.pick(1, 3)
            + ["callback"] * self.pick(1, 3)
            + ["fax", "carrier-pigeon"]
        )

    def _fates(self):
        """Some days have one trouble only, so that it can be seen clearly."""
        everything = [
            *[self.agent_acts] * 12,
            *[self.picks_up] * 3,
            *[self.handset_flaps] * 3,
            *[self.desk_opens] * 2,
            *[self.queue_set] * 2,
            *[self.call_set] * 4,
            *[self.config_changes] * 3,
            *[self.line_taken] * 2,
            *[self.calls_out] * 3,
            self.line_breaks,
            *[self.lines_set] * 2,
            self.world.cut_link,
            self.world.kill,
            self.world.kill_switch,
            *[self.world.lag] * 2,
            *[self.world.store] * 2,
            self.time_jumps,
            self.wrong_words,
        ]
        if self.world.often(0.5):
            return everything
        return [*[self.agent_acts] * 4, *self.world.chance.sample(everything, self.world.some(1, 6))]

    def live(self, events):
        """Live through it."""
        world = self.world
        self.all_work()
        self._next_caller()
        self._next_fate()
        world.live(FOR_EVER_MS, events=events * 4 // 5)
        self.calm()
        if world.often(REPLAYED):
            world.replay()

    # Callers

    def _next_caller(self):
        if not self.world.rough:
            return
        crowded = len(self.switch.callers) >= self.callers_most
        gap_ms = self.gap_ms * (8 if crowded else 1)
        self.world.plan(int(self.world.chance.expovariate(1 / gap_ms)) + 1, self._next_caller)
        if not crowded:
            self._arrive()

    def _arrive(self):
        world, often = self.world, self.world.often
        self.callers += 1
        name = f"c{self.callers}"
        self.switch.arrive(
            Caller(
                name=name,
                queue=world.some_queue(),
                number=self.pick("", *self.numbers),
                can_be_called=often(0.7),
                medium=self.pick(*self.media),
                arrived=world.now,
                priority=self.pick(None, None, None, 0, 3, 10, *HOSTILE[:1]) if often(0.5) else None,
                needs=self.site.needs(0.25),
                head_start_ms=self.pick(0, 5_000, 60_000, *HOSTILE) if often(0.1) else 0,
                seat=self.pick(*self.site.seat_names, "999") if often(0.15) else "",
            )
        )
        if often(0.4):
            world.plan(world.some(*self.patience_ms), self.switch.give_up, name)

    # Fate

    def _next_fate(self):
        if not self.world.rough:
            return
        self.world.plan(int(self.world.chance.expovariate(1 / self.fate_ms)) + 1, self._next_fate)
        self.pick(*self.fates)()

    def agent_acts(self):
        """An agent wishes for something, often one who rings or talks."""
        pick = self.pick
        at_work = [leg.seat for leg in self.switch.legs.values()] if self.world.often(0.4) else None
        seat = pick(*(at_work or self.site.seat_names), "999")
        wish, details = pick(*WISHES)
        if wish is ev.WrapUpExtendAsked:
            details = {"more_ms": pick(5_000, 60_000, *HOSTILE)}
        elif wish is ev.LogInAsked and self.world.often(0.4):
            details = {**details, "phone": pick(*self.site.seat_names, "lobby", "lobby", "999")}
        elif wish is ev.PullAsked and self.world.often(0.5):
            details = {"queue": self.world.some_queue()}
        self.world.tell(wish(seat=seat, **details))

    def picks_up(self, patience=9):
        """An agent takes what rings at another seat, as far as something does and he serves that queue; or he tries.

        He hears whether it does; that the core has not heard of the answer yet does not deceive him.
        """
        state, legs = self.world.state, self.switch.legs
        ringing = [offer for offer in state.offers.values() if offer.state == "ringing"]
        ringing = [offer for offer in ringing if offer.id not in legs or not legs[offer.id].joined_at]
        if not ringing and patience:
            self.world.plan(self.world.some(100, 2_000), self.picks_up, patience - 1)
            return
        seat, of = self.pick(*self.site.seat_names, "999"), self.pick(*self.site.seat_names, "999")
        if ringing and self.world.often(0.9):
            offer = self.pick(*ringing)
            able = [one.name for one in state.seats.values() if offer.queue in one.rule.queues and one.listens]
            seat, of = self.pick(*able) if able else seat, offer.seat
        self.world.tell(ev.PickUpAsked(seat=seat, of=of))

    def handset_flaps(self):
        """A phone is unplugged, plugged in, or used for a call of its own."""
        phone = self.pick(*self.site.seat_names, "lobby")
        book = self.pick(self.switch.unreachable, self.switch.engaged)
        (book.discard if phone in book else book.add)(phone)
        for seat in self.site.seat_names:
            if self.switch.phone(seat) == phone:
                self._handset_word(seat)

    def desk_opens(self):
        """A page is opened, or the last one closed."""
        self.world.tell(ev.DeskChanged(seat=self.pick(*self.site.seat_names, "lobby"), open=self.world.often(0.7)))

    def _handset_word(self, seat):
        self.world.hear(seat, ev.HandsetChanged(**self.switch.handset(seat)))

    def queue_set(self):
        """A queue is closed or opened by hand; or the hours change at which customers are called."""
        if self.world.often(0.2):
            quiet = [name for name in self.site.queue_names if self.world.often(0.3)]
            self.world.tell(ev.HoursChanged(quiet=tuple(quiet)))
            return
        queue = "" if self.world.often(0.1) else self.world.some_queue()
        self.world.tell(ev.QueueSet(queue=queue, closed=self.world.often(0.3)))

    def call_set(self):
        """A supervisor moves a call, or somebody plays with the console."""
        call = self.pick(*self.switch.callers, "nobody")
        details = self.pick(
            {"priority": self.pick(0, 1, 20, *HOSTILE)},
            {"queue": self.world.some_queue()},
            {"withdraw": self.site.target()},
            {"priority": 2, "queue": self.world.some_queue(), "withdraw": self.pick(None, "voicemail")},
        )
        self.world.tell(ev.CallSet(call=call, **details))

    def config_changes(self):
        """New files are put in force."""
        for event in self.site.change():
            self.world.tell(event)

    def line_taken(self):
        """Somebody else uses a line, or stops."""
        line = self._some_line()
        taken = self.switch.lines_taken
        (taken.discard if line in taken else taken.add)(line)
        self.world.hear(line, self.switch.line_word(line))

    def line_breaks(self):
        """The switch finds that a line cannot be used, or can; some of these words are about one for a second time."""
        line = self._some_line()
        if line in self.switch.troubles and self.world.often(0.7):
            del self.switch.troubles[line]
        else:
            self.switch.troubles[line] = Trouble(kind=self.pick(*TROUBLES), said=self.pick("", "Red Alarm"))
        self.world.hear(line, self.switch.line_word(line))

    def lines_set(self):
        """Somebody takes lines out of service, or puts them back; whether they exist or not, twice or not."""
        lines = tuple({self._some_line() for _ in range(self.pick(1, 1, 3))})
        out = self.world.often(0.5)
        self.world.tell(ev.LinesSet(lines=lines, out=out, why=self.pick("", "crackles") if out else ""))

    def _some_line(self):
        return self.pick(*(line.name for group in self.site.groups for line in group.lines), "l99")

    def calls_out(self):
        """An agent calls a number, or for help."""
        self.asked += 1
        emergency = self.world.often(0.1)
        self.world.tell(
            ev.CallOutAsked(
                seat=self.pick(*self.site.seat_names, "999", ""),
                channel=f"o{self.asked}",
                number=self.pick("+1", "+2", "+3"),
                emergency=emergency,
                barred=self.pick("", "", "", "premium"),
                rate=self.pick(0, 1, 10),
            )
        )

    def time_jumps(self):
        """The machine stood still."""
        self.world.now += self.world.some(1_000, self.pick(5_000, 600_000))

    def wrong_words(self):
        """Words about offers that are none, or that are over."""
        offer = f"offer-r1-{self.world.some(1, 50)}"
        if offer in self.world.state.offers:
            return
        word = self.pick(ev.OfferAnswered, ev.Connected, ev.OfferRinging)
        self.world.tell(word(offer=offer))
        self.world.tell(ev.OfferEnded(offer=offer, outcome="hung-up"))

    # Calm

    def all_work(self):
        """Every agent is there and takes calls."""
        for seat in self.site.seat_names:
            known = self.world.state.seats.get(seat)
            if not self.world.rough and known is not None and known.phone:
                self.world.tell(ev.LogOutAsked(seat=seat))  # everybody to his own phone: somebody else may sit there
            elif not self.world.rough or seat in self.site.seats:
                self.world.tell(ev.LogInAsked(seat=seat, pin_matches=True))
                self.world.tell(ev.ReadyAsked(seat=seat))

    def calm(self):
        """The weather is good, everybody works: whoever can be served is."""
        world = self.world
        world.rough = False
        self.switch.unreachable.clear()
        self.switch.engaged.clear()
        self.switch.lines_taken.clear()
        self.switch.troubles.clear()
        world.mend_link()
        world.tell(ev.LinesSet(lines=tuple(world.state.lines), out=False))
        for seat in self.site.seat_names:
            self._handset_word(seat)
        end = world.now + CALM_MOST_MS
        while world.now < end:
            self.all_work()
            world.live(20_000)
            left = self._servable()
            out = [leg for leg in world.state.legs.values() if leg.customer not in world.state.calls]
            if not left and not world.state.offers and not out:
                break
        else:
            world.fault(f"not served in {CALM_MOST_MS} ms of calm: {left}; {world.state.offers}; {world.state.legs}")
        for _ in range(3):  # who hangs up may be called back, and he is a caller then
            for name in list(self.switch.callers):
                self.switch.leave(name)
            world.live(60_000)
        state = world.state
        if state.calls or state.offers or state.legs or any(line.offer for line in state.lines.values()):
            world.fault(f"left behind: {state.calls} {state.offers} {state.legs} {state.lines}")
        self.all_work()
        seats = [seat for seat in state.seats.values() if seat.name in self.site.seats]
        looks = {seat.name: seat.state for seat in seats if (seat.locked_until or 0) <= state.now}
        if not set(looks.values()) <= {"ready"}:
            world.fault(f"not ready in calm: {looks}")

    def _servable(self):
        """Calls that somebody present could serve, now or when a wish, a refusal or a talk is over."""
        state = self.world.state
        return [
            call.id
            for call in state.calls.values()
            if call.state == "waiting"
            and any(self._could(state, seat, call) for seat in state.seats.values() if seat.name in self.site.seats)
        ]

    def _could(self, state, seat, call):
        rule = oracle.medium_rule(state, call.medium)
        if seat.rule.most.get(call.medium, rule.most) < 1 or rule.cost > seat.rule.budget:
            return False
        if seat.rule.line_group and oracle.spare_line(state, seat.rule.line_group) is None:
            return False
        if oracle.sleeps(state, call):
            return False
        if oracle.calls_first(state, call) is not None:
            return False  # whether a line is to be had for it is another question
        if call.wants and call.wants_until is not None:
            return True
        return oracle.fits(state, seat, call)


def run(seed, events, world=None, *, every=EVERY):
    """Live through the day of a seed; answers its world. An empty one can be given, to be looked at after a failure.

    All is checked `every` so many events, and after each what it changed; that decides nothing of what happens.

    Raises:
        Violation: the core broke a promise.

    """
    world = World.__new__(World) if world is None else world
    world.__init__(seed, every)
    Day(world).live(events)
    return world
