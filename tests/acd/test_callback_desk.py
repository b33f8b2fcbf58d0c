"""Whom the core may promise a callback by itself: what a caller's number must be for it."""

from types import SimpleNamespace

import pytest

from acd.desk.callbacks import CallbackDesk
from acd.numbers import Plan
from acd.settings import CallingOutSettings


def desk(plan):
    """A desk of a site that calls out by a plan."""
    settings = CallingOutSettings(plan=plan, rates={"+49": 2})
    return CallbackDesk(None, lambda: SimpleNamespace(calling_out=settings))


@pytest.mark.parametrize("number", ["030 1234567", "+49301234567", "0049301234567"])
def test_a_number_that_an_agent_could_call(number):
    """However the line wrote it, it is one customer, with what a minute costs."""
    assert desk(Plan(country="DE")).back_to(number, "pl") == {"dial": "+49301234567", "rate": 2, "language": "pl"}


@pytest.mark.parametrize(
    "number",
    ["", "anonymous", "110", "112", "0900123456", "+882161234567", "+2348031234567", "12", "030123\nAction: Originate"],
)
def test_a_number_that_is_none_or_not_allowed(number):
    """Whoever forges a caller ID makes the house call nobody: no emergency, no premium number, no foreign country."""
    assert desk(Plan(country="DE")).back_to(number, "en") == {}


def test_another_plan_counts_from_then_on():
    """What was judged by the old one is forgotten."""
    site = SimpleNamespace(calling_out=CallingOutSettings(plan=Plan(country="DE")))
    promises = CallbackDesk(None, lambda: site)
    assert promises.back_to("0301234567", "en") == promises.back_to("0301234567", "en") != {}
    site.calling_out = CallingOutSettings(plan=Plan(country="DE", deny=("+4930",)))
    assert promises.back_to("0301234567", "en") == {}


def test_a_site_that_does_not_call_out():
    """It calls nobody back either."""
    assert desk(None).back_to("0301234567", "en") == {}
