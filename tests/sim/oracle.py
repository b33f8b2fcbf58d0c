"""Who gets which call, said naively: a second reading of the rules, in plain loops over calls and seats.

It shares nothing with the core's routing, classes, lanes, capacity, lines or explanations: it reads the plain state and
the rules as their docstrings have them. Where chance decides among seats it names all that may be drawn.
"""

from acd.core.rules import MediumRule

ROUGHLY_ALL = 1_000


def medium_rule(state, name):
    """The row of a medium; one that is in no table takes the whole seat."""
    return state.media.get(name) or MediumRule(name=name)


def calls_first(state, call):
    """What a call becomes whose customer is called before any agent, who ring for it no more; None for any other."""
    rule = state.queues.get(call.queue)
    if call.virtual and not call.offers and rule is not None and rule.callback_first == "customer":
        return medium_rule(state, call.medium).becomes or None
    return None


def is_callback(state, call):
    """Whether a customer is to be called for it."""
    return call.virtual and call.medium in state.media and state.media[call.medium].becomes != ""


def is_to_be_called(state, call):
    """Whether a caller who hangs up now is called back."""
    rule = state.queues.get(call.queue)
    if call.virtual or not call.dial or rule is None or not rule.callback_abandoned_ms:
        return False
    if call.state not in {"waiting", "offered"} or f"callback-{call.id}" in state.calls:
        return False
    if not any(medium.virtual and medium.becomes for medium in state.media.values()):
        return False
    if any(is_callback(state, other) and other.caller == call.dial for other in state.calls.values()):
        return False
    since = call.arrived if call.given_at is None else call.given_at
    return state.now - since >= rule.callback_abandoned_ms


def sleeps(state, call):
    """Whether it is a callback of a queue that is closed."""
    rule = state.queues.get(call.queue)
    if rule is None or not is_callback(state, call):
        return False
    return call.queue in state.quiet or state.closed.get("", False) or state.closed.get(call.queue, rule.closed)


def is_ground(state, seat):
    """Whether a customer is called for a seat, who has not come to his queue yet."""
    return any(leg.customer and leg.seat == seat.name for leg in state.legs.values())


def has_room(state, seat, medium):
    """Whether a seat can take one more contact of a medium beside those it has."""
    rule = medium_rule(state, medium)
    count = spent = 0
    for name in seat.work:
        held = state.offers[name].medium
        if held == medium:
            count += 1
        held_rule = medium_rule(state, held)
        if medium in held_rule.interrupted_by:
            continue
        if medium in held_rule.blocks or "*" in held_rule.blocks:
            return False
        spent += held_rule.cost
    return count < seat.rule.most.get(medium, rule.most) and spent + rule.cost <= seat.rule.budget


def spare_line(state, group):
    """The line that a seat's leg would go over; None if none is to spare."""
    rule = state.groups.get(group)
    if rule is None:
        return None
    free, carried = [], {leg.line for leg in (*state.offers.values(), *state.legs.values())}
    for line_rule in rule.lines:
        line = state.lines[line_rule.name]
        unusable = line.in_use or line.trouble or line.fault_until is not None or line.out_since is not None
        if line_rule.name not in carried and not unusable:
            free.append((line_rule, line))
    if len(free) <= rule.keep_inbound + rule.keep_emergency + rule.keep_callback:
        return None
    if rule.pick == "least-cost":
        cheapest = min(line_rule.cost for line_rule, _ in free)
        free = [(line_rule, line) for line_rule, line in free if line_rule.cost == cheapest]
    if rule.pick == "round-robin":
        longest_ago = min(line.turn for _, line in free)
        free = [(line_rule, line) for line_rule, line in free if line.turn == longest_ago]
    if rule.pick == "least-recent":
        longest_ago = min(line.used_at for _, line in free)
        free = [(line_rule, line) for line_rule, line in free if line.used_at == longest_ago]
    return free[-1 if rule.pick == "reverse" else 0][0].name


def at_desk(state, seat, call):
    """Whether a contact comes to a seat's desk."""
    return call.virtual and seat.desk_open and call.medium in state.media and state.media[call.medium].desk


