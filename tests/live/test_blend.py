"""All media at once, by real means, to a few seats, with a kill in the midst; the whole of it is `make blend`."""

import pytest

from tests.blend.plan import Scale
from tests.blend.run import MISSING, Blend
from tests.channels import node_smsc

pytestmark = pytest.mark.live

PART = Scale(contacts=120, seats=5, minutes=10, factor=15, kills=1)
"""As busy as the whole: 24 contacts a seat in ten minutes."""


async def test_a_blend_of_all_media_survives_a_kill(tmp_path, prompt_cache):
    """Each is answered once, in his medium, in his turn, and stored; no seat has too much; calls go before mails."""
    try:
        modules = node_smsc.modules(tmp_path / "node")
        outcome = await Blend(tmp_path, PART, modules, prompt_cache).run()
    except MISSING as reason:
        pytest.skip(str(reason))
    assert outcome.faults == []
    assert outcome.figures["mails_set_aside_for_calls"] > 0
