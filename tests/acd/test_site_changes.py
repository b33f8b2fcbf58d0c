"""From one site's rules to another's: what the core is told, in which order, and in how large pieces."""

from msgspec.structs import replace

from acd.core import Core
from acd.core import events as ev
from acd.core.rules import MEDIA, LineGroupRule, QueueRule, SeatRule
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings
from acd.site_changes import SLICE_SEATS, changes, configured


def site(*, seats=3, first=100, queues=("sales", "support"), general=None, rule=None, **details):
    """A site of so many seats, numbered from `first`."""
    rules = [SeatRule(name=str(first + place), queues=("sales",), order=place, **rule or {}) for place in range(seats)]
    return Site(
        general=general or GeneralSettings(),
        switch=SwitchSettings(fallback="100"),
        queues={name: QueueRule(name=name) for name in queues},
        seats={
            rule.name: SeatSettings(rule=rule, agent="A", pin="7391", handset=f"PJSIP/{rule.name}", language="en")
            for rule in rules
        },
        **details,
    )


def given(core, *events):
    """Let a core take these in; answers what it believes of the site."""
    for place, event in enumerate(events, 1):
        core.decide(replace(event, at=core.state.now + place))
    state = core.state
    seats = {name: seat.rule for name, seat in state.seats.items()}
    return state.queues, seats, state.media, state.groups, state.look_ms, state.ticket_ms


def test_a_start_tells_everything():
    """Queues, seats, media, lines, the look's interval and the life of a ticket all travel in one event."""
    whole = site(
        general=GeneralSettings(snapshot_interval_ms=7_000, ticket_ms=5), line_groups=(LineGroupRule(name="a"),)
    )
    assert configured(whole) == ev.Configured(
        queues=(QueueRule(name="sales"), QueueRule(name="support")),
        seats=tuple(seat.rule for seat in whole.seats.values()),
        media=MEDIA,
        line_groups=(LineGroupRule(name="a"),),
        look_ms=7_000,
        ticket_ms=5,
    )


def test_nothing_is_told_where_nothing_changed():
    """A reload of the same rules is no event, though agent, PIN or music are others: the core knows none of them."""
    old = site()
    seats = {name: replace(seat, agent="B", pin="8264") for name, seat in old.seats.items()}
    assert changes(old, replace(old, seats=seats, music={"sales": "jazz"})) == []


def test_rules_without_seats_are_told_without_seats():
    """A changed queue, medium, line group or interval is one event that leaves the seats as they are."""
    old = site()
    for new in (
        site(queues=("sales",)),
        site(media=MEDIA[:1]),
        site(line_groups=(LineGroupRule(name="a"),)),
        site(general=GeneralSettings(ticket_ms=1)),
        site(general=GeneralSettings(snapshot_interval_ms=5_000)),
    ):
        (event,) = changes(old, new)
        assert event == replace(configured(new), seats=None)


def test_changed_seats_come_in_slices_and_the_gone_last():
    """No event tells of more than 200 seats; only those that differ are told of, and nobody goes before all came."""
    old, new = site(seats=450), site(seats=900, first=300)
    events = changes(old, new)
    assert all(isinstance(event, ev.SeatsConfigured) for event in events)
    assert max(len(event.seats) + len(event.gone) for event in events) == SLICE_SEATS
    assert [name for event in events for name in event.gone] == [str(number) for number in range(100, 300)]
    assert [bool(event.gone) for event in events] == [False] * 5 + [True]
    told = [rule for event in events for rule in event.seats]
    assert [rule.name for rule in told] == [str(number) for number in range(300, 1_200)]
    assert changes(new, new) == []


def test_slices_lead_where_a_start_would():
    """Told by changes, a core has the same rules in the end as one that begins with the new site."""
    old = site(seats=300, rule={"weight": 2}, queues=("sales", "old"))
    new = site(seats=300, first=150, queues=("sales", "new"), media=MEDIA[:2])
    changed, fresh = Core(), Core()
    given(changed, ev.Started(run="a"), configured(old))
    assert given(changed, *changes(old, new)) == given(fresh, ev.Started(run="a"), configured(new))
