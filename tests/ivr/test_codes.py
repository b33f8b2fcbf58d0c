"""The table of feature codes, and all that follows from it or is held against it."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acd.conf import parse
from ivr import dialplan
from ivr.check import check
from ivr.cli import app
from ivr.codes import ACTIONS, CODES, check_codes, dialled, dialplan_lines, manual
from ivr.handset import Handset
from ivr.phrases import TEXTS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "asterisk-config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the sample site."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "site"))


def change(folder: Path, old: str, new: str) -> list[str]:
    """Change the dialplan of a site; what the check says of it then, with the line it names."""
    file = folder / "extensions.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return [str(problem) for problem in check(folder) if problem.file == "extensions.conf"]


def test_every_code_stands_once():
    """No number twice, each action once; two digits behind a star, or one and a seat: what follows is a choice."""
    dials = [code.dial for code in CODES.values()]
    assert set(CODES) == set(ACTIONS)
    assert len(set(dials)) == len(dials)
    assert all(re.fullmatch(r"\*[0-9]" if code.seat else r"\*[0-9]{2}", code.dial) for code in CODES.values())
    assert not any(one != other and other.startswith(one) for one in dials for other in dials)


def test_the_sample_leads_each_code_to_its_flow():
    """The lines of the table stand in the sample's dialplan, word by word, and no others ask for a flow."""
    text = (SAMPLE / "extensions.conf").read_text()
    for code in CODES.values():
        assert dialplan_lines(code) in text
    patterns = {pattern: code.action for code in CODES.values() for pattern in code.patterns}
    assert dialled(parse(text.encode(), "extensions.conf", SAMPLE)) == patterns


def test_each_action_has_a_flow():
    """Whatever the table names can be asked for."""
    flows = Handset(None, None, lambda: None).flows()
    assert set(flows) == {f"handset/{action}" for action in ACTIONS}


def test_the_manual_is_the_table():
    """README shows the table as it is printed."""
    assert manual() in (ROOT / "README.md").read_text()


def test_phrases_name_the_codes_of_the_table():
    """Where an agent is told what to dial, it is what the table says."""
    for name, action in (("handset-not-logged-in", "log-in"), ("handset-set-aside", "ready")):
        star, first, second = CODES[action].dial
        assert star == "*"
        assert f"star {first} {second}" in TEXTS[name]["en"]
        assert f"gwiazdka {first} {second}" in TEXTS[name]["pl"]


def test_a_code_that_is_missing_is_told_with_its_line(folder: Path):
    """The context is named, and what to write there."""
    line = (folder / "extensions.conf").read_text().splitlines().index("[from-seat]") + 1
    said = change(folder, dialplan_lines(CODES["my-state"]), "")
    message = "*16 is missing in [from-seat]: handsets cannot ask for 'my-state' by it"
    hint = "write exten => *16,1,AGI(agi://${CALLFLOOR_AGI}/handset/my-state)"
    assert said == [f"extensions.conf:{line}: warning: {message}; {hint}"]


def test_a_code_that_leads_elsewhere_is_told(folder: Path):
    """A slip of the pen that has one code do what another does."""
    [said] = change(folder, "handset/ready)", "handset/log-out)")
    assert "*13 leads to log-out in [from-seat]" in said


def test_a_code_without_its_digits_is_told(folder: Path):
    """*14 without what takes *141."""
    [said] = change(folder, "exten => _*14X,1,AGI(", "exten => _*44X,1,AGI(")
    assert "_*14X is missing" in said


def test_an_action_that_is_no_flow_is_an_error(folder: Path):
    """The step is named, and what was meant."""
    said = change(folder, "handset/queues)", "handset/queue)")
    assert any("'*20' asks for handset/queue, which is no flow; did you mean 'queues'?" in one for one in said)


def test_an_admin_may_choose_another_number(folder: Path):
    """An action that is dialled otherwise is not missing."""
    assert change(folder, "exten => *16,1,AGI(", "exten => *61,1,AGI(") == []


def test_codes_in_an_included_context_count(folder: Path):
    """from-seat may include what an admin keeps apart; and where a switch brings more, nothing is said."""
    moved = "exten => *16,1,AGI(agi://${CALLFLOOR_AGI}/handset/my-state)\n same => n,Goto(from-seat,away,1)\n"
    assert change(folder, dialplan_lines(CODES["my-state"]), "include => more\n") != []
    assert change(folder, "[seats]", f"[more]\n{moved}[seats]") == []
    config = parse(b"[from-seat]\nswitch => Realtime\n", "extensions.conf", folder)
    check_codes(config)
    assert list(config.problems) == []


def test_any_other_dialplan_needs_no_codes(folder: Path):
    """`callfloor dialplan lint` of a file that has nothing to do with callfloor does not speak of them."""
    config = parse(b"[from-seat]\nexten => 1,1,Answer()\n same => n,Hangup()\n", "extensions.conf", folder)
    dialplan.check_any_dialplan(config)
    assert not any("handset" in str(problem) for problem in config.problems)


def test_the_table_is_printed(folder: Path):
    """`callfloor codes` shows what the site's dialplan has, and what it has not."""
    change(folder, "exten => *16,1,AGI(", "exten => *61,1,AGI(")
    change(folder, "exten => *20,1,AGI(", "exten => *20,1,NoOp(")
    printed = CliRunner().invoke(app, ["codes", "--site", str(folder)], env={"COLUMNS": "200"}).output
    of_action = {
        code.action: next(line for line in printed.splitlines() if code.help[:9] in line)
        for code in (CODES["my-state"], CODES["queues"], CODES["ready"])
    }
    assert "*61" in of_action["my-state"]
    assert "not in extensions.conf" in of_action["queues"]
    assert "*13" in of_action["ready"]
