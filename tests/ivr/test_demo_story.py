"""The demo's story: told from the distributor's own events, so a core is all it takes to tell one."""

import io
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from acd.core import events as ev
from acd.core.commands import Answer
from acd.site import load_site
from acd.site_changes import configured
from ivr import demo
from ivr.asterisk import AsteriskError, program
from ivr.codes import Action
from ivr.demo import play, stage
from ivr.demo.cast import ROBOTS
from ivr.demo.invitation import farewell, invitation, next_steps
from ivr.demo.story import Story
from ivr.server import Server
from tests.core.house import House

AGENTS = {"101": "Anna Nowak", "102": "Ben Carter"}
NAMES = {"5550201": "Maria"}


class Told(House):
    """A house whose every event is told as a story."""

    def __init__(self):
        self.console = Console(width=120, record=True, file=io.StringIO())
        self.story = Story(self.console, AGENTS, NAMES, lambda name: self.core.state.seats[name])
        super().__init__(seats={"102": ("sales",)}, refusal_ms=0)

    def _step(self, event):
        commands = super()._step(event)
        self.story.watch(self.history[-1], commands)
        return commands

    def lines(self):
        """What was told since the last time, without the seconds."""
        return [" ".join(line.split()[2:]) for line in self.console.export_text().splitlines()]


@pytest.fixture
def house():
    """Give a house with a story, in which the phones are registered and that was told."""
    told = Told()
    told.lines()
    return told


def test_a_call_is_told_from_its_arrival_to_its_end(house):
    """Waits, rings, answers, hangs up: one sentence each, in order, with names and times."""
    house.log_in("102")
    house.arrive("1", caller="5550201")
    house.pass_time(1_500)
    house.talk("1")
    house.pass_time(10_000)
    house.give(ev.OfferEnded(offer=house.offer_of("1"), outcome="hung-up"))
    house.give(ev.CallEnded(call="1"))
    assert house.lines() == [
        "Maria waits in sales, with music",
        "Ben Carter phone 102 rings for Maria",
        "Ben Carter answers Maria, who waited 1.5 s",
        "Ben Carter hangs up; a moment for notes (wrap-up)",
    ]


@pytest.mark.parametrize(("outcome", "words"), [("no-answer", "does not answer"), ("refused", "refuses")])
def test_a_call_that_is_not_taken_is_first_in_line_again(house, outcome, words):
    """Who does not take a call is named, and the same caller rings again."""
    house.log_in("102")
    house.arrive("1", caller="5550201")
    house.give(ev.OfferEnded(offer=house.offer_of("1"), outcome=outcome))
    assert house.lines()[2:] == [
        f"Ben Carter {words}: Maria is again first in line",
        "Ben Carter phone 102 rings for Maria",
    ]


def test_who_gives_up_is_told_with_his_wait(house):
    """Long waits are minutes; a caller without a known name goes by his number, or by none."""
    house.arrive("1", caller="777")
    house.arrive("2")
    house.pass_time(65_000)
    house.give(ev.CallEnded(call="1"))
    house.give(ev.CallEnded(call="2"))
    assert house.lines()[2:] == ["777 gives up after 1:05", "unknown gives up after 1:05"]


def test_a_caller_who_was_met_by_a_snapshot_has_a_story_too(house):
    """After a lost link he is offered like the others, and the story knows since when he waits."""
    house.log_in("102")
    house.give(ev.SwitchLost())
    house.look(calls=[ev.HeldCall(call="9", queue="sales", since=house.now - 3_000, caller="5550201")])
    house.talk("9")
    assert house.lines() == [
        "Ben Carter phone 102 rings for Maria",
        "Ben Carter answers Maria, who waited 3.0 s",
    ]


def test_the_table_sums_it_up(house):
    """One row a caller: queue, phones that rang, wait, and who answered; markup in a number is text."""
    house.log_in("102")
    house.arrive("1", caller="5550201")
    house.give(ev.OfferEnded(offer=house.offer_of("1"), outcome="no-answer"))
    house.pass_time(2_000)
    house.talk("1")
    house.arrive("2", caller="[red]5[/red]")
    house.pass_time(4_000)
    house.give(ev.CallEnded(call="2"))
    house.lines()
    house.console.print(house.story.summary())
    rows = [line.split() for line in house.console.export_text().splitlines()[2:]]
    assert rows == [
        ["Maria", "telephone", "sales", "102,", "102", "2.0", "s", "Ben", "Carter"],
        ["[red]5[/red]", "telephone", "sales", "4.0", "s", "nobody:", "hung", "up", "while", "waiting"],
    ]


