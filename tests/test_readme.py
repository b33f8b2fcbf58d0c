"""What the README shows works."""

import re
import shutil
from pathlib import Path

import pytest

from ivr.check import check
from ivr.flow import Answer, Caller, Collect, Enqueue, FlowEnded, Say, performing

ROOT = Path(__file__).parents[1]
README, SAMPLE = (ROOT / "README.md").read_text(), ROOT / "asterisk-config"


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


def test_the_media_of_the_readme_are_a_sites(tmp_path):
    """The sections that it shows go into the sample site, which has a web desk then, and nothing is wrong with them."""
    [sections] = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "site"))
    with (folder / "acd.conf").open("a") as out:
        out.write(f"\n[web]\nlisten = 127.0.0.1:8080\n\n{sections}")
    assert [str(problem) for problem in check(folder) if "PIN" not in problem.message] == []
