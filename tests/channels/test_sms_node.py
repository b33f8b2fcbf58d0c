"""Texts with an SMPP that others wrote: node-smpp as the message centre."""

import pytest

from acd.channels.contact import Reply
from tests.channels import node_smsc
from tests.channels.sms_house import SmsHouse


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Give a folder with node-smpp, or skip."""
    try:
        return node_smsc.modules(tmp_path_factory.mktemp("node"))
    except node_smsc.MissingError as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def node(modules):
    async with node_smsc.started(modules) as process:
        yield node_smsc.Node(process)


async def test_a_text_there_and_an_answer_back(node, tmp_path):
    """It chooses the coding, makes the headers and joins what we cut; receipts are understood."""
    port = (await node.told())["port"]
    async with SmsHouse(tmp_path, port) as house:
        assert await node.told() == {"bound": "acme", "password": "geheim"}
        await node.brings("Where is it? 5 € [1]")
        assert await node.told() == {"answered": 0}
        await node.brings("Zażółć gęślą jaźń 🙂")
        assert await node.told() == {"answered": 0}
        for number, text in ((2, "part"), (1, "first ")):
            await node.brings(text, udh=f"0500032a02{number:02x}", esm_class=0x40)
            assert await node.told() == {"answered": 0}
        assert (await house.card()).text == "Where is it? 5 € [1]\nZażółć gęślą jaźń 🙂\nfirst part"
        await house.sms.reply(house.call, "101", Reply(text="It costs 5 € {net}"))
        told = await node.told()
        assert (told["from"], told["to"], told["text"]) == ("48221234567", "48601602603", "It costs 5 € {net}")
        await house.sms.reply(house.call, "101", Reply(text="żółw 🙂 " * 10))
        parts = [await node.told() for _ in range(2)]
        assert "".join(one["text"] for one in parts) == ("żółw 🙂 " * 10).strip()
        assert [one["header"][0][-4:] for one in parts] == ["0201", "0202"]
        receipt = (
            f"id:{told['name']} sub:001 dlvrd:000 submit date:2611302100 done date:2611302101 stat:EXPIRED err:000"
        )
        await node.brings(receipt, esm_class=4)
        assert await node.told() == {"answered": 0}
        assert "not delivered: EXPIRED" in (await house.card()).text