def test_what_is_written_is_told_by_its_medium(house):
    """A mail at the desk, a text at the phone: shown or rung for, taken, closed, or left and waiting again."""
    house.give(ev.DeskChanged(seat="102", open=True))
    assert house.lines() == ["Ben Carter opens the desk in a browser"]
    house.log_in("102")
    house.arrive("m", medium="email", caller="5550201")
    house.pass_time(1_000)
    offer = house.talk("m")
    assert house.ask(ev.CloseAsked, "102", offer=offer) == "ok"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.DeskChanged(seat="102", open=False))
    house.arrive("s", medium="sms", caller="5550201")
    house.pass_time(10_000)
    house.give(ev.OfferEnded(offer=house.talk("s"), outcome="hung-up"))
    told = house.lines()
    assert told[:7] == [
        "Maria waits in sales, by e-mail",
        "Ben Carter the desk shows Maria's e-mail",
        "Ben Carter takes Maria's e-mail, which waited 1.0 s",
        "Ben Carter is done with Maria's e-mail",
        "Ben Carter closes the desk in a browser",
        "Maria waits in sales, by SMS",
        "Ben Carter phone 102 rings for Maria's SMS",
    ]
    assert "Ben Carter leaves Maria's SMS, which waits again" in told
    house.console.print(house.story.summary())
    rows = [line.split()[:3] for line in house.console.export_text().splitlines()[2:]]
    assert rows == [["Maria", "e-mail", "sales"], ["Maria", "SMS", "sales"]]


def test_what_is_not_part_of_the_story_is_not_told(house):
    """A word about a call or an offer that the story never met is passed over."""
    house.story.watch(ev.CallEnded(call="nobody"), [])
    house.story.watch(ev.Connected(offer="offer-9"), [])
    house.story.watch(ev.OfferEnded(offer="offer-9", outcome="hung-up"), [])
    assert house.lines() == []


def test_who_is_paused_for_not_answering_is_told_how_to_come_back(house):
    """The third call in a row that rings in vain pauses the seat: the story says so, and names *13."""
    house.log_in("102")
    house.arrive("1", caller="5550201")
    for _ in range(3):
        assert not any("paused" in line for line in house.lines())
        house.give(ev.OfferEnded(offer=house.offer_of("1"), outcome="no-answer"))
    assert house.lines() == [
        "Ben Carter does not answer: Maria is again first in line",
        "Ben Carter is paused: did not answer 3 calls; *13 makes ready",
    ]


def test_nothing_is_told_after_the_end(house):
    """A phone that is taken away from its call at the end refused nothing, and its caller did not give up."""
    house.log_in("102")
    house.arrive("1", caller="5550201")
    house.lines()
    house.story.end()
    house.give(ev.OfferEnded(offer=house.offer_of("1"), outcome="refused"))
    house.give(ev.CallEnded(call="1"))
    assert house.lines() == []


def test_a_phone_that_registers_and_one_that_goes_are_told_once(house):
    """By its event or by a snapshot, whichever comes first; that it is busy is no news of this kind."""
    house.story.watch(ev.HandsetChanged(seat="101", reachable=False, busy=False), [])
    house.story.watch(ev.HandsetChanged(seat="101", reachable=True, busy=False), [])
    house.story.watch(ev.HandsetChanged(seat="101", reachable=True, busy=True), [])
    seen = ev.HandsetState(seat="101", reachable=True, busy=False)
    house.story.watch(ev.Snapshot(asked=0, calls=(), legs=(), handsets=(seen,)), [])
    house.story.watch(ev.HandsetChanged(seat="101", reachable=False, busy=False), [])
    assert house.lines() == [
        "Anna Nowak phone 101 is registered",
        "Anna Nowak phone 101 is not registered any more",
    ]


def test_what_an_agent_does_with_codes_is_told(house):
    """The code he dialled, and how he stands after it as the distributor has it, with a pause's reason."""
    house.story.watch_handset("102", "log-in", "dialled")
    house.log_in("102")
    house.story.watch_handset("102", "log-in", "ok")
    house.give(ev.PauseAsked(seat="102", request=9, reason="[b]lunch"))
    house.story.watch_handset("102", "pause", "ok")
    assert house.lines() == [
        "Ben Carter dials *11 on phone 102",
        "Ben Carter is ready",
        "Ben Carter is paused ([b]lunch)",
    ]


def test_keys_that_do_not_arrive_are_told_with_what_to_do(house):
    """A *11 after which no PIN came names the phone's setting that is at fault as a rule."""
    house.story.watch_handset("101", "log-in", "no-pin")
    [line] = house.lines()
    assert line.startswith("Anna Nowak no PIN came")
    assert "RFC 4733" in line


@pytest.mark.parametrize("action", get_args(Action))
@pytest.mark.parametrize("note", [*get_args(Answer), "dialled", "no-pin"])
def test_every_note_has_its_sentence(house, action, note):
    """Whatever the keypad desk notes can be told."""
    house.story.watch_handset("102", action, note)
    assert len(house.lines()) == 1


