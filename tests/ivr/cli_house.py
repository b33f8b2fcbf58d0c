"""The command `callfloor`, run as a person or a script runs it."""

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Ended:
    """How a command ended, and what it wrote."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode(), err.decode()
        assert "Traceback" not in self.err


async def run(program, *words, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith("CALLFLOOR")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *map(str, words)),
        cwd=ROOT,
        env={**known, **environment, "COLUMNS": "120"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode, out, err)


def callfloor(*words, **environment):
    return run("from ivr.cli import main; main()", *words, **environment)
