"""A state as it is stored, and where two of them part."""

import msgspec

from acd.core import State


def encoded(state):
    """A state as it is stored."""
    return msgspec.json.encode(state)


def decoded(text):
    """A state read back."""
    return msgspec.json.decode(text, type=State)


def difference(one, other):
    """Where two states part."""
    one, other = msgspec.to_builtins(one), msgspec.to_builtins(other)
    return "; ".join(_differences(one, other, "state"))


def _differences(one, other, where):
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            yield f"{where}: {list(one)} is not {list(other)}"
        for key in one.keys() & other.keys():
            yield from _differences(one[key], other[key], f"{where}.{key}")
    elif one != other:
        yield f"{where}: {one} is not {other}"