@pytest.mark.parametrize("address", ["nonsense", "192.0.2.1", "::1", ""])
async def test_an_address_that_is_not_this_machines_is_named_as_such(address):
    """It is refused before anything is fetched or started."""
    with pytest.raises(AsteriskError, match="not an IPv4 address of this machine"):
        await play(stay=False, listen=address)


def test_the_customers_password_is_kept_from_demo_to_demo(tmp_path, monkeypatch):
    """Only its owner may read it, and a second demo finds the same."""
    monkeypatch.setattr(stage, "HOME", tmp_path / "demo")
    first = stage.customer_password()
    assert first
    assert stage.customer_password() == first
    assert (tmp_path / "demo" / "customer.secret").stat().st_mode & 0o777 == 0o600


def test_rules_are_hurried_only_while_the_story_is_told():
    """Afterwards the site's own hold again, on the ports that were found at first."""
    site = load_site(stage.SAMPLE)
    rules = stage.Rules("127.0.0.1")
    hurried = rules(site)
    assert {rule.ring_ms for rule in hurried.queues.values()} == {4_000}
    rules.hurried = False
    yours = msgspec.structs.replace(site.seats["101"], language="en")
    seats = {**site.seats, "101": yours}
    assert rules(site) == msgspec.structs.replace(site, switch=hurried.switch, seats=seats)


def test_the_watching_persons_seat_serves_no_queue_while_the_story_is_told():
    """He may log in meanwhile and gets none of the story's callers; the cast's own seats are as in the files."""
    site = load_site(stage.SAMPLE)
    rules = stage.Rules("127.0.0.1")
    told = rules(site).seats
    assert told["101"].rule.queues == ()
    assert {name: told[name] for name in ROBOTS} == {name: site.seats[name] for name in ROBOTS}
    rules.hurried = False
    assert rules(site).seats["101"].rule.queues == ("sales", "reception")


async def test_the_story_knows_seats_that_came_after_it_began(tmp_path):
    """Settings bring a new table of seats each time: they are looked up when they are told."""
    console = Console(width=120, record=True, file=io.StringIO())
    server = Server(stage.SAMPLE, tmp_path)
    try:
        server._open_journal(None)
        demo._story_of(server, console)
        server.dispatcher.submit(ev.Started(run="1"), configured(server.site))
        server.dispatcher.submit(ev.HandsetChanged(seat="101", reachable=True, busy=False))
        assert await server.desk.log_in("101", "1101") == "ok"
        server._see_handset("101", "log-in", "ok")
        server._see_handset("999", "log-in", "ok")
    finally:
        await server.close()
    told = [" ".join(line.split()[2:]) for line in console.export_text().splitlines()]
    assert told == [
        "Anna Nowak (you) phone 101 is registered",
        "Anna Nowak (you) is ready",
        "seat 999 is logged out",
    ]


def test_a_long_stage_of_fetching_says_so_again_where_there_is_no_terminal(monkeypatch):
    """One line at its beginning, then one every five seconds; nothing at all when nothing is fetched."""
    now = 100.0
    monkeypatch.setattr(program, "monotonic", lambda: now)
    console = Console(width=120, record=True, file=io.StringIO(), force_terminal=False)
    with program.progress_bar("Voice", console) as progress:
        pass
    with program.progress_bar("Asterisk", console) as progress:
        for now, part in ((100.0, 0.0), (102.0, 0.1), (105.5, 0.3), (107.0, 0.9)):  # noqa: B007 - read by the lambda
            progress("unpacking", part)
        progress("writing", 0.0)
    told = [line for line in console.export_text().splitlines() if line]
    assert told == ["Asterisk: unpacking ...", "Asterisk: unpacking ... 30%", "Asterisk: writing ..."]


def printed(panel):
    """What a terminal would show of it."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(panel)
    return console.export_text()


def test_the_invitation_and_the_next_steps_say_how_to_be_the_agent():
    """Both name server, user, password and PIN; only the second, after the story, speaks of the customer."""
    site = load_site(stage.SAMPLE)
    secret = msgspec.structs.replace(site.seats["101"], secret="s3cr3t")
    site = msgspec.structs.replace(site, seats={**site.seats, "101": secret})
    first = printed(invitation(site, "192.0.2.7:5060"))
    then = printed(next_steps(site, "192.0.2.7:5060", "cu5t", stage.HOME, "http://127.0.0.1:8080"))
    for text in (first, then):
        assert "Be agent 101, that is Anna Nowak" in text
        assert "server 192.0.2.7:5060   user 101   password s3cr3t" in text
        assert "dial *11, then PIN 1101#" in text
    assert "cu5t" in then
    assert "http://127.0.0.1:8080   seat 101   PIN 1101" in then
    assert "customer" not in first


def test_the_farewell_shows_no_password():
    """Its server is gone: it says so, and names the command that keeps one."""
    text = printed(farewell())
    assert "The demo has ended" in text
    assert "make demo STAY=1" in text
    assert "password" not in text
