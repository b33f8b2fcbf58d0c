"""Tells the core which day it is: it knows no calendar."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from acd.core.events import DayBegan
from acd.dispatcher import Dispatcher

LOOK_AT_CLOCK_S = 60.0
"""Somebody may set it."""


async def tell_days(dispatcher: Dispatcher, is_over: Callable[[], bool]) -> None:
    """Say which day it is whenever that changes: by the machine's clock and zone, however these are set."""
    while not is_over():
        now = datetime.now().astimezone()
        if (day := now.date().isoformat()) != dispatcher.core.state.day:
            dispatcher.submit(DayBegan(day=day))
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time()).astimezone()
        await asyncio.sleep(min(max((midnight - now).total_seconds(), 0.05), LOOK_AT_CLOCK_S))