def works(seat):
    """Whether its agent takes contacts."""
    return seat.presence == "ready" and seat.next_word == "ready" and seat.resting_until is None


def takes_calls(state, seat):
    """Whether a seat can be rung at all."""
    if not works(seat) or not seat.reachable:
        return False
    if seat.busy and not seat.rule.ring_in_use:
        return False
    return not seat.rule.line_group or spare_line(state, seat.rule.line_group) is not None


def signed_in(state, queue):
    """How many of a queue's seats are logged in."""
    count = 0
    for seat in state.seats.values():
        if queue in seat.rule.queues and seat.presence != "logged-out":
            count += 1
    return count


def tier(state, seat, queue):
    """The seat's tier in a queue; 0 while so few are logged in that tiers are ignored."""
    rule = state.queues[queue]
    if rule.tier_seats and signed_in(state, queue) <= rule.tier_seats:
        return None
    place = seat.rule.queues.index(queue)
    return seat.rule.tiers[place] if place < len(seat.rule.tiers) else 0


def fits(state, seat, call):
    """Whether a seat is of the right kind for a call, whatever it does at the moment."""
    if call.wants:
        return call.wants == seat.name
    if call.queue not in seat.rule.queues:
        return False
    level = tier(state, seat, call.queue)
    if level is not None and not call.tiers[0] <= level <= call.tiers[1]:
        return False
    for need in call.needs:
        if not any(name == skill and has >= level for skill, level in need for name, has in seat.rule.skills):
            return False
    return True


def rings_more(state, call):
    """Whether one more seat may ring for a call."""
    rule = state.queues.get(call.queue)
    if rule is None:
        return False
    if call.state == "waiting":
        if call.hold_until is not None or sleeps(state, call):
            return False
        limit = 1
    elif call.state != "offered" or call.wants:  # which is for one seat alone
        return False
    else:
        limit = {"ring-all": ROUGHLY_ALL, "ring-circles": call.rings}.get(rule.strategy, 1)
    if len(call.offers) >= limit:
        return False
    return not rule.seats_most or sum(offer.queue == call.queue for offer in state.offers.values()) < rule.seats_most


def may_have(state, seat, call):
    """Whether a seat that takes calls may be given this one."""
    if call.barred and seat.name in call.barred:
        return False
    if call.offers and any(state.offers[name].seat == seat.name for name in call.offers):
        return False
    becomes = calls_first(state, call)
    if becomes is not None and is_ground(state, seat):
        return False
    return has_room(state, seat, becomes or call.medium) and fits(state, seat, call)


def standing(call):
    """A call's place in line."""
    return call.rank, call.due, call.number


def turn(call):
    """When it is a call's turn: one that a supervisor pulled to his seat goes before all others, whatever its class."""
    rank, *rest = standing(call)
    return rank if call.pulled_from is None else -2, *rest


def pull(state, event):
    """What a supervisor is answered who pulls a call, and the call that goes to his seat."""
    seat = state.seats.get(event.seat)
    if seat is None:
        return "unknown-seat", None
    if seat.presence == "logged-out":
        return "not-logged-in", None
    waiting = [call for call in state.calls.values() if call.state == "waiting"]
    if any(call.pulled_from is not None and call.wants == seat.name for call in waiting):
        return "already", None
    if seat.presence != "ready" or seat.next_word != "ready" or not seat.reachable:
        return "unable", None
    if seat.rule.line_group and spare_line(state, seat.rule.line_group) is None:
        return "unable", None
    found = [call for call in waiting if _may_be_pulled(state, seat, call, event.queue)]
    if not found:
        return "nobody-waits", None
    fitting = [call for call in found if has_room(state, seat, call.medium)]
    longest = min(fitting, key=lambda call: (call.arrived, call.number), default=None)
    return ("ok", longest) if longest is not None else ("unable", None)


def _may_be_pulled(state, seat, call, queue):
    if call.pulled_from is not None or (call.virtual and call.hold_until is not None):
        return False
    if sleeps(state, call) or calls_first(state, call):
        return False
    if call.queue != queue if queue else call.queue not in seat.rule.queues:
        return False
    most = state.queues[call.queue].seats_most
    return not most or sum(offer.queue == call.queue for offer in state.offers.values()) < most


