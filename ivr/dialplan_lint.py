"""What Asterisk says nothing of until a call is lost: jumps into nothing, steps nobody comes to, circles.

What callers send, where it can do harm, is told by `ivr.dialplan_texts`.
"""

import re
from collections.abc import Iterator

from acd.conf import Config
from acd.problems import Origin, did_you_mean
from ivr.dialplan_steps import Context, Extension, Place, Step, extensions_of, is_whole, parted, place, read_dialplan
from ivr.dialplan_texts import harmful_texts

_FINAL = {"goto", "hangup", "return", "congestion", "busy", "macroexit", "stackpop"}
"""Nothing comes after these."""
_INSTANT = {"noop", "set", "mset", "goto", "verbose", "log"}
"""These take no time, so a circle of them never ends and never waits."""
_APPLICATIONS = """
addqueuemember adsiprog agentlogin agentrequest agi eagi deadagi asyncagi answer attendedtransfer audiosocket
authenticate backgrounddetect background bridge bridgeadd bridgewait broadcast busy calendarwrite
callcompletioncancel callcompletionrequest celgenuserevent changemonitor chanspy channelredirect chanisavail
confbridge confkick congestion continuewhile controlplayback dahdiacceptr2call dahdiras dahdiscan
dahdisendcallreroutingfacility dahdisendkeypadfacility datetime dbdel dbdeltree dial dictate directory disa dumpchan
echo endwhile exec execif execiftime exitwhile extenspy externalivr festival flash followme forkcdr getcpeid gosub
gosubif goto gotoif gotoiftime hangup hangupcausclear hangupcauseclear ices if elseif else endif exitif importvar
incomplete ivrdemo jabberjoin jabberleave jabbersend jabberstatus joinmixer log macro macroexclusive macroexit
macroif mailboxexists meetme messagesend milliwatt minivmaccmess minivmdelete minivmgreet minivmmwi minivmnotify
minivmrecord mixmonitor monitor morsecode mp3player mset musiconhold nbscat noop odbcfinish odbccommit odbcrollback
originate ospauth page park parkandannounce parkedcall pausemonitor pausequeuemember pickup pickupchan playback
playtones privacymanager proceeding progress queue queuelog queueupdate raiseexception read readexten receivefax
receivetext record reload removequeuemember resetcdr retrydial return ringing sayalpha sayalphacase saycounteda
saycountedadj saycountednoun saydigits saymoney saynumber sayordinal sayphonetic sayunixtime senddtmf sendfax
sendimage sendtext sendurl set setamaflags signal signalwait sipaddheader sipdtmfmode siprremoveheader skel
slastation slatrunk smdi sms softhangup speechactivategrammar speechbackground speechcreate speechdeactivategrammar
speechdestroy speechloadgrammar speechprocessingsound speechstart speechunloadgrammar stackpop stasis
startmusiconhold stopmixmonitor stopmonitor stopmusiconhold stopplaytones storedtmf streamecho system testclient
testserver transfer trysystem tryexec unpausemonitor unpausequeuemember userevent verbose vmauthenticate vmsayname
voicemail voicemailmain voicemailplaymsg wait waitdigit waitexten waitforcondition waitfornoise waitforring
waitforsilence waitmusiconhold waituntil while zapateller
"""
"""All of Asterisk 22 and its predecessors, in small letters."""
_KNOWN = frozenset(_APPLICATIONS.split())


def lint(config: Config) -> None:
    """Add what is found in an extensions.conf to its problems."""
    contexts = read_dialplan(config)
    jumps = [
        (context.name, extension, where)
        for context in contexts.values()
        for extension in context.extensions.values()
        for step in extension.steps
        for where in _jumps(step)
    ]
    for context in contexts.values():
        for extension in context.extensions.values():
            _Look(config, contexts, jumps, context, extension).all()


