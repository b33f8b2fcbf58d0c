"""Room for several contacts at a seat: the table, the budget, what sets aside what, and the wrap-up of each."""

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import MediumRule, QueueRule, SeatRule
from tests.core.house import House, offers


def house_of(*, seat=None, site=None, **rule):
    """One queue for all media, one seat, logged in."""
    seat = seat or SeatRule(name="101", queues=("sales",))
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0, **rule)], seats=[seat], site=site)
    house.log_in("101")
    return house


def test_chats_share_a_seat_up_to_the_limit_and_keep_voice_away():
    """Three chats at a time, the fourth waits, and so does a call, until all chats are over."""
    house = house_of()
    for name in "abcd":
        house.arrive(name, medium="chat")
    house.arrive("call")
    assert [call.state for call in house.state.calls.values()] == ["offered"] * 3 + ["waiting"] * 2
    assert offers(house.serve("a")) == [("d", "101")]
    for name in "bcd":
        commands = house.serve(name)
    assert offers(commands) == [("call", "101")]


def test_a_seat_may_have_limits_of_its_own():
    """Its own number replaces the table's; 0 is never."""
    house = house_of(seat=SeatRule(name="101", queues=("sales",), most={"chat": 1, "voice": 0}))
    assert offers(house.arrive("call")) == []
    assert offers(house.arrive("a", medium="chat")) == [("a", "101")]
    assert offers(house.arrive("b", medium="chat")) == []


def test_voice_takes_the_whole_seat():
    """During a call nothing else comes."""
    house = house_of()
    house.arrive("call")
    house.talk("call")
    assert offers(house.arrive("mail", medium="email")) == []
    assert offers(house.arrive("chat", medium="chat")) == []


def test_a_mail_is_set_aside_for_a_call_and_comes_back_to_the_same_seat():
    """The call rings in spite of the mail; while it lasts the mail is set aside; then it goes on."""
    house = house_of()
    house.arrive("mail", medium="email")
    mail = house.talk("mail")
    assert offers(house.arrive("call")) == [("call", "101")]
    offer = house.offer_of("call")
    assert cmd.Suspend(offer=mail, call="mail") in house.give(ev.Connected(offer=offer))
    assert house.state.offers[mail].state == "suspended"
    commands = house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert cmd.Resume(offer=mail, call="mail") in commands
    assert house.state.offers[mail].state == "connected"
    assert offers(house.arrive("mail 2", medium="email")) == []


def test_a_mail_that_is_taken_beside_a_call_is_set_aside_at_once():
    """It rang when the call came in, and is accepted when they talk."""
    house = house_of()
    house.arrive("mail", medium="email")
    mail = house.offer_of("mail")
    house.arrive("call")
    call = house.talk("call")
    house.give(ev.OfferAnswered(offer=mail))
    assert cmd.Suspend(offer=mail, call="mail") in house.give(ev.Connected(offer=mail))
    assert cmd.Resume(offer=mail, call="mail") in house.give(ev.OfferEnded(offer=call, outcome="hung-up"))


def test_a_mail_is_set_aside_until_wrap_up_is_over():
    """The call's notes come before the mail."""
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=5_000)], seats={"101": ("sales",)})
    house.log_in("101")
    house.arrive("mail", medium="email")
    mail = house.talk("mail")
    house.arrive("call")
    house.serve("call")
    assert house.state.offers[mail].state == "suspended"
    house.pass_time(5_000)
    assert house.state.offers[mail].state == "connected"


def test_a_caller_who_leaves_a_suspended_contact():
    """A customer who goes away while set aside is gone; the seat hears of it."""
    house = house_of()
    house.arrive("mail", medium="email")
    mail = house.talk("mail")
    house.arrive("call")
    house.talk("call")
    house.give(ev.CallEnded(call="mail"))
    house.give(ev.OfferEnded(offer=mail, outcome="hung-up"))
    assert house.state.seats["101"].work == (house.offer_of("call"),)


def test_the_budget():
    """A hundred to spend: three chats at thirty, no fourth."""
    media = (MediumRule(name="voice", cost=100), MediumRule(name="chat", cost=30, most=9, blocks=()))
    house = house_of(site={"media": media})
    for name in "abcd":
        house.arrive(name, medium="chat")
    assert house.state.calls["c"].state == "offered"
    assert house.state.calls["d"].state == "waiting"
    assert offers(house.arrive("call", priority=0)) == []
    for name in "abcd":
        commands = house.serve(name)
    assert offers(commands) == [("call", "101")]


def test_an_unknown_medium_takes_the_seat_like_a_call():
    """What is in no table is treated as voice."""
    house = house_of()
    house.arrive("x", medium="smoke signals")
    assert house.state.calls["x"].medium == "voice"


def test_wrap_up_until_coded():
    """It lasts until a code is given, or as long as it may; a code given in the talk does away with the wait."""
    house = house_of(wrap_up_until_coded=True, wrap_up_most_ms=600_000)
    house.arrive("a")
    house.serve("a")
    assert house.state.seats["101"].state == "wrap-up"
    house.pass_time(599_999)
    assert house.state.seats["101"].state == "wrap-up"
    assert house.ask(ev.CodeAsked, "101", code="sold") == "ok"
    assert house.state.seats["101"].state == "ready"
    house.arrive("b")
    offer = house.talk("b")
    assert house.ask(ev.CodeAsked, "101", code="sold") == "ok"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["101"].state == "ready"
    assert house.ask(ev.CodeAsked, "101", code="sold") == "already"


def test_wrap_up_can_be_extended_up_to_a_limit():
    """More time as asked, but not beyond what the queue allows."""
    queue = QueueRule(name="sales", wrap_up_ms=10_000, wrap_up_most_ms=25_000)
    house = House(queues=[queue], seats={"101": ("sales",)})
    house.log_in("101")
    house.arrive("a")
    house.serve("a")
    assert house.ask(ev.WrapUpExtendAsked, "101", more_ms=10_000) == "ok"
    house.pass_time(19_999)
    assert house.state.seats["101"].state == "wrap-up"
    assert house.ask(ev.WrapUpExtendAsked, "101", more_ms=60_000) == "ok"
    house.pass_time(5_001)
    assert house.state.seats["101"].state == "ready"
