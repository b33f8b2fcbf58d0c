"""Why a call went where it went: each seat considered, the rule that kept it out, the keys that ordered the rest.

Written from the plain state and the rules as a person reads them, sharing nothing with the matcher and its classes, so
it is also the second opinion that `invariants` and the simulation hold against them. It is asked when somebody wants to
know, of a state that is rebuilt from the journal: recording it costs the decision nothing.
"""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from acd.core.classes import misfit, tiers_of
from acd.core.lanes import LANE_OF, seat_key
from acd.core.line import LineLook
from acd.core.model import Call, Seat, State
from acd.core.promised import grounds, reached_as, sleeps
from acd.core.rules import MediumRule, QueueRule

LINE_WORDS: dict[LineLook, str] = {
    "free": "free",
    "ours": "ours",
    "in-use": "in use",
    "out": "out of service",
    "left-alone": "left alone",
    "absent": "unknown to Asterisk",
    "alarm": "alarm",
    "d-channel": "D-channel down",
    "not-reachable": "not reachable",
    "not-registered": "not registered",
}
"""How a line's look is told to people."""


class Considered(Struct, frozen=True, kw_only=True):
    """One seat, in the light of one call."""

    seat: str
    excluded: str | None
    """The first rule that keeps it from the call; None if nothing does."""
    keys: tuple[tuple[str, int], ...] = ()
    """What orders it among those that nothing keeps out: least first, the first difference decides."""


class Explanation(Struct, frozen=True, kw_only=True):
    """One decision, or the lack of one."""

    at: int
    call: str
    caller: str
    queue: str
    strategy: str
    needs: str
    waited_ms: int
    position: int
    """Its place in its queue."""
    rank: int
    chosen: str | None
    runner_up: str | None
    considered: tuple[Considered, ...]
    """Every seat of the site: those that could have it in their order, then the others."""
    kept_back: str | None = None
    """Why it is offered to nobody at all, whoever is free."""


def explain(state: State, call: Call, chosen: Seat | None = None) -> Explanation:
    """Explain a call as things stand: before an offer that is about to be made, or why none is."""
    rule = state.queues.get(call.queue)
    seats = [_consider(state, call, seat, rule) for seat in state.seats.values()]
    able = sorted((one for one in seats if one.excluded is None), key=lambda one: [value for _, value in one.keys])
    others = [one.seat for one in able if chosen is None or one.seat != chosen.name]
    return Explanation(
        at=state.now,
        call=call.id,
        caller=call.caller,
        queue=call.queue,
        strategy=rule.strategy if rule is not None else "",
        needs=needs_text(call),
        waited_ms=state.now - call.arrived,
        position=position(state, call),
        rank=call.rank,
        chosen=chosen.name if chosen is not None else None,
        runner_up=others[0] if others else None,
        considered=(*able, *(one for one in seats if one.excluded is not None)),
        kept_back=kept_back(state, call),
    )


def _consider(state: State, call: Call, seat: Seat, rule: QueueRule | None) -> Considered:
    excluded = exclusion(state, call, seat, even_if_kept_back=True)
    keys = seat_order(state, call, seat, rule) if rule is not None and excluded is None else ()
    return Considered(seat=seat.name, excluded=excluded, keys=keys)


def position(state: State, call: Call) -> int:
    """Return its place in its queue, 1 for the first of those that wait; a call that rings comes before them."""
    before = [other for other in state.calls.values() if other.state == "waiting" and other.queue == call.queue]
    return 1 + sum(other.key < call.key for other in before)


# Rules, one after another; the first that keeps a seat out is named.


def exclusion(state: State, call: Call, seat: Seat, *, even_if_kept_back: bool = False) -> str | None:
    """Say what keeps a seat from a call, None if nothing does."""
    reasons = (
        absence(state, seat, at_desk=call.virtual and state.is_for_desk(seat, call.medium)),
        unfitness(state, call, seat),
        refusal(state, call, seat),
        None if even_if_kept_back else kept_back(state, call),
    )
    return next((reason for reason in reasons if reason is not None), None)


