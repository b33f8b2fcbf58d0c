"""What an agent does after a call by feature code, its code and more time; and what he is told of his state."""

from tests.ivr.test_handset import Floor, dial


async def test_a_call_is_given_a_code():
    """The codes of the site are read out, the digit is one of them; *181 asks nothing."""
    floor = Floor("ok", "ok", look="wrap-up", after="ready")
    assert await dial("code", floor, "2") == [
        "What was the call about? For sold, press 1. For complaint, press 2.",
        "You are ready.",
    ]
    assert await dial("code", floor, extension="*181") == ["You are ready."]
    assert floor.asked == [("code", "101", "complaint"), ("code", "101", "sold")]


async def test_wrap_up_is_extended():
    """More time leaves the seat in wrap-up; without one there is nothing to extend."""
    floor = Floor("ok", "already", look="wrap-up")
    assert await dial("more-wrap-up", floor) == ["You are in wrap-up."]
    assert await dial("more-wrap-up", floor) == ["You are not in wrap-up."]


async def test_my_state():
    """Who, how, and what waits."""
    floor = Floor(look="ready")
    floor.queue = (2, 83_400)
    assert await dial("my-state", floor) == [
        "You are logged in as Anna Nowak.",
        "You are ready.",
        "2 calls are waiting.",
        "The longest has waited for 1 minute 20 seconds.",
    ]


async def test_my_state_in_polish():
    """The same, in the seat's language."""
    floor = Floor(look="paused")
    floor.queue, floor.reason = (2, 83_400), "lunch"
    assert await dial("my-state", floor, channel="PJSIP/104-00000001") == [
        "Zalogowano: Dawid Kowalski.",
        "Stanowisko ma przerwę. Powód: obiad.",
        "dwie rozmowy czekają.",
        "Najdłużej: jedną minutę 20 sekund.",
    ]


async def test_my_state_when_logged_out_tells_no_more():
    """Somebody else's handset does not tell what waits."""
    floor = Floor(look="logged-out")
    floor.queue = (9, 1)
    assert await dial("my-state", floor) == ["You are logged out."]
