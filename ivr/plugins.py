"""Engines of speech that other packages bring: each is named under an entry point group, and made when it is chosen."""

from collections.abc import Sequence
from importlib import metadata
from typing import Any

from acd.problems import did_you_mean


class PluginError(Exception):
    """There is no such engine, or it cannot be made; the message names those that there are."""


def find(group: str, choice: str, known: Sequence[str]) -> metadata.EntryPoint:
    """Find the entry point of an engine; nothing of it is loaded.

    Args:
        group: the entry point group.
        choice: its name.
        known: what could be written besides the names in the group.

    Raises:
        PluginError: there is none of that name.

    """
    found = {point.name: point for point in metadata.entry_points(group=group)}
    if choice not in found:
        names = [*known, *sorted(found)]
        hint = did_you_mean(choice, names) or f"there are {', '.join(names)}"
        raise PluginError(f"there is no speech engine {choice!r}; {hint}")
    return found[choice]


def make(point: metadata.EntryPoint, *told: str) -> Any:
    """Make an engine, whatever is wrong with it.

    Args:
        point: what `find` gave.
        told: what its maker is called with.

    Raises:
        PluginError: it cannot be loaded, or made.

    """
    try:
        return point.load()(*told)
    except Exception as error:
        raise PluginError(f"speech engine {point.name!r} cannot be loaded: {type(error).__name__}: {error}") from error