def absence(state: State, seat: Seat, *, at_desk: bool = False) -> str | None:
    """Say what keeps a seat from every call, or, with `at_desk`, from those that come to its desk."""
    if seat.presence == "logged-out":
        return "is logged out"
    if seat.presence == "paused":
        return f"is paused: {seat.pause_reason}"
    if seat.next_word != "ready":
        return "pauses after its present work" if seat.next_word == "pause" else "logs out after its present work"
    if not seat.reachable and not at_desk:
        return "its handset cannot be reached"
    if seat.busy and not seat.rule.ring_in_use and not at_desk:
        return "its handset is in a call of its own"
    if seat.resting_until is not None:
        return f"its handset could not be rung, it is left alone for {_seconds(seat.resting_until - state.now)}"
    if seat.rule.line_group and not at_desk and spare_lines(state, seat.rule.line_group) <= 0:
        return f"no line of group {seat.rule.line_group} is free for it{_taken_lines(state, seat.rule.line_group)}"
    return None


def unfitness(state: State, call: Call, seat: Seat) -> str | None:
    """Say what keeps a seat from calls of this kind now."""
    full = no_room(state, seat, reached_as(state, call) or call.medium)
    if full is None and reached_as(state, call) and seat.name in grounds(state):
        full = "a customer is called for it already"
    return full if full is not None else unsuited(state, call, seat)


def unsuited(state: State, call: Call, seat: Seat) -> str | None:
    """Say what keeps a seat from calls of this kind, whatever it has in hand."""
    if call.wants:
        return None if call.wants == seat.name else f"the call is kept for seat {call.wants}"
    rule = state.queues.get(call.queue)
    tiers = tiers_of(seat.rule.queues, seat.rule.tiers)
    if rule is None or call.queue not in tiers:
        return f"does not serve queue {call.queue}"
    least, most, _ = call.tiers
    if not tiers_ignored(state, rule) and not least <= tiers[call.queue] <= most:
        return f"is of tier {tiers[call.queue]}, the call is for tiers {least} to {most}"
    levels = dict(seat.rule.skills)
    for need in call.needs:
        if not any(levels.get(skill, 0) >= level for skill, level in need):
            wanted = " or ".join(f"{skill} {level}" for skill, level in need)
            has = ", ".join(f"{skill} {levels[skill]}" for skill, _ in need if skill in levels) or "none"
            return f"lacks skill {wanted}, has {has}"
    return None


def no_room(state: State, seat: Seat, medium: str) -> str | None:
    """Say what a seat has in hand that leaves no room for one more contact of a medium."""
    held = [state.offers[name] for name in seat.work]
    coming = _medium(state, medium)
    spent = 0
    for offer in held:
        rule = _medium(state, offer.medium)
        if medium in rule.interrupted_by:
            continue
        if "*" in rule.blocks or medium in rule.blocks:
            doing = "wraps up" if offer.state == "wrap-up" else "has in hand"
            return f"{doing} a {offer.medium} contact of queue {offer.queue}"
        spent += rule.cost
    count = sum(offer.medium == medium for offer in held)
    most = seat.rule.most.get(medium, coming.most)
    if count >= most:
        return f"has {count} {medium} contacts, {most} are allowed"
    if spent + coming.cost > seat.rule.budget:
        return f"has spent {spent} of its budget of {seat.rule.budget}, {medium} costs {coming.cost}"
    return None


def _medium(state: State, name: str) -> MediumRule:
    return state.media.get(name) or MediumRule(name=name)


def refusal(state: State, call: Call, seat: Seat) -> str | None:
    """Say whether the call is kept from a seat because of what was."""
    until = (call.barred or {}).get(seat.name)
    return None if until is None else f"did not take this call, is not asked again for {_seconds(until - state.now)}"


def kept_back(state: State, call: Call) -> str | None:
    """Say why a call is offered to nobody, whoever is free."""
    if not state.fresh:
        return "the switch is out of sight, nothing is decided"
    if call.hold_until is not None and call.virtual:
        return f"it was put off, for {_seconds(call.hold_until - state.now)} more"
    if call.hold_until is not None:
        return f"its queue serves a call only after a while, this one in {_seconds(call.hold_until - state.now)}"
    if sleeps(state, call):
        return "its queue is closed, or it is not the time of day to call anybody back"
    rule = state.queues.get(call.queue)
    if rule is not None and rule.seats_most:
        busy = sum(offer.queue == call.queue for offer in state.offers.values())
        if busy >= rule.seats_most:
            return f"{busy} seats are busy with queue {call.queue}, {rule.seats_most} are allowed"
    return None


