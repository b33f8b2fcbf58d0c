"""The compiled half of callfloor and its pure twin; it knows nothing of telephony.

This file is the only one that knows of two builds: everybody else imports from `_fastpath`. The compiled modules are
used where all could be built; the environment variable `FASTPATH=python` forces the pure ones. `BUILD` says which it
is. A compiled module that is there but does not load is an error, not a reason to be slow in silence.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

__all__ = [
    "BUILD",
    "CommandError",
    "Connection",
    "Exchange",
    "Framer",
    "Matcher",
    "Message",
    "Reactor",
    "accept",
    "command_line",
    "read_headers",
]

_wish = os.environ.get("FASTPATH", "")
if _wish not in ("", "python"):
    raise ImportError(f"FASTPATH={_wish} is unknown: say FASTPATH=python for the pure build, or leave it unset")

_built = all(find_spec(f"_fastpath.{module}") for module in ("ami", "exchange", "headers", "match", "reactor"))
BUILD: Literal["compiled", "python"] = "compiled" if not _wish and _built else "python"

if TYPE_CHECKING or BUILD == "compiled":
    from _fastpath.ami import Framer, Message
    from _fastpath.exchange import CommandError, Exchange, command_line
    from _fastpath.headers import read_headers
    from _fastpath.match import Matcher
    from _fastpath.reactor import Connection, Reactor, accept
else:
    from _fastpath.ami_py import Framer, Message
    from _fastpath.exchange_py import CommandError, Exchange, command_line
    from _fastpath.headers_py import read_headers
    from _fastpath.match_py import Matcher
    from _fastpath.reactor_py import Connection, Reactor, accept