def pick_up(state, event):
    """What an agent is answered who picks up what rings at another seat, and the call that goes to his."""
    seat, other = state.seats.get(event.seat), state.seats.get(event.of)
    if seat is None:
        return "unknown-seat", None
    if seat.presence == "logged-out":
        return "not-logged-in", None
    ringing = [state.offers[name] for name in other.work] if other is not None and other is not seat else []
    ringing = [offer for offer in ringing if offer.state == "ringing" and offer.call is not None]
    if not ringing:
        return "nobody-rings", None
    call = state.calls[ringing[0].call]
    if call.queue not in seat.rule.queues:
        return "not-served", None
    if seat.name in {state.offers[name].seat for name in call.offers}:
        return "already", None
    if any(one.pulled_from is not None and one.wants == seat.name for one in state.calls.values()):
        return "already", None
    ready = seat.presence == "ready" and seat.next_word == "ready" and seat.reachable
    if not ready or not has_room(state, seat, call.medium):
        return "unable", None
    if seat.rule.line_group and spare_line(state, seat.rule.line_group) is None:
        return "unable", None
    return "ok", call


def wanted_order(state, seat, call):
    """A seat's place among those that may have a call; None at the end where chance decides."""
    rule = state.queues[call.queue]
    level = 0 if call.wants else tier(state, seat, call.queue)
    level = 0 if level is None or call.wants else max(level, call.tiers[2])
    fit = (0, 0)
    if rule.strategy == "best-fit" and not call.wants:
        asked = {skill for need in call.needs for skill, _ in need}
        strength = sum(has for skill, has in seat.rule.skills if skill in asked)
        fit = (-strength, sum(skill not in asked for skill, _ in seat.rule.skills))
    strategy = {
        "fewest-calls": (seat.taken, seat.idle_since),
        "least-occupied": (seat.occupancy, seat.idle_since),
        "round-robin": (seat.turn, 0),
        "ordered": (seat.rule.order, 0),
        "random": None,
        "weighted-random": None,
    }.get(rule.strategy, (seat.idle_since, 0))
    return level, fit, strategy


def next_pair(state, calls=None, seats=None):
    """The call that is to be served next, and the names of the seats of which one gets it; None if none can be.

    Of all calls and seats, or of some.
    """
    if not state.fresh:
        return None
    seats = [seat for seat in (state.seats.values() if seats is None else seats) if works(seat)]
    rung = {seat.name for seat in seats if takes_calls(state, seat)}
    seats = [seat for seat in seats if seat.name in rung or seat.desk_open]
    if not seats:
        return None
    calls = [call for call in (state.calls.values() if calls is None else calls) if rings_more(state, call)]
    media = {calls_first(state, call) or call.medium for call in calls}
    seats = [seat for seat in seats if any(has_room(state, seat, medium) for medium in media)]
    for call in sorted(calls, key=turn) if seats else ():
        able = [
            (wanted_order(state, seat, call), seat.number, seat.name)
            for seat in seats
            if (seat.name in rung or at_desk(state, seat, call)) and may_have(state, seat, call)
        ]
        if not able:
            continue
        if able[0][0][2] is None:  # by chance, among the best tier and fit
            best = min(order[:2] for order, _, _ in able)
            return call, {name for order, _, name in able if order[:2] == best}
        return call, {min(able)[2]}
    return None


def is_there(state, seat, call, absences):
    """Whether a seat counts for an empty queue."""
    if seat.presence == "logged-out" or call.queue not in seat.rule.queues:
        return False
    states = [state.offers[name].state for name in seat.work]
    wraps_up = "wrap-up" in states
    return not (
        ("paused" in absences and (seat.presence == "paused" or seat.next_word == "pause"))
        or ("unreachable" in absences and not seat.reachable)
        or ("wrap-up" in absences and wraps_up)
        or ("busy" in absences and (seat.busy or (states and not wraps_up)))
        or ("tier" in absences and not _in_tiers(seat, call))
    )


def _in_tiers(seat, call):
    place = seat.rule.queues.index(call.queue)
    level = seat.rule.tiers[place] if place < len(seat.rule.tiers) else 0
    return call.tiers[0] <= level <= call.tiers[1]
