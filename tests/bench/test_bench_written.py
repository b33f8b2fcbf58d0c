"""The benches of written contacts run, in little: all that they measure is done, and their figures are there."""

import asyncio

import pytest

from tests.bench import chat_gap, chat_idle, mail_rate, sms_rate


def test_mails_are_taken():
    """Callfloor takes all of them, and so does Postfix where it is."""
    figures = mail_rate.measure(24, 1)
    assert figures["callfloor_per_s"] > 0
    assert (figures["postfix_per_s"] is None) == (figures["ratio"] is None)


def test_texts_are_taken_and_answered():
    """Each way by both, where node is."""
    figures = sms_rate.measure(60)
    assert figures["callfloor_in_per_s"] > 0
    assert figures["callfloor_out_per_s"] > 0
    assert (figures["node_smpp_per_s"] is None) == (figures["ratio_in"] is None)


def test_pages_are_held():
    """All stay open, and a line is confirmed among them."""
    figures = asyncio.run(chat_idle.measure(40, 0.5, 2))
    assert figures["sockets"] == 40
    assert figures["line_p95_ms"] > 0


@pytest.mark.live
def test_calls_go_on_beside_chats():
    """The agent gets his next call with and without visitors, of whom none is lost, and whose lines are confirmed."""
    figures = asyncio.run(chat_gap.measure(40, 3))
    assert figures["there"] == 40
    assert figures["lines"] > 0
    assert figures["chats_p95_ms"] > 0
