"""ivr.conf: what an admin writes, what a caller then meets, and what is told of a mistake."""

import textwrap
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.problems import ConfigError
from acd.settings import Site
from acd.site import load_site
from ivr.actions import ACTIONS, read_actions
from ivr.flow import (
    Answer,
    Caller,
    CallFlow,
    Enqueue,
    FlowEnded,
    GetVariable,
    HandOver,
    HangUp,
    InLanguage,
    Menu,
    Play,
    SetLanguage,
    Step,
    Transfer,
    performing,
)
from ivr.menu_options import REPEATED, SECTIONS, manual
from ivr.menus import Ivr, check_ivr, load_ivr

SAMPLE = Path(__file__).parents[2] / "asterisk-config"
LAST_WORDS = (Enqueue, HandOver, Transfer, HangUp)

SOUND = """
[general]
default = menu main
[main]
type = menu
prompt = ask
choice = 1, queue sales
[ask]
type = prompt
en = Press 1.
pl = Naciśnij 1.
"""


@pytest.fixture(scope="module")
def site() -> Site:
    """The sample's queues and languages."""
    return load_site(SAMPLE)


def write(folder: Path, text: str) -> Path:
    (folder / "ivr.conf").write_text(textwrap.dedent(text))
    return folder


def problems(folder: Path, text: str, site: Site) -> list[str]:
    return [str(problem) for problem in check_ivr(write(folder, text), site)]


class Caught:
    """Performs steps as a caller who presses these keys at each menu, and stops at a last word."""

    def __init__(self, ivr: Ivr, *keys: str | None) -> None:
        self.ivr = ivr
        self.keys = list(keys)
        self.steps: list[Step[Any]] = []

    async def perform(self, step: Step[Any]) -> Any:
        self.steps.append(step)
        match step:
            case Menu():
                return self.keys.pop(0)
            case CallFlow():
                await self.ivr.flows[step.name](Caller())
            case HandOver():
                await self.ivr.flows[step.name](Caller())
                raise FlowEnded
            case _ if isinstance(step, LAST_WORDS):
                raise FlowEnded
        return None


async def call(ivr: Ivr, *keys: str | None, dialled: str = "5550100", route: str = "entry") -> list[Step[Any]]:
    """Every step of a call in which these keys are pressed, menus left out."""
    caught = Caught(ivr, *keys)
    with performing(caught), suppress(FlowEnded):
        await ivr.routes[route](Caller(dialled=dialled))
    assert not caught.keys
    return [step for step in caught.steps if not isinstance(step, Menu)]


async def test_the_sample_site(site: Site) -> None:
    """The sample has no mistake and no warning, and does what its comments say."""
    assert check_ivr(SAMPLE, site) == []
    ivr = load_ivr(SAMPLE, site)
    main = HandOver("menu:main")
    assert await call(ivr, "1") == [Answer(), main, Enqueue("sales")]
    assert await call(ivr, "2", dialled="+1 555-0100") == [Answer(), main, Enqueue("support")]
    assert await call(ivr, "0") == [Answer(), main, CallFlow("hours:reception-hours"), Enqueue("reception")]
    polish = [SetLanguage("pl"), HandOver("menu:main-pl")]
    assert await call(ivr, "9", "1", dialled="unknown") == [Answer(), main, *polish, Enqueue("sales")]
    assert await call(ivr, None) == [Answer(), main, Enqueue("reception")]
    assert await call(ivr, None, dialled="5550199") == [Answer(), CallFlow("line-check"), Answer()]
    assert await call(ivr, route="after") == [Play("goodbye"), HangUp()]
    asked = [GetVariable("ACD_REASON"), GetVariable("ACD_TO")]
    assert await call(ivr, route="overflow") == [*asked, Play("sorry-try-later"), HangUp()]


async def test_the_invitation_in_polish_is_polish(site: Site) -> None:
    """A prompt that has one language is played in it, in the menu and by the action."""
    ivr = load_ivr(SAMPLE, site)
    caught = Caught(ivr, "1")
    with performing(caught), pytest.raises(FlowEnded):
        await ivr.flows["menu:main"](Caller())
    (menu,) = [step for step in caught.steps if isinstance(step, Menu)]
    assert menu.prompts == ("main-menu", InLanguage("pl", "for-polish"))


