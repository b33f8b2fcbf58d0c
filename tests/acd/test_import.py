"""An acd.conf made of queues.conf: what each line becomes, what is said of the rest, and that nothing stops it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.core.rules import QueueRule, Step
from acd.importer import Imported, import_queues
from acd.importer.options import GENERAL, READERS
from acd.importer.page import random_pin
from acd.problems import ConfigError
from acd.settings import Site
from acd.site import check_site, load_site


def made(folder: Path, queues: str, rules: str | None = None) -> tuple[Imported, Site]:
    """Import these files; what comes of it must load. Answers the import and the site."""
    (folder / "queues.conf").write_text(queues)
    (folder / "queuerules.conf").write_text(rules or "")
    imported = import_queues(folder / "queues.conf", folder / "queuerules.conf" if rules is not None else None)
    (folder / "acd.conf").write_text(imported.text)
    assert [str(problem) for problem in check_site(folder) if problem.severity == "error"] == []
    return imported, load_site(folder)


def said(imported: Imported) -> list[str]:
    return [str(note) for note in imported.notes]


def test_a_queue_that_says_nothing_is_what_app_queue_makes_of_it(tmp_path: Path):
    """app_queue's own defaults are written out where callfloor's are others: ring all, no wrap-up, retry after 5 s."""
    imported, site = made(tmp_path, "[sales]\nmember => PJSIP/101\n")
    assert site.queues["sales"] == QueueRule(name="sales", strategy="ring-all", refusal_ms=5_000, wrap_up_ms=0)
    seat = site.seats["101"]
    assert (seat.rule.queues, seat.rule.ring_in_use, seat.rule.set_aside_after) == (("sales",), True, 0)
    assert seat.handset == "PJSIP/101"
    assert imported.notes == []


FULL = """
[general]
persistentmembers = yes
autofill = yes
[std](!)
musicclass = jazz
strategy = leastrecent
timeout = 20
retry = 3
wrapuptime = 15
ringinuse = no
autopause = all
autopausebusy = yes
maxlen = 50
weight = 5
announce-frequency = 60
announce-holdtime = yes
announce-position = no
joinempty = paused,inuse,ringing,invalid
leavewhenempty = strict
penaltymemberslimit = 2
[sales](std)
member => PJSIP/101,0,Anna Nowak
member => PJSIP/102,5,Ben Carter
[support](std)
weight = 0
joinempty = no
leavewhenempty = no
member => pjsip/102,1
"""


def test_every_rule_with_a_counterpart_becomes_it(tmp_path: Path):
    """Strategy, times, limits, emptiness, announcements, music, weight and penalties arrive as rules of the core."""
    imported, site = made(tmp_path, FULL)
    common = {
        "strategy": "longest-idle",
        "ring_ms": 20_000,
        "refusal_ms": 3_000,
        "wrap_up_ms": 15_000,
        "waiting_most": 50,
        "tier_seats": 2,
        "tell_first_ms": 1_000,
        "tell_every_ms": 60_000,
        "tell_position": False,
    }
    assert site.queues["sales"] == QueueRule(
        name="sales",
        priority=9,
        join_empty=("paused", "busy", "unreachable"),
        leave_empty=("tier", "paused", "unreachable"),
        **common,
    )
    assert site.queues["support"] == QueueRule(
        name="support", join_empty=("tier", "paused", "unreachable"), leave_empty=None, **common
    )
    assert site.music == {"sales": "jazz", "support": "jazz"}
    anna, ben = site.seats["101"], site.seats["102"]
    assert (anna.agent, anna.rule.queues, anna.rule.tiers) == ("Anna Nowak", ("sales",), ())
    assert (ben.agent, ben.rule.queues, ben.rule.tiers) == ("Ben Carter", ("sales", "support"), (5, 1))
    assert (ben.rule.set_aside_after, ben.rule.ring_in_use) == (1, False)
    assert ben.rule.set_aside_on == ("no-answer", "refused", "hung-up", "busy")
    assert said(imported) == [
        "queues.conf:7: only alike: strategy = leastrecent: who is idle longest, whichever queue he worked for last",
        "queues.conf:15: only alike: weight = 5 of 'sales': its calls always go before those of lighter queues",
    ]


@pytest.mark.parametrize(
    ("word", "strategy"),
    [
        ("ringall", "ring-all"),
        ("leastrecent", "longest-idle"),
        ("fewestcalls", "fewest-calls"),
        ("random", "random"),
        ("rrmemory", "round-robin"),
        ("rrordered", "round-robin"),
        ("linear", "ordered"),
        ("wrandom", "weighted-random"),
        ("RingAll", "ring-all"),
    ],
)
def test_every_strategy_has_a_counterpart(tmp_path: Path, word, strategy):
    """Each of app_queue's eight strategies, in any case of letters."""
    assert made(tmp_path, f"[q]\nstrategy = {word}\nmember => PJSIP/101\n")[1].queues["q"].strategy == strategy


