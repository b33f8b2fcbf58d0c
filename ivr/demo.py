"""A whole site in half a minute: real SIP phones as agents and callers, a private Asterisk, and the server.

What is played is a script of phones (`_Cast`); what is told is taken from the distributor's own events (`Story`), so
the terminal shows what happened and not what was planned. Nothing of it touches the site's own home: the demo lives in
`.callfloor/demo`, on its own ports where the usual ones are taken.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import socket
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from acd.control import ControlError, is_answered
from acd.core.commands import AnyCommand, Offer
from acd.core.events import AnyEvent, CallArrived, CallEnded, Connected, OfferEnded, Snapshot
from acd.settings import Site
from ivr.asterisk import on_free_ports, private_tool, progress_bar, provision
from ivr.asterisk.ports import is_free
from ivr.screen import clock
from ivr.server import Server
from ivr.softphone import CallEndedError, Phone, PhoneCall, Softphones, Trunk, find_interpreter

SAMPLE = Path(__file__).parents[1] / "asterisk-config"
HOME = Path(".callfloor/demo")
NUMBER = "5550100"
CUSTOMER = "customer"
CALLERS = {"5550201": "Maria", "5550202": "Tom", "5550203": "Eve", "5550204": "Paweł", "5550205": "Olga"}
ROBOTS = ("102", "103")
"""Seats whose phones the demo plays; 101 is left for the person who watches."""

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


class Told(msgspec.Struct):
    """What the story knows of one caller."""

    caller: str
    queue: str
    arrived: int
    rung: list[str] = msgspec.field(default_factory=list)
    answered: int | None = None
    by: str = ""
    ended: int | None = None


class Story:
    """Listens to the distributor and tells it in sentences, then in a table."""

    def __init__(self, console: Console, agents: dict[str, str], names: dict[str, str]) -> None:
        self._console = console
        self._agents = agents
        self._names = names
        self._began = time.monotonic()
        self._calls: dict[str, Told] = {}
        self._offers: dict[str, tuple[str, str]] = {}

    def tell(self, who: str, what: str, style: str = "") -> None:
        """Print one line of the story."""
        stamp = Text(f"{time.monotonic() - self._began:6.1f} s  ", style="bright_black")
        self._console.print(stamp + Text(f"{who:<16}", style="bold") + Text(what, style=style))

    def watch(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Take in an event of the distributor."""
        match event:
            case CallArrived(call=call):
                self._calls[call] = Told(caller=event.caller, queue=event.queue, arrived=event.at)
                self.tell(self._name(call), f"waits in {event.queue}, with music", "yellow")
            case Snapshot(calls=held):  # after a lost link: callers who came while nobody was looking
                for one in held:
                    self._calls.setdefault(one.call, Told(caller=one.caller, queue=one.queue, arrived=one.since))
            case CallEnded(call=call) if call in self._calls:
                told = self._calls[call]
                told.ended = event.at
                if told.answered is None:
                    self.tell(self._name(call), f"gives up after {_seconds(event.at - told.arrived)}", "red")
            case Connected(offer=offer) if offer in self._offers:
                self._connected(offer, event.at)
            case OfferEnded(offer=offer) if offer in self._offers:
                self._offer_ended(offer, event.outcome)
        for command in commands:
            if isinstance(command, Offer):
                self._offers[command.offer] = (command.call, command.seat)
                self._calls[command.call].rung.append(command.seat)
                self.tell(self._agents[command.seat], f"phone {command.seat} rings for {self._name(command.call)}")

    def _connected(self, offer: str, at: int) -> None:
        call, seat = self._offers[offer]
        told = self._calls[call]
        told.answered, told.by = at, seat
        waited = _seconds(at - told.arrived)
        self.tell(self._agents[seat], f"answers {self._name(call)}, who waited {waited}", "green")

    def _offer_ended(self, offer: str, outcome: str) -> None:
        call, seat = self._offers.pop(offer)
        if outcome == "hung-up":
            self.tell(self._agents[seat], "hangs up; a moment for notes (wrap-up)", "cyan")
        elif outcome in {"no-answer", "refused"}:
            what = "does not answer" if outcome == "no-answer" else "refuses"
            self.tell(self._agents[seat], f"{what}: {self._name(call)} is again first in line", "magenta")

    def _name(self, call: str) -> str:
        told = self._calls[call]
        return self._names.get(told.caller, told.caller or "unknown")

    def summary(self) -> Table:
        """Who waited how long, answered by whom."""
        table = Table(
            title="What happened", title_justify="left", title_style="bold", box=None, header_style="bright_black"
        )
        for column in ("caller", "queue", "phones rung", "waited", "answered by"):
            table.add_column(column, justify="right" if column == "waited" else "left")
        for call, told in self._calls.items():
            end = told.answered or told.ended or told.arrived
            answered = self._agents.get(told.by) or "nobody: hung up while waiting"
            table.add_row(
                Text(self._name(call)),
                told.queue,
                ", ".join(told.rung),
                _seconds(end - told.arrived),
                Text(answered, style="green" if told.by else "red"),
            )
        return table


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s" if ms < 60_000 else clock(ms)


