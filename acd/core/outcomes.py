"""How offers and calls out end, and how somebody listens: the words of events."""

from typing import Literal

OfferOutcome = Literal["no-answer", "refused", "busy", "unreachable", "withdrawn", "hung-up", "failed"]
"""How an offer or the talk it led to ended, in the switch's words made uniform.

no-answer    it rang until the ring time-out, or until the phone itself gave up
refused      the agent pressed it away
busy         the handset was in another call
unreachable  the handset is not registered, does not exist, or never so much as rang
withdrawn    we took it back
hung-up      the leg was answered and has ended: the normal end
failed       anything else, the switch's own failures included
"""

LegOutcome = Literal[
    "hung-up",
    "cancelled",
    "busy",
    "no-answer",
    "rejected",
    "no-such-number",
    "forbidden",
    "congestion",
    "silent",
    "no-line",
    "lost",
]
"""How a call out ended.

hung-up         it was answered, and is over
cancelled       who called hung up before there was an answer
busy, no-answer, rejected, no-such-number
                so the other side said
forbidden       the trunk does not let this call through; another may
congestion      the line, or the network behind it, did not carry it
silent          nothing came of it all the time, not so much as that it rings
no-line         no further line was free
lost            it ended while nobody was looking
"""

ListenMode = Literal["listen", "whisper", "barge", "over"]
"""How a supervisor listens to a talk: nobody hears him, the agent does, both do; or he listens no more."""
