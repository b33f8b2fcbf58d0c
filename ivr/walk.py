"""A call without a telephone: the site's own flows, walked through in a terminal.

What a caller would hear is written, what he presses is typed; the flows are those that serve real calls, and only who
performs their steps is another (`ivr.flow.Performer`). Where a call would leave the menus, for a queue or an extension,
the walk ends and says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, NoReturn

from ivr import flow as steps
from ivr.flow import Caller, Flow, FlowEnded, InLanguage, Prompt, Recording, Step, StepError, performing, prompt_list
from ivr.menus import Ivr
from ivr.needs import write_needs
from ivr.performer import FlowLimits

LIMITS = FlowLimits()
"""Those of real calls."""
RECORDED_MS = 5_000


class Walk:
    """One call.

    Args:
        ivr: the site's menus and flows.
        language: that of the caller's channel.
        ask: reads what is pressed, empty for nothing; None hangs up.
        tell: writes a line: what it is (a language, or a sign), and its text.

    """

    def __init__(
        self, ivr: Ivr, language: str, ask: Callable[[], str | None], tell: Callable[[str, str], None]
    ) -> None:
        self._ivr, self._language, self._ask, self._tell = ivr, language, ask, tell
        self._variables: dict[str, str] = {}
        self._successor: Flow | None = None
        self._steps = self._depth = 0

    async def go(self, route: str, caller: Caller) -> None:
        """Walk from a route, `entry`, `after` or `overflow`, to where the call leaves the flows or hangs up."""
        self._successor = self._ivr.routes[route]
        try:
            with performing(self):
                while (flow := self._successor) is not None:
                    self._successor = None
                    try:
                        await flow(caller)
                        self._tell("==", "the call ends")
                    except FlowEnded:
                        pass
        except asyncio.CancelledError:
            self._tell("==", "you hung up")
        except StepError as error:
            self._tell("!!", f"{error}; on the telephone the caller hears an apology and is sent to acd-fallback")

    async def perform(self, step: Step[Any]) -> Any:
        """Perform a step; see `ivr.flow.Performer`."""
        self._steps += 1
        if self._steps > LIMITS.steps:
            self._leave("!!", f"more than {LIMITS.steps} steps in one call: a circle")
        return await self._perform[type(step)](self, step)

    def _leave(self, sign: str, words: str) -> NoReturn:
        self._tell(sign, words)
        raise FlowEnded(words)

    def _say(self, prompt: Prompt) -> None:
        match prompt:
            case Recording(path=path):
                self._tell("~~", f"the recording {path}.wav")
            case InLanguage(language=language, prompt=name):
                self._tell(language, self._text(name, language))
            case str():
                self._tell(self._language, self._text(prompt, self._language))

    def _text(self, name: str, language: str) -> str:
        texts = self._ivr.texts.get(name)
        return name if texts is None else texts.get(language, f"(the recording {name})")

    def _pressed(self) -> str:
        keys = self._ask()
        if keys is None:
            raise asyncio.CancelledError
        return "".join(keys.split())

    async def _nothing(self, _: Step[Any]) -> None:
        pass

    async def _play(self, step: steps.Play) -> None:
        self._say(step.prompt)

    async def _speak(self, step: steps.Say) -> None:
        self._say(step.text)

    async def _menu(self, step: steps.Menu) -> str | None:
        return self._entry(step.prompts, step.tries, step.invalid, step.no_input, lambda keys: keys in step.choices)

    async def _collect(self, step: steps.Collect) -> str | None:
        def fits(keys: str) -> bool:
            return step.min_digits <= len(keys) <= step.max_digits and keys.isdigit()

        pressed = self._entry(
            step.prompts, step.tries, step.invalid, step.no_input, lambda keys: fits(keys.rstrip("#"))
        )
        return None if pressed is None else pressed.rstrip("#")

    def _entry(
        self, prompts: Any, tries: int, invalid: Prompt, no_input: Prompt, fits: Callable[[str], bool]
    ) -> str | None:
        complaint: tuple[Prompt, ...] = ()
        for _ in range(tries):
            for prompt in (*complaint, *prompt_list(prompts)):
                self._say(prompt)
            pressed = self._pressed()
            if fits(pressed):
                return pressed
            complaint = (invalid if pressed else no_input,)
        return None

    async def _record(self, _: steps.Record) -> Recording:
        self._tell("~~", f"a tone; {RECORDED_MS // 1_000} seconds are taken for recorded")
        return Recording("/nonexistent/walk", RECORDED_MS)

    async def _leave_message(self, step: steps.LeaveMessage) -> bool:
        self._tell("~~", f"a tone; what is said becomes a message for queue {step.queue or 'of [voicemail]'}")
        return True

    async def _set_variable(self, step: steps.SetVariable) -> None:
        self._variables[step.name] = step.value

    async def _get_variable(self, step: steps.GetVariable) -> str | None:
        return self._variables.get(step.name)

    async def _set_language(self, step: steps.SetLanguage) -> None:
        self._language = step.language

    def _flow(self, name: str) -> Flow:
        if name not in self._ivr.flows:
            raise StepError(f"there is no flow {name!r}")
        return self._ivr.flows[name]

    async def _call_flow(self, step: steps.CallFlow) -> None:
        flow = self._flow(step.name)
        if self._depth >= LIMITS.depth:
            self._leave("!!", f"flows call flows more than {LIMITS.depth} deep; the last one is {step.name}")
        self._depth += 1
        try:
            await flow(Caller(language=self._language))
        finally:
            self._depth -= 1

    async def _hand_over(self, step: steps.HandOver) -> NoReturn:
        self._successor = self._flow(step.name)
        raise FlowEnded(step.name)

    async def _run_script(self, step: steps.RunScript) -> None:
        self._tell("~~", f"the script {' '.join([step.name, *step.args])} is not run here")

    async def _enqueue(self, step: steps.Enqueue) -> NoReturn:
        assert not isinstance(step.needs, str), "the step has read them"
        wishes = [
            f"priority {step.priority}" if step.priority is not None else "",
            f"for an agent with {write_needs(step.needs)}" if step.needs else "",
            f"{step.head_start_ms // 1_000} s ahead" if step.head_start_ms else "",
            f"seat {step.seat} preferred" if step.seat else "",
        ]
        self._leave("=>", ", ".join([f"waits in queue {step.queue}", *filter(None, wishes)]))

    async def _transfer(self, step: steps.Transfer) -> NoReturn:
        self._leave("=>", f"extension {step.extension} rings")

    async def _hang_up(self, _: steps.HangUp) -> NoReturn:
        self._leave("==", "the call ends")

    _perform: ClassVar[Mapping[type[Step[Any]], Callable[["Walk", Any], Awaitable[Any]]]] = {
        steps.Answer: _nothing,
        steps.Play: _play,
        steps.Say: _speak,
        steps.Menu: _menu,
        steps.Collect: _collect,
        steps.Record: _record,
        steps.LeaveMessage: _leave_message,
        steps.Recorded: _nothing,
        steps.SetVariable: _set_variable,
        steps.GetVariable: _get_variable,
        steps.SetLanguage: _set_language,
        steps.CallFlow: _call_flow,
        steps.HandOver: _hand_over,
        steps.RunScript: _run_script,
        steps.Enqueue: _enqueue,
        steps.Transfer: _transfer,
        steps.HangUp: _hang_up,
    }
    """Each step and who performs it."""
