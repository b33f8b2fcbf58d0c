"""What the server asks of its own process."""

import sys

from ivr.process import give_way_soon


def test_a_thread_that_computes_gives_way_soon():
    """In a tenth of the time that Python leaves it at most; what that does to calls is measured by chat_gap."""
    usual_s = sys.getswitchinterval()
    try:
        give_way_soon()
        assert sys.getswitchinterval() <= usual_s / 10
    finally:
        sys.setswitchinterval(usual_s)
