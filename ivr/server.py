"""The composition root: the one place that constructs things and knows who needs whom.

    files -> Site, Ivr        Asterisk, if it is ours      prompts, spoken ahead
    journal -> Core -> Dispatcher <-> AmiSwitch <-> Asterisk
    Runner + Handset -> FastAgiServer <- Asterisk
    Control <- the command line

A server that ends leaves its Asterisk running, callers, talks and all: the next start takes over where this one was.
Only a *tied* one, as for the demo and the tests, takes it along.
"""

import asyncio
import errno
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog

from acd import chronicle
from acd.control import Control, ControlError
from acd.core import invariants
from acd.core.commands import Announce
from acd.core.events import AnyEvent, Started
from acd.desk.agents import AgentDesk
from acd.desk.supervisor import SupervisorDesk
from acd.dispatcher import Clock, Dispatcher
from acd.journal import Journal
from acd.settings import Site
from acd.site import fill_secrets, load_site
from acd.site_changes import changes, configured
from acd.status import Status, status_of
from acd.why.waiting import call_named, waiting
from ivr import phrases
from ivr.announcements import lay_out
from ivr.asterisk import Instance, write_generated
from ivr.fastagi import FastAgiServer, Handler
from ivr.handset import Action, Handset, HandsetNote
from ivr.menus import Ivr, load_ivr
from ivr.prompts import Prompts
from ivr.runner import Runner
from ivr.scripts import FOLDER as SCRIPTS
from ivr.scripts import Scripts
from ivr.switch import AmiSettings, AmiSwitch
from ivr.voices import Engine, choose_engines

log = structlog.get_logger()

JOURNAL = "journal"


