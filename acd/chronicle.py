"""The log of the floor: what happened to calls and seats, a line each, so that one call can be followed with grep.

A watcher of the dispatcher. It tells what is decided and what came of it; the journal has everything else.
"""

import structlog

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.line import Trouble

log = structlog.get_logger()

WISHES = {
    ev.LogInAsked: "log in",
    ev.LogOutAsked: "log out",
    ev.ReadyAsked: "ready",
    ev.PauseAsked: "pause",
    ev.WrapUpEndAsked: "end wrap-up",
    ev.WrapUpExtendAsked: "more wrap-up",
    ev.CodeAsked: "code",
    ev.CallOutAsked: "call out",
    ev.LegFailed: "another line",
    ev.CloseAsked: "close",
    ev.DeferAsked: "defer",
    ev.PullAsked: "pull a call",
    ev.PickUpAsked: "pick up a call",
}


def note(event: ev.AnyEvent, commands: list[cmd.AnyCommand]) -> None:
    """Log an event and what followed from it."""
    _note_event(event)
    _note_call_out(event)
    for command in commands:
        if isinstance(command, cmd.Reply) and isinstance(event, ev.Asked):
            log.info("agent asks", seat=event.seat, wish=WISHES[type(event)], answer=command.answer)
        else:
            _note_command(command)


def _note_event(event: ev.AnyEvent) -> None:
    match event:
        case ev.CallArrived():
            log.info("call arrived", call=event.call, queue=event.queue, caller=event.caller)
        case ev.CallEnded():
            log.info("call ended", call=event.call, reason=event.reason)
        case ev.Connected():
            log.info("talk begins", offer=event.offer)
        case ev.CallTransferred():
            log.info("call given away", call=event.call, seat=event.seat, to=event.to)
        case ev.OfferEnded():
            log.info("offer ended", offer=event.offer, outcome=event.outcome)
        case ev.HandsetChanged():
            log.info("handset", seat=event.seat, reachable=event.reachable, busy=event.busy)
        case ev.Listening():
            log.info("supervisor listens", seat=event.seat, to=event.to, offer=event.offer, mode=event.mode)
        case ev.LineChanged() | ev.LinesSet():
            _note_line(event)
        case ev.SwitchLost():
            log.warning("switch lost, nothing is decided until it is seen again")


def _note_call_out(event: ev.AnyEvent) -> None:
    match event:
        case ev.CallOutAsked() if event.emergency:
            log.warning("calls for help", seat=event.seat, number=event.number)
        case ev.LegAnswered():
            log.info("call out answered", leg=event.leg)
        case ev.LegFailed():
            log.info("call out not answered", leg=event.leg, outcome=event.outcome, cause=event.cause)
        case ev.LegEnded():
            log.info("call out ended", leg=event.leg, outcome=event.outcome)


def _note_line(event: ev.LineChanged | ev.LinesSet) -> None:
    match event:
        case ev.LineChanged(trouble=Trouble() as trouble):
            why = f"{trouble.kind}: {trouble.said}" if trouble.said else trouble.kind
            log.warning("line cannot be used", line=event.line, why=why, in_use=event.in_use)
        case ev.LineChanged():
            log.info("line", line=event.line, in_use=event.in_use)
        case ev.LinesSet():
            what = "lines taken out of service" if event.out else "lines put back into service"
            log.info(what, lines=", ".join(event.lines), why=event.why)


def _note_command(command: cmd.AnyCommand) -> None:
    match command:
        case cmd.Offer():
            log.info("offer", offer=command.offer, call=command.call, seat=command.seat)
        case cmd.Withdraw():
            log.info("offer taken back", offer=command.offer, call=command.call)
        case cmd.Dial():
            log.info("call out", leg=command.leg, seat=command.seat, number=command.number, line=command.line)
        case cmd.Reach():
            log.info("customer called", leg=command.leg, call=command.call, number=command.number, line=command.line)
        case cmd.Promise():
            log.info("callback promised", call=command.call, number=command.caller, queue=command.queue)
        case cmd.SendAway():
            log.info("call sent to the overflow", call=command.call)