async def play(*, stay: bool, listen: str) -> None:
    """Set the stage, play the story, say what to do next; with `stay` go on until Ctrl-C.

    Raises:
        AsteriskError: there is no Asterisk, or no Python for the phones, to be had; it says what to install.

    """
    console = Console(highlight=False)
    console.print(Text("callfloor demo", style="bold"), "one private Asterisk, one server, real SIP phones", sep=": ")
    with progress_bar("Asterisk", console) as progress:
        asterisk = await asyncio.to_thread(provision, progress)
        await asyncio.to_thread(private_tool, "espeak-ng", progress)
    with progress_bar("Softphones", console) as progress:
        await asyncio.to_thread(find_interpreter, progress)
    console.print(
        Text(
            f"Asterisk {asterisk.release}, a private copy" if asterisk.private else str(asterisk), style="bright_black"
        )
    )
    password = secrets.token_hex(6)
    folder = _stage(password)
    async with Server(folder, HOME, tied=True, prepare=lambda site: _ports(_hasten(site), listen)) as server:
        async with asyncio.timeout(60):
            await server.switch.connected.wait()
            await server.prompts_ready()
        address = f"{_reachable(listen)}:{server.site.switch.sip_port}"
        async with Softphones() as phones:
            cast = _Cast(server, phones, console, address)
            await cast.play()
            console.print()
            console.print(cast.story.summary())
            console.print()
            console.print(_next_steps(server.site, address, password, stay=stay))
            if stay:
                await cast.go_on()


def _stage(password: str) -> Path:
    """Copy the sample site, add an account for a customer's own phone, forget what an earlier demo journaled."""
    if is_answered(HOME):
        raise ControlError(f"a demo runs here already, in {HOME}")
    folder = HOME / "site"
    shutil.rmtree(folder, ignore_errors=True)
    for old in HOME.glob("journal.*"):
        old.unlink()
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("generated"))
    with (folder / "pjsip.conf").open("a", encoding="utf-8") as file:
        file.write(_CUSTOMER_CONF.format(password=password))
    return folder


def _hasten(site: Site) -> Site:
    """Shorten the rings: the story is told in half a minute."""
    queues = {
        name: msgspec.structs.replace(rule, ring_ms=4_000, wrap_up_ms=2_000) for name, rule in site.queues.items()
    }
    return msgspec.structs.replace(site, queues=queues)


def _ports(site: Site, listen: str) -> Site:
    """Take the usual ports if they are free, so that a phone needs no port typed in; else others."""
    site = msgspec.structs.replace(site, switch=msgspec.structs.replace(site.switch, sip_host=listen))
    switch = site.switch
    usual = ((listen, switch.sip_port), (switch.ami_host, switch.ami_port), (switch.agi_host, switch.agi_port))
    return site if all(is_free(host, port) for host, port in usual) else on_free_ports(site)


def _reachable(listen: str) -> str:
    """An address of this machine that a phone elsewhere can use."""
    if listen not in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        return listen
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks the kernel which address it would use
        return str(probe.getsockname()[0])
    return socket.gethostname()


