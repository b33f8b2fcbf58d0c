"""Callbacks as plain facts of the state: which calls are some, whose customer is called first, which sleep."""

from acd.core.model import Call, State


def is_callback(state: State, call: Call) -> bool:
    """Whether a customer is to be called for it."""
    return call.virtual and call.medium in state.media and state.media[call.medium].becomes != ""


def reached_as(state: State, call: Call) -> str:
    """Give the medium of a call whose customer is called before any agent, when he answers; empty for any other.

    One that rings at a seat as the rule changes is the agents' until it rings nowhere.
    """
    queue = state.queues.get(call.queue)
    if not call.virtual or call.offers or queue is None or queue.callback_first != "customer":
        return ""
    return state.media[call.medium].becomes if call.medium in state.media else ""


def sleeps(state: State, call: Call) -> bool:
    """Whether nobody calls its customer, because its queue is closed, or by the time of day."""
    if not call.virtual or call.queue not in state.queues or not is_callback(state, call):
        return False
    return call.queue in state.quiet or state.is_closed(state.queues[call.queue])


def callbacks(state: State) -> dict[str, Call]:
    """Give all of them, in the order in which they came."""
    return {call.id: call for call in state.calls.values() if is_callback(state, call)}


def grounds(state: State) -> set[str]:
    """Name the seats for which a customer is called, or has answered and is not in line yet."""
    return {leg.seat for leg in state.legs.values() if leg.customer and leg.seat}
