"""Drives a flow over an AGI session: each step becomes AGI commands, each answer a value.

How a call leaves a flow, and what the switch is told then:

    Enqueue          ACD_QUEUE, ACD_PRIORITY and what else it asks for (ACD_NEEDS ACD_AHEAD ACD_WANTED) are set; the
                     call goes on at `acd-hold,s,1`. The only way to the ACD.
    Transfer         the call goes on at `ivr-transfer,<extension>,1`
    HangUp, return   HANGUP
    an exception     logged with its traceback; the caller hears "sorry" and goes on at `acd-fallback,s,1`, or, where
                     that makes no sense (an agent's handset), is hung up
    given a caller   an agent's handset is not hung up if it is not his any more: whoever he put through to it meanwhile
                     goes on at `acd-given,over,1`, to his queue
    hung up          nothing; the flow is cancelled

The switch goes on with the call when the AGI connection closes, which the server does when the handler returns.

What bounds a flow: the steps of a call, how deep flows call flows, and the time altogether (`FlowLimits`). A flow that
reaches one of them has failed as by an exception, one that it cannot catch.
"""

import asyncio
import re
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path

import structlog

from ivr.fastagi import Handler, Session
from ivr.flow import Caller, Flow, FlowEnded, StepError, performing
from ivr.performer import Call, FlowLimits, Mailbox, Prompts, Scripts, go_on_at

log = structlog.get_logger()

CALLER_TEXT_MAX = 128
"""Characters of a caller's number or name that are kept."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")


class Runner:
    """Runs the flows of one configuration. After a reload a new one takes the new calls; running calls keep theirs."""

    def __init__(
        self,
        flows: Mapping[str, Flow],
        prompts: Prompts,
        *,
        queues: Collection[str],
        recordings: Path,
        scripts: Scripts | None = None,
        mailbox: Mailbox | None = None,
        default_language: str = "en",
        limits: FlowLimits | None = None,
    ) -> None:
        self.flows = flows
        self.prompts = prompts
        self.scripts = scripts
        self.mailbox = mailbox
        self.queues = queues
        self.recordings = recordings
        self.default_language = default_language
        self.limits = limits or FlowLimits()

    def handler(self, flow: Flow, *, to_fallback: bool = True) -> Handler:
        """Make the handler of a route that starts this flow.

        Args:
            flow: what to run.
            to_fallback: where a caller goes whose flow fails: to the site's fall-back, or (False) nowhere.

        """

        async def serve(session: Session) -> None:
            await self._serve(session, flow, to_fallback=to_fallback)

        return serve

    async def _serve(self, session: Session, flow: Flow, *, to_fallback: bool) -> None:
        call = Call(self, session, caller_of(session.request.headers, self.default_language))
        try:
            async with asyncio.timeout(self.limits.call_ms / 1_000):
                while True:
                    await _run(flow, call)
                    log.info("flow ended", flow=flow.name, call=call.caller.uniqueid, by=call.last_word or "return")
                    if call.successor is None:
                        break
                    flow, call = call.successor, call.successor_call()
                if not call.last_word:
                    await _hang_up(session, may_be_another=not to_fallback)
        except Exception:
            log.exception("flow failed", flow=flow.name, call=call.caller.uniqueid)
            if not session.end_reason and not call.has_left:
                await self._apologise(session, call.language, to_fallback=to_fallback)

    async def _apologise(self, session: Session, language: str, *, to_fallback: bool) -> None:
        """Say sorry, if that can be done, and take the caller somewhere else in any case."""
        try:
            await session.command("ANSWER")
            path = await self.prompts.find("sorry", language)
            await session.command("STREAM FILE", path, "", lasts_ms=self.limits.prompt_ms)
        except Exception:
            log.exception("cannot say sorry", call=session.request.headers.get("uniqueid"))
        if to_fallback:
            await go_on_at(session.command, "acd-fallback", "s")
        else:
            await _hang_up(session, may_be_another=True)


async def _hang_up(session: Session, *, may_be_another: bool) -> None:
    """Hang up, unless the call has become another one's.

    An agent may put his caller through at any moment (REFER with Replaces), also when the call he made for it has come
    here already, to hear why nobody answered, or is about to: Asterisk then puts the caller in its place. The id is the
    caller's then, and not that of who dialled, which the dialplan has noted (`ACD_DIALS`), or else we were told first.
    """
    if may_be_another:
        now, first = [await session.command("GET VARIABLE", name) for name in ("UNIQUEID", "ACD_DIALS")]
        dialled = first.value if first.result == "1" else session.request.headers.get("uniqueid")
        if now.result == "1" and now.value != dialled:
            log.info("caller put through to a call that is over", call=now.value)
            await go_on_at(session.command, "acd-given", "over")
            return
    await session.command("HANGUP")


async def _run(flow: Flow, call: Call) -> None:
    """Run one flow to its end, whichever way it says its last word."""
    with performing(call):
        try:
            await flow(call.caller)
        except FlowEnded:
            pass
        except BaseExceptionGroup as group:  # a task group of the flow carried the last word
            others = group.split(FlowEnded)[1]
            if others is not None:
                raise others from None
    if call.limit_reached:
        raise StepError(call.limit_reached)


def caller_of(headers: Mapping[str, str], default_language: str) -> Caller:
    """Read who calls from the AGI headers. Asterisk writes `unknown` where it knows nothing."""
    language = headers.get("language", "")
    dialled = _clean(headers.get("dnid", "")) or _clean(headers.get("extension", ""))
    return Caller(
        number=_clean(headers.get("callerid", "")),
        name=_clean(headers.get("calleridname", "")),
        dialled=dialled,
        language=language if _LANGUAGE.fullmatch(language) else default_language,
        channel=_clean(headers.get("channel", "")),
        uniqueid=_clean(headers.get("uniqueid", "")),
        headers=headers,
    )


def _clean(text: str) -> str:
    """Take out what is not for reading: controls, and invisible marks that turn the direction of writing."""
    if text == "unknown":
        return ""
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp"})[:CALLER_TEXT_MAX]
