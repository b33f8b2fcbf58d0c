"""The short flows that sections and options of ivr.conf become: hours, the way in, lists of actions.

Menus, which ask something, are made in `ivr.menus`.
"""

import re
from collections.abc import Callable, Mapping

from acd.hours import Hours
from ivr.actions import Actions, hours_flow
from ivr.flow import Answer, Caller, Flow, HangUp
from ivr.overflow import emergency

NOT_IN_A_NUMBER = re.compile(r"[^0-9*#]")
"""What may stand in a number for those who read it."""


def compile_hours(name: str, hours: Hours, otherwise: Actions, now_s: Callable[[], float]) -> Flow:
    """Return while it is open, by the clock `now_s`; else do what is done then."""

    async def run(_caller: Caller) -> None:
        if not hours.is_open(now_s()):
            await otherwise.perform()
            await HangUp()

    return Flow(hours_flow(name), run)


def compile_entry(
    numbers: Mapping[str, Actions], default: Actions, otherwise: Actions, is_closed: Callable[[], bool]
) -> Flow:
    """Take each call to what its number does, or, while the whole site is closed, to what is done then."""

    async def run(caller: Caller) -> None:
        await Answer()
        if is_closed():
            await emergency(otherwise)
        await numbers.get(NOT_IN_A_NUMBER.sub("", caller.dialled), default).perform()

    return Flow("entry", run)


def compile_actions(name: str, actions: Actions) -> Flow:
    """Do all of them."""

    async def run(_caller: Caller) -> None:
        await actions.perform()

    return Flow(name, run)
