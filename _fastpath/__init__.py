"""The compiled half of callfloor and its pure twin; it knows nothing of telephony.

This file is the only one that knows of two builds: everybody else imports from `_fastpath`. The compiled module is used
where it could be built; the environment variable `FASTPATH=python` forces the pure one. `BUILD` says which it is. A
compiled module that is there but does not load is an error, not a reason to be slow in silence.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

__all__ = ["BUILD", "Matcher"]

_wish = os.environ.get("FASTPATH", "")
if _wish not in ("", "python"):
    raise ImportError(f"FASTPATH={_wish} is unknown: say FASTPATH=python for the pure build, or leave it unset")

BUILD: Literal["compiled", "python"] = "compiled" if not _wish and find_spec("_fastpath.match") else "python"

if TYPE_CHECKING or BUILD == "compiled":
    from _fastpath.match import Matcher
else:
    from _fastpath.match_py import Matcher
