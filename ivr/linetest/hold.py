"""A trunk line that is held for a test: from then on, and until it is let go, nobody else is given it.

The core knows of it as of any line that the switch says is in use, so there is one way in which a line is taken.
"""

from collections.abc import Callable

from ivr.channels import Channels


class Holder:
    """Holds lines of a switch."""

    def __init__(self, channels: Channels, submit: Callable[..., None]) -> None:
        """Hold lines among what is known of the switch's channels; `submit` brings it to the core."""
        self._channels, self._submit = channels, submit

    def hold(self, unique: str, line: str) -> None:
        """Take a line for a channel that is to have this unique id."""
        self._submit(*self._channels.trunks.hold(unique, line, self._channels.lines_taken()))

    def let_go(self, unique: str) -> None:
        """Give it back."""
        self._submit(*self._channels.trunks.let_go(unique, self._channels.lines_taken()))
