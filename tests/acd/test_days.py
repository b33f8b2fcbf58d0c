"""The clock's words: which day it is, and which queues are quiet."""

import asyncio
from datetime import datetime, timedelta

import pytest

from acd import days
from acd.core import events as ev
from acd.hours import Hours, Opening

EVERY_DAY = frozenset(range(7))


class Site:
    """What is needed of the settings."""

    callback_hours: dict[str, Hours]


class Dispatcher:
    """Takes words in as the real one does."""

    def __init__(self):
        self.told = []
        self.core = self
        self.state = self
        self.day, self.quiet = "", ()

    def submit(self, event):
        self.told.append(event)
        self.day = getattr(event, "day", self.day)
        self.quiet = getattr(event, "quiet", self.quiet)


def hours(now, first, end):
    """Open from so many minutes from now to so many."""
    minutes = [(now + timedelta(minutes=one)).hour * 60 + (now + timedelta(minutes=one)).minute for one in (first, end)]
    return Hours(zone=None, openings=[Opening(EVERY_DAY, *minutes)])


@pytest.mark.asyncio
async def test_the_hours_are_told_when_they_change(monkeypatch):
    """At the start, and when other ones are written; not again and again."""
    monkeypatch.setattr(days, "LOOK_AT_CLOCK_S", 0.01)
    now = datetime.now().astimezone()
    site, dispatcher = Site(), Dispatcher()
    site.callback_hours = {"open": hours(now, -60, 60), "shut": hours(now, 120, 240)}
    task = asyncio.create_task(days.tell_days(dispatcher, lambda: site, lambda: False))
    await asyncio.sleep(0.1)
    assert [event.quiet for event in dispatcher.told if isinstance(event, ev.HoursChanged)] == [("shut",)]
    site.callback_hours = {}
    await asyncio.sleep(0.1)
    assert [event.quiet for event in dispatcher.told if isinstance(event, ev.HoursChanged)] == [("shut",), ()]
    assert len([event for event in dispatcher.told if isinstance(event, ev.DayBegan)]) == 1
    task.cancel()
