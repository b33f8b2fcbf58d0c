"""The composition root: the one place that constructs things and knows who needs whom.

    files -> Site, Ivr        Asterisk, if it is ours      prompts, spoken ahead
    journal -> Core -> Dispatcher <-> AmiSwitch <-> Asterisk
    Runner + Handset -> FastAgiServer <- Asterisk      journal -> Customers
    Control <- the command line

A server that ends leaves its Asterisk running, callers, talks and all: the next start takes over where this one was.
Only a *tied* one, as for the demo and the tests, takes it along.

A takeover is two servers on one home for a moment. The new one makes all ready that it can: settings, prompts, the core
as the journal has it so far. Then it asks the old one to hand over. The old one sends its listening socket, so that a
call that begins in this very moment waits in the kernel, closes journal, AMI and control socket, and only serves the
menus that run; the new one decides the few entries that it lacks, and goes on.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import structlog

from acd import chronicle
from acd.control import ControlError, WithFiles, is_answered
from acd.core.commands import Announce
from acd.core.events import Started
from acd.days import tell_days
from acd.desk.agents import AgentDesk
from acd.desk.callbacks import CallbackDesk
from acd.desk.calling import CallingDesk
from acd.desk.view import View
from acd.dispatcher import Clock, Dispatcher
from acd.journal import Journal, Rebuilt
from acd.settings import Site
from acd.site import load_site
from acd.site_changes import changes, configured
from acd.site_secrets import fill_secrets
from ivr import callbacks, phrases
from ivr.announcements import lay_out
from ivr.asterisk import Instance, write_generated
from ivr.callbacks import Callbacks
from ivr.calling_out import CallingOut
from ivr.codes import Action
from ivr.customers import Customers
from ivr.desk import ROUTE as DESK
from ivr.desk import HandsetDesk
from ivr.fastagi import FastAgiServer, Handler
from ivr.handset import Handset
from ivr.handset_login import HandsetNote
from ivr.letters import attendants
from ivr.linetest.tester import LineTester
from ivr.mailbox import RECORDINGS, Mailbox
from ivr.menus import Ivr, load_ivr
from ivr.messages import MESSAGES, Listening
from ivr.prompts import Prompts
from ivr.runner import Runner
from ivr.scripts import FOLDER as SCRIPTS
from ivr.scripts import Scripts
from ivr.server_settings import ami_settings, handsets, lines, phones, spans, without_restart
from ivr.speaker import FOLDER as SPOKEN
from ivr.speaker import Speaker
from ivr.succession import Inheritance, inherit, listen
from ivr.switch import AmiSwitch
from ivr.voices import Engine, usable_engines
from ivr.web import Web
from ivr.written import Written

log = structlog.get_logger()

JOURNAL = "journal"
PATIENCE_S = 2.0
"""How long work that can wait does so for the first link to Asterisk."""
FINISH_MS = 60_000
"""How long menus that run may go on in a server that has handed over; what is left then falls to the dialplan."""


class Server:
    """callfloor, running. `folder` holds the admin's files, `home` everything that the site keeps."""

    dispatcher: Dispatcher
    desk: AgentDesk

    def __init__(
        self,
        folder: Path,
        home: Path,
        *,
        tied: bool = False,
        takeover: bool = False,
        prepare: Callable[[Site], Site] = lambda site: site,
        cache: Path | None = None,
        modules: tuple[str, ...] = (),
    ) -> None:
        """Read the files.

        Args:
            folder: the site folder.
            home: the instance home, made when missing.
            tied: Asterisk ends with this server.
            takeover: a server that runs on this home hands over to this one.
            prepare: changes the settings before they are used: other ports for a second instance.
            cache: where spoken prompts are kept; `home/prompts` if not given.
            modules: more modules for a private Asterisk.

        Raises:
            ConfigError: the files have errors.

        """
        home.mkdir(parents=True, exist_ok=True)
        self.folder, self.home, self._cache = folder, home, cache or home / "prompts"
        self._tied, self._takeover, self._prepare, self._modules = tied, takeover, prepare, modules
        self.site, self.ivr = self._load()
        self._instance: Instance | None = None
        self._journal: Journal | None = None
        self.switch = AmiSwitch(
            ami_settings(self.site),
            handsets(self.site),
            submit=lambda *events: self.dispatcher.submit(*events),  # noqa: PLW0108 - there is no dispatcher yet
            clock=lambda: self.dispatcher.clock(),  # noqa: PLW0108 - as above
            lines=(lines(self.site), spans(self.site)),
            phones=phones(self.site),
            render=self._words,
        )
        self.mailbox, self.speaker = Mailbox(home / RECORDINGS, self), Speaker(home / SPOKEN, self)
        self.virtual = HandsetDesk(self.switch, self, {MESSAGES: Listening(self.mailbox, self)})
        self.customers = Customers(home, home / JOURNAL, self, ahead=takeover)
        self.written = Written(self)
        self.channels, self.web = self.written.channels, Web(self)
        self.handset_watchers: list[Callable[[str, Action, HandsetNote], None]] = []
        self.agi, self._scripts = FastAgiServer({}), Scripts(folder / SCRIPTS)
        self._prompts: Prompts | None = None
        self._voice, self.engines = "", list[Engine]()
        self._speaking: asyncio.Task[None]
        self._link: asyncio.Task[None] | None = None
        self.tester = LineTester(self.switch, lambda: self.dispatcher, lambda: self.site, home)
        view = View(lambda: self.dispatcher, lambda: self.site, self.tester, lambda: self.customers.alarms)
        self.status, self.faults, self.supervisor = view.status, view.faults, view.supervisor
        self._control = view.control(home, self.reload_soon, self._hand_over, self.tester.asked)
        self._is_leaving, self._reloading = False, asyncio.Lock()
        self.handed_over = asyncio.Event()
        """Another server has taken over; what is left are menus that run."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def _load(self) -> tuple[Site, Ivr]:
        site = self._prepare(fill_secrets(load_site(self.folder), self.home))
        return site, load_ivr(self.folder, site, is_closed=lambda: self.supervisor.is_closed(""))

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

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _start(self) -> None:
        heritage = Inheritance()
        if self._takeover and is_answered(self.home):
            with contextlib.closing(self._make_prompts(self.ivr)) as prompts:
                await self._speak(prompts)  # ahead, while the old one serves
            heritage = await inherit(self.home, self.home / JOURNAL)
        with heritage.closing():
            await self._control.start()
            self._open_journal(heritage.begun)
            await self._use(self.ivr)
            await listen(self.agi, heritage, self.site.switch)
        self._spawn(self.mailbox.run(self.dispatcher.core.state.now), "mailbox")
        self.dispatcher.submit(Started(run=secrets.token_hex(4)), configured(self.site))
        await self._begin_asterisk()
        self._link = self._spawn(self.switch.run(), "switch")
        self._spawn(self.tester.run(), "line tests")
        self._spawn(self.customers.run(lambda: self._is_leaving), "customer file")
        self._spawn(self.written.run(), "written contacts")
        self._spawn(self.web.run(), "web desk")
        switch = self.site.switch
        log.info("callfloor is up", site=self.site.general.name, agi_port=switch.agi_port, sip_port=switch.sip_port)
        if heritage.since:
            self._spawn(self._tell_gap(heritage.since), "gap")
        self._spawn(tell_days(self.dispatcher, lambda: self.site, lambda: self._is_leaving), "days")

    def _open_journal(self, begun: Rebuilt | None) -> None:
        """Begin where the last run ended.

        Raises:
            JournalError: the journal cannot be read, or another process writes it.

        """
        general = self.site.general
        journal = Journal(self.home / JOURNAL, durability=general.durability, keep_ms=general.journal_keep_ms)
        try:
            core = journal.restore(begun)
        except BaseException:
            journal.close()
            raise
        self._journal = journal
        self.dispatcher = Dispatcher(core, journal, self.switch, clock=Clock(not_before=core.state.now))
        self.dispatcher.before = self.customers.returning.before
        self.dispatcher.watchers += [chronicle.note, self.mailbox.watch, self.customers.watch, self.written.watch]
        self.desk, self.calling = AgentDesk(self.dispatcher, self.site), CallingDesk(self.dispatcher, lambda: self.site)
        self.callbacks = Callbacks(CallbackDesk(self.dispatcher, lambda: self.site), self.calling, self.desk)
        self.callbacks.wire(self.switch, lambda: self.dispatcher.core.state)
        self.virtual.media.setdefault("callback", self.callbacks)
        self.virtual.media.update(attendants(self.channels, self))
        self.dispatcher.media.update(dict.fromkeys(self.virtual.media, self.virtual))
        self.web.wire(self.virtual)
        self.switch.legs_elsewhere = self.web.offers.legs
        self.dispatcher.watchers.append(self.web.watch)

    # One server after the other

    async def _tell_gap(self, since: int) -> None:
        await self.switch.connected.wait()
        log.info("took over", gap_ms=self.dispatcher.clock() - since)

    async def _hand_over(self) -> WithFiles:
        """Give everything away but the menus that run."""
        if self._tied or self._link is None or self._is_leaving:
            raise ControlError("it is starting or ending, or its Asterisk is to end with it")
        assert self._journal is not None, "there is a link, so there is a journal"
        await self.web.stop()
        await self.written.stop()
        self._is_leaving = True
        async with self._reloading:  # one that runs is let end
            at, files = self.dispatcher.clock(), self.agi.let_go()
            self.virtual.cut()
            self.dispatcher.drain()
            await self._cancel({self._link})
            self.dispatcher.close()
            await asyncio.to_thread(self._journal.close)
            await self._control.close()
        return WithFiles({"pid": os.getpid(), "at": at, "entry": self._journal.seq}, files, self._left)

    def _left(self, taken: bool) -> None:  # noqa: FBT001 - Control calls it so
        if not taken:
            log.critical("who wanted to take over is gone, and nobody serves", mend="start it again: callfloor up")
        self.handed_over.set()

    async def finish(self) -> None:
        """After a hand-over: wait until the menus that run have ended, or for a minute."""
        log.info("handed over; menus that run go on here", sessions=self.agi.sessions)
        await self.agi.finish(FINISH_MS)

    async def _begin_asterisk(self) -> None:
        """Start it; one that runs reads its files anew while calls are served already."""
        if self.site.switch.mode == "existing":
            write_generated(self.site, self.folder / "generated", self.home / "sounds", group_reads=True)
        elif self.instance.running:
            self._spawn(self._when_in_service(asyncio.to_thread(self.instance.reload)), "asterisk reload")
        else:
            await asyncio.to_thread(self.instance.start)

    async def _when_in_service(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do what takes a processor for a while when calls are served; or soon, if Asterisk is not there."""
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.switch.connected.wait(), PATIENCE_S)
            await work
        finally:
            work.close()  # never begun, if this was cancelled

    async def close(self) -> None:
        """End what runs, in the order in which nothing misses what it needs."""
        await self.agi.close()
        await self.web.stop()
        await self.written.stop()
        await self._cancel(self._tasks)
        if self._journal is not None and not self._is_leaving:
            self.dispatcher.close()
            self._journal.save(self.dispatcher.core.state)  # what cannot be stored is decided again at the next start
            self._journal.close()
        if not self._is_leaving:
            await self._control.close()
        if self._prompts is not None:
            self._prompts.close()
        if self._tied and self._instance is not None:
            await asyncio.to_thread(self._instance.stop)

    @staticmethod
    async def _cancel(tasks: "set[asyncio.Task[Any]]") -> None:
        for task in (tasks := set(tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Configuration

    def reload_soon(self) -> str:
        """Read the files anew and, if they are without error, put them in force. Calls go on.

        Raises:
            ControlError: another server has taken over.
            ConfigError: the files have errors; nothing is changed.

        """
        if self._is_leaving:
            raise ControlError("another server has taken over")
        site, ivr = self._load()
        site, later = without_restart(self.site, site)
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
        self.switch.channels.handsets.learn(handsets(site), phones(site))
        self.switch.channels.trunks.set_lines(lines(site), spans(site))
        if site.switch.mode == "private":
            await asyncio.to_thread(self.instance.reload, site)
        for event in new_rules:
            self.dispatcher.submit(event)
            await asyncio.sleep(0)  # calls are served between the slices of a large change
        self.switch.take_snapshot()
        log.info("configuration reloaded", queues=len(site.queues), seats=len(site.seats))

    async def _use(self, ivr: Ivr) -> None:
        """Make these menus the ones that new calls meet."""
        self.ivr, self.switch.ring_tones = ivr, self.site.ring_tones
        self.written.use(self.folder)
        self._prompts = prompts = self._make_prompts(ivr)  # calls that run keep the old one
        self._scripts.limits = ivr.scripts
        desk, leg_of = self.desk, self.switch.channels.wires.channel
        who, keeper, settings = self.customers.known.tell, self.supervisor, lambda: self.site
        handset = Handset(desk, desk, settings, self._see_handset, keeper, leg_of=leg_of, introduce=who)
        calling = CallingOut(self.calling, handset.seat_of, lambda: self.site.general.language)
        of_seats = {**handset.flows(), **calling.flows()}
        runner = Runner(
            {callbacks.FLOW: self.callbacks.flow(), **ivr.flows, **of_seats},
            prompts,
            scripts=self._scripts,
            queues=self.site.queues,
            recordings=self.home / RECORDINGS,
            mailbox=self.mailbox,
            default_language=self.site.general.language,
        )
        routes: dict[str, Handler] = {name: runner.handler(flow) for name, flow in ivr.routes.items()}
        routes |= {name: runner.handler(flow, to_fallback=False) for name, flow in of_seats.items()}
        routes[DESK] = self.virtual.handler(runner)
        self.agi.routes = {f"{self.site.switch.agi_secret}/{name}": handler for name, handler in routes.items()}
        self._speaking = self._spawn(self._when_in_service(self._speak(prompts)), "prompts")

    def _make_prompts(self, ivr: Ivr) -> Prompts:
        general = self.site.general
        if general.voice != self._voice:
            self._voice, self.engines = general.voice, usable_engines(general.voice)
        return Prompts(self.folder, self._cache, {**phrases.TEXTS, **ivr.texts}, self.engines, general.language)

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
