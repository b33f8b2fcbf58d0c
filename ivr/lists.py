"""Lists that the switch is asked for: whole, or not at all."""

from ivr.ami import Link, LinkError, Message, text
from ivr.trunks import LISTS


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
