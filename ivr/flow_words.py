"""What flows speak of: who calls, what is played and recorded, and how a flow ends out of turn; see `ivr.flow`."""

from collections.abc import Mapping

from msgspec import Struct

DIGITS = "0123456789*#"
"""The keys of a telephone. (A to D exist in the standard, and on no caller's phone.)"""


class FlowEnded(BaseException):
    """A flow said its last word. Raised by the step that said it; let it pass.

    Like GeneratorExit no `Exception`: it is not an error.
    """


class CallOverError(RuntimeError):
    """A step was awaited after the call had left this flow: in a clean-up, or in a task that outlived it."""


class StepError(Exception):
    """The switch could not perform a step: a sound file that cannot be read, a channel that refuses."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls. Number, name and dialled number are hostile text: shown escaped, never part of a command or a name."""

    number: str = ""
    """Caller's number as the line gave it, control characters removed; empty when withheld."""
    name: str = ""
    """Caller's name as the line gave it, control characters removed; empty when withheld."""
    dialled: str = ""
    """The number that was dialled."""
    language: str = "en"
    """The channel's language when the flow began; `SetLanguage` does not change this value."""
    channel: str = ""
    """Name of the caller's channel, `PJSIP/101-00000012`."""
    uniqueid: str = ""
    """The switch's unique id of that channel: the id of the call everywhere in callfloor."""
    headers: Mapping[str, str] = {}
    """All AGI headers, the prefix `agi_` cut off."""


class Recording(Struct, frozen=True):
    """What a caller said."""

    path: str
    """The file, absolute, without its extension `.wav`."""
    length_ms: int


class InLanguage(Struct, frozen=True):
    """A prompt that is played in one language whatever the call's is: `for Polish press 9`, in Polish."""

    language: str
    prompt: str


Prompt = str | Recording | InLanguage
"""What is played: the name of a prompt, a text to speak, or one of the two above."""
