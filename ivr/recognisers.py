"""Speech recognisers: a recording in, its words out.

One comes with callfloor:

    whisper    OpenAI's models on faster-whisper, the extra `callfloor[recogniser]`; a hundred languages

A site says which model: `recogniser = whisper small`, or a folder that has one. By its name faster-whisper fetches a
model when it is first asked for, and keeps it.

Other packages add more under the entry point group `callfloor.recognisers`: a callable that is given what the site
wrote behind the engine's name, perhaps nothing, and gives a `Recogniser`. It is made and asked in a process that is its
own and ends with the recording (`ivr.transcripts`), so it may take memory, block, or crash.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ivr import plugins

if TYPE_CHECKING:
    from ivr.audio import Audio

GROUP = "callfloor.recognisers"
AUTO, NONE, WHISPER = "auto", "none", "whisper"
MODEL = "base"
"""Of whisper, where the site names none: 145 MB, of English a tenth as long as it was spoken on one core, and 360 MB
of memory meanwhile (measured)."""


class RecogniserError(Exception):
    """An engine cannot understand: it is not there, lacks the language or the model, or failed on this recording."""


class Recogniser(Protocol):
    """A speech recogniser. Whatever exception it raises, the recording stays without a transcript."""

    def transcribe(self, audio: "Audio", language: str) -> str:
        """Give the words that are spoken, as text to be read; empty if there are none.

        Args:
            audio: as a telephone heard it: 8,000 samples a second, mono.
            language: which one it should be (`en`, `pt_BR`).

        Raises:
            RecogniserError: in a line, why not.

        """


class Chosen(NamedTuple):
    """An engine of a site."""

    name: str
    model: str
    """What the site wrote behind the name."""


def chosen(choice: str) -> Chosen | None:
    """Tell which engine a site has, without loading it; None if it has none.

    Args:
        choice: `auto`, `none`, or the name of an engine and, behind a blank, its model.

    Raises:
        RecogniserError: there is no such engine.

    """
    name, _, model = choice.partition(" ")
    if name == NONE or (name == AUTO and find_spec("faster_whisper") is None):
        return None
    if name == AUTO:
        return Chosen(WHISPER, model or MODEL)
    if name == WHISPER:
        if find_spec("faster_whisper") is None:
            raise RecogniserError(
                "speech engine whisper is not installed; pip install 'callfloor[recogniser]', or set recogniser = auto"
            )
        return Chosen(WHISPER, model or MODEL)
    try:
        plugins.find(GROUP, name, (AUTO, NONE, WHISPER))
    except plugins.PluginError as error:
        raise RecogniserError(str(error)) from error
    return Chosen(name, model)


def load(engine: Chosen) -> Recogniser:
    """Make a recogniser.

    Raises:
        RecogniserError: it is not there, or cannot be loaded.

    """
    if engine.name == WHISPER:
        return Whisper(engine.model)
    try:
        made: Recogniser = plugins.make(plugins.find(GROUP, engine.name, (AUTO, NONE, WHISPER)), engine.model)
    except plugins.PluginError as error:
        raise RecogniserError(str(error)) from error
    return made


class Whisper:
    """Whisper on CTranslate2, in 8-bit integers on one thread: beside calls it may take a core and no more.

    Args:
        model: the name of one (`base`, `small`), or the folder that it is in.

    """

    RATE = 16_000
    """Samples a second that the models know."""
    SURE = -0.6
    """Mean log-probability of a stretch's words, below which it is not written down: no words are better than wrong
    ones. Of `base` natural speech over a telephone has -0.1, a synthetic voice -0.2 to -0.5, nonsense -1.0."""

    def __init__(self, model: str) -> None:
        try:
            engine = import_module("faster_whisper")
            self._model: Any = engine.WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=1)
        except Exception as error:
            raise RecogniserError(f"model {model!r} cannot be loaded: {type(error).__name__}: {error}") from error

    def transcribe(self, audio: "Audio", language: str) -> str:
        """Give the words.

        Pauses are cut out before (Silero's detector), for in silence these models hear sentences that nobody spoke;
        and each stretch is heard by itself, for a wrong one would lead the next astray.
        """
        import numpy as np  # noqa: PLC0415 - the server only wants to know which engine there is

        from ivr.audio import resampled  # noqa: PLC0415 - as above

        samples = resampled(audio, self.RATE).samples.astype(np.float32)
        spoken = language[:2].lower()
        if not self._model.model.is_multilingual:
            if spoken != "en":
                raise RecogniserError(f"the model knows English alone, not {language!r}")
        elif spoken not in self._model.supported_languages:
            raise RecogniserError(f"the model does not know the language {language!r}")
        heard, _ = self._model.transcribe(
            samples, language=spoken, vad_filter=True, condition_on_previous_text=False, without_timestamps=True
        )
        stretches = list(heard)
        if any(stretch.avg_logprob < self.SURE for stretch in stretches):
            raise RecogniserError("it is not sure of what it heard")
        return " ".join(stretch.text.strip() for stretch in stretches)
