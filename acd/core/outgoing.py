"""Calls out: who may, over which line, and what becomes of it.

A call out is one `Leg` from the wish to its end. Its channel waits in the dialplan; each `Dial` sends it over one line.
A line that does not carry it is noted as faulty, the leg goes on to the next one, of the next trunk if there is one: so
many times as the rule allows. What the other side says (busy, no answer, no such number) is an answer, and the end.

The guard. Toll fraud is many calls, dear calls, or the same number again and again, at night, from a stolen telephone.
So caps count every call that is let out, over the last hour or the last 24 hours to the millisecond, in the state: they
hold over restarts, and no two calls at once slip between them. Money is counted before it is spent: a call reserves
what its longest talk would cost, and a talk is cut where the money ends. Emergencies pass everything and count nowhere.
"""

from typing import Literal

from acd.core import reaching, virtual
from acd.core.commands import CallOutAnswer, Dial, TakeSnapshot
from acd.core.events import CallOutAsked, LegFailed, LiveOut
from acd.core.floor import Floor
from acd.core.line import Line
from acd.core.lines import Purpose
from acd.core.model import Call, Seat
from acd.core.out import Guard, Leg
from acd.core.rules import SLOT, OutRule

HOUR_MS, DAY_MS, MINUTE_MS = 3_600_000, 86_400_000, 60_000

DIAL_GRACE_MS = 45_000
"""A line may take so long to say that it cannot be had (SIP: 32 s, 64 times T1, RFC 3261 17.1.1.2) before it rings."""
LOOK_MS = 10_000
"""A look at the switch is given so long."""
CUT_MS = 1_000
"""A talk is cut so long before its last minute is over, so that no further one begins."""

EMERGENCY_RING_MS, EMERGENCY_LONGEST_MS = 120_000, 86_400_000
"""Who calls for help is neither given up nor cut off by what a site sets for other calls."""

LINE_FAILED = frozenset({"congestion", "silent"})
"""Outcomes that are the line's fault, or that of the network behind it: the next line may do better."""
ELSEWHERE = LINE_FAILED | {"forbidden"}
"""After these another line is tried. A trunk that lets one call not through may carry all others: it is not blamed."""
FAR_SIDE = frozenset({"busy", "no-answer"})
"""Outcomes that only the other side can tell: so the line works. A number is refused by a trunk too."""

CUSTOMER = "customer-"
"""The id by which the customer of a callback comes to his queue begins so."""

Cap = Literal["cap-site", "cap-seat", "cap-number", "cap-spend"]


# The wish


def call_out(floor: Floor, wish: CallOutAsked) -> CallOutAnswer:
    """Let a call out, or say why not."""
    state = floor.state
    if not wish.emergency:
        seat = state.seats.get(wish.seat)
        if seat is None:
            return "unknown-seat"
        if seat.presence == "logged-out":
            return "not-logged-in"
        if wish.barred or not wish.number:
            return "barred"
        if wish.offer and not _has(floor, wish):
            return "over"
        if (cap := _cap(state.guard, state.calling_out, wish, floor.at)) is not None:
            return cap
    leg = _new_leg(floor, wish)
    line = _begin(floor, leg)
    if isinstance(line, str):
        return line
    _dial(floor, leg, line)
    return "ok"


def leg_to(floor: Floor, call: Call, seat: Seat) -> Leg | Literal["no-line"] | Cap:
    """Let the call to the customer of a callback out, for whom this seat is free; or say why not.

    It is no seat's call: of the caps the seat's does not count.
    """
    state = floor.state
    leg = _new_leg(floor, CallOutAsked(seat="", channel="", number=call.caller, rate=call.rate))
    if (cap := _cap(state.guard, state.calling_out, leg, floor.at)) is not None:
        return cap
    leg.channel, leg.customer = leg.id, f"{CUSTOMER}{leg.id}"
    leg.call, leg.queue = call.id, call.queue
    line = _begin(floor, leg)
    if isinstance(line, str):
        return line
    leg.seat = seat.name
    _take(floor, leg, line)
    return leg


def _new_leg(floor: Floor, wish: CallOutAsked) -> Leg:
    state = floor.state
    return Leg(
        id=f"leg-{state.run}-{state.legs_counted + 1}",
        channel=wish.channel,
        seat=wish.seat,
        number=wish.number,
        emergency=wish.emergency,
        offer=wish.offer,
        rate=0 if wish.emergency else wish.rate,
        longest_ms=EMERGENCY_LONGEST_MS if wish.emergency else state.calling_out.longest_ms,
        asked_at=floor.at,
        dialled_at=floor.at,
        deadline=None,
    )


