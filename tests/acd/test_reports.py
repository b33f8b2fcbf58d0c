"""The figures of a day: each formula by hand, and the sums that must come out even."""

from collections import Counter

import msgspec
import pytest

from acd.core import events as ev
from acd.core.commands import Announce, Offer
from acd.history import Tape
from acd.reports import Ledger, metrics
from acd.reports.metrics import Counts, SeatTime, Thresholds
from acd.reports.report import Report, lines_of, report_of
from acd.reports.table import ALL, Table, Window
from acd.reports.words import clock, safe, seconds
from tests.acd.made_day import EIGHT, HOUR, make_day
from tests.core.house import House

LIMITS = Thresholds(target_ms=20_000, short_ms=5_000)
COUNTS = Counts(
    offered=12,
    answered_ms=[0, 10_000, 20_000, 30_000, 90_000],
    abandoned_ms=[2_000, 15_000, 40_000],
    left_ms=[1_000, 60_000, 60_000],
    left=Counter({"wait": 2, "key-exit": 1}),
    open_ms=[120_000],
    talks_ms=[100_000, 200_000, 60_000, 40_000],
    wrap_ups_ms=[10_000, 10_000, 20_000, 0],
    promises=4,
    promises_kept=3,
)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("A_T/(A+B-B_s)", 3 / 7),
        ("A_T/A", 3 / 5),
        ("(A_T+B_T)/(A+B)", (3 + 2) / 8),
        ("out_T/O", (3 + 2 + 1) / 12),
        ("A_T/(A+B-B_T)", 3 / 6),
        ("A_T/(A+B+F)", 3 / 11),
    ],
)
def test_every_service_level_by_hand(formula, expected):
    """Five answered, three of them in 20 s; three gave up, two of these within 20 s, one within 5 s; three left."""
    assert metrics.SERVICE_LEVELS[formula](COUNTS, LIMITS) == pytest.approx(expected)


def test_the_other_figures_by_hand():
    """Speed of answer, abandons, waits, handle time and promises of the same calls."""
    assert metrics.asa_ms(COUNTS) == 30_000
    assert metrics.abandon_rate(COUNTS, LIMITS) == pytest.approx(2 / 11)
    assert metrics.abandon_time_ms(COUNTS) == 19_000
    assert metrics.longest_wait_ms(COUNTS) == 120_000
    assert metrics.talk_ms(COUNTS) == 100_000
    assert metrics.wrap_up_ms(COUNTS) == 10_000
    assert metrics.aht_ms(COUNTS) == 110_000
    assert metrics.promise_hit_rate(COUNTS) == 0.75


def test_nothing_is_divided_by_nothing():
    """An interval without calls has no shares and no means, and is no error."""
    empty = Counts()
    assert all(level(empty, LIMITS) is None for level in metrics.SERVICE_LEVELS.values())
    assert metrics.asa_ms(empty) is metrics.aht_ms(empty) is metrics.percentile_ms([], 90) is None
    assert metrics.occupancy(SeatTime()) is None


def test_percentiles_are_waits_that_somebody_had():
    """Nearest rank: the least wait that so many per cent do not exceed."""
    waits = [15, 20, 35, 40, 50]
    assert [metrics.percentile_ms(waits, rank) for rank in (5, 30, 40, 50, 100)] == [15, 20, 20, 35, 50]


def test_occupancy_and_utilisation_are_two_figures():
    """A pause and a ring count in neither part of occupancy; utilisation divides by all the time logged in."""
    time = SeatTime(ready_ms=30, ringing_ms=10, talking_ms=50, wrap_up_ms=20, paused_ms=80, unreachable_ms=10)
    assert metrics.occupancy(time) == 0.7
    assert metrics.utilisation(time) == 0.35


@pytest.fixture(scope="module")
def day():
    """A small day, counted in quarters of an hour."""
    table = Table(900_000, zone=lambda _: 0)
    ledger = table.fold(make_day(calls=300, seats=5).entries())
    return table, ledger


