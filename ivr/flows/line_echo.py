"""The line echo: who calls hears himself at once, and has his keys back. Another site tests its lines by it."""

from ivr.flow import Caller, Transfer, flow

ECHO = "*43"
"""In extensions.conf, context line-echo: the switch does it, so nothing of callfloor is on the way."""


@flow("line-echo")
async def line_echo(_caller: Caller) -> None:
    """Send the caller to the echo; he is hung up after two minutes."""
    await Transfer(ECHO)