class _Look:
    """Looks at one extension."""

    def __init__(
        self,
        config: Config,
        contexts: dict[str, Context],
        jumps: list[tuple[str, Extension, Place]],
        context: Context,
        extension: Extension,
    ) -> None:
        self.problems = config.problems
        self.contexts, self.jumps, self.context, self.extension = contexts, jumps, context, extension
        self.steps = {step.priority: step for step in reversed(extension.steps)}

    def all(self) -> None:
        self._check_name()
        self._check_priorities()
        for step in self.extension.steps:
            self._check_application(step)
            self._check_brackets(step)
            for where in _jumps(step):
                self._check_jump(step.origin, where)
        self._check_reached()
        self._check_circles()
        self._check_texts()

    def _check_name(self) -> None:
        name, steps = self.extension.name, self.extension.steps
        if (
            steps
            and not name.startswith("_")
            and re.fullmatch(r"[0-9*#XZN]*[XZN.!][0-9*#XZN.!]*", name)
            and len(name) > 1
        ):
            message = f"extension '{name}' is no pattern: only these very characters match it"
            self.problems.warning(steps[0].origin, message, f"write _{name}")

    def _check_priorities(self) -> None:
        seen: set[int] = set()
        for step in self.extension.steps:
            if step.priority in seen:
                message = f"priority {step.priority} of extension '{self.extension.name}' stands twice"
                self.problems.error(step.origin, message, "Asterisk leaves the second one out; write n")
            elif step.priority > 1 and step.priority - 1 not in self.steps and not self._is_named(step):
                before = "no priority 1" if not seen else f"no priority {step.priority - 1}"
                message = f"nobody comes to priority {step.priority} of '{self.extension.name}': there is {before}"
                self.problems.error(step.origin, message, "write 1 for the first and n for all others")
            seen.add(step.priority)

    def _check_application(self, step: Step) -> None:
        if step.kind not in _KNOWN and (hint := did_you_mean(step.application, _KNOWN)):
            self.problems.warning(step.origin, f"there is no application '{step.application}' in Asterisk", hint)

    def _check_brackets(self, step: Step) -> None:
        open_ = {"{": 0, "[": 0}
        for at, char in enumerate(step.words):
            if char in "{[" and step.words[at - 1 : at] == "$":
                open_[char] += 1
            elif char in "}]" and open_[("{", "[")[char == "]"]]:
                open_[("{", "[")[char == "]"]] -= 1
        for sign, left in open_.items():
            if left:
                closing = {"{": "}", "[": "]"}[sign]
                self.problems.error(step.origin, f"a ${sign} is not closed", f"there are {left} '{closing}' missing")

    # Jumps

    def _check_jump(self, origin: Origin, where: Place) -> None:
        context = where.context or self.context.name
        if context not in self.contexts:
            hint = did_you_mean(context, self.contexts) or f"write [{context}], or mend the name"
            self.problems.error(origin, f"there is no context '{context}' to go to", hint)
            return
        if where.extension is None:
            targets = [self.extension] if where.context is None else []
        else:
            targets = [one for one in extensions_of(self.contexts, context) if one.matches(where.extension)]
            if not targets and is_whole(self.contexts, context):
                names = [one.name for one in extensions_of(self.contexts, context)]
                hint = did_you_mean(where.extension, names) or f"there are {', '.join(names[:8])}"
                self.problems.error(origin, f"there is no extension '{where.extension}' in [{context}]", hint)
        if where.priority is not None and targets and not any(one.has(where.priority) for one in targets):
            labels = [step.label for one in targets for step in one.steps if step.label]
            noun = "priority" if where.priority.isdigit() else "label"
            hint = did_you_mean(where.priority, labels) or f"labels there are {', '.join(labels) or 'none'}"
            name = where.extension or self.extension.name
            self.problems.error(
                origin, f"there is no {noun} '{where.priority}' in extension '{name}' of [{context}]", hint
            )

    def _is_named(self, step: Step) -> bool:
        """Whether some jump of the file may lead to this step."""
        return any(
            self._may_lead_here(start, extension, where)
            and where.priority in {None, step.label or None, str(step.priority)}
            for start, extension, where in self.jumps
        )

    def _may_lead_here(self, start: str, extension: Extension, where: Place) -> bool:
        """Whether a jump, from some extension of some context, may lead into this extension."""
        if where.extension is None and where.context is None:
            return extension is self.extension or where.priority is None
        context = where.context or start
        is_here = context == self.context.name or self.context.name in self._all_included(context)
        return is_here and (where.extension is None or self.extension.matches(where.extension))

    def _all_included(self, name: str) -> set[str]:
        found: set[str] = set()
        beyond = [name]
        while beyond:
            for included in self.contexts[one].includes if (one := beyond.pop()) in self.contexts else ():
                if included not in found:
                    found.add(included)
                    beyond.append(included)
        return found

    def _check_reached(self) -> None:
        for before, step in zip(self.extension.steps, self.extension.steps[1:], strict=False):
            if before.kind in _FINAL and step.priority == before.priority + 1 and not self._is_named(step):
                message = f"nobody comes to this step: the one before it is {before.application}"
                self.problems.warning(step.origin, message, "take it out, or give it a label that something goes to")

    def _check_circles(self) -> None:
        """Look for steps that take no time and lead back to themselves, whatever happens."""
        for step in self.extension.steps:
            at: Step | None = step
            way: list[Step] = []
            while at is not None and at.kind in _INSTANT and at not in way:
                way.append(at)
                at = self._next(at)
            if way and at is step:
                message = f"extension '{self.extension.name}' goes round here for ever without a pause"
                self.problems.error(
                    step.origin, message, "let a Wait, or a GotoIf with another way out, stand in the circle"
                )
                return

    def _next(self, step: Step) -> Step | None:
        """What follows a step for certain; None if that is not known here."""
        if step.kind != "goto":
            return self.steps.get(step.priority + 1)
        where = place(step.words)
        own = where.context in {None, self.context.name} and where.extension in {None, self.extension.name}
        if not own or where.priority is None or ("${" in step.words):
            return None
        return next((one for one in self.extension.steps if where.priority in {one.label, str(one.priority)}), None)

    def _check_texts(self) -> None:
        for step, name, harm in harmful_texts(self.extension):
            allowed = "0-9" if name in {"EXTEN", "DNID"} else "A-Za-z0-9"
            message = f"${{{name}}} is whatever a caller sends, and in {step.application} {harm}"
            hint = f"write ${{FILTER({allowed},${{{name}}})}}, with the characters that may be in it"
            self.problems.error(step.origin, message, hint)


def _jumps(step: Step) -> Iterator[Place]:
    """Where a step may lead besides to the next one."""
    words = step.words
    match step.kind:
        case "goto":
            yield place(words)
        case "gosub":
            yield place(words)
        case "gotoif" | "gosubif" | "gotoiftime":
            _, *targets = parted(words, "?")
            for target in parted("?".join(targets), ":"):
                if target.strip():
                    yield place(target)
        case "execif":
            _, *done = parted(words, "?")
            for one in parted("?".join(done), ":"):
                name, _, inner = one.strip().partition("(")
                yield from _jumps(Step(0, "", name.strip(), inner.removesuffix(")"), step.origin))
        case "bridge" | "dial":
            yield from _jumps_of_a_call(words)


def _jumps_of_a_call(words: str) -> Iterator[Place]:
    for match in re.finditer(r"\b[Ll]ocal/([^@/,&]*)@([^/,&)\s]+)", words):
        known = [None if "$" in part else part for part in match.groups()]
        if known[1]:
            yield Place(known[1], known[0], None)
    for match in re.finditer(r"\b[FG]\(([^()]*)\)", words):
        parts = match[1].split("^")
        if len(parts) == 3 and "$" not in match[1]:
            yield Place(parts[0], parts[1], parts[2])
