"""`callfloor check`: all files of a site in one run."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from ivr.check import NEEDED, check, examine, print_report

SAMPLE = Path(__file__).parents[2] / "asterisk-config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the sample site."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "site"))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def printed(folder: Path) -> str:
    console = Console(width=40, color_system=None)
    with console.capture() as capture:
        print_report(examine(folder), console)
    return capture.get()


def test_the_sample_site_has_no_errors():
    """The sample passes; only its published PINs are warned of."""
    report = examine(SAMPLE)
    assert report.errors == 0
    assert {problem.message.split(" of ")[0] for problem in report.problems} == {"the PIN"}
    assert report.files == len(list(SAMPLE.glob("*.conf")))
    assert printed(SAMPLE).splitlines()[-1] == f"{report.files} files, 3 queues, 4 seats: 0 errors, 4 warnings"


def test_mistakes_of_all_files_come_in_one_run(folder: Path):
    """A mistake in each kind of file is told in the same run, ours first, each with its line."""
    change(folder / "acd.conf", "ring = 15", "rign = 15")
    change(folder / "ivr.conf", "queue sales", "queue slaes")
    change(folder / "extensions.conf", "exten => ", "extn => ")
    (folder / "pjsip.conf").write_text("[a](b)\n")
    errors = [problem for problem in check(folder) if problem.severity == "error"]
    assert [(p.file, p.message) for p in errors if p.file != "extensions.conf"] == [
        ("acd.conf", "unknown option 'rign' in queue 'queue'"),
        ("ivr.conf", "there is no queue 'slaes'"),
        ("pjsip.conf", "there is no section 'b'"),
    ]
    assert "unknown key 'extn' in context [from-trunk]" in [p.message for p in errors if p.file == "extensions.conf"]


def test_speech_engines_that_this_machine_lacks_are_warned_of(folder: Path):
    """Where they are named; the server does without them, so it is no error. What is no name of one is."""
    change(folder / "acd.conf", "[general]\n", "[general]\nvoice = festival\nrecogniser = wisper small\n")
    line = (folder / "acd.conf").read_text().splitlines().index("voice = festival") + 1
    found = [problem for problem in check(folder) if "speech engine" in problem.message]
    assert [(p.file, p.line, p.severity) for p in found] == [
        ("acd.conf", line, "warning"),
        ("acd.conf", line + 1, "warning"),
    ]
    assert "there is no speech engine 'festival'; there are auto, espeak, piper" in found[0].message
    assert found[1].message == "there is no speech engine 'wisper'; did you mean 'whisper'?"
    change(folder / "acd.conf", "voice = festival", "voice = a voice; of mine")
    [problem] = [problem for problem in check(folder) if problem.line == line]
    assert problem.severity == "error"
    assert "'a voice' cannot be used; it takes: auto, espeak, piper or another engine's name" in str(problem)


def test_music_that_does_not_exist_is_found(folder: Path):
    """A queue whose class is no section of musiconhold.conf is warned of, where it says so, with what was meant."""
    change(folder / "musiconhold.conf", "[reception]", "[receptoin]")
    line = (folder / "acd.conf").read_text().splitlines().index("music = reception") + 1
    [found] = [problem for problem in check(folder) if "music" in problem.message]
    assert str(found) == (
        f"acd.conf:{line}: warning: there is no class of music 'reception' in musiconhold.conf;"
        " did you mean 'receptoin'?"
    )
    (folder / "musiconhold.conf").unlink()
    assert not [problem for problem in check(folder) if "music" in problem.message]


def test_a_trunk_needs_its_templates(folder: Path):
    """A pjsip.conf of before there were trunks in acd.conf would make Asterisk load no SIP at all: that is told."""
    change(folder / "acd.conf", "[switch]", "[carrier]\ntype = trunk\nhost = sip.example.com\n\n[switch]")
    assert examine(folder).errors == 0
    change(folder / "pjsip.conf", "[line-auth](!)", "[other-auth](!)")
    (problem,) = (one for one in check(folder) if one.severity == "error")
    assert problem.file == "acd.conf"
    assert problem.message == "trunk 'carrier' needs templates of pjsip.conf"
    assert problem.hint.endswith("[line-auth](!)")


def test_a_queue_with_a_mistake_still_exists(folder: Path):
    """A mistake inside a queue gives no second error in ivr.conf that the queue did not exist."""
    change(folder / "acd.conf", "[sales](queue)", "[sales](queue)\npriority = high")
    assert [p.file for p in check(folder) if p.severity == "error"] == ["acd.conf"]


def test_ivr_conf_waits_for_the_languages(folder: Path):
    """When [general] of acd.conf cannot be read, ivr.conf is not judged by guesses, and the summary says so."""
    change(folder / "acd.conf", "language = en", "langauge = en")
    report = examine(folder)
    assert {p.file for p in report.problems if p.severity == "error"} == {"acd.conf"}
    assert "ivr.conf not checked: acd.conf must be readable first: 1 error," in printed(folder)


def test_generated_files_may_be_absent_and_others_may_not(folder: Path):
    """What callfloor makes itself is not missed; any other included file is."""
    (folder / "extra.conf").write_text("#include generated/more.conf\n#include mine.conf\n")
    assert [str(p) for p in check(folder) if p.file == "extra.conf"] == [
        "extra.conf:2: there is no file 'mine.conf'; #tryinclude allows it to be absent"
    ]


def test_a_part_is_read_where_it_is_included(folder: Path):
    """A file that another includes is read in its place: it need not begin with a section, and is told of once."""
    change(folder / "acd.conf", "[sales](queue)", "[sales](queue)\n#include part.conf")
    (folder / "part.conf").write_text("priority = 3\n")
    (folder / "one.conf").write_text("[a]\n#include both.conf\n")
    (folder / "two.conf").write_text("[a]\n#include both.conf\n")
    (folder / "both.conf").write_text("b = c\nd\n")
    found = [str(p) for p in check(folder) if p.severity == "error"]
    assert found == ["both.conf:2: this line has no '='; write 'name = value', or ';' in front of a comment"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_private_asterisk_needs_its_files(folder: Path, name):
    """A file that callfloor's own Asterisk cannot do without is missed; one that the admin runs has its own."""
    (folder / name).unlink()
    assert f"{name}: there is no such file, and Asterisk needs it; take it over from the sample site" in [
        str(p) for p in check(folder)
    ]
    change(folder / "acd.conf", "mode = private", "mode = existing\nami_secret = correct-horse-battery")
    assert [p for p in check(folder) if p.severity == "error"] == []