async def test_a_choice_without_last_word_comes_back_to_the_menu(tmp_path: Path, site: Site) -> None:
    """After `play` the menu is said again; after the last try of a silent caller `failure` follows, then the end."""
    text = SOUND.replace("queue sales", "play ask").replace("prompt = ask", "prompt = ask\nfailure = play ask")
    ivr = load_ivr(write(tmp_path, text), site)
    assert await call(ivr, "1", "1", None) == [Answer(), HandOver("menu:main"), *[Play("ask")] * 3, HangUp()]


async def test_options_reach_the_menu(tmp_path: Path, site: Site) -> None:
    """Tries, time, prompts, language and choices of a menu are those of the file."""
    text = SOUND.replace(
        "choice = 1",
        "choice = *1, transfer 101\nchoice = #, hangup\ntries = 2\ntimeout = 1500ms\ninvalid = ask\n"
        "no_input = ask\nlanguage = pl\nchoice = 1",
    )
    ivr = load_ivr(write(tmp_path, text), site)
    caught = Caught(ivr, "*1")
    with performing(caught), pytest.raises(FlowEnded):
        await ivr.flows["menu:main"](Caller())
    menu = Menu(["ask"], ("*1", "#", "1"), tries=2, timeout_ms=1_500, invalid="ask", no_input="ask")
    assert caught.steps == [SetLanguage("pl"), menu, Transfer("101")]


