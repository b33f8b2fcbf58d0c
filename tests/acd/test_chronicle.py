"""The log of the floor."""

from structlog.testing import capture_logs

from acd import chronicle
from acd.core import events as ev
from tests.core.house import House


def test_a_call_can_be_followed_in_the_log():
    """Arrival, offer, talk, end and the agent's wishes are a line each; what changes nothing is none."""
    house = House()
    decide = house.core.decide

    def watched(event):
        commands = decide(event)
        chronicle.note(event, commands)
        return commands

    house.core.decide = watched
    with capture_logs() as logs:
        house.log_in("102")
        house.arrive("a", caller="555")
        offer = house.talk("a")
        house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
        house.give(ev.CallEnded(call="a"))
        house.arrive("b", "nowhere")
        house.give(ev.SwitchLost())
    assert [(line["event"], line.get("seat") or line.get("call")) for line in logs] == [
        ("agent asks", "102"),
        ("call arrived", "a"),
        ("offer", "102"),
        ("talk begins", None),
        ("offer ended", None),
        ("call ended", "a"),
        ("call arrived", "b"),
        ("call sent to the overflow", "b"),
        ("switch lost, nothing is decided until it is seen again", None),
    ]
