"""Lists that the switch is asked for: whole, or not at all."""

from collections.abc import Iterable

from msgspec.structs import replace

from acd.core.events import Snapshot
from ivr.ami import Link, LinkError, Message, text
from ivr.channels import VARIABLES, Channels
from ivr.trunks import LISTS

ANSWERED = "callfloor-answered"
"""Where in its database Asterisk notes, by line, which call out was answered there last (acd-answered)."""


async def everything(link: Link, channels: Channels, asked: int, legs: Iterable[tuple[str, str]]) -> Snapshot:
    """Ask for all that the switch holds, and take it over; of these calls out, each with its line, what became of them.

    Raises:
        LinkError: it cannot say.

    """
    with channels.meanwhile() as meanwhile:
        status = await whole_list(link, "Status", Variables=VARIABLES)
        devices = await whole_list(link, "DeviceStateList")
        more = {action: await list_of_lines(link, action) for action in channels.trunks.lists}
        [core] = await link.ask("CoreStatus")
        marks = [(leg, await link.ask("DBGet", Family=ANSWERED, Key=line)) for leg, line in legs if line]
    if link.lost.done():
        raise LinkError("the link ended before the snapshot was read")
    snapshot = channels.snapshot(
        asked,
        [message for message in status if text(message, "Event") == "Status"],
        [message for message in devices if text(message, "Event") == "DeviceStateChange"],
        meanwhile,
        {action: answer for action, answer in more.items() if answer is not None},
    )
    live = {out.leg for out in snapshot.outgoing}
    answered = tuple(leg for leg, told in marks if leg not in live and any(text(one, "Val") == leg for one in told))
    born = f"{text(core, 'CoreStartupDate')} {text(core, 'CoreStartupTime')}".strip()
    return replace(snapshot, switch_run=born, answered=answered)


async def whole_list(link: Link, action: str, **headers: str) -> list[Message]:
    """Ask for a list. A refusal is no empty list: by that every caller would be gone.

    Raises:
        LinkError: there is no list.

    """
    messages = await link.ask(action, **headers)
    if not text(messages[-1], "Event").endswith("Complete"):
        raise LinkError(f"{action}: {text(messages[-1], 'Message') or 'no list came'}")
    return messages


async def list_of_lines(link: Link, action: str) -> list[Message] | None:
    """Ask for one of `trunks.LISTS`. None if the switch does not say; nothing of hardware if it knows of none."""
    messages = await link.ask(action)
    if text(messages[-1], "Event").endswith("Complete"):
        return [message for message in messages if text(message, "Event") == LISTS[action]]
    return [] if action == "DAHDIShowChannels" else None