def test_every_line_adds_up(day):
    """Offered is answered, abandoned, left and still waiting: in each interval, each queue and all together."""
    table, _ = day
    for counts in table.calls.values():
        parts = counts.answered_ms, counts.abandoned_ms, counts.left_ms, counts.open_ms
        assert counts.offered == sum(map(len, parts))
        assert sum(counts.left.values()) == len(counts.left_ms)
    assert table.total(ALL).offered == 300 == sum(table.total(queue).offered for queue in table.queues)


def test_the_time_of_seats_adds_up(day):
    """All a seat did in an interval fits in it, and over the day is as long as its shift."""
    table, _ = day
    assert all(spent.logged_in_ms <= 900_000 for spent in table.seats.values())
    assert table.seat_total(["101"]).logged_in_ms == pytest.approx(8 * HOUR, abs=600_000)
    talked = sum(table.total(ALL).talks_ms)
    assert table.seat_total().talking_ms == talked
    assert table.seat_total().answered == len(table.total(ALL).answered_ms)


def test_a_window_cuts_the_day(day):
    """Hours reported one by one are the day."""
    table, _ = day
    entries = list(make_day(calls=300, seats=5).entries())
    hours = []
    for start in range(EIGHT - HOUR, EIGHT + 12 * HOUR, HOUR):
        hour = Table(900_000, Window(start, start + HOUR), zone=lambda _: 0)
        hour.fold(entries)
        hours.append(hour)
    assert sum(hour.total().offered for hour in hours) == 300
    assert sum(hour.seat_total().ready_ms for hour in hours) == table.seat_total().ready_ms


def test_intervals_begin_on_the_full_hour_of_local_time():
    """Also where local time is half an hour off, as in India."""
    table = Table(HOUR, zone=lambda _: 19_800_000)
    start = table.interval_of(EIGHT + 5 * 60_000)
    assert (start + 19_800_000) % HOUR == 0
    assert start <= EIGHT + 5 * 60_000 < start + HOUR


def kept(house):
    """Have a journal kept of a house."""
    tape, decide = Tape(), house.core.decide

    def noted(event):
        commands = decide(event)
        tape.note(event, commands)
        return commands

    house.core.decide = noted
    return tape


def test_a_caller_who_moved_is_one_caller():
    """In each queue he is offered once; over all queues he is one, by what came of him last."""
    house = House(max_wait_ms=30_000, overflow={"wait": "queue support"}, wrap_up_ms=0)
    tape = kept(house)
    house.log_in("101")
    house.give(ev.PauseAsked(seat="101", reason="break"))
    house.arrive("a", "sales")
    house.pass_time(45_000)
    house.give(ev.ReadyAsked(seat="101"))
    house.give(ev.OfferEnded(offer=house.talk("a"), outcome="hung-up"), after_ms=10_000)
    table = Table(HOUR)
    table.fold(tape.entries())
    sales, support, everywhere = (table.total(name) for name in ("sales", "support", ALL))
    assert (sales.offered, sales.left) == (1, Counter({"wait": 1}))
    assert (support.offered, support.answered_ms) == (1, [45_000])
    assert (everywhere.offered, everywhere.answered_ms, everywhere.left) == (1, [45_000], Counter())


def test_promises_are_held_against_what_came():
    """Answered in time is kept, answered late and still waiting beyond it is broken, giving up proves nothing."""
    ledger, table = Ledger(), Table(HOUR)
    for number, call in enumerate("abcd"):
        ledger.note(ev.CallArrived(at=1_000 + number, call=call, queue="sales"), [])
    told = [Announce(call=call, wait_least_ms=10_000, wait_most_ms=30_000) for call in "abcd"]
    ledger.note(ev.DeadlineReached(at=2_000), told)
    ledger.note(ev.CallEnded(at=9_000, call="c"), [])
    for call, at in (("a", 20_000), ("b", 40_000)):
        ledger.note(ev.DeadlineReached(at=at), [Offer(offer=f"o-{call}", call=call, seat="1", ring_ms=1)])
        ledger.note(ev.Connected(at=at, offer=f"o-{call}"), [])
        ledger.note(ev.OfferEnded(at=at, offer=f"o-{call}", outcome="hung-up"), [])
    table.finish(ledger)
    assert (table.total().promises, table.total().promises_kept) == (3, 1)


