"""A whole site in less than a minute: real SIP phones as agents and callers, a private Asterisk, and the server.

What is played is a script (`cast`): of phones, of a customer who also writes (`writer`) and of an agent at the web desk
(`desk`), each by the way that it takes in life. What is told comes from the distributor's own events (`story`), from
what arrives at the customer, and from the customer file (`people`); so the terminal shows what happened and not what
was planned. Nothing of it touches the site's own home: the demo lives in `.callfloor/demo` (`stage`), on its own ports
where the usual ones are taken.

Ctrl-C ends it at any moment. While programs are fetched, nothing is there to be cleared away and it is the usual
exception. From then on it cancels the one task of the performance, whose blocks undo themselves from the inside out:
callers, phones, server, Asterisk.
"""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

from acd.core.model import Seat
from acd.store import StoreError
from ivr.asterisk import find_asterisk, private_tool, progress_bar, provision
from ivr.asterisk.private import cache_folder
from ivr.demo.cast import Cast
from ivr.demo.invitation import YOURS, farewell, invitation, next_steps
from ivr.demo.people import MEDIA, NAMES, import_customers, settled, timeline_table
from ivr.demo.stage import HOME, Places, Rules, check_address, customer_password, reachable, set_stage
from ivr.demo.story import Story
from ivr.demo.writer import Writers
from ivr.server import Server
from ivr.softphone import Softphones, find_interpreter

_T = TypeVar("_T")


async def play(*, stay: bool, listen: str) -> None:
    """Set the stage, play the story, say what to do next; with `stay` go on. SIGINT and SIGTERM end it at any time.

    Raises:
        AsteriskError: there is no Asterisk, or no Python for the phones, to be had; it says what to install. Or
            `listen` is no address of this machine.
        SoftphoneError: a phone failed.

    """
    check_address(listen)
    console = Console(highlight=False)
    console.print(Text("callfloor demo", style="bold"), "one private Asterisk, one server, real SIP phones", sep=": ")
    try:
        with _interruptible():
            _fetch(console)
    except KeyboardInterrupt:
        console.print("The demo is ended.")
        return
    performance = asyncio.create_task(_perform(console, stay=stay, listen=listen))

    def end() -> None:
        if not performance.cancelling():  # a second Ctrl-C must not break the clearing away
            performance.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    await asyncio.wait({performance})
    if performance.cancelled():
        console.print("The demo is ended.")
    else:
        performance.result()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Have both signals raise KeyboardInterrupt out of work that blocks the event loop; else they waited for it."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fetch(console: Console) -> None:
    """Have all programs here. It blocks the event loop, on which nothing else runs yet."""
    if find_asterisk() is None:
        what = "Asterisk and espeak-ng (a voice) are fetched, once and in about a minute, into"
        console.print(Text(f"{what} {cache_folder()}", "bright_black"))
    with progress_bar("Asterisk", console) as progress:
        asterisk = provision(progress)
    with progress_bar("Voice (espeak-ng)", console) as progress:
        private_tool("espeak-ng", progress)
    with progress_bar("Softphones", console) as progress:
        find_interpreter(progress)
    found = f"Asterisk {asterisk.release}, a private copy" if asterisk.private else str(asterisk)
    console.print(Text(found, style="bright_black"))


async def _perform(console: Console, *, stay: bool, listen: str) -> None:
    password, places, rules = customer_password(), Places.choose(), Rules(listen)
    server = Server(set_stage(password, places), HOME, tied=True, prepare=rules)
    async with contextlib.AsyncExitStack() as stack:
        console.print(Text("The site starts ...", style="bright_black"))
        await _unbroken(stack.enter_async_context(server))
        story = _story_of(server, console)
        stack.callback(server.dispatcher.watchers.clear)  # its end takes the switch away: nothing to be warned of
        async with asyncio.timeout(60):
            await server.switch.connected.wait()
        address = f"{reachable(listen)}:{server.site.switch.sip_port}"
        if stay:
            console.print(invitation(server.site, address))
        async with asyncio.timeout(60):
            await server.prompts_ready()
            await _open_file(server)
        phones = await stack.enter_async_context(Softphones())
        writers = Writers(places, NAMES, story.tell)
        await stack.enter_async_context(writers.serving())
        stack.callback(story.end)  # before the phones go: what their end does to calls is no story
        cast = Cast(server, phones, story, writers, address)
        await cast.rehearse()
        async with cast.at_work():
            await cast.play()
            await _sum_up(console, server, story)
            if stay:
                rules.hurried = False
                server.reload_soon()
                console.print(next_steps(server.site, address, password, HOME, places.desk))
                await cast.go_on()
    console.print(farewell())


async def _open_file(server: Server) -> None:
    """Wait until what is written can come in, and the desk is open; know the customers."""
    store = server.customers.store
    assert store is not None, "the sample site keeps a customer file"
    await store.opened.wait()
    await store.write(import_customers, server.folder, store.settings.country, server.dispatcher.clock())
    await server.web.is_open.wait()


async def _sum_up(console: Console, server: Server, story: Story) -> None:
    """Tell who waited how long, and what is known of the customer who came by every medium."""
    console.print()
    console.print(story.summary())
    console.print()
    if server.customers.store is not None:
        with contextlib.suppress(StoreError):  # its failure is logged
            console.print(timeline_table(await settled(server.customers.store, len(MEDIA))))
            console.print()


def _story_of(server: Server, console: Console) -> Story:
    """Have what happens told as soon as the server runs: a phone may register before the first caller dials."""
    agents = {name: seat.agent for name, seat in server.site.seats.items()}
    agents[YOURS] += " (you)"

    def seat(name: str) -> Seat | None:
        return server.dispatcher.core.state.seats.get(name)  # looked up each time: settings bring a new table

    story = Story(console, agents, NAMES, seat)
    server.dispatcher.watchers.append(story.watch)
    server.handset_watchers.append(story.watch_handset)
    return story


async def _unbroken(work: Coroutine[Any, Any, _T]) -> _T:
    """Do this to its end even when cancelled meanwhile: a half-started Asterisk would be missed by who stops it."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
