"""Run one bench or all: `python -m tests.bench [NAME]`, or `make bench [BENCH=NAME]`.

A bench is a module beside this one with a function `main() -> dict[str, object]`. It prints a table for people and
returns its figures, units in their names; they become the last line of its output, one JSON object with its name under
`bench`. A helper of benches has no `main`.
"""

import ast
import json
import sys
from importlib import import_module
from pathlib import Path


def benches() -> list[str]:
    """Name the modules that define `main`, without running any."""
    return [
        file.stem
        for file in sorted(Path(__file__).parent.glob("[!_]*.py"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(file.read_text()).body)
    ]


def run(name: str) -> None:
    """Run a bench and print its figures as JSON."""
    figures: dict[str, object] = import_module(f"tests.bench.{name}").main()
    print(json.dumps({"bench": name, **figures}), flush=True)


def main(wanted: list[str]) -> int:
    """Run what is wanted, or all; 2 for a bench that does not exist."""
    known = benches()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no bench is called {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted or known:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
