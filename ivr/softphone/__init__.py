"""SIP phones for the demo, the tests and line checks, under asyncio.

    async with Softphones() as phones:
        anna = await phones.register("101", password, server="127.0.0.1:5060")
        await anna.on_call(answer_after_ms=500)
        trunk = await phones.trunk("trunk", password, server="127.0.0.1:5060", calls=8)
        call = await trunk.dial("5550100", caller_id="5550201")
        await call.confirmed()
        await call.dtmf("1")
        print(await call.ended())

Theory of operation. PJSIP speaks SIP and RTP. Its Python wheel is built for one user at one desk: one endpoint a
process, at most four calls, objects that must die in order, and assertions that abort the process when they do not. So
each Phone is a process of its own (`ivr.phone_engine`, about 25 MB and 3 % of a core), where all of PJSIP runs on one
thread and a crash is one phone's error; `interpreter` says which Python runs it, `link` is the way to it, `call` and
`phone` are what the owner holds. A Trunk is as many phones as its calls need; sipp is the tool for a hundred callers. A
process that loses its owner hangs up and goes.

Times of events (`PhoneCall.at_ns`) are taken in the phone's process, where the packet is handled, by the clock
`time.monotonic_ns`, which all processes of a machine share: they can be compared between phones.
"""

from .call import CallEndedError, Ended, Lamp, PhoneCall, RtpCount
from .interpreter import find_interpreter
from .link import SoftphoneError
from .phone import CALLS_MAX, Phone, Softphones, Trunk

__all__ = [
    "CALLS_MAX",
    "CallEndedError",
    "Ended",
    "Lamp",
    "Phone",
    "PhoneCall",
    "RtpCount",
    "SoftphoneError",
    "Softphones",
    "Trunk",
    "find_interpreter",
]