def test_intervals_touched_by_a_gap_say_so():
    """A lost link marks every interval that it touches, and no other."""
    house = House()
    tape = kept(house)
    house.arrive("a")
    house.pass_time(2 * HOUR)
    house.give(ev.SwitchLost())
    house.pass_time(HOUR)
    house.look()
    house.arrive("b")
    table = Table(HOUR, zone=lambda _: 0)
    table.fold(tape.entries())
    first, last = table.interval_of(house.now - 3 * HOUR), table.interval_of(house.now)
    assert table.touched_by_gap(first) == ""
    assert table.touched_by_gap(last) == "the link to the switch was lost"
    text = "\n".join(lines_of(report_of(table, {}), {}))
    assert "! not all is known from" in text
    assert "(1 h): the link to the switch was lost" in text


def test_the_report_as_data_and_in_words(day):
    """One queue alone, its seats alone; names beside numbers; JSON holds every formula with its name."""
    table, _ = day
    serving = {"sales": {"101", "103"}, "support": {"102"}, "billing": set()}
    report = report_of(table, serving, queue="sales")
    assert [line.queue for line in report.totals] == ["sales"]
    assert {line.seat for line in report.seats} == {"101", "103"}
    assert sum(line.figures.offered for line in report.lines) == report.totals[0].figures.offered
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    text = "\n".join(lines_of(report, {"101": "Anna Nowak"}))
    assert "Anna Nowak" in text
    assert all(formula in text for formula in metrics.SERVICE_LEVELS)


def test_a_hostile_queue_name_is_shown_as_text():
    """The dialplan may say any name; nothing of it reaches the terminal as it is."""
    house = House()
    tape = kept(house)
    house.arrive("a", "\x1b[31msales\n")
    table = Table(HOUR)
    table.fold(tape.entries())
    text = "\n".join(lines_of(report_of(table, {}), {}))
    assert "\\x1b[31msales\\n" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def test_words():
    """Times as people write them; long text is cut."""
    assert [clock(ms) for ms in (None, 0, 59_499, 61_000, 3_661_000)] == ["-", "0:00", "0:59", "1:01", "1:01:01"]
    assert [seconds(ms) for ms in (900, 130_000, 3_600_000)] == ["1 s", "2 min 10 s", "1 h"]
    assert len(safe("x" * 500)) == 80
    assert safe("\ud800") == "\\ud800"


def test_messages_are_counted_apart():
    """A message heard after an hour, twice, changes no service level; it has a line of its own, and a caller his."""
    house = House(seats={"101": ("sales",)}, wrap_up_ms=0)
    tape = kept(house)
    house.arrive("m", medium="voicemail")
    house.pass_time(HOUR)
    house.log_in("101")
    house.serve("m", after_ms=10_000)
    house.arrive("a")
    house.serve("a")
    house.pass_time(60_000)
    house.ask(ev.CloseAsked, "101", offer=house.talk("m"))
    house.arrive("m2", medium="voicemail")
    table = Table(HOUR, zone=lambda _: 0)
    report = report_of(table, table.fold(tape.entries()).served and {"sales": {"101"}})
    [line] = report.virtual
    assert (line.queue, line.medium, line.came, line.taken, line.waiting) == ("sales", "voicemail", 2, 2, 1)
    assert line.wait_ms == pytest.approx((HOUR + 30_000) / 2, rel=0.01)
    assert table.total("sales").offered == len(table.total("sales").answered_ms) == 1
    assert any("voicemail" in text for text in lines_of(report, {}))
