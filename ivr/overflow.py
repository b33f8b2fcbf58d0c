"""Where a caller goes whose wait is over without an agent.

The core says where and why (`SendAway`); the switch keeps both on his channel, as ACD_TO and ACD_REASON, and sends him
to the dialplan's acd-overflow, which starts this flow. A flow that he is handed to reads the reason by
`GetVariable("ACD_REASON")`.

    flow NAME    menu NAME    voicemail    callback    number EXT       empty: the actions of `overflow` in ivr.conf

Who finds a queue closed hears first what was recorded for that, if anything was.

A place that does not exist any more, after a reload, is no dead end: `overflow` takes him.
"""

import re

import structlog

from acd.settings import QUEUE_NAME
from ivr.actions import Actions, menu_flow
from ivr.flow import Answer, Caller, Flow, GetVariable, HandOver, HangUp, Play, Recorded, StepError, Transfer

log = structlog.get_logger()


def overflow_flow(otherwise: Actions) -> Flow:
    """Make the flow of the route `overflow`; `otherwise` are the site's actions for callers who go nowhere else."""

    async def run(caller: Caller) -> None:
        if await GetVariable("ACD_REASON") == "closed":
            await _say_why_closed(await GetVariable("ACD_QUEUE") or "")
        to = await GetVariable("ACD_TO") or ""
        if to:
            try:
                await destination(to)
            except (StepError, ValueError) as error:
                log.warning("overflow target not usable", call=caller.uniqueid, to=to[:80], reason=str(error))
        await otherwise.perform()

    return Flow("overflow", run)


def closing(queue: str) -> str:
    """Name the recording that callers hear while a queue is closed; a supervisor makes it from a handset.

    Without a name: while the whole site is.
    """
    return f"closing-{queue}" if queue else "closing"


async def emergency(actions: Actions) -> None:
    """Tell a caller that the whole site is closed, and do for him what is done then."""
    said = await Recorded(closing(""))
    await Play(said if said is not None else "sorry-try-later")
    await actions.perform()
    await HangUp()


async def _say_why_closed(queue: str) -> None:
    if re.fullmatch(QUEUE_NAME, queue) and (said := await Recorded(closing(queue))) is not None:
        await Answer()
        await Play(said)


def destination(to: str) -> HandOver | Transfer:
    """Read where somebody is sent.

    Raises:
        ValueError: it is none of the places that there are.

    """
    kind, _, name = to.partition(" ")
    match kind:
        case "flow" if name:
            return HandOver(name)
        case "menu" if name:
            return HandOver(menu_flow(name))
        case "voicemail" | "callback" if not name:
            return HandOver(kind)
        case "number" if name:
            return Transfer(name)
    raise ValueError(
        f"'{to[:80]}' is no place to send a caller to: flow NAME, menu NAME, voicemail, callback or number EXT"
    )
