"""Ports of the loopback for what tests start."""

import random

from ivr.asterisk.ports import is_free

_RANGE = range(12_000, 30_000)
"""Below Linux's ephemeral ports (32768 and up): those any program's outgoing connection may take a moment later."""


def free_port() -> int:
    """Find a port that nobody has now, UDP and TCP."""
    return next(port for port in random.sample(_RANGE, len(_RANGE)) if is_free("127.0.0.1", port))
