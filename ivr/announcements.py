"""What callers are told while they wait, in words: from the core's figures to sounds that the dialplan can play."""

from pathlib import Path

from acd.core.commands import Announce
from ivr import phrases
from ivr.prompts import Prompts

FOLDER = "said"
"""Where the dialplan finds what is to be said, in the folder of its sounds."""


def sentences(command: Announce, language: str) -> list[str]:
    """Put an announcement into sentences: names of prompts and texts, in the order of saying.

    Each holds one thing, so that the cache of spoken texts grows by the sum of what can be said and not by the product.
    """
    said = [command.prompt] if command.prompt else []
    if command.position > 0:
        said.append(phrases.position(command.position, language))
    if command.wait_most_ms > 0:
        said.append(phrases.wait_range(command.wait_least_ms, command.wait_most_ms, language))
    return said


async def lay_out(prompts: Prompts, sounds: Path, command: Announce, language: str, default: str) -> list[str]:
    """Have an announcement spoken; gives the names of its sounds in `sounds/said`.

    Args:
        prompts: the site's prompts.
        sounds: the folder of the dialplan's sounds.
        command: what to say.
        language: the caller's; one that is not spoken here, or not known, is served in the default.
        default: the site's language.

    Raises:
        PromptError: there is nothing to play.
        OSError: the folder cannot be written.

    """
    spoken = next((one for one in (language, default) if one in phrases.LANGUAGES), phrases.LANGUAGES[0])
    said = sentences(command, spoken)
    # A site's prompts speak all its languages, what is made of figures only those of `phrases`.
    tongues = [language or default if text == command.prompt else spoken for text in said]
    return [await prompts.lay_out(sounds / FOLDER, text, tongue) for text, tongue in zip(said, tongues, strict=True)]
