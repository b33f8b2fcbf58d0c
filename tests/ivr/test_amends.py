"""What callfloor does that Asterisk leaves undone: leading a caller to where his agent waited."""

from ivr.amends import set_right
from ivr.channels import Channels
from ivr.consults import Asked
from ivr.held import Held


class Told:
    """A link that notes what it is told."""

    def __init__(self):
        self.orders = []

    def tell(self, action, **headers):
        self.orders.append((action, headers.get("Channel"), headers.get("Exten") or headers.get("Value")))


def test_a_caller_is_led_where_his_agent_waited():
    """Into that queue, by the extension for those who are given; one who hung up meanwhile is let go."""
    channels, link = Channels({}), Told()
    channels.calls["1.1"] = Held(channel="PJSIP/trunk-1", number="", name="", queue="sales")
    channels.asked += [Asked("9.9", "support"), Asked("1.1", "support")]
    set_right(link, channels, [])
    assert link.orders == [("Setvar", "PJSIP/trunk-1", "support"), ("Redirect", "PJSIP/trunk-1", "given")]
    assert channels.asked == []