class Server:
    """callfloor, running. `folder` holds the admin's files, `home` everything that the site keeps."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        *,
        tied: bool = False,
        prepare: Callable[[Site], Site] = lambda site: site,
        cache: Path | None = None,
        modules: tuple[str, ...] = (),
    ) -> None:
        """Read the files.

        Args:
            folder: the site folder.
            home: the instance home, made when missing.
            tied: Asterisk ends with this server.
            prepare: changes the settings before they are used: other ports for a second instance.
            cache: where spoken prompts are kept; `home/prompts` if not given.
            modules: more modules for a private Asterisk.

        Raises:
            ConfigError: the files have errors.

        """
        home.mkdir(parents=True, exist_ok=True)
        self.folder, self.home = folder, home
        self._tied, self._prepare, self._modules = tied, prepare, modules
        self._cache = cache or home / "prompts"
        self.site, self.ivr = self._load()
        self._instance: Instance | None = None
        self._journal: Journal | None = None
        self.dispatcher: Dispatcher
        self.desk: AgentDesk
        self.switch = AmiSwitch(
            _ami_settings(self.site),
            _handsets(self.site),
            submit=self._submit,
            clock=self._clock,
            render=self._words,
        )
        self.handset_watchers: list[Callable[[str, Action, HandsetNote], None]] = []
        self.agi = FastAgiServer({})
        self._scripts = Scripts(folder / SCRIPTS)
        self._prompts: Prompts | None = None
        self._voice, self._engines = "", list[Engine]()
        self._speaking: asyncio.Task[None]
        self.supervisor = SupervisorDesk(lambda: self.dispatcher)
        self._control = self._answers(home)
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _answers(self, home: Path) -> Control:
        """Say what the command line may ask."""
        return Control(
            home,
            {
                "status": lambda: msgspec.to_builtins(self.status()),
                "reload": self.reload_soon,
                "invariants": self.faults,
            },
            {
                "why-waiting": self.why_waiting,
                "close-queue": self.supervisor.close_queue,
                "open-queue": self.supervisor.open_queue,
                "move-call": self.supervisor.move,
            },
        )

    def _clock(self) -> int:
        return self.dispatcher.clock()

    def _submit(self, *events: AnyEvent) -> None:
        self.dispatcher.submit(*events)

    def _load(self) -> tuple[Site, Ivr]:
        site = self._prepare(fill_secrets(load_site(self.folder), self.home))
        return site, load_ivr(self.folder, site)

    @property
    def instance(self) -> Instance:
        """The private Asterisk of this site."""
        if self._instance is None:
            self._instance = Instance(self.home, self.folder, self.site, tied=self._tied, modules=self._modules)
        return self._instance

    # Life

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _start(self) -> None:
        await self._control.start()
        self._open_journal()
        await self._use(self.ivr)
        switch = self.site.switch
        await self._listen()
        self.dispatcher.submit(Started(run=secrets.token_hex(4)), configured(self.site))
        await asyncio.to_thread(self._start_asterisk)
        self._spawn(self.switch.run(), "switch")
        log.info("callfloor is up", site=self.site.general.name, agi_port=switch.agi_port, sip_port=switch.sip_port)

    def _open_journal(self) -> None:
        """Begin where the last run ended.

        Raises:
            JournalError: the journal cannot be read, or another process writes it.

        """
        general = self.site.general
        journal = Journal(self.home / JOURNAL, durability=general.durability, keep_ms=general.journal_keep_ms)
        try:
            core = journal.restore()
        except BaseException:
            journal.close()
            raise
        self._journal = journal
        self.dispatcher = Dispatcher(core, journal, self.switch, clock=Clock(not_before=core.state.now))
        self.dispatcher.watchers.append(chronicle.note)
        self.desk = AgentDesk(self.dispatcher, self.site)

    async def _listen(self) -> None:
        host, port = self.site.switch.agi_host, self.site.switch.agi_port
        try:
            await self.agi.start(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise OSError(f"cannot listen on {host}:{port}, agi_host and agi_port of [switch]: {error}") from error
            raise OSError(
                f"port {port} of {host} is taken, by another callfloor or its demo maybe;"
                " end that, or set another agi_port in [switch] of acd.conf"
            ) from error

    def _start_asterisk(self) -> None:
        if self.site.switch.mode == "existing":
            write_generated(self.site, self.folder / "generated", self.home / "sounds", group_reads=True)
        elif self.instance.running:
            self.instance.reload()
        else:
            self.instance.start()

    async def close(self) -> None:
        """End what runs, in the order in which nothing misses what it needs."""
        await self.agi.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._journal is not None:
            self.dispatcher.close()
            self._journal.save(self.dispatcher.core.state)  # what cannot be stored is decided again at the next start
            self._journal.close()
        await self._control.close()
        if self._prompts is not None:
            self._prompts.close()
        if self._tied and self._instance is not None:
            await asyncio.to_thread(self._instance.stop)

    # Configuration

    def reload_soon(self) -> str:
        """Read the files anew and, if they are without error, put them in force. Calls go on.

        Raises:
            ConfigError: the files have errors; nothing is changed.

        """
        site, ivr = self._load()
        site, later = _without_restart(self.site, site)
        self._spawn(self._reload(site, ivr), "reload")
        answer = "the files are without error; they are put in force now"
        if later:
            log.warning("a restart is needed", options=later)
            answer += f"\nexcept for {', '.join(later)}: in force from the next start of callfloor and its Asterisk"
        return answer

    async def _reload(self, site: Site, ivr: Ivr) -> None:
        async with self._reloading:  # two at once would mix two sets of rules
            await self._put_in_force(site, ivr)

    async def _put_in_force(self, site: Site, ivr: Ivr) -> None:
        new_rules = changes(self.site, site)
        self.site = self.desk.site = site
        if self._journal is not None:
            self._journal.keep_ms = site.general.journal_keep_ms
        await self._use(ivr)
        self.switch.channels.set_handsets(_handsets(site))
        if site.switch.mode == "private":
            await asyncio.to_thread(self.instance.reload, site)
        for event in new_rules:
            self.dispatcher.submit(event)
            await asyncio.sleep(0)  # calls are served between the slices of a large change
        self.switch.take_snapshot()
        log.info("configuration reloaded", queues=len(site.queues), seats=len(site.seats))

    async def _use(self, ivr: Ivr) -> None:
        """Make these menus the ones that new calls meet."""
        self.ivr = ivr
        general = self.site.general
        texts = {**phrases.TEXTS, **ivr.texts}
        if general.voice != self._voice:
            self._voice, self._engines = general.voice, choose_engines(general.voice)
        prompts = Prompts(self.folder, self._cache, texts, self._engines, general.language)
        self._prompts = prompts  # calls that run keep the old one
        self._scripts.limits = ivr.scripts
        handset = Handset(self.desk, self.desk, lambda: self.site, self._see_handset)
        runner = Runner(
            {**ivr.flows, **handset.flows()},
            prompts,
            scripts=self._scripts,
            queues=self.site.queues,
            recordings=self.home / "recordings",
            default_language=general.language,
        )
        routes: dict[str, Handler] = {name: runner.handler(flow) for name, flow in ivr.routes.items()}
        routes |= {name: runner.handler(flow, to_fallback=False) for name, flow in handset.flows().items()}
        self.agi.routes = {f"{self.site.switch.agi_secret}/{name}": handler for name, handler in routes.items()}
        self._speaking = self._spawn(self._speak(prompts), "prompts")

    async def _speak(self, prompts: Prompts) -> None:
        await prompts.render_fixed(self.home / "sounds", phrases.DIALPLAN)
        await prompts.warm()

    async def _words(self, command: Announce, language: str) -> list[str]:
        """Have what a waiting caller is to be told ready for the dialplan."""
        assert self._prompts is not None, "nobody waits before there are prompts"
        return await lay_out(self._prompts, self.home / "sounds", command, language, self.site.general.language)

    async def prompts_ready(self) -> None:
        """Wait until every prompt is spoken; calls are taken before that, only their first word comes later."""
        await asyncio.wait({self._speaking})

    # Looking at it

    def status(self) -> Status:
        """What the floor looks like now."""
        agents = {name: seat.agent for name, seat in self.site.seats.items()}
        dispatcher, journal = self.dispatcher, self._journal
        alarms = [*(journal.alarms if journal else ()), *dispatcher.alarms]
        return status_of(dispatcher.core.state, agents, dispatcher.clock(), dispatcher.journal_failed, alarms)

    def why_waiting(self, name: str) -> Any:
        """Why a call waits, named by the switch's id or the caller's number.

        Raises:
            ControlError: no such call is in the house.

        """
        state = self.dispatcher.core.state
        call = call_named(state, name)
        if call is None:
            raise ControlError(f"no call and no caller '{name}' is here now")
        return msgspec.to_builtins(waiting(state, call, self.dispatcher.clock(), live=True))

    def faults(self) -> list[str]:
        """Every invariant that does not hold; there should be none."""
        return list(invariants.broken(self.dispatcher.core.state))

    def _see_handset(self, seat: str, action: Action, note: HandsetNote) -> None:
        for watch in self.handset_watchers:
            watch(seat, action, note)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_name(), exc_info=error)


def _without_restart(old: Site, new: Site) -> tuple[Site, list[str]]:
    """Take from new settings what can be put in force while calls go on; the options that cannot are named."""
    later = {
        "switch": [name for name in old.switch.__struct_fields__ if name != "fallback"],
        "general": ["durability", "log_level"],
    }
    changed: list[str] = []
    for section, names in later.items():
        before, after = getattr(old, section), getattr(new, section)
        kept = {name: getattr(before, name) for name in names if getattr(before, name) != getattr(after, name)}
        new = msgspec.structs.replace(new, **{section: msgspec.structs.replace(after, **kept)})
        changed += kept
    return new, changed


def _ami_settings(site: Site) -> AmiSettings:
    switch = site.switch
    return AmiSettings(
        host=switch.ami_host,
        port=switch.ami_port,
        user=switch.ami_user,
        secret=switch.ami_secret,
        hint="does it run? start it with: callfloor asterisk start" if switch.mode == "private" else "",
    )


def _handsets(site: Site) -> dict[str, str]:
    return {name: seat.handset for name, seat in site.seats.items()}
