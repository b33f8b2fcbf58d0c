"""One seed draws a site: queues, seats, media and lines, with every option that a rule has.

Small on purpose: few of everything, so that all of it meets. Times are short beside real ones, so that a deadline falls
into the midst of something else. Every option keeps its quiet value often enough that the others can be told apart.
"""

from acd.core import events as ev
from acd.core.rules import (
    MEDIA,
    LineGroupRule,
    LineRule,
    MediumRule,
    OutRule,
    QueueRule,
    SeatRule,
    Step,
)

STRATEGIES = (
    *("longest-idle", "fewest-calls", "least-occupied", "round-robin", "ordered", "random", "weighted-random"),
    *("best-fit", "ring-all", "ring-circles"),
)
REASONS = ("full", "empty", "closed", "too-long", "wait", "withdrawn", "step")
ABSENCES = ("paused", "busy", "wrap-up", "unreachable", "tier")
SKILLS = ("de", "en", "tax")
VIRTUAL = frozenset({"chat", "sms", "email", "fax"})
"""Media whose contacts are held by an executor of their own, not by the telephone switch."""
OURS = frozenset({"voicemail", "callback"})
"""Media whose contacts the server holds: the switch has the legs of their agents, and cannot name them."""


class Site:
    """The rules of one site, and how to change them."""

    def __init__(self, chance):
        self.chance = chance
        self.queue_names = [f"q{number}" for number in range(self.pick(1, 1, 2, 2, 3, 4, 6))]
        self.seat_names = [f"10{number}" for number in range(1, self.pick(2, 2, 3, 3, 4, 5, 6, 8) + 1)]
        self.media = self._media()
        self.groups = self._groups()
        self.queues = {name: self._queue(name) for name in self.queue_names}
        self.seats = {name: self._seat(name) for name in self.seat_names}
        self.calling_out = OutRule(
            groups=self.pick(("trunk",), ("nowhere", "trunk")),
            tries=self.pick(1, 2, 3),
            ring_ms=self.pick(3_000, 10_000),
            longest_ms=self.pick(60_000, 300_000),
            hour_most=self.pick(0, 0, 20),
            seat_hour_most=self.pick(0, 5),
            number_day_most=self.pick(0, 4),
            spend_day_most=self.pick(0, 0, 60),
        )
        self.look_ms = self.pick(5_000, 10_000, 60_000)
        self.ticket_ms = self.pick(60_000, 600_000)

    def pick(self, *values):
        """One of these."""
        return values[int(self.chance.random() * len(values))]  # twice as fast as choice

    def often(self, share):
        """Whether something is so that is so this often."""
        return self.chance.random() < share

    def configured(self):
        """The event that puts it in force."""
        return ev.Configured(
            queues=tuple(self.queues.values()),
            seats=tuple(self.seats.values()),
            media=self.media,
            line_groups=self.groups,
            calling_out=self.calling_out,
            look_ms=self.look_ms,
            ticket_ms=self.ticket_ms,
        )

    # Changes in the midst of the day

    def change(self):
        """Change something; answers the events that say so."""
        kind = self.pick("queue", "queue", "seats", "slice", "slice", "whole", "media", "lines", "order")
        if kind == "slice":
            return self._slice()
        if kind in {"queue", "whole"}:
            name = self.pick(*self.queue_names)
            if self.often(0.2) and len(self.queues) > 1:
                self.queues.pop(name, None)
            else:
                self.queues[name] = self._queue(name)
        if kind in {"seats", "whole"}:
            name = self.pick(*self.seat_names)
            if self.often(0.3) and len(self.seats) > 1:
                self.seats.pop(name, None)
            else:
                self.seats[name] = self._seat(name)
        if kind == "media":
            self.media = self._media()
        if kind == "lines":
            self.groups = self._groups()
        if kind == "order":
            self.queues = dict(reversed(self.queues.items()))
            self.seats = dict(reversed(self.seats.items()))
        event = self.configured()
        if kind == "queue":
            event = ev.Configured(**{**_fields(event), "seats": None})
        return [event]

    def _slice(self):
        gone = []
        if self.often(0.4) and len(self.seats) > 1:
            gone = [self.pick(*self.seats)]
            self.seats.pop(gone[0])
        names = self.chance.sample(self.seat_names, self.chance.randint(0, min(2, len(self.seat_names))))
        fresh = {name: self._seat(name) for name in names if name not in gone}
        self.seats.update(fresh)
        return [ev.SeatsConfigured(seats=tuple(fresh.values()), gone=(*gone, *self.pick((), ("999",))))]

    # Queues

    def _queue(self, name):
        pick, often = self.pick, self.often
        extra = {}
        if often(0.2):
            extra["tiers"] = pick((0, 2, 0), (1, 3, 0), (0, 3, 2), (0, 99, 1))
        if often(0.2):
            extra["join_empty"] = self._absences()
        if often(0.25):
            extra["leave_empty"] = self._absences()
        if often(0.2):
            extra |= {"wrap_up_until_coded": True, "wrap_up_most_ms": pick(20_000, 60_000)}
        if often(0.25):
            extra["serve_after_ms"] = pick(500, 8_000)
        if often(0.3):
            extra |= {"last_seat_ms": pick(20_000, 600_000), "seat_wait_ms": pick(1_000, 15_000)}
        extra |= self._callbacks()
        if often(0.3):
            extra |= {"tell_first_ms": pick(1_000, 4_000), "tell_every_ms": pick(0, 5_000)}
            extra |= {"tell_position": often(0.7), "tell_wait": often(0.7)}
        return QueueRule(
            name=name,
            strategy=pick(*STRATEGIES),
            priority=pick(0, 5, 10, 10, 10),
            ahead_ms=pick(0, 0, 0, 5_000, 60_000),
            needs=self.needs(0.2),
            tier_seats=pick(0, 0, 0, 1, 2),
            steps=tuple(self._step() for _ in range(pick(0, 0, 0, 1, 1, 2, 3))),
            ring_ms=pick(3_000, 8_000, 15_000),
            circle_seats=pick(1, 2),
            circle_ms=pick(700, 2_500),
            wrap_up_ms=pick(0, 2_000, 10_000),
            refusal_ms=pick(0, 5_000, 30_000),
            max_wait_ms=pick(20_000, 120_000, 3_600_000, 3_600_000),
            seats_most=pick(0, 0, 0, 1, 2),
            waiting_most=pick(0, 0, 0, 2, 6),
            expected_most_ms=pick(0, 0, 0, 20_000),
            closed=often(0.05),
            leave_closed=often(0.3),
            overflow={reason: self.target() for reason in REASONS if often(0.3)},
            overtake_most=pick(0, 0, 1, 2, 4),
            **extra,
        )

    def _callbacks(self):
        pick, often = self.pick, self.often
        return {
            "callback_first": pick("agent", "agent", "customer"),
            "callback_tries": pick(1, 2, 3, 20),
            "callback_retry_ms": pick(500, 9_000, 900_000),
            "callback_abandoned_ms": pick(1, 3_000) if often(0.3) else 0,
            "callback_expire_ms": pick(0, 0, 30_000),
        }

    def _absences(self):
        return tuple(word for word in ABSENCES if self.often(0.4))

    def needs(self, share):
        """What is asked of a seat, now and then something."""
        if not self.often(share):
            return ()
        pick = self.pick
        one = tuple((skill, pick(1, 3, 7)) for skill in self.chance.sample(SKILLS, pick(1, 1, 2)))
        return (one,) if self.often(0.7) else (((pick(*SKILLS), pick(1, 5)),), one)

    def target(self):
        """Where an overflow leads, now and then into the void."""
        queue, seat = self.pick(*self.queue_names, "nowhere"), self.pick(*self.seat_names, "999")
        return self.pick(f"queue {queue}", f"queue {queue}", f"seat {seat}", "voicemail", "flow bye", "number 5", "")

    def _step(self):
        pick = self.pick
        condition = pick(
            {"after_ms": pick(1_000, 6_000, 20_000)}, {"when_waiting": pick(1, 2, 4)}, {"when_nobody": True}
        )
        act = pick(
            {"drop": (pick(*SKILLS),)},
            {"lower": ((pick(*SKILLS), 1),)},
            {"tiers": pick((0, 99, 0), (0, 1, 0), (0, 99, 3))},
            {"priority": pick(0, 3, 20)},
            {"ahead_ms": pick(3_000, 30_000)},
            {"announce": "we-are-sorry"},
            {"go": self.target()},
            {"drop": SKILLS, "tiers": (0, 99, 0), "priority": 1, "announce": "hold-on"},
        )
        return Step(**condition, **act)

    # Seats, media, lines

    def _seat(self, name):
        pick, often = self.pick, self.often
        queues = tuple(self.chance.sample(self.queue_names, self.chance.randint(1, len(self.queue_names))))
        return SeatRule(
            name=name,
            queues=queues,
            tiers=tuple(pick(0, 0, 1, 2, 3) for _ in range(self.chance.randint(0, len(queues)))),
            skills=tuple((skill, self.chance.randint(1, 10)) for skill in SKILLS if often(0.6)),
            order=self.chance.randint(0, 9),
            weight=pick(1, 1, 2, 10),
            budget=pick(100, 100, 60),
            most={medium: pick(0, 1, 2) for medium in ("voice", "chat", "email") if often(0.08)},
            line_group=pick("", "", "", "trunk"),
            ring_in_use=often(0.1),
            set_aside_after=pick(0, 2, 3),
            set_aside_on=pick(("no-answer", "refused", "hung-up"), ("no-answer",), ("refused", "busy", "failed")),
            pin_tries=pick(1, 3),
            lock_ms=pick(1_000, 60_000),
        )

    def _media(self):
        pick = self.pick
        kind = pick("site says nothing", "site says nothing", "budget", "aside")
        written = {"virtual": True, "desk": True}  # no site says what a medium is
        if kind == "site says nothing":
            return MEDIA
        if kind == "budget":
            return (
                MediumRule(name="voice", most=pick(1, 2), cost=pick(50, 60, 100), blocks=()),
                MediumRule(name="chat", most=3, cost=pick(20, 35, 50), blocks=pick((), ("voice",)), **written),
                MediumRule(
                    name="email", most=pick(1, 2), cost=pick(10, 70), blocks=(), interrupted_by=("voice",), **written
                ),
                MediumRule(name="fax", cost=pick(0, 100)),
                MediumRule(name="voicemail", cost=pick(10, 60), blocks=pick(("*",), ("voice",)), virtual=True),
                MediumRule(name="callback", virtual=True, becomes=pick("voice", "voice", "")),
            )
        return (
            MediumRule(name="voice"),
            MediumRule(name="callback", interrupted_by=("voice",), virtual=True, becomes="voice"),
            MediumRule(name="voicemail", virtual=True),
            MediumRule(
                name="email", most=pick(1, 2), blocks=("*",), interrupted_by=("voice", "callback", "chat"), **written
            ),
            MediumRule(name="chat", most=2, blocks=("email",), interrupted_by=pick((), ("voice",)), **written),
        )

    def _groups(self):
        lines = tuple(LineRule(name=f"l{number}", cost=self.pick(0, 1, 2)) for number in range(self.pick(1, 2, 3, 4)))
        return (
            LineGroupRule(
                name="trunk",
                lines=lines,
                pick=self.pick("ordered", "reverse", "least-cost", "round-robin", "least-recent"),
                keep_inbound=self.pick(0, 0, 1),
                keep_emergency=self.pick(0, 0, 0, 1),
                keep_callback=self.pick(0, 0, 0, 1),
                fault_ms=self.pick(1_000, 4_000),
                fault_most_ms=self.pick(5_000, 60_000),
            ),
        )


def _fields(event):
    return {name: getattr(event, name) for name in event.__struct_fields__ if name != "at"}
