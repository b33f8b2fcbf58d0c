"""Speech engines as other packages bring them: recognisers of all manners, and the package, laid out as pip would."""

import os
import time
from pathlib import Path

from ivr.audio import resampled, to_pcm16
from ivr.recognisers import GROUP, RecogniserError

ROOT = Path(__file__).parents[2]


class Sphinx:
    """CMU's PocketSphinx, a real recogniser, with the English model that it comes with.

    Args:
        grammar: a file of the sentences that it can hear (JSGF).

    """

    def __init__(self, grammar):
        from pocketsphinx import Decoder  # noqa: PLC0415 - loaded where it is used alone

        self._decoder = Decoder(samprate=16_000, loglevel="FATAL", jsgf=grammar)

    def transcribe(self, audio, language):
        if language != "en":
            raise RecogniserError(f"it has no model for {language!r}")
        sound = to_pcm16(resampled(audio, 16_000))
        self._decoder.start_utt()
        for at in range(0, len(sound), 4_096):  # a longer piece is more than it can take
            self._decoder.process_raw(sound[at : at + 4_096])
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return heard.hypstr if heard is not None else ""


class Odd:
    """Does as its model says."""

    def __init__(self, model):
        self.model = model
        if model == "unmade":
            raise ValueError("no such model")

    def transcribe(self, audio, language):
        print("loading ... 100%")
        match self.model:
            case "chatty":
                return f" heard {audio.duration_ms} ms at {audio.rate}\r\n in\x00 {language}\u202e "
            case "secrets":
                return " ".join(sorted(os.environ))
            case "long":
                return "word " * 100_000
            case "refuses":
                raise RecogniserError("it has a cold")
            case "breaks":
                raise KeyError("layer 7")
            case "dies":
                os._exit(3)
            case "slow":
                Path(os.environ["HOME"], "slow").write_text(str(os.getpid()))
                time.sleep(600)
        return ""


def bring(folder, monkeypatch):
    """Lay out a package with these engines, for this process and those that it starts."""
    about = folder / "brought-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    lines = [f"{name.lower()} = {__name__}:{name}" for name in ("Sphinx", "Odd")]
    (about / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, "gone = no_such_package:Engine", ""]))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, folder))))
    monkeypatch.syspath_prepend(str(folder))
