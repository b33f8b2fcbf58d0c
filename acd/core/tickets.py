"""Tickets: a customer's place in line, kept for him after he was cut off through no fault of his.

When the switch dies every caller goes with it. Each leaves a ticket with his original place; who calls again from the
same number, in time, stands where he stood. A ticket is good for one call. (mod_callcenter's `abandoned-resume-allowed`
is the nearest relative.)
"""

from acd.core.floor import Floor
from acd.core.model import Call, Ticket

TICKETS_MOST = 10_000
"""So many are kept; beyond it the youngest are not written: first come, first kept."""


def write(floor: Floor, calls: list[Call]) -> None:
    """Write a ticket for each of these calls that was not over, in the order of their places."""
    state = floor.state
    why = {"waiting": "cut off while waiting", "offered": "cut off while waiting"}
    for call in sorted(calls, key=lambda call: call.key):
        if call.state == "after" or len(state.tickets) >= TICKETS_MOST:
            continue
        state.tickets_counted += 1
        ticket = Ticket(
            number=state.tickets_counted,
            caller=call.caller,
            queue=call.queue,
            medium=call.medium,
            priority=call.priority,
            asked=call.asked,
            ahead_ms=call.ahead_ms,
            arrived=call.arrived,
            made_at=floor.at,
            expires_at=floor.at + state.ticket_ms,
            why=why.get(call.state, "cut off in the talk"),
        )
        state.tickets.append(ticket)
        floor.deadlines.add(ticket.expires_at, "ticket")


def redeem(floor: Floor, call: Call) -> None:
    """Give a call the place that its caller has a ticket for, if he has. A virtual call has the place it was given."""
    if not call.caller or call.virtual:
        return
    for ticket in floor.state.tickets:
        if ticket.caller == call.caller and ticket.queue == call.queue:
            call.arrived = call.due = min(call.arrived, ticket.arrived)
            call.ahead_ms = max(call.ahead_ms, ticket.ahead_ms)
            floor.state.tickets.remove(ticket)
            return
