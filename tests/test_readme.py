"""What the README shows works."""

import re
from pathlib import Path

import pytest

from ivr.flow import Answer, Caller, Collect, Enqueue, FlowEnded, Say, performing

README = (Path(__file__).parents[1] / "README.md").read_text()


async def test_the_flow_of_the_readme_runs():
    """The example of a flow in Python does what it reads like."""
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(code, names)  # it is ours
    performed = []

    class Script:
        async def perform(self, step):
            performed.append(step)
            if isinstance(step, Enqueue):
                raise FlowEnded
            return "123" if isinstance(step, Collect) else None

    with performing(Script()), pytest.raises(FlowEnded):
        await names["order_status"](Caller(number="5550201"))
    assert [type(step) for step in performed] == [Answer, Collect, Say, Enqueue]
    assert performed[2].text == "Order 1 2 3 left our house yesterday."
