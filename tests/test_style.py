"""The house's style as a test: what ruff and mypy do not know.

Theory of operation. A rule takes a file's path and text and yields its complaints. Every rule is applied to every text
file that git tracks or would track, and to a bad sample that it must refuse, so no rule can fall silent unnoticed.
"""

import ast
import io
import re
import subprocess
import tokenize
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from acd.core.commands import AnyCommand
from acd.core.events import AnyEvent

ROOT = Path(__file__).parents[1]
LAYERS = ["_fastpath", "acd", "ivr"]  # each may import itself and those before it
SOLE_IMPORTERS = {"panoramisk": "ivr/ami", "pjsua2": "ivr/phone_engine", "asterisk": "asterisk-config/agi-bin"}
MEASURES_THEM = "tests/bench/neighbours.py"
CODE = (".py", ".pyi", ".pyx", ".pxd")
IMPURE_MODULES = {
    *("asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "secrets", "select", "socket", "sqlite3"),
    *("structlog", "subprocess", "sys", "threading", "time", "uuid"),
}
IMPURE_NAMES = {"__import__", "hash", "id", "input", "open", "print"}  # hash of a str differs from run to run
LINES_PER_FILE = 400
LINES_PER_FUNCTION = 60

Rule = Callable[[str, str], Iterator[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def nodes(text: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text)))


def of_python(path: str) -> bool:
    return path.endswith(".py")


def of_core(path: str) -> bool:
    return path.startswith("acd/core/") and of_python(path)


def imports(text: str) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, inside functions and by `import_module` too. Relative ones stay at home."""
    for node in nodes(text):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
            "import_module",
            "__import__",
        }:
            yield from ((node.lineno, arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def short_files(path: str, text: str) -> Iterator[str]:
    if path.endswith(CODE) and (lines := text.count("\n")) > LINES_PER_FILE:
        yield f"{path}: {lines} lines; split it, {LINES_PER_FILE} are the most"


def short_functions(path: str, text: str) -> Iterator[str]:
    for node in nodes(text) if of_python(path) else ():
        if isinstance(node, Function) and (lines := (node.end_lineno or 0) - node.lineno + 1) > LINES_PER_FUNCTION:
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines; {LINES_PER_FUNCTION} are the most"


def imports_flow_one_way(path: str, text: str) -> Iterator[str]:
    layer = path.partition("/")[0]
    for line, name in imports(text) if of_python(path) and layer in LAYERS else ():
        if name.split(".")[0] in LAYERS[LAYERS.index(layer) + 1 :]:
            yield f"{path}:{line}: {layer} imports {name}, which stands to its left"


def sole_importers(path: str, text: str) -> Iterator[str]:
    for line, name in imports(text) if of_python(path) else ():
        home = SOLE_IMPORTERS.get(name.split(".")[0])
        if home and path not in (f"{home}.py", MEASURES_THEM) and not path.startswith(f"{home}/"):
            yield f"{path}:{line}: imports {name}; only {home} may"


def a_pure_core(path: str, text: str) -> Iterator[str]:
    if not of_core(path):
        return
    for line, name in imports(text):
        if name.split(".")[0] in IMPURE_MODULES:
            yield f"{path}:{line}: the core imports {name}"
    for node in nodes(text):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in IMPURE_NAMES:
            yield f"{path}:{node.lineno}: the core uses {node.id}"
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield f"{path}:{node.lineno}: the core waits"


def no_medium_is_special(path: str, text: str) -> Iterator[str]:
    for node in nodes(text) if of_core(path) else ():
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            if not any(isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) for leaf in ast.walk(node)):
                continue  # two media are compared, whichever they are
        elif isinstance(node, ast.Match):
            parts = [node.subject]
        else:
            continue
        if any(getattr(part, "attr", getattr(part, "id", "")) == "medium" for part in parts):
            yield f"{path}:{node.lineno}: the core asks which medium it is; a medium is a row in a table"


def proofs_are_stated(path: str, text: str) -> Iterator[str]:
    for node in nodes(text) if path.startswith("tests/") and of_python(path) else ():
        if isinstance(node, Function) and node.name.startswith("test_") and not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: {node.name} has no sentence saying what fact it proves"


def modules_say_what_they_are(path: str, text: str) -> Iterator[str]:
    if of_python(path) and text.strip() and not ast.get_docstring(ast.parse(text)):
        yield f"{path}: the module has no docstring"


def exemptions_carry_reasons(path: str, text: str) -> Iterator[str]:
    reasoned = re.compile(r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*(\s+-)?\s+\S+ \S")
    for token in tokenize.generate_tokens(io.StringIO(text).readline) if path.endswith((".py", ".pyi")) else ():
        if token.type == tokenize.COMMENT and "noqa" in token.string and not reasoned.search(token.string):
            yield f"{path}:{token.start[0]}: write `noqa: CODE - why`, not {token.string!r}"


def nothing_is_left_for_later(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(?:TOD[O]|FIXM[E])\b", line):
            yield f"{path}:{number}: {line.strip()}"


def no_machine_is_named(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(
            r"(?<![\w.}])/(?:home|root|work)(?![\w-])|\b(?:pypi|pythonhosted|npmjs|crates)\.(?:org|io|com)", line
        ):
            yield f"{path}:{number}: names a folder of one machine or a package registry: {line.strip()}"


# Each rule with a file that breaks it.
BAD: list[tuple[Rule, str, str]] = [
    (short_files, "acd/a.py", "x = 1\n" * (LINES_PER_FILE + 1)),
    (short_files, "_fastpath/a.pyx", "x = 1\n" * (LINES_PER_FILE + 1)),
    (short_functions, "ivr/a.py", "def f():\n" + "    x = 1\n" * LINES_PER_FUNCTION),
    (short_functions, "ivr/a.py", "class A:\n    async def f(self):\n" + "        x = 1\n" * LINES_PER_FUNCTION),
    (imports_flow_one_way, "acd/core/a.py", "def f():\n    import ivr.agi\n"),
    (imports_flow_one_way, "_fastpath/a.py", "from acd import conf\n"),
    (imports_flow_one_way, "acd/a.py", "module = importlib.import_module('ivr.agi')\n"),
    (sole_importers, "ivr/switch.py", "from panoramisk.message import Message\n"),
    (sole_importers, "tests/live/conftest.py", "def f():\n    import pjsua2 as pj\n"),
    (sole_importers, "ivr/asterisk/files.py", "import asterisk.agi\n"),
    (a_pure_core, "acd/core/a.py", "def f():\n    from time import time\n"),
    (a_pure_core, "acd/core/a.py", "import os.path\n"),
    (a_pure_core, "acd/core/a.py", "f = open\n"),
    (a_pure_core, "acd/core/a.py", "async def f(): ...\n"),
    (no_medium_is_special, "acd/core/a.py", "if call.medium == 'voice': pass\n"),
    (no_medium_is_special, "acd/core/a.py", "x = medium in ('sms', 'chat')\n"),
    (no_medium_is_special, "acd/core/a.py", "match event.medium:\n    case 'sms': pass\n"),
    (proofs_are_stated, "tests/ivr/test_a.py", "class TestA:\n    def test_a(self): ...\n"),
    (proofs_are_stated, "tests/ivr/test_a.py", "async def test_a(): ...\n"),
    (modules_say_what_they_are, "ivr/a.py", "import os\n"),
    (exemptions_carry_reasons, "ivr/a.py", "x = 1  # noqa\n"),
    (exemptions_carry_reasons, "ivr/a.py", "x = 1  # noqa: S101\n"),
    (exemptions_carry_reasons, "ivr/a.py", "# ruff: noqa: S101, D100\n"),
    (nothing_is_left_for_later, "asterisk-config/acd.conf", f"; TO{'DO'}: skills\n"),
    (no_machine_is_named, "README.md", f"Look into /{'home'}/anna/callfloor.\n"),
    (no_machine_is_named, "Makefile", f"\tpip install -i https://pypi.{'org'}/simple x\n"),
]
# What looks like a breach and is none.
GOOD: list[tuple[Rule, str, str]] = [
    (imports_flow_one_way, "ivr/a.py", "import acd.conf, _fastpath\nfrom ivr.agi import Request\n"),
    (sole_importers, "ivr/phone_engine/engine.py", "import pjsua2\n"),
    (sole_importers, "ivr/a.py", "from ivr.asterisk import files\n"),
    (a_pure_core, "acd/dispatcher.py", "import time\n"),
    (a_pure_core, "acd/core/a.py", "class Call:\n    id: str\n"),
    (no_medium_is_special, "acd/core/a.py", "row = media[call.medium]\n"),
    (no_medium_is_special, "acd/core/a.py", "same = one.medium == other.medium\n"),
    (exemptions_carry_reasons, "ivr/a.py", "x = 1  # noqa: S101, S102 - our own bug\n"),
    (no_machine_is_named, "README.md", "https://example.org/work and etc/home\n"),
]
RULES = list(dict.fromkeys(rule for rule, _path, _text in BAD))


def name(value: object) -> str:
    return getattr(value, "__name__", "")


@cache
def tracked() -> list[tuple[str, str]]:
    """Path and text of every text file of the project, those not yet added included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    paths = [path for path in sorted({*listed.split("\0")} - {""}) if (ROOT / path).is_file()]
    raw = {path: (ROOT / path).read_bytes() for path in paths}
    return [(path, raw[path].decode(errors="replace")) for path in paths if b"\0" not in raw[path]]


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_the_project_keeps_the_rule(rule: Rule):
    """No file of the project breaks the rule."""
    assert [complaint for path, text in tracked() for complaint in rule(path, text)] == []


@pytest.mark.parametrize(("rule", "path", "text"), BAD, ids=name)
def test_a_breach_is_seen(rule: Rule, path: str, text: str):
    """The rule complains of a file that breaks it, once."""
    assert len(list(rule(path, text))) == 1


@pytest.mark.parametrize(("rule", "path", "text"), GOOD, ids=name)
def test_what_is_allowed_passes(rule: Rule, path: str, text: str):
    """The rule says nothing of what only looks like a breach."""
    assert list(rule(path, text)) == []


def test_the_rules_see_the_project():
    """The list of files is not empty by mistake: the product's, the tests' and this one are in it."""
    paths = {path for path, _text in tracked()}
    assert {"_fastpath/match.pyx", "acd/core/decide.py", "ivr/flow.py", "tests/test_style.py"} <= paths


def undocumented(names: Iterable[str], manual: str) -> list[str]:
    return [name for name in names if not re.search(rf"\b{name}\b", manual)]


def test_events_commands_and_steps_are_documented():
    """Every event, command and flow step is named in the README of the project or of the site folder."""
    flow = nodes((ROOT / "ivr/flow.py").read_text())
    steps = [
        node.name
        for node in flow
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Step[") for base in node.bases)
    ]
    spoken = [kind.__name__ for union in (AnyEvent, AnyCommand) for kind in typing.get_args(union)]
    assert len(steps) > 5
    assert len(spoken) > 15
    manuals = [ROOT / "README.md", ROOT / "asterisk-config/README.md"]
    manual = "\n".join(path.read_text() for path in manuals if path.exists())
    assert undocumented(spoken + steps, manual) == []


def test_a_missing_word_is_seen():
    """The documentation check names what no manual speaks of."""
    assert undocumented(["Offer", "Withdraw"], "An `OfferEnded` follows a `Withdraw`.") == ["Offer"]


def test_no_two_pages_of_tests_have_one_name():
    """Pytest takes them for one module, and collects nothing."""
    names = [path.rpartition("/")[2] for path, _ in tracked() if path.startswith("tests/")]
    pages = [page for page in names if page.startswith("test_")]
    assert [page for page in pages if pages.count(page) > 1] == []
