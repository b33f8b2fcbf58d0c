"""Tells the core which day it is, and whom nobody calls back at this time of it: it knows no calendar and no clock."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from acd.core.events import DayBegan, HoursChanged
from acd.dispatcher import Dispatcher
from acd.settings import Site

LOOK_AT_CLOCK_S = 10.0
"""Somebody may set it, or other hours."""


async def tell_days(dispatcher: Dispatcher, site: Callable[[], Site], is_over: Callable[[], bool]) -> None:
    """Say which day it is whenever that changes, and which queues are quiet: by the machine's clock and zone."""
    while not is_over():
        now = datetime.now().astimezone()
        quiet = tuple(sorted(name for name, one in site().callback_hours.items() if not one.is_open(now.timestamp())))
        if quiet != dispatcher.core.state.quiet:
            dispatcher.submit(HoursChanged(quiet=quiet))
        if (day := now.date().isoformat()) != dispatcher.core.state.day:
            dispatcher.submit(DayBegan(day=day))
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time()).astimezone()
        await asyncio.sleep(min(max((midnight - now).total_seconds(), 0.05), LOOK_AT_CLOCK_S))