def tiers_ignored(state: State, rule: QueueRule) -> bool:
    """Whether so few are logged in that tiers do not count."""
    if not rule.tier_seats:
        return False
    there = (seat for seat in state.seats.values() if rule.name in seat.rule.queues)
    return sum(seat.presence != "logged-out" for seat in there) <= rule.tier_seats


def spare_lines(state: State, group: str) -> int:
    """Count the lines of a group that a seat's leg may take."""
    rule = state.groups.get(group)
    if rule is None:
        return 0
    free = sum(state.lines[line.name].look == "free" for line in rule.lines)
    return free - rule.keep_inbound - rule.keep_emergency - rule.keep_callback


def _taken_lines(state: State, group: str) -> str:
    """Say what the lines of a group do, each look with their number; nothing where all are kept for others."""
    rule = state.groups.get(group)
    looks = Counter(state.lines[line.name].look for line in rule.lines) if rule is not None else Counter()
    told = ", ".join(f"{count} {LINE_WORDS[look]}" for look, count in looks.items())
    return f": {told}" if told else ""


# Order


def seat_order(state: State, call: Call, seat: Seat, rule: QueueRule) -> tuple[tuple[str, int], ...]:
    """Return what orders a seat among those that could have a call."""
    tier = tiers_of(seat.rule.queues, seat.rule.tiers).get(call.queue, 0)
    tier = 0 if tiers_ignored(state, rule) or call.wants else max(tier, call.tiers[2])
    fit = misfit(call.needs, dict(seat.rule.skills)) if rule.strategy == "best-fit" and not call.wants else 0
    lane = LANE_OF[rule.strategy]
    return ("tier", tier), ("misfit", fit), (lane, seat_key(seat, lane)), ("seat", seat.number)


def needs_text(call: Call) -> str:
    """Return what a call asks for, as it is written in the files."""
    return " + ".join("|".join(f"{skill} {level}" for skill, level in need) for need in call.needs)


def _seconds(ms: int) -> str:
    return f"{max(ms, 0) / 1000:.0f} s"


# Whom nobody may find missing


def missed(state: State) -> Iterator[tuple[Call, Seat]]:
    """Find a free seat beside a waiting call that it may serve: there must be none.

    Calls of one kind and seats of one kind are judged once, so that a large site can be looked at too.
    """
    if not state.fresh:
        return
    groups = list(_seats_alike(state).values())
    for alike in _calls_alike(state).values() if groups else ():
        if kept_back(state, alike[0]) is not None:
            continue
        for group in groups:
            able = [seat for seat in group if not alike[0].wants or alike[0].wants == seat.name]
            if not able or unfitness(state, alike[0], able[0]) is not None or _is_away(state, alike[0], able[0]):
                continue
            yield from ((call, seat) for call in alike for seat in able if refusal(state, call, seat) is None)


def _is_away(state: State, call: Call, seat: Seat) -> bool:
    at_desk = call.virtual and state.is_for_desk(seat, call.medium)
    return not at_desk and absence(state, seat) is not None


def _seats_alike(state: State) -> dict[object, list[Seat]]:
    seats: dict[object, list[Seat]] = {}
    for seat in state.seats.values():
        if absence(state, seat, at_desk=seat.desk_open) is None:
            held = tuple(sorted(Counter(state.offers[name].medium for name in seat.work).items()))
            room = (held, seat.rule.budget, str(seat.rule.most), seat.name in grounds(state))
            desk = seat.desk_open, absence(state, seat) is None
            kind = (seat.rule.queues, seat.rule.tiers, seat.rule.skills, room, desk)
            seats.setdefault(kind, []).append(seat)
    return seats


def _calls_alike(state: State) -> dict[object, list[Call]]:
    calls: dict[object, list[Call]] = {}
    for call in state.calls.values():
        if call.state == "waiting" and call.hold_until is None:
            asks = (call.queue, call.needs, call.tiers, call.medium, call.virtual, call.wants)
            calls.setdefault(asks, []).append(call)
    return calls