def test_a_folder_without_a_site(tmp_path: Path):
    """An empty folder, or none, gives one clear error."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert [str(p) for p in check(folder)] == [
            f"acd.conf: there is no such file; it belongs in the folder {folder}"
        ]


def test_the_report_prints_hostile_text_as_it_is(folder: Path):
    """Text of a file that looks like markup, or is longer than the terminal is wide, is printed as one plain line."""
    (folder / "extra.conf").write_text("[a](" + "[bold]x" * 20 + ")\n")
    (line,) = [line for line in printed(folder).splitlines() if line.startswith("extra.conf:1")]
    assert "[bold]x" * 20 in line


def test_what_the_rules_of_queues_name_must_exist(folder: Path):
    """A flow, menu or prompt that acd.conf names is looked for in ivr.conf; a menu named there alone is reached."""
    change(
        folder / "acd.conf",
        "[sales](queue)",
        "[sales](queue)\noverflow = flow line-chekc\njoin_empty = nobody\noverflow_empty = menu night\n"
        "step = after 9s, say weekly-offer",
    )
    with (folder / "ivr.conf").open("a") as file:
        file.write("\n[night](main)\n")
    line = (folder / "acd.conf").read_text().splitlines().index("[sales](queue)") + 1
    assert [str(p) for p in check(folder) if "PIN" not in p.message] == [
        f"acd.conf:{line + 4}: there is no prompt 'weekly-offer'; write a section [weekly-offer] with type = prompt",
        f"acd.conf:{line + 1}: there is no flow 'line-chekc'; did you mean 'line-check'?",
    ]


def test_templates_of_mails_are_checked(folder: Path):
    """A variable that does not exist and a queue that does not are found before a customer reads them."""
    (folder / "mail" / "slaes").mkdir(parents=True)
    (folder / "mail" / "hours.en.txt").write_text("We are open.\nYours, ${agnet}\n")
    (folder / "mail" / "slaes" / "hours.en.txt").write_text("Dear ${customer}\n")
    assert [str(p) for p in check(folder) if p.file.startswith("mail/")] == [
        "mail/hours.en.txt:2: unknown variable '${agnet}'; did you mean 'agent'?",
        "mail/slaes/hours.en.txt: there is no queue 'slaes'; did you mean 'sales'?",
    ]