def test_a_strategy_that_does_not_exist_is_ringall_as_in_asterisk(tmp_path: Path):
    """Asterisk warns of it and rings all, whatever the template said before; so does the import."""
    imported, site = made(tmp_path, "[t](!)\nstrategy = linear\n[q](t)\nstrategy = fewstcalls\nmember => PJSIP/101\n")
    assert site.queues["q"].strategy == "ring-all"
    assert said(imported) == [
        "queues.conf:4: not read: strategy 'fewstcalls'; Asterisk takes ringall instead; did you mean 'fewestcalls'?"
    ]


def test_wrandom_makes_weights_of_penalties(tmp_path: Path):
    """Under wrandom a penalty is no tier: who has more of it is drawn less often."""
    _, site = made(tmp_path, "[q]\nstrategy = wrandom\nmember => PJSIP/101\nmember => PJSIP/102,3\n")
    assert [(seat.rule.weight, seat.rule.tiers) for seat in site.seats.values()] == [(1_000, ()), (250, ())]


RULES = """
[esc]
penaltychange => 60,10,5
penaltychange => 30,3
penaltychange => 75,,+2
penaltychange => 90,,,9
penaltychange => 120,-4,0,r2
[other]
penaltychange => 10,1
"""


def test_rule_sets_become_steps(tmp_path: Path):
    """Changes are worked out in order of time; a rule set that no queue names waits as a template."""
    imported, site = made(tmp_path, "[q]\ndefaultrule = Esc\nmember => PJSIP/101\n", RULES)
    assert site.queues["q"].steps == (
        Step(after_ms=30_000, tiers=(0, 3, 0)),
        Step(after_ms=60_000, tiers=(5, 10, 0)),
        Step(after_ms=75_000, tiers=(7, 10, 0)),
        Step(after_ms=90_000, tiers=(7, 10, 9)),
        Step(after_ms=120_000, tiers=(0, 6, 2)),
    )
    assert "[rule-other-2](!)\nstep = after 10s, tiers 0-1" in imported.text
    assert "queuerules.conf:6: only alike: members below the window stay outside it; app_queue raises them into it" in (
        said(imported)
    )


def test_large_penalties_keep_their_order(tmp_path: Path):
    """Where penalties go beyond 99 they are numbered in their order, in members and rules alike."""
    rules = "[r]\npenaltychange => 10,250\npenaltychange => 20,1000,200\n"
    queue = "[q]\ndefaultrule = r\n" + "".join(
        f"member => PJSIP/10{n},{p}\n" for n, p in enumerate((0, 300, 200, 1000))
    )
    imported, site = made(tmp_path, queue, rules)
    tiers = [seat.rule.tiers[0] if seat.rule.tiers else 0 for seat in site.seats.values()]
    assert tiers == [0, 3, 1, 4]
    assert [step.tiers for step in site.queues["q"].steps] == [(0, 2, 0), (1, 4, 0)]
    assert any("penalties above 99" in note for note in said(imported))


def test_who_has_no_number_gets_one(tmp_path: Path):
    """Any technology can be a handset; numbers that members have by name are never given to others."""
    _, site = made(
        tmp_path,
        "[q]\nmember => Local/101@agents/n,0,May\nmember => DAHDI/g1/5551234\nmember => PJSIP/anna,0,Anna\n"
        "member => SIP/104\nmember => PJSIP/101\nmember => Agent/7001\n",
    )
    assert {name: seat.handset for name, seat in site.seats.items()} == {
        "7002": "Local/101@agents/n",
        "7003": "DAHDI/g1/5551234",
        "7004": "PJSIP/anna",
        "104": "PJSIP/104",
        "101": "PJSIP/101",
        "7001": "Agent/7001",
    }


