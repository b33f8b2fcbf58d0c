"""Which Python runs the phones' processes.

Theory of operation. pjsua2 has wheels for Python 3.11 and 3.12 only. Where the owner's Python has it, that one runs the
phones. Elsewhere a private Python 3.11 does: Debian's packages and the wheels beside them, a bundle as Asterisk's
(`ivr.asterisk.private`), made once. It sees the bundle and, behind it, the folder callfloor is imported from, where
`ivr.phone_engine` lies; what else lies there was perhaps compiled for the owner's Python, so the order counts. `-S` and
`-P` keep the machine's Python packages and the current folder out.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ivr.asterisk.archive import Progress
from ivr.asterisk.private import find_bundle, provision
from ivr.asterisk.program import quiet

PRIVATE = "python3.11"


class Interpreter(NamedTuple):
    """The words that run Python, and what its environment adds to the owner's."""

    argv: list[str]
    environment: dict[str, str]


def find_interpreter(progress: Progress = quiet) -> Interpreter:
    """Return a Python that has pjsua2, fetching a private one where the owner's has not.

    Raises:
        ProvisionError: there is none and it cannot be fetched; the message tells what to do instead.

    """
    if find_spec("pjsua2"):
        return Interpreter([sys.executable], {})
    bundle = find_bundle(PRIVATE) or provision(PRIVATE, progress)
    paths = (bundle.wheels, Path(__file__).parents[2])
    return Interpreter(
        [*bundle.argv, "-S", "-P"],
        {"PYTHONHOME": str(bundle.root / "usr"), "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )
