"""The command `callfloor`.

    callfloor check       find every mistake in the site's files
    callfloor flow        draw the menus, walk through them without a telephone
    callfloor dialplan    look for jumps into nothing and worse in an extensions.conf
    callfloor up          run the server in the foreground
    callfloor status      queues, seats and waiting callers of a running server, live
    callfloor import      make an acd.conf of an existing queues.conf
    callfloor lines       every trunk line, and what it does
    callfloor line        takes one out of service; calls over one to an echo and judges it, and how it did before
    callfloor codes       what an agent can dial
    callfloor render      what is written for Asterisk, before it is
    callfloor reload      put changed files in force without dropping a call
    callfloor customer    the customer file: find, show, note, merge, import, export, erase
    callfloor appointment what was agreed with customers: add, list, move, cancel; they are told
    callfloor webhook     programs outside that are told what happens: list, test, again, forget
    callfloor token       what programs show to the API of the web desk: add, list, remove
    callfloor journal     verify, export or follow the record of everything
    callfloor replay      decide the whole record again and compare
    callfloor why         why a call went where it went; why-not a seat, why-waiting
    callfloor queue       closes and opens a queue; callfloor call moves one that waits
    callfloor report      the figures of a day
    callfloor what-if     a day again under other rules
    callfloor demo        a whole site with callers and agents, for half a minute or until Ctrl-C
    callfloor asterisk    find, fetch, start, stop the Asterisk of a site

Every command takes the site folder from --site, $CALLFLOOR_SITE or `asterisk-config` in the current folder, and the
folder of what the server keeps from --home, $CALLFLOOR_HOME or `.callfloor/<name of the site folder>`.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
import typer
from rich.console import Console
from rich.live import Live

from acd.control import ControlError, UnansweredError, ask
from acd.importer import import_queues
from acd.journal import JournalError
from acd.problems import ConfigError
from acd.site import load_site
from acd.site_secrets import fill_secrets
from acd.status import Status
from acd.store import StoreError
from ivr import cli_codes, cli_lines, cli_messages, cli_render, cli_supervisor, cli_token, cli_why
from ivr.asterisk import (
    AsteriskError,
    Instance,
    ProvisionError,
    find_asterisk,
    private_tool,
    progress_bar,
    provision,
)
from ivr.asterisk.archive import Progress
from ivr.check import examine, print_report
from ivr.cli_appointment import appointment_app
from ivr.cli_customer import customer_app
from ivr.cli_dialplan import dialplan_app
from ivr.cli_flow import flow_app
from ivr.cli_journal import journal_app, replay
from ivr.cli_options import SITE, Home, SiteFolder, home_of
from ivr.cli_webhook import webhook_app
from ivr.process import allow_files, give_way_soon, set_garbage_aside
from ivr.screen import screen
from ivr.server import Server

log = structlog.get_logger()
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__.split("\n")[0]
)
asterisk_app = typer.Typer(no_args_is_help=True, help="The Asterisk of a site: the machine's own, or a private copy.")
_PARTS = {"asterisk": asterisk_app, "journal": journal_app, "customer": customer_app, "appointment": appointment_app}
_PARTS |= {"token": cli_token.token_app, "webhook": webhook_app, "flow": flow_app, "dialplan": dialplan_app}
for name, part in _PARTS.items():
    app.add_typer(part, name=name)
app.command()(replay)
cli_why.mount(app)
cli_supervisor.mount(app)
cli_lines.mount(app)
app.command("messages")(cli_messages.messages_command)
app.command()(cli_render.render)
app.command()(cli_codes.codes)


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        print(f"callfloor {version('callfloor')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; what a person can mend is said in a line, without a traceback."""
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        sys.exit(1)
    except (AsteriskError, cli_why.AskedError, ControlError, JournalError, OSError, StoreError) as error:
        print(f"callfloor: {error}", file=sys.stderr)
        sys.exit(1)


@app.command()
def check(site: SiteFolder = SITE) -> None:
    """Find every mistake in a site's files; says file, line and how to mend it."""
    report = examine(site)
    print_report(report, Console())
    raise typer.Exit(report.errors > 0)


@app.command("import")
def import_(
    queues: Annotated[Path, typer.Argument(help="queues.conf of an Asterisk.")],
    rules: Annotated[Path | None, typer.Argument(help="Its queuerules.conf, if it has rules.")] = None,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of to the terminal.")
    ] = None,
) -> None:
    """Make an acd.conf of an existing queues.conf; says what is not as it was, and the PINs it made."""
    imported = import_queues(queues, rules)
    for note in imported.notes:
        print(note, file=sys.stderr)
    if output is None:
        print(imported.text, end="")
    else:
        try:
            file = os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
        except FileExistsError:
            raise OSError(f"{output} exists; move it away, or give another name") from None
        with file:
            file.write(imported.text)
    for seat, pin in imported.pins.items():
        print(f"seat {seat}: PIN {pin}", file=sys.stderr)
    count = len(imported.notes)
    print("1 thing is not as it was" if count == 1 else f"{count} things are not as they were", file=sys.stderr)


@app.command()
def up(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    takeover: Annotated[
        bool, typer.Option("--takeover", help="Replace the server that runs, as for an upgrade.")
    ] = False,
) -> None:
    """Run the server in the foreground until Ctrl-C. SIGHUP reloads. Asterisk, and every call in it, lives on."""
    settings = load_site(site)
    configure_logs(settings.general.log_level)
    if settings.switch.mode == "private":
        with progress_bar("Asterisk") as progress:
            provision(progress)
            _fetch_voice(progress)
    with loop_runner() as runner:
        runner.run(_up(site, home_of(site, home), takeover=takeover))


def _fetch_voice(progress: Progress) -> None:
    """Fetch the speech engine now, not while a caller waits for it. A site of recordings can do without."""
    try:
        private_tool("espeak-ng", progress)
    except ProvisionError as error:
        log.warning("no speech engine", reason=str(error), effect="prompts without a recording are not heard")


async def _up(site: Path, home: Path, *, takeover: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    allow_files()
    async with Server(site, home, takeover=takeover) as server:
        set_garbage_aside()
        give_way_soon()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, _reload, server)
        await _first(stop.wait(), server.handed_over.wait())
        if server.handed_over.is_set():
            await _first(stop.wait(), server.finish())
            return
        log.info("callfloor stops; callers keep their places in Asterisk", end_asterisk="callfloor asterisk stop")


async def _first(*what: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them has come; the others are not waited for any more."""
    tasks = [asyncio.create_task(one) for one in what]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _reload(server: Server) -> None:
    try:
        server.reload_soon()
    except ControlError as error:
        log.error("configuration not reloaded", reason=str(error))  # noqa: TRY400 - as below
    except ConfigError as error:
        for problem in error.problems:
            log.error("configuration not reloaded", problem=str(problem))  # noqa: TRY400 - a person's slip, no traceback


@contextlib.contextmanager
def loop_runner() -> Iterator[asyncio.Runner]:
    """An event loop on uvloop where it installs."""
    try:
        import uvloop  # noqa: PLC0415 - there is none for every platform

        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


@app.command()
def status(
    site: SiteFolder = SITE,
    home: Home = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print once, for programs.")] = False,
) -> None:
    """Show queues, seats and calls of the running server, every second until Ctrl-C."""
    folder = home_of(site, home)

    first = _look(folder)
    if as_json:
        print(msgspec.json.encode(first).decode())
    elif once or not sys.stdout.isatty():
        _print_once(first)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            _watch(folder, first)


def _look(folder: Path) -> Status:
    answer = ask(folder, "status")
    try:
        return msgspec.convert(answer, Status)
    except msgspec.ValidationError as error:
        raise ControlError(f"the callfloor server in {folder} is of another version than this command") from error


def _print_once(status: Status) -> None:
    console = Console()
    if console.is_terminal:
        console.print(screen(status))
        return
    with console.capture() as capture:
        console.print(screen(status))
    for line in capture.get().splitlines():
        print(line.rstrip())  # the blanks that fill a table are of use on a screen only


def _watch(folder: Path, status: Status) -> None:
    """Show the floor until Ctrl-C; through a restart of the server the last picture stays, and says so."""
    with Live(screen(status), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(1)
            try:
                status = _look(folder)
            except UnansweredError:
                live.update(screen(status, answered=False), refresh=True)
            else:
                live.update(screen(status), refresh=True)


@app.command()
def reload(site: SiteFolder = SITE, home: Home = None) -> None:
    """Check the files and put them in force in the running server. No call is dropped."""
    print(ask(home_of(site, home), "reload"))
    for problem in examine(site).problems:  # the server takes what serves some calls, and proves no menus meanwhile
        if problem.severity == "error":
            print(f"but {problem}")


@app.command()
def demo(
    *,
    stay: Annotated[bool, typer.Option("--stay", help="Keep the site running for a telephone of your own.")] = False,
    listen: Annotated[
        str, typer.Option(help="Address for SIP; one of this machine's for a phone elsewhere.")
    ] = "127.0.0.1",
) -> None:
    """Play a short story on a private site: callers, menus, agents, a caller who gives up, a mail, a text, a chat."""
    from ivr.demo import play  # noqa: PLC0415 - loads the softphones, which only the demo needs
    from ivr.softphone import SoftphoneError  # noqa: PLC0415 - as above

    configure_logs("warning")
    try:
        with loop_runner() as runner:
            runner.run(play(stay=stay, listen=listen))
    except SoftphoneError as error:
        print(f"callfloor: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


@asterisk_app.command("path")
def asterisk_path() -> None:
    """Say which Asterisk would be used, if there is one."""
    found = find_asterisk()
    print(found or "none; fetch a private copy with: callfloor asterisk provision")
    raise typer.Exit(found is None)


@asterisk_app.command("provision")
def asterisk_provision() -> None:
    """Fetch a private copy if the machine has none. Needs no root."""
    with progress_bar("Asterisk") as progress:
        print(provision(progress))


@asterisk_app.command("start")
def asterisk_start(site: SiteFolder = SITE, home: Home = None) -> None:
    """Start the site's Asterisk without callfloor: callers hear music until `callfloor up`."""
    instance = _instance(site, home)
    instance.start()
    print(f"Asterisk runs, pid {instance.pid}, home {instance.home}")


@asterisk_app.command("stop")
def asterisk_stop(site: SiteFolder = SITE, home: Home = None) -> None:
    """Stop the site's Asterisk. Every call in it ends."""
    instance = _instance(site, home)
    print("Asterisk stops" if instance.running else "Asterisk does not run")
    instance.stop()


@asterisk_app.command("cli")
def asterisk_cli(command: Annotated[list[str], typer.Argument()], site: SiteFolder = SITE, home: Home = None) -> None:
    """Run one command on Asterisk's console, as in: callfloor asterisk cli core show channels."""
    print(_instance(site, home).cli(" ".join(command)), end="")


def _instance(site: Path, home: Path | None) -> Instance:
    configure_logs("warning")
    folder = home_of(site, home)
    folder.mkdir(parents=True, exist_ok=True)
    return Instance(folder, site, fill_secrets(load_site(site), folder))


def configure_logs(level: str) -> None:
    """Log to standard error: for people on a terminal, one JSON object a line elsewhere."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not terminal),
            *([] if terminal else [structlog.processors.format_exc_info]),
            # The plain traceback: one with local variables would show a PIN. Values as repr: a caller may send escapes.
            structlog.dev.ConsoleRenderer(repr_native_str=True, exception_formatter=structlog.dev.plain_traceback)
            if terminal
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line in one piece, whoever else writes there
        cache_logger_on_first_use=True,
    )
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)  # what it has to say, we say