def test_one_member_of_several_queues_is_one_seat(tmp_path: Path):
    """What app_queue keeps for each membership a seat has once; where they differ it is said."""
    imported, site = made(
        tmp_path,
        "[a]\nringinuse = no\nmember => PJSIP/101,,Anna\n[b]\nautopause = all\nmember => PJSIP/101,2,Eve,,no\n",
    )
    assert site.seats["101"].rule.queues == ("a", "b")
    assert said(imported) == [
        "queues.conf:6: only alike: seat 101 is called 'Eve' here and 'Anna' elsewhere",
        "queues.conf:6: only alike: set_aside_after of seat 101 is 0 for all its queues, though this one has 1",
    ]


def test_queues_are_renamed_where_they_must_be(tmp_path: Path):
    """Capitals, blanks, a name that is a seat's number or a section's own: each queue gets a name that is free."""
    imported, site = made(
        tmp_path,
        "[Sales Dept]\nmember => PJSIP/600\n[sales-dept]\n[600]\n[switch]\n[SEAT]\n[!!]\n[601]\n",
    )
    assert list(site.queues) == [
        "sales-dept-2",
        "sales-dept",
        "queue-600",
        "queue-switch",
        "queue-seat",
        "queue-2",
        "601",
    ]
    assert "queues.conf:1: only alike: queue 'Sales Dept' is 'sales-dept-2' here" in said(imported)


SAMPLE_22 = """
announce announce-frequency announce-holdtime announce-position announce-position-limit announce-position-only-up
announce-round-seconds announce-to-first-user autofill autopause autopausebusy autopausedelay autopauseunavail context
defaultrule joinempty leavewhenempty maxlen memberdelay membergosub min-announce-frequency monitor-format monitor-type
musicclass penaltymemberslimit periodic-announce periodic-announce-frequency periodic-announce-startdelay
queue-callerannounce queue-callswaiting queue-holdtime queue-minute queue-minutes queue-quantity1 queue-quantity2
queue-reporthold queue-seconds queue-thankyou queue-thereare queue-youarenext random-periodic-announce
relative-periodic-announce reportholdtime retry ringinuse servicelevel setinterfacevar setqueueentryvar setqueuevar
strategy timeout timeoutpriority timeoutrestart weight wrapuptime
"""
SAMPLE_22_GENERAL = """
autofill force_longest_waiting_caller log-caller-id-name log-restricted-caller-id log_membername_as_agent
log_unpause_on_reason_change monitor-type negative_penalty_invalid persistentmembers shared_lastcall
"""


def test_every_option_of_the_sample_is_known():
    """Every option that Asterisk 22's queues.conf.sample names, commented out or not, is read or noted."""
    assert [name for name in SAMPLE_22.split() if name not in READERS] == []
    assert [name for name in SAMPLE_22_GENERAL.split() if name not in GENERAL] == []


def test_what_has_no_counterpart_is_said_with_its_line(tmp_path: Path):
    """No line is dropped in silence; one that asks for nothing is not worth a word."""
    imported, _ = made(
        tmp_path,
        "[q]\nmemberdelay = 2\nreportholdtime = no\ncontext = out\nmonitor-format = wav\n"
        "announce-position = limit\ntimeout = 0\nretry = abc\ntimout = 3\n"
        "member => PJSIP/101,0,A,hint:101@x,yes,30,yes\n",
    )
    assert said(imported) == [
        "queues.conf:2: no counterpart: memberdelay = 2: caller and agent are joined at once",
        "queues.conf:4: no counterpart: context = out: a waiting caller cannot leave by a key",
        "queues.conf:5: no counterpart: monitor-format = wav: calls are not recorded by the queue",
        "queues.conf:6: only alike: announce-position = limit: every position is told",
        "queues.conf:7: only alike: timeout = 0: a seat rings for ever there, and 5 minutes here",
        "queues.conf:8: not read: retry = abc: not a number",
        "queues.conf:9: not read: unknown option 'timout' of queue 'q'; did you mean 'timeout'?",
        "queues.conf:10: no counterpart: PJSIP/101 begins paused: here agents log in before they get calls",
        "queues.conf:10: no counterpart: PJSIP/101 has the state of 'hint:101@x': here the handset's own state counts",
        "queues.conf:10: no counterpart: wrap-up of PJSIP/101 alone: here it is the queue's",
    ]
    head = imported.text.split("[general]")[0]
    assert all(f"; {note}\n" in head for note in said(imported))