def _begin(floor: Floor, leg: Leg) -> Line | Literal["no-line", "cap-spend"]:
    """Let a new leg out if there is money and a line for it."""
    state = floor.state
    if not (leg.emergency or _reserve(floor, leg)):
        return "cap-spend"
    line = _next_line(floor, leg)
    if line is None:
        return "no-line"
    state.legs_counted += 1
    state.legs[leg.id] = leg
    if not leg.emergency:
        _count(state.guard, state.calling_out, leg, floor.at)
    return line


def failed(floor: Floor, wish: LegFailed) -> CallOutAnswer:
    """One line, or the other side, has said no."""
    leg = floor.state.legs.get(wish.leg)
    if leg is None or leg.connected_at is not None:
        return "over"
    is_line = wish.outcome in LINE_FAILED
    floor.lines.release(leg, failed=is_line, works=wish.outcome in FAR_SIDE)
    line = None
    if leg.emergency or (wish.outcome in ELSEWHERE and len(leg.tried) < floor.state.calling_out.tries):
        line = _next_line(floor, leg)  # for help every line is tried, whatever the one before said
    if line is None:
        end(floor, leg)
        if leg.offer in floor.state.offers:
            virtual.not_reached(floor, floor.state.offers[leg.offer])
        return "over"
    _dial(floor, leg, line)
    return "ok"


def _has(floor: Floor, wish: CallOutAsked) -> bool:
    """Whether the seat has that callback in hand, and is not calling the customer already."""
    offer = floor.state.offers.get(wish.offer)
    calling = any(leg.offer == wish.offer for leg in floor.state.legs.values())
    return offer is not None and offer.seat == wish.seat and offer.in_talk and offer.call is not None and not calling


def _purpose(leg: Leg) -> Purpose:
    return "emergency" if leg.emergency else "callback" if leg.offer or leg.customer else "seat"


def _next_line(floor: Floor, leg: Leg) -> Line | None:
    """Find a line that has not been tried, of another trunk if there is one."""
    state = floor.state
    trunks = {name.partition(SLOT)[0] for name in leg.tried}
    same = {name for name in state.lines if name.partition(SLOT)[0] in trunks}
    groups = state.calling_out.groups
    for without in (same, set(leg.tried)) if same else (set(),):
        for group in groups:
            if (line := floor.lines.pick(group, _purpose(leg), without)) is not None:
                return line
    if not leg.tried:
        for group in groups:
            state.all_busy[group] = state.all_busy.get(group, 0) + 1
    return None


def _take(floor: Floor, leg: Leg, line: Line) -> int:
    """Send a leg over a line; gives how long it may ring there."""
    state = floor.state
    floor.lines.take(line, leg, state.offers_counted + state.legs_counted)
    leg.tried = (*leg.tried, leg.line)
    leg.dialled_at = floor.at
    ring_ms = EMERGENCY_RING_MS if leg.emergency else state.calling_out.ring_ms
    _give_deadline(floor, leg, ring_ms + DIAL_GRACE_MS)
    return ring_ms


def _dial(floor: Floor, leg: Leg, line: Line) -> None:
    ring_ms = _take(floor, leg, line)
    floor.commands.append(
        Dial(
            leg=leg.id,
            channel=leg.channel,
            seat=leg.seat,
            number=leg.number,
            line=leg.line,
            ring_ms=ring_ms,
            longest_ms=leg.longest_ms,
            emergency=leg.emergency,
        )
    )
    floor.lines_changed()


# The switch's word


def answered(floor: Floor, leg: Leg) -> None:
    """They talk. A customer who is called back and answers has had his callback, whatever comes of the talk."""
    if leg.connected_at is None:
        leg.connected_at, leg.deadline = floor.at, None
        seat = floor.state.seats.get(leg.seat)
        if leg.customer:
            reaching.answered(floor, leg)
        elif leg.offer and seat is not None:
            virtual.called_back(floor, seat, leg.offer)


