"""A whole site in half a minute: real SIP phones as agents and callers, a private Asterisk, and the server.

What is played is a script of phones (`_Cast`); what is told comes from the distributor's own events (`ivr.story`), so
the terminal shows what happened and not what was planned. Nothing of it touches the site's own home: the demo lives in
`.callfloor/demo`, on its own ports where the usual ones are taken.

Ctrl-C ends it at any moment. While programs are fetched, nothing is there to be cleared away and it is the usual
exception. From then on it cancels the one task of the performance, whose blocks undo themselves from the inside out:
callers, phones, server, Asterisk.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import secrets
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from rich.console import Console
from rich.text import Text

from acd.control import ControlError, is_answered
from acd.core.model import Seat
from acd.settings import SeatSettings, Site, SwitchSettings
from ivr.asterisk import AsteriskError, find_asterisk, on_free_ports, private_tool, progress_bar, provision
from ivr.asterisk.ports import is_free
from ivr.asterisk.private import cache_folder
from ivr.invitation import NUMBER, YOURS, farewell, invitation, next_steps
from ivr.prompts import PromptError, Prompts
from ivr.server import JOURNAL, Server
from ivr.softphone import Phone, PhoneCall, SoftphoneError, Softphones, Trunk, find_interpreter
from ivr.story import Story
from ivr.voices import choose_engines

_T = TypeVar("_T")

SAMPLE = Path(__file__).parents[1] / "asterisk-config"
HOME = Path(".callfloor/demo")
CALLERS = {"5550201": "Maria", "5550202": "Tom", "5550203": "Eve", "5550204": "Paweł", "5550205": "Olga"}
_SAYS: Final = {
    name: ("en", f"Hello, this is {name}. I am a caller of the demo. Hang up when you have heard enough of me.")
    for name in CALLERS.values()
} | {"Paweł": ("pl", "Dzień dobry, mówi Paweł. Dzwonię na próbę. Proszę się rozłączyć, kiedy to wystarczy.")}
"""What each caller says over and over, and in which language."""
_CALL_MS: Final = 3_600_000
"""The longest call: a person who answers one may take his time."""
ROBOTS = ("102", "103")
"""Seats whose phones the demo plays."""

_CUSTOMER_CONF = """
; Added for the demo: an account with which your own SIP phone can call in as a customer.
[customer](handset)
context = from-trunk
auth = customer
aors = customer
[customer](handset-auth)
username = customer
password = {password}
[customer](handset-aor)
"""


async def play(*, stay: bool, listen: str) -> None:
    """Set the stage, play the story, say what to do next; with `stay` go on. SIGINT and SIGTERM end it at any time.

    Raises:
        AsteriskError: there is no Asterisk, or no Python for the phones, to be had; it says what to install. Or
            `listen` is no address of this machine.
        SoftphoneError: a phone failed.

    """
    _check_address(listen)
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
    password = _customer_password()
    rules = _Rules(listen)
    server = Server(_stage(password), HOME, tied=True, prepare=rules)
    async with contextlib.AsyncExitStack() as stack:
        console.print(Text("The site starts ...", style="bright_black"))
        await _unbroken(stack.enter_async_context(server))
        story = _story_of(server, console)
        stack.callback(server.dispatcher.watchers.clear)  # its end takes the switch away: nothing to be warned of
        async with asyncio.timeout(60):
            await server.switch.connected.wait()
        address = f"{_reachable(listen)}:{server.site.switch.sip_port}"
        if stay:
            console.print(invitation(server.site, address))
        async with asyncio.timeout(60):
            await server.prompts_ready()
        phones = await stack.enter_async_context(Softphones())
        stack.callback(story.end)  # before the phones go: what their end does to calls is no story
        cast = _Cast(server, phones, story, address)
        await cast.rehearse()
        await cast.play()
        console.print()
        console.print(story.summary())
        console.print()
        if stay:
            rules.hurried = False
            server.reload_soon()
            console.print(next_steps(server.site, address, password, HOME))
            await cast.go_on()
    console.print(farewell())


def _story_of(server: Server, console: Console) -> Story:
    """Have what happens told as soon as the server runs: a phone may register before the first caller dials."""
    agents = {name: seat.agent for name, seat in server.site.seats.items()}
    agents[YOURS] += " (you)"

    def seat(name: str) -> Seat | None:
        return server.dispatcher.core.state.seats.get(name)  # looked up each time: settings bring a new table

    story = Story(console, agents, CALLERS, seat)
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


@contextlib.asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run a group of tasks, none of which outlives it; the first error comes out of it bare."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _customer_password() -> str:
    """Make it once: the customer's phone stays set up from one demo to the next."""
    file = HOME / "customer.secret"
    HOME.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    if not file.read_text():
        file.write_text(secrets.token_hex(6))
    return file.read_text().strip()


def _stage(password: str) -> Path:
    """Copy the sample site, add an account for a customer's own phone, forget what an earlier demo journaled."""
    if is_answered(HOME):
        raise ControlError(f"a demo runs here already, in {HOME}")
    folder = HOME / "site"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(HOME / JOURNAL, ignore_errors=True)
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("generated"))
    with (folder / "pjsip.conf").open("a", encoding="utf-8") as file:
        file.write(_CUSTOMER_CONF.format(password=password))
    return folder


class _Rules:
    """Prepares the settings of each load: the same ports, and English on the phone of the person who watches.

    While the story is told, in half a minute, phones ring shortly and that person's seat serves no queue: he may
    register and log in meanwhile, and neither takes a caller from the cast nor is rung by one who is about to give up.
    """

    def __init__(self, listen: str) -> None:
        self.hurried = True
        self._listen = listen
        self._switch: SwitchSettings | None = None

    def __call__(self, site: Site) -> Site:
        """Change the site's settings."""
        if self._switch is None:
            self._switch = _ports(site, self._listen).switch
        site = msgspec.structs.replace(site, switch=self._switch, seats=_with_yours(site, language="en"))
        return _hasten(site) if self.hurried else site