async def test_hours_gate_what_follows(tmp_path: Path, site: Site) -> None:
    """While it is open the next action follows; while it is closed `otherwise` does, and then the end."""
    text = (
        SOUND.replace("queue sales", "hours office, queue sales")
        + """
    [office]
    type = hours
    zone = Europe/Warsaw
    open = mon-fri 08:00-18:00
    otherwise = play ask
    """
    )
    clock = [datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Warsaw")).timestamp()]
    ivr = load_ivr(write(tmp_path, text), site, now_s=lambda: clock[0])
    assert (await call(ivr, "1"))[-1] == Enqueue("sales")
    clock[0] += 12 * 3600
    assert (await call(ivr, "1"))[-2:] == [Play("ask"), HangUp()]


@pytest.mark.parametrize(
    ("change", "to", "told"),
    [
        ("default = menu main\n", "", "ivr.conf:2: section 'general' has no 'default'"),
        ("[general]\ndefault = menu main\n", "", "there is no [general]"),
        ("menu main", "menu mian", "ivr.conf:3: there is no menu 'mian'; did you mean 'main'?"),
        ("queue sales", "queue sale", "ivr.conf:7: there is no queue 'sale'; did you mean 'sales'?"),
        ("queue sales", "flow line-chek", "ivr.conf:7: there is no flow 'line-chek'; did you mean 'line-check'?"),
        ("queue sales", "hours office", "ivr.conf:7: there are no hours 'office'; known are none"),
        ("queue sales", "language de", "ivr.conf:7: there is no language 'de'; known are en, pl"),
        ("queue sales", "language Polish", "ivr.conf:7: choice: language 'Polish' cannot be used"),
        ("queue sales", "play welcom", "ivr.conf:7: there is no prompt 'welcom'"),
        ("queue sales", "queu sales", "ivr.conf:7: choice: there is no action 'queu'; did you mean 'queue'?"),
        ("queue sales", "queue sales prio 1", "is not complete, or has too much; write 'queue NAME'"),
        ("queue sales", "hangup, queue sales", "'queue sales' is never reached"),
        ("queue sales", "queue sales,", "there is an empty action"),
        ("queue sales", "transfer 500&PJSIP/x", "ivr.conf:7: choice: extension"),
        ("1, queue", "1; queue", "ivr.conf:7: choice: nothing happens on 1; write 1, queue NAME"),
        ("1, queue", "one, queue", "ivr.conf:7: choice: 'one' cannot be pressed"),
        ("1, queue", "1#, queue", "ivr.conf:7: choice: '1#' cannot be pressed"),
        ("choice = 1, queue sales", "choice = 1, hangup\nchoice = 1, hangup", "choice 1 exists already in menu 'main'"),
        ("choice = 1, queue sales\n", "", "ivr.conf:4: [main] has no 'choice'"),
        ("prompt = ask", "prompt = aks", "ivr.conf:6: there is no prompt 'aks'; did you mean 'ask'?"),
        ("prompt = ask", "promt = ask", "ivr.conf:6: unknown option 'promt' in menu 'main'; did you mean 'prompt'?"),
        ("prompt = ask", "prompt = ask\ntries = 99", "ivr.conf:7: tries: 99 is out of range"),
        ("prompt = ask", "prompt = ask\ntimeout = soon", "ivr.conf:7: timeout: 'soon' is not a length of time"),
        ("prompt = ask", "prompt = ask\nlanguage = de", "there is no language 'de'"),
        ("pl = Naciśnij 1.\n", "", "prompt 'ask' has nothing to say in pl; write pl = TEXT in [ask], or record"),
        ("pl = Naciśnij 1.", "de = Drücken Sie 1.", "'de' is no language of this site"),
        ("en = Press 1.", "language = de", "there is no language 'de'"),
        ("type = menu", "type = meun", "ivr.conf:5: there is no type 'meun'; did you mean 'menu'?"),
        ("type = menu\n", "", "ivr.conf:4: [main] has no type; one of number, menu, hours, prompt"),
        ("[main]", "[Main Menu]", "a menu cannot be named 'Main Menu'"),
        ("[ask]", "[main]", "ivr.conf:8: [main] exists already, in line 4"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, site: Site, change: str, to: str, told: str) -> None:
    """Each mistake is an error that says where it stands, what it is and how to mend it."""
    assert change in SOUND
    found = problems(tmp_path, SOUND.replace(change, to, 1), site)
    assert any(told in problem for problem in found), found
    with pytest.raises(ConfigError):
        load_ivr(tmp_path, site)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("number = 5550100\nnumber = +5550100\ngo = hangup", "number +5550100 is in use already"),
        ("number = anything\ngo = hangup", "number: 'anything' is no number"),
        ("go = hangup", "[x] has no 'number'"),
        ("number = 5550100", "number 'x' has no 'go'"),
    ],
)
def test_mistakes_in_numbers(tmp_path: Path, site: Site, lines: str, told: str) -> None:
    """A number is written once, is a number, and leads somewhere."""
    found = problems(tmp_path, f"{SOUND}[x]\ntype = number\n{lines}\n", site)
    assert any(told in problem for problem in found), found


def test_what_nobody_reaches_is_a_warning(tmp_path: Path, site: Site) -> None:
    """A menu or hours that no call gets to are told, and do not keep the file from being used."""
    text = SOUND + "[lost]\ntype = menu\nprompt = ask\nchoice = 1, menu lost2\n[lost2](lost)\nchoice = 2, hangup\n"
    found = problems(tmp_path, text, site)
    assert found == [
        "ivr.conf:12: warning: no call ever gets to menu 'lost'",
        "ivr.conf:16: warning: no call ever gets to menu 'lost2'",
    ]
    assert len(load_ivr(tmp_path, site).warnings) == 2


def test_a_recording_speaks_for_a_text(tmp_path: Path, site: Site) -> None:
    """A prompt needs no text in a language in which it is recorded."""
    text = SOUND.replace("pl = Naciśnij 1.\n", "")
    assert problems(tmp_path, text, site)
    (tmp_path / "sounds/pl").mkdir(parents=True)
    (tmp_path / "sounds/pl/ask.wav").touch()
    assert problems(tmp_path, text, site) == []


def test_own_words_for_built_in_prompts(tmp_path: Path, site: Site) -> None:
    """A section with the name of a built-in prompt replaces its text in the languages it gives."""
    ivr = load_ivr(write(tmp_path, SOUND + "[sorry]\ntype = prompt\nen = Oops.\n"), site)
    assert ivr.texts["sorry"]["en"] == "Oops."
    assert ivr.texts["sorry"]["pl"].startswith("Przepraszamy")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever stands behind `choice =`, reading it gives actions or a ValueError."""
    with suppress(ValueError):
        assert read_actions(text).steps


def test_hostile_bytes(tmp_path: Path, site: Site) -> None:
    """A file that is no text is refused with its line, nothing else."""
    (tmp_path / "ivr.conf").write_bytes(b"[general]\ndefault = \xff\xfe\0\n" * 50)
    with pytest.raises(ConfigError, match=r"ivr.conf:2"):
        load_ivr(tmp_path, site)


def flow_file(folder: Path, name: str, text: str) -> None:
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / name).write_text(textwrap.dedent(text))


async def test_a_flow_of_the_site(tmp_path: Path, site: Site) -> None:
    """A Python file beside ivr.conf brings flows and the texts of their prompts."""
    flow_file(
        tmp_path,
        "vip.py",
        """
        from ivr.flow import Caller, Enqueue, Play, flow

        TEXTS = {"vip": {"en": "Welcome back.", "pl": "Witamy ponownie."}}

        @flow("vip")
        async def vip(caller: Caller) -> None:
            await Play("vip")
            await Enqueue("sales", 0)
        """,
    )
    ivr = load_ivr(write(tmp_path, SOUND.replace("queue sales", "flow vip")), site)
    assert ivr.texts["vip"]["pl"] == "Witamy ponownie."
    assert (await call(ivr, "1"))[-2:] == [Play("vip"), Enqueue("sales", 0)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ndef (:\n", "flows/bad.py:2: warning: its flows are left out: SyntaxError"),
        ("x = 1\n\n1 / 0\n", "flows/bad.py:3: warning: its flows are left out: ZeroDivisionError"),
        ("import nothing_like_it\n", "flows/bad.py:1: warning: its flows are left out: ModuleNotFoundError"),
        ("raise SystemExit\n", "flows/bad.py:1: warning: its flows are left out: SystemExit"),
        ("from ivr.flow import flow\n@flow('A B')\nasync def f(c): ...\n", "flows/bad.py:2: warning"),
        ("TEXTS = {'a': 1}\n", "flows/bad.py: warning: TEXTS is not name -> language -> text"),
    ],
)
def test_a_broken_flow_file_leaves_out_only_itself(tmp_path: Path, site: Site, text: str, told: str) -> None:
    """What is wrong in a flow file is told with its line, and the other files are there."""
    flow_file(tmp_path, "bad.py", text)
    flow_file(tmp_path, "good.py", "from ivr.flow import flow\n@flow('good')\nasync def good(caller): ...\n")
    (found,) = problems(tmp_path, SOUND, site)
    assert told in found
    assert {"good", "line-check"} <= set(load_ivr(tmp_path, site).flows)


def test_two_flows_of_one_name(tmp_path: Path, site: Site) -> None:
    """The first file of a name counts, which is told; a site's flow goes before a built-in one without a word."""
    for name in ("a.py", "b.py"):
        flow_file(tmp_path, name, "from ivr.flow import flow\n@flow('line-check')\nasync def mine(caller): ...\n")
    (found,) = problems(tmp_path, SOUND, site)
    assert found.startswith("flows/b.py: warning: flow 'line-check' exists already")
    assert load_ivr(tmp_path, site).flows["line-check"].function.__name__ == "mine"


def test_the_manual_tells_everything() -> None:
    """Each action and each option stands in the manual, and the page that the site folder ships holds it."""
    text = manual()
    for name in ACTIONS:
        assert f"`{name}" in text
    for options in SECTIONS.values():
        assert all(f"| `{option.name}` |" in text for option in options)
    for repeated in REPEATED.values():
        assert all(f"- `{name}`:" in text for name in repeated)
    pages = "\n".join(page.read_text() for page in SAMPLE.glob("*.md"))
    for part in text.split("\n\n"):
        assert part in pages
