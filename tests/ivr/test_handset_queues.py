"""Queues closed, opened and spoken for by telephone; and what callers then hear."""

import pytest
from structlog.testing import capture_logs

from acd.core.rules import QueueRule, SeatRule
from acd.settings import GeneralSettings, SeatSettings, Site, SwitchSettings
from ivr import flow as steps
from ivr.actions import read_actions
from ivr.flow import Caller, FlowEnded, Recording, performing
from ivr.handset import Handset
from ivr.overflow import overflow_flow
from ivr.phrases import TEXTS

CHOICE = "handset-queue-choice"


def site_of(*queues, language="en", supervisor=True):
    boss = SeatSettings(
        rule=SeatRule(name="101"),
        agent="Anna",
        pin="4711",
        handset="PJSIP/101",
        language=language,
        supervisor=supervisor,
    )
    return Site(
        general=GeneralSettings(),
        switch=SwitchSettings(fallback=""),
        queues={name: QueueRule(name=name) for name in queues},
        seats={"101": boss},
    )


class Floor:
    """Queues that can be closed, and a seat that is logged in or not."""

    def __init__(self, look="ready", closed=()):
        self.shown, self.closed, self.done = look, set(closed), []

    def at_phone(self, phone):
        return phone

    def look(self, _seat):
        return self.shown

    def is_closed(self, queue):
        return queue in self.closed

    def close_queue(self, queue):
        self.done.append(("close", queue))
        return "closed"

    def open_queue(self, queue):
        self.done.append(("open", queue))
        return "open"


class Telephone:
    """Notes what is said, presses what it was told to, and records what it was told to."""

    def __init__(self, *keys, recorded=None):
        self.keys, self.heard, self.language = list(keys), [], ""
        self.recorded = recorded

    async def perform(self, step):
        match step:
            case steps.Answer():
                return None
            case steps.SetLanguage(language):
                self.language = language
            case steps.Play(Recording(path=path)):
                self.heard.append(f"[{path}]")
            case steps.Play(prompt) | steps.Say(prompt):
                self.heard.append(prompt)
            case steps.Menu():
                self.heard += step.prompts
                key = self.keys.pop(0)
                assert key in {None, *step.choices}
                return key
            case steps.Record(name=name):
                self.heard.append(f"(records {name})")
                return Recording(name, 0)
            case steps.Recorded():
                return self.recorded
            case _:
                raise AssertionError(f"no business with {step}")
        return None


async def dial(floor, phone, site):
    with performing(phone):
        flows = Handset(floor, floor, lambda: site, keeper=floor).flows()
        await flows["handset/queues"](Caller(channel="PJSIP/101-00000012"))
    assert phone.keys == []
    return phone.heard


async def test_a_queue_is_chosen_and_closed():
    """He hears which there are, how the one stands, and that it is closed now."""
    floor, phone = Floor(), Telephone("2", "1")
    with capture_logs() as logs:
        heard = await dial(floor, phone, site_of("sales", "support"))
    assert heard == [
        "Which queue? For sales, press 1. For support, press 2. For the whole site, press 0.",
        "Queue support is open.",
        CHOICE,
        "Queue support is closed.",
    ]
    assert floor.done == [("close", "support")]
    assert {"event": "queue closed by telephone", "queue": "support", "seat": "101", "log_level": "info"} in logs


async def test_a_closed_queue_is_opened():
    """By the same code."""
    floor, phone = Floor(closed=["sales"]), Telephone("1", "2")
    heard = await dial(floor, phone, site_of("sales"))
    assert heard[1:] == ["Queue sales is closed.", CHOICE, "Queue sales is open."]
    assert floor.done == [("open", "sales")]


async def test_the_whole_site_is_closed_with_words_of_its_own():
    """0, then as with one queue; its recording is none of a queue's."""
    floor, phone = Floor(), Telephone("0", "3", "1", recorded=Recording("/r/closing", 4_000))
    heard = await dial(floor, phone, site_of("sales"))
    assert heard[1] == "The whole site is open."
    assert "(records closing)" in heard
    assert heard[-1] == "The whole site is closed."
    assert floor.done == [("close", "")]


