"""Which files are AGI scripts, what ivr.conf says of them, and what is told before a caller meets them."""

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from acd.problems import ConfigError
from acd.settings import Site
from acd.site import load_site
from ivr.actions import read_actions
from ivr.flow import HangUp, Play, RunScript, Step, StepError, performing
from ivr.menus import check_ivr, load_ivr
from ivr.scripts import ScriptError, ScriptLimits, fault, find, names

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

IVR = """
[general]
default = script good.py gold 2, play sorry, hangup
script_time = 90s
scripts_at_once = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three scripts and what is none."""
    folder = tmp_path / "agi-bin"
    (folder / "sub").mkdir(parents=True)
    for file in ("good.py", "Balance.agi", "sub/inner.py", "-rf.py", ".hidden.py", "a b.py"):
        (folder / file).write_text("pass\n")
    (tmp_path / "outside.py").write_text("pass\n")
    (folder / "out.py").symlink_to(tmp_path / "outside.py")
    (folder / "alias.py").symlink_to("good.py")
    (folder / "loop.py").symlink_to("loop.py")
    os.mkfifo(folder / "pipe.py")
    return folder


@pytest.fixture(scope="module")
def site() -> Site:
    """The sample's queues and languages."""
    return load_site(SAMPLE)


def problems(folder: Path, text: str, site: Site) -> list[str]:
    (folder / "ivr.conf").write_text(textwrap.dedent(text))
    return [str(problem) for problem in check_ivr(folder, site)]


def test_which_files_are_scripts(folder: Path) -> None:
    """Plain files of that folder by plain names, and links to them; the folder itself may be a link."""
    assert names(folder) == ["Balance.agi", "alias.py", "good.py"]
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert find(link, "good.py") == folder / "good.py"
    assert names(folder / "missing") == []


PATHS = ["../outside.py", "sub/inner.py", "sub", ".", "..", "./good.py", "/etc/passwd"]
LINKS = ["out.py", "loop.py", "pipe.py", "nothing.py"]
WORDS = ["", "-rf.py", ".hidden.py", "a b.py", "good.py\0", "good.py\n"]


@pytest.mark.parametrize("name", [*PATHS, *LINKS, *WORDS])
def test_no_way_out_of_the_folder(folder: Path, name: str) -> None:
    """Paths, links that lead out, hidden files and what is no file cannot be run."""
    with pytest.raises(ScriptError):
        find(folder, name)


@pytest.mark.parametrize("name", ["../x.py", "a/b", "", ".x", "-x", "x y", "x;y", "x\n", "a" * 65])
def test_a_step_refuses_a_path(name: str) -> None:
    """What is no plain name is refused where a flow writes it, and so is an argument with a control character."""
    with pytest.raises(ValueError, match="without a path"):
        RunScript(name)
    with pytest.raises(ValueError, match="control character"):
        RunScript("x.py", ("a\nagi_arg_2: b",))


def test_faults_are_found_without_running(folder: Path) -> None:
    """Python 2, and what is no Python, is known with its line before a caller meets it."""
    marker = folder / "ran"
    (folder / "old.py").write_text(f"open({str(marker)!r}, 'w')\nprint 'hello'\n")
    (folder / "odd.py").write_bytes(b"\0\xff\n")
    (folder / "warns.py").write_text("x = '\\d'\n")
    assert (fault(folder, "old.py") or (0,))[0] == 2
    assert fault(folder, "odd.py")
    assert fault(folder, "warns.py") is None
    assert fault(SAMPLE / "agi-bin", "callers_number.py") is None
    assert not marker.exists()


def test_scripts_in_ivr_conf(folder: Path, site: Site) -> None:
    """The action names a file and its arguments; two options of [general] set the limits."""
    assert problems(folder.parent, IVR, site) == []
    ivr = load_ivr(folder.parent, site)
    assert ivr.scripts == ScriptLimits(lasts_ms=90_000, at_once=7)
    assert read_actions("script good.py gold 2, hangup").steps == (RunScript("good.py", ("gold", "2")), HangUp())


MISTAKES = [
    ("goood.py", "ivr.conf:3: there is no script 'goood.py'; did you mean 'good.py'?"),
    ("../outside.py", "ivr.conf:3: default: script '../outside.py' cannot be used: it is named by a file's name, "),
    ("", "ivr.conf:3: default: 'script' is not complete, or has too much; write 'script FILE' or "),
    ("old.py", "agi-bin/old.py:2: this script cannot be run: Missing parentheses in call to 'print'. "),
]


@pytest.mark.parametrize(("name", "message"), MISTAKES)
def test_mistakes_of_ivr_conf(folder: Path, site: Site, name: str, message: str) -> None:
    """A script that is not there, or is Python 2, keeps the file from being used, and the line is told."""
    (folder / "old.py").write_text("# of 2009\nprint 'hello'\n")
    [found] = problems(folder.parent, IVR.replace("good.py gold 2", name), site)
    assert found.startswith(message)
    with pytest.raises(ConfigError):
        load_ivr(folder.parent, site)


class Performer:
    """Performs steps; scripts fail, and so do prompts named `none`."""

    def __init__(self) -> None:
        self.steps: list[Step[Any]] = []

    async def perform(self, step: Step[Any]) -> Any:
        self.steps.append(step)
        if isinstance(step, RunScript) or step == Play("none"):
            raise StepError("failed")


async def perform(text: str) -> list[Step[Any]]:
    performer = Performer()
    with performing(performer):
        await read_actions(text).perform()
    return performer.steps


async def test_a_failed_script_gives_way_to_the_next_action() -> None:
    """A script that fails is passed over; one with nothing after it, or another step, fails the flow."""
    assert await perform("script a.py, script b.py, play c") == [RunScript("a.py"), RunScript("b.py"), Play("c")]
    for text in ("play a, script b.py", "play none, play c"):
        with pytest.raises(StepError):
            await perform(text)
