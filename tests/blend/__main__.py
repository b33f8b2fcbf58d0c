"""The whole blend: `python -m tests.blend`, or `make blend`; with `--contacts 200 --seats 6` and the like a part of it.

1,000 contacts of all media over half an hour to 15 seats, told in two minutes: prints what came of it, one line of JSON
last, and ends with status 1 if anything is not as it should be.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.blend.plan import Scale
from tests.blend.run import MISSING, Blend
from tests.channels import node_smsc


def main(words: list[str]) -> int:
    """Run it as these words say."""
    usual = Scale()
    parser = argparse.ArgumentParser(prog="python -m tests.blend", description=__doc__.partition("\n\n")[0])
    for name, value in msgspec.structs.asdict(usual).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--folder", type=Path, help="an empty folder to leave all of it in")
    given = vars(parser.parse_args(words))
    folder = given.pop("folder")
    scale = msgspec.convert(given, Scale, strict=False)
    print(f"seed {scale.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="callfloor-blend-") as made:
        where = folder or Path(made) / "blend"
        where.mkdir(parents=True, exist_ok=True)
        try:
            modules = node_smsc.modules(Path(made))
            outcome = asyncio.run(Blend(where, scale, modules).run())
        except MISSING as reason:
            print(reason, file=sys.stderr)
            return 2
    for fault in outcome.faults:
        print(fault, file=sys.stderr)
    table = Table(title=f"{scale.contacts} contacts of all media to {scale.seats} seats", min_width=60)
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, value in outcome.figures.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
    print(json.dumps({"blend": scale.contacts, **outcome.figures}))
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