def test_an_announcement_waits_for_its_prompt(tmp_path: Path):
    """A periodic announcement is a step that is written as a comment: the prompt is not there yet."""
    imported, site = made(tmp_path, "[q]\nperiodic-announce = custom/please-hold,b\nperiodic-announce-frequency = 45\n")
    assert site.queues["q"].steps == ()
    assert "\n;step = after 45s, say please-hold\n" in imported.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[general\n",
        "[q]\nmember => PJSIP/101\nmember => PJSIP/101,3\nmember => pjsip/101\n",
        "[q]\nmember => ${EVIL}\nmember =>\nmember => ,,,\nmember => PJSIP/101&PJSIP/102\nmember => Local/x@y;z\n",
        "[q]\nmember => PJSIP/101,0,a\\;b ;--c \\; --\\;\nstrategy = \\;x\n",
        "[q]\nmember => PJSIP/101,99999999999999999999,\x1b[2Jboo\x07\n",
        "[q]\nmember => PJSIP/101,0," + "x" * 8_000 + "\nstrategy = " + "y" * 8_000 + "\n" + "z" * 8_000 + " = 1\n",
        "[q]\nmember => PJSIP/101,0," + "x" * 10_000 + "\ncontext = " + "y" * 10_000 + "\n#" + "k" * 8_000 + " x\n",
        "[q]\nmusicclass = ../../etc\nweight = -5\nmaxlen = 99999999\nwrapuptime = -1\ntimeout = 99999\n",
        "[general](!)\nx = y\n[q](nowhere)\n#include nowhere.conf\n#exec /bin/sh\n[q]\n[q]\n",
        "[" + "q" * 79 + "]\nmember => PJSIP/101\n[" + "Q" * 79 + "]\n",
        "".join(f"[q{n}]\nweight = {n}\nmember => PJSIP/101,{n}\n" for n in range(300)),
        "[general]\nmember => PJSIP/5\n[seat]\nmember => PJSIP/10\n[queue]\nmember => PJSIP/11\n[10]\n[general]\n",
        "[q]\njoinempty = \nleavewhenempty = a,,b\nannounce-frequency = x\nautopause = perhaps\n",
    ],
)
def test_nothing_stops_an_import(tmp_path: Path, text):
    """Broken syntax, duplicates, values of ten thousand bytes, escapes, what looks like comments: the rest is made."""
    imported, site = made(tmp_path, text, text)
    assert all(line.isprintable() for line in said(imported))
    assert len(site.seats) == len(imported.pins)


NAMES = st.sampled_from([*READERS, "member", "penaltychange"])
VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r\0"), max_size=20)
MEMBERS = st.builds(
    "{}/{},{},{}".format, st.sampled_from(["PJSIP", "SIP", "Local"]), st.integers(0, 999), VALUES, VALUES
)
CHANGES = st.lists(st.sampled_from(["", "5", "+3", "-2", "r7", "250", "x"]), max_size=4).map(",".join)
FILES = st.lists(
    st.one_of(
        st.builds("[{}]".format, st.sampled_from(["general", "q", "Q", "101", "seat"])),
        st.builds("{} = {}".format, NAMES, VALUES),
        st.builds("member => {}".format, MEMBERS),
        st.builds("penaltychange => {},{}".format, st.integers(0, 100), CHANGES),
    ),
    max_size=25,
).map("\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(FILES)
def test_whatever_is_imported_loads(tmp_path: Path, text):
    """Any lines of any values give an acd.conf without error."""
    made(tmp_path, text, text)


def test_pins_are_not_guessed():
    """A PIN never holds the seat's number, and is no plain row."""
    pins = [random_pin("10") for _ in range(300)]
    assert len(set(pins)) > 290
    assert not any("10" in pin or len(pin) != 6 for pin in pins)


def test_a_missing_file_is_said(tmp_path: Path):
    """There is nothing to import where there is no file."""
    with pytest.raises(ConfigError, match="there is no such file"):
        import_queues(tmp_path / "queues.conf")