def end(floor: Floor, leg: Leg) -> None:
    """It is over: free the line, count the money."""
    del floor.state.legs[leg.id]
    floor.lines.release(leg, failed=False)
    if leg.customer:
        reaching.not_answered(floor, leg)
        reaching.in_line(floor, leg)
    if leg.connected_at is not None and leg.rate:
        cost = leg.rate * max(-(-(floor.at - leg.connected_at) // MINUTE_MS), 1)
        _spend(floor.state.guard, floor.at, min(cost, leg.reserved) if leg.reserved else cost)  # the switch cut it then
    floor.lines_changed()


def came(floor: Floor, name: str) -> bool:
    """Whether a call that comes to its queue is the customer of a callback; so he has answered."""
    leg = next((leg for leg in floor.state.legs.values() if leg.customer == name), None)
    if leg is not None:
        answered(floor, leg)
        reaching.in_line(floor, leg)
    return leg is not None


def overdue(floor: Floor, leg: Leg) -> None:
    """The switch's word did not come: look, and go by what is seen."""
    _give_deadline(floor, leg, LOOK_MS)
    floor.commands.append(TakeSnapshot())


def learn(floor: Floor, names: tuple[str, ...]) -> None:
    """These were answered while nobody looked, and are over: their customers have had their callbacks."""
    for leg in [floor.state.legs[name] for name in names if name in floor.state.legs]:
        answered(floor, leg)


def reconcile(floor: Floor, asked: int, live: tuple[LiveOut, ...]) -> None:
    """Bring calls out in line with what the switch holds."""
    seen = {one.leg: one for one in live}
    for leg in list(floor.state.legs.values()):
        one = seen.get(leg.id)
        if one is None:
            if leg.dialled_at < asked:
                end(floor, leg)
        elif one.answered:
            answered(floor, leg)


def _give_deadline(floor: Floor, leg: Leg, after_ms: int) -> None:
    leg.deadline = floor.at + after_ms
    floor.deadlines.add(leg.deadline, "leg", leg.id)


# The guard


def _cap(guard: Guard, rule: OutRule, wish: CallOutAsked | Leg, now: int) -> Cap | None:
    """Say which cap a further call would break."""
    if now - guard.swept_at >= HOUR_MS:
        _sweep(guard, now)
    for cap, times, most, window_ms in _counts(guard, rule, wish):
        if most and len(_within(times, now, window_ms)) >= most:
            return cap
    return None


def _counts(guard: Guard, rule: OutRule, wish: CallOutAsked | Leg) -> tuple[tuple[Cap, list[int], int, int], ...]:
    return (
        ("cap-site", guard.site, rule.hour_most, HOUR_MS),
        ("cap-seat", guard.seats.setdefault(wish.seat, []), rule.seat_hour_most if wish.seat else 0, HOUR_MS),
        ("cap-number", guard.numbers.setdefault(wish.number, []), rule.number_day_most, DAY_MS),
    )


def _count(guard: Guard, rule: OutRule, wish: CallOutAsked | Leg, now: int) -> None:
    """Note a call that was let out; as many as the cap is are enough to know."""
    for _, times, most, window_ms in _counts(guard, rule, wish):
        times[:] = [*_within(times, now, window_ms), now][-(most or 1) :]


def _within(times: list[int], now: int, window_ms: int) -> list[int]:
    return [at for at in times if at > now - window_ms]


def _sweep(guard: Guard, now: int) -> None:
    """Forget what is too old to count, so that numbers called once do not pile up."""
    guard.swept_at = now
    guard.seats = {name: left for name, times in guard.seats.items() if (left := _within(times, now, HOUR_MS))}
    guard.numbers = {name: left for name, times in guard.numbers.items() if (left := _within(times, now, DAY_MS))}


def _reserve(floor: Floor, leg: Leg) -> bool:
    """Set aside what the call may cost, and shorten it to what is left; False if that is less than a minute."""
    most = floor.state.calling_out.spend_day_most
    if not (most and leg.rate):
        return True
    left = most - spent(floor)
    minutes = min(-(-leg.longest_ms // MINUTE_MS), left // leg.rate)
    if minutes < 1:
        return False
    leg.reserved = minutes * leg.rate
    leg.longest_ms = min(leg.longest_ms, minutes * MINUTE_MS - CUT_MS)
    return True


def spent(floor: Floor) -> int:
    """What was spent in the last 24 hours, and what calls out may still cost."""
    guard = floor.state.guard
    guard.spent = [(at, cost) for at, cost in guard.spent if at > floor.at - DAY_MS]
    return sum(cost for _, cost in guard.spent) + sum(leg.reserved for leg in floor.state.legs.values())


def _spend(guard: Guard, now: int, cost: int) -> None:
    if guard.spent and now // MINUTE_MS == guard.spent[-1][0] // MINUTE_MS:
        cost += guard.spent.pop()[1]
    guard.spent.append((now, cost))