class _Cast:
    """The phones, and what they do."""

    def __init__(self, server: Server, phones: Softphones, console: Console, address: str) -> None:
        self._server = server
        self._phones = phones
        self._address = address
        agents = {name: seat.agent for name, seat in server.site.seats.items()}
        self.story = Story(console, agents, CALLERS)
        server.dispatcher.watchers.append(self.story.watch)
        self._trunk: Trunk
        self._agents: dict[str, Phone] = {}

    async def play(self) -> None:
        """Three agents, five callers: one of them gives up, one agent lets his phone ring."""
        self._trunk = await self._phones.trunk("trunk", server=self._address, calls=4)
        await asyncio.gather(*(self._begin_shift(seat) for seat in ROBOTS))
        chloe, ben = self._agents["103"], self._agents["102"]
        await ben.on_call(answer_after_ms=900, talk_ms=3_500)
        await chloe.on_call(answer_after_ms=None)
        calls = [
            asyncio.create_task(self._call("5550201", "1")),  # Maria: sales, Ben answers
            asyncio.create_task(self._call("5550202", "2", after_s=1.5)),  # Tom: support, Chloe lets it ring
            asyncio.create_task(
                self._call("5550203", "1", after_s=3.0, gives_up_s=4.0)
            ),  # Eve: does not wait that long
            asyncio.create_task(self._call("5550204", "91", after_s=4.0)),  # Paweł: Polish, then sales
        ]
        await asyncio.sleep(9)
        self.story.tell("Chloe Martin", "is back at her desk")
        await chloe.on_call(answer_after_ms=700, talk_ms=3_500)
        calls.append(asyncio.create_task(self._call("5550205", "2")))  # Olga: support, straight to Chloe
        await asyncio.gather(*calls)

    async def _begin_shift(self, seat: str) -> None:
        """Register the agent's phone and log in as agents do: *11, the PIN, hash."""
        settings = self._server.site.seats[seat]
        phone = self._agents[seat] = await self._phones.register(seat, settings.secret, server=self._address)
        self.story.tell(settings.agent, f"dials *11 on phone {seat}, keys in the PIN")
        call = await phone.dial("*11")
        await call.confirmed()
        await asyncio.sleep(0.8)
        await call.dtmf(f"{settings.pin}#")
        await call.ended()
        self.story.tell(settings.agent, f"is {self._server.desk.look(seat)}", "green")

    async def _call(self, number: str, keys: str, *, after_s: float = 0, gives_up_s: float | None = None) -> None:
        await asyncio.sleep(after_s)
        name = CALLERS[number]
        self.story.tell(name, f"dials {NUMBER}")
        call = await self._trunk.dial(NUMBER, caller_id=number, caller_name=name)
        with contextlib.suppress(CallEndedError):
            await call.confirmed()
            await self._press(call, name, keys)
            if gives_up_s is not None:
                await asyncio.sleep(gives_up_s)
                await call.hang_up()
        await call.ended()

    async def _press(self, call: PhoneCall, name: str, keys: str) -> None:
        for key in keys:
            await asyncio.sleep(1.8)
            self.story.tell(name, f"hears the menu, presses {key}")
            await call.dtmf(key)

    async def go_on(self) -> None:
        """A caller every few seconds until Ctrl-C, for whoever wants to answer one."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        calls: set[asyncio.Task[None]] = set()
        callers = list(CALLERS)
        turn = 0
        while not stop.is_set():
            if len(calls) < 3:
                task = asyncio.create_task(self._call(callers[turn % len(callers)], "1"))
                calls.add(task)
                task.add_done_callback(calls.discard)
                turn += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=8)
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


def _next_steps(site: Site, address: str, password: str, *, stay: bool) -> Panel:
    seat = site.seats["101"]
    text = Text.assemble(
        ("Be agent 101 with a SIP phone of your own:\n", "bold"),
        f"    server {address}   user 101   password {seat.secret}   (UDP)\n",
        f"    dial *11, PIN {seat.pin}, #  to log in; a caller for sales rings you\n",
        "    *16 says how you stand, *14 pauses, *13 makes ready, *12 logs out\n",
        ("Or call in as a customer:\n", "bold"),
        f"    server {address}   user {CUSTOMER}   password {password}\n    dial {NUMBER}\n",
        ("See the floor live, in another terminal:\n", "bold"),
        f"    .venv/bin/callfloor status --home {HOME}\n",
        ("Then make it yours: ", "bold"),
        "edit asterisk-config/acd.conf and ivr.conf,\n    .venv/bin/callfloor check, .venv/bin/callfloor up",
    )
    title = (
        "It goes on until Ctrl-C: a caller every few seconds"
        if stay
        else "Next: .venv/bin/callfloor demo --stay, and then"
    )
    return Panel(text, title=title, title_align="left", border_style="bright_black", expand=False)