def _hasten(site: Site) -> Site:
    queues = {
        name: msgspec.structs.replace(rule, ring_ms=4_000, wrap_up_ms=2_000) for name, rule in site.queues.items()
    }
    idle = msgspec.structs.replace(site.seats[YOURS].rule, queues=())
    return msgspec.structs.replace(site, queues=queues, seats=_with_yours(site, rule=idle))


def _with_yours(site: Site, **changes: Any) -> dict[str, SeatSettings]:
    return {**site.seats, YOURS: msgspec.structs.replace(site.seats[YOURS], **changes)}


def _ports(site: Site, listen: str) -> Site:
    """Take the usual ports if they are free, so that a phone needs no port typed in; else others."""
    site = msgspec.structs.replace(site, switch=msgspec.structs.replace(site.switch, sip_host=listen))
    switch = site.switch
    usual = ((listen, switch.sip_port), (switch.ami_host, switch.ami_port), (switch.agi_host, switch.agi_port))
    return site if all(is_free(host, port) for host, port in usual) else on_free_ports(site)


def _check_address(listen: str) -> None:
    try:
        own = is_free(str(ipaddress.IPv4Address(listen)), 0)  # port 0 is any: only the address can be at fault
    except ValueError:
        own = False
    if not own:
        raise AsteriskError(
            f"--listen {listen}: not an IPv4 address of this machine; `ip address` lists them, 0.0.0.0 takes them all"
        )


def _reachable(listen: str) -> str:
    """An address of this machine that a phone elsewhere can use."""
    if listen != "0.0.0.0":  # noqa: S104 - recognised, not bound
        return listen
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks the kernel which address it would use
        return str(probe.getsockname()[0])
    return socket.gethostname()


class _Cast:
    """The phones, and what they do."""

    def __init__(self, server: Server, phones: Softphones, story: Story, address: str) -> None:
        self._server = server
        self._phones = phones
        self._story = story
        self._address = address
        self._trunk: Trunk
        self._agents: dict[str, Phone] = {}
        self._voices: dict[str, Path] = {}

    async def rehearse(self) -> None:
        """Speak what the callers say. One whom no engine can speak stays silent; the engine's failure is logged."""
        engines = choose_engines(self._server.site.general.voice)
        with contextlib.closing(Prompts(HOME / "site", HOME / "prompts", {}, engines, "en")) as prompts:
            for name, (language, words) in _SAYS.items():
                with contextlib.suppress(PromptError):
                    self._voices[name] = Path(f"{await prompts.find(words, language)}.wav")

    async def play(self) -> None:
        """Three agents, five callers: one of them gives up, one agent lets his phone ring."""
        self._trunk = await self._phones.trunk("trunk", server=self._address, calls=4)
        async with _together() as group:
            for seat in ROBOTS:
                group.create_task(self._begin_shift(seat))
        chloe, ben = self._agents["103"], self._agents["102"]
        await ben.on_call(answer_after_ms=900, talk_ms=3_500)
        await chloe.on_call(answer_after_ms=None)
        async with _together() as group:
            for call in (
                self._call("5550201", "1"),  # Maria: sales, Ben answers
                self._call("5550202", "2", after_s=1.5),  # Tom: support, Chloe lets it ring
                self._call("5550203", "1", after_s=3.0, gives_up_s=4.0),  # Eve: does not wait that long
                self._call("5550204", "91", after_s=4.0),  # Paweł: Polish, then sales
            ):
                group.create_task(call)
            await asyncio.sleep(9)
            self._story.tell("Chloe Martin", "is back at her desk")
            await chloe.on_call(answer_after_ms=700, talk_ms=3_500)
            group.create_task(self._call("5550205", "2"))  # Olga: support, straight to Chloe

    async def _begin_shift(self, seat: str) -> None:
        """Register the agent's phone and log in as agents do: *11, the PIN, hash."""
        settings = self._server.site.seats[seat]
        phone = self._agents[seat] = await self._phones.register(seat, settings.secret, server=self._address)
        call = await phone.dial("*11")
        await call.confirmed()
        await asyncio.sleep(0.8)
        await call.dtmf(f"{settings.pin}#")
        await call.ended()

    async def _call(self, number: str, keys: str, *, after_s: float = 0, gives_up_s: float | None = None) -> None:
        await asyncio.sleep(after_s)
        name = CALLERS[number]
        self._story.tell(name, f"dials {NUMBER}")
        call = await self._trunk.dial(NUMBER, caller_id=number, caller_name=name)
        try:
            await call.confirmed()
            await self._press(call, name, keys)
            if voice := self._voices.get(name):
                await call.play(voice, loop=True)
            if gives_up_s is not None:
                await asyncio.sleep(gives_up_s)
                await call.hang_up()
        except SoftphoneError:
            if call.state != "ended":  # else it was the other side's to end it
                raise
        await call.ended(_CALL_MS)

    async def _press(self, call: PhoneCall, name: str, keys: str) -> None:
        for key in keys:
            await asyncio.sleep(1.8)
            self._story.tell(name, f"hears the menu, presses {key}")
            await call.dtmf(key)

    async def go_on(self) -> None:
        """A caller every few seconds, for whoever wants to answer one; until it is cancelled."""
        async with _together() as group:
            for number in itertools.cycle(CALLERS):
                while len(self._trunk.calls) >= 3:  # noqa: ASYNC110 - a look every few seconds is the pace itself
                    await asyncio.sleep(8)
                group.create_task(self._call(number, "1"))
                await asyncio.sleep(8)