async def test_a_message_is_recorded_heard_and_then_the_queue_closed():
    """He hears what callers will, and is asked again what to do."""
    floor, phone = Floor(), Telephone("1", "3", "1", recorded=Recording("/r/closing-sales", 4_000))
    heard = await dial(floor, phone, site_of("sales"))
    assert heard[2:7] == [
        CHOICE,
        "handset-record-closing",
        "(records closing-sales)",
        "handset-callers-hear",
        "[/r/closing-sales]",
    ]
    assert floor.done == [("close", "sales")]


@pytest.mark.parametrize("recorded", [None, Recording("/r/closing-sales", 300)])
async def test_a_message_of_nothing_is_told(recorded):
    """Who pressed hash at once hears that there is none."""
    heard = await dial(Floor(), Telephone("1", "3", None, recorded=recorded), site_of("sales"))
    assert "handset-nothing-recorded" in heard


async def test_who_presses_nothing_changes_nothing():
    """Neither in the choice of the queue nor in what to do with it."""
    floor = Floor()
    assert (await dial(floor, Telephone(None), site_of("sales", "support")))[-1] == "handset-unchanged"
    assert (await dial(floor, Telephone("1", None), site_of("sales", "support")))[-1] == CHOICE
    assert floor.done == []


async def test_nobody_else_can():
    """An agent who is no supervisor hears so, and one who is not logged in."""
    floor = Floor()
    with capture_logs() as logs:
        assert await dial(floor, Telephone(), site_of("sales", supervisor=False)) == ["handset-no-supervisor"]
    assert [entry["event"] for entry in logs] == ["handset of no supervisor"]
    assert await dial(Floor(look="logged-out"), Telephone(), site_of("sales")) == ["handset-not-logged-in"]
    assert floor.done == []


async def test_a_supervisor_is_spoken_to_in_his_language():
    """Sentences with a queue in them too."""
    heard = await dial(Floor(), Telephone("1", "1"), site_of("sales", "support", language="pl"))
    assert heard[0] == "Która kolejka? sales: naciśnij 1. support: naciśnij 2. Cała firma: naciśnij 0."
    assert heard[1] == "Kolejka sales jest otwarta."
    assert heard[-1] == "Kolejka sales jest zamknięta."
    assert all(TEXTS[name].keys() >= {"en", "pl"} for name in TEXTS if name.startswith("handset-"))


class Channel:
    """A caller's channel with these variables, and a recording or none."""

    def __init__(self, recorded, **variables):
        self.recorded, self.variables, self.steps = recorded, variables, []

    async def perform(self, step):
        if isinstance(step, steps.GetVariable):
            return self.variables.get(step.name)
        self.steps.append(step)
        if isinstance(step, steps.HangUp):
            raise FlowEnded
        return self.recorded if isinstance(step, steps.Recorded) else None


SAID = Recording("/r/closing-sales", 4_000)


@pytest.mark.parametrize(
    ("recorded", "variables", "heard"),
    [
        (SAID, {"ACD_REASON": "closed", "ACD_QUEUE": "sales"}, [SAID, "sorry-try-later"]),
        (None, {"ACD_REASON": "closed", "ACD_QUEUE": "sales"}, ["sorry-try-later"]),
        (SAID, {"ACD_REASON": "wait", "ACD_QUEUE": "sales"}, ["sorry-try-later"]),
        (SAID, {"ACD_REASON": "closed", "ACD_QUEUE": "../../etc"}, ["sorry-try-later"]),
        (SAID, {"ACD_REASON": "closed"}, ["sorry-try-later"]),
    ],
)
async def test_callers_of_a_closed_queue_hear_it_first(recorded, variables, heard):
    """Before whatever else `overflow` does; and only they do."""
    channel = Channel(recorded, **variables)
    with performing(channel), pytest.raises(FlowEnded):
        await overflow_flow(read_actions("play sorry-try-later, hangup"))(Caller())
    assert [step.prompt for step in channel.steps if isinstance(step, steps.Play)] == heard
