"""What a caller presses: menus and digits, over real sockets."""

from pathlib import Path

import pytest
from agi_server import dialogue, running

from ivr.fastagi import FastAgiServer
from ivr.flow import (
    Caller,
    Collect,
    Menu,
)


async def ask(server: FastAgiServer, answers: list[str]) -> list[str]:
    """The commands of a dialogue without the closing HANGUP, prompts by their names."""
    commands = await dialogue(server, *answers)
    assert commands[-1] == "HANGUP"
    return [command.replace("/sounds/en/", "") for command in commands[:-1]]


@pytest.mark.parametrize(
    ("answers", "commands", "pressed"),
    [
        (["200 result=50 endpos=1"], ['STREAM FILE "a" "0123456789*#"'], "2"),
        (["200 result=35 endpos=1"], ['STREAM FILE "a" "0123456789*#"'], "#"),
        (["200 result=0", "200 result=2"], ['STREAM FILE "a" "0123456789*#"', 'GET DATA "b" "5000" "1"'], "2"),
        (["200 result=0", "200 result="], ['STREAM FILE "a" "0123456789*#"', 'GET DATA "b" "5000" "1"'], "#"),
    ],
)
async def test_a_key_during_any_prompt_counts(
    tmp_path: Path, answers: list[str], commands: list[str], pressed: str
) -> None:
    """The key that cuts a prompt short is the choice, whichever of the prompts it was."""
    got: list[str | None] = []

    async def menu(_caller: Caller) -> None:
        got.append(await Menu(["a", "b"], choices="12#"))

    async with running(tmp_path, menu) as server:
        assert await ask(server, answers) == commands
    assert got == [pressed]


async def test_a_menu_complains_and_asks_again(tmp_path: Path) -> None:
    """A key that is no choice, and no key, each bring their own prompt; a key counts during that one too."""
    got: list[str | None] = []

    async def menu(_caller: Caller) -> None:
        got.append(await Menu("m", choices="1"))

    answers = ["200 result=7", "200 result=0", "200 result= (timeout)", "200 result=49"]
    async with running(tmp_path, menu) as server:
        commands = await ask(server, answers)
    assert commands == [
        'GET DATA "m" "5000" "1"',
        'STREAM FILE "invalid" "0123456789*#"',
        'GET DATA "m" "5000" "1"',
        'STREAM FILE "no-input" "0123456789*#"',
    ]
    assert got == ["1"]


@pytest.mark.parametrize(
    ("answers", "asked", "pressed"),
    [
        (["200 result=1", "200 result= (timeout)"], ["m", ""], "1"),
        (["200 result=1", "200 result="], ["m", ""], "1"),
        (["200 result=1", "200 result=2"], ["m", ""], "12"),
        (["200 result=3", "200 result=4", "200 result=5"], ["m", "", ""], "345"),
        (["200 result=3", "200 result=4", "200 result= (timeout)"], ["m", "", ""], None),
        (["200 result=9"], ["m"], None),
    ],
)
async def test_choices_of_different_length(
    tmp_path: Path, answers: list[str], asked: list[str], pressed: str | None
) -> None:
    """A choice that begins another waits for one more key, # or silence; one that does not is taken at once."""
    got: list[str | None] = []

    async def menu(_caller: Caller) -> None:
        got.append(await Menu("m", choices=("1", "12", "345"), tries=1))

    async with running(tmp_path, menu) as server:
        assert await ask(server, answers) == [f'GET DATA "{prompt}" "5000" "1"' for prompt in asked]
    assert got == [pressed]


@pytest.mark.parametrize(
    ("answers", "digits"),
    [
        (["200 result=1234"], "1234"),
        (["200 result=123456 (timeout)"], "123456"),
        (["200 result=12", "200 result=0", "200 result=9999"], "9999"),
        (["200 result=1*34", "200 result=0", "200 result=1111"], "1111"),
        (["200 result= (timeout)"], None),
    ],
)
async def test_collect(tmp_path: Path, answers: list[str], digits: str | None) -> None:
    """Digits are taken when there are enough of them and no star; else they are asked for again."""
    got: list[str | None] = []

    async def pin(_caller: Caller) -> None:
        got.append(await Collect("pin", max_digits=6, min_digits=4, tries=2))

    async with running(tmp_path, pin) as server:
        await ask(server, answers if len(answers) > 1 or digits else [*answers, "200 result=0", *answers])
    assert got == [digits]


async def test_digits_typed_ahead_are_kept(tmp_path: Path) -> None:
    """The first digit cuts the first prompt short, the others follow without a prompt; all are the entry."""
    got: list[str | None] = []

    async def pin(_caller: Caller) -> None:
        got.append(await Collect(["hello", "pin"], max_digits=4))

    async with running(tmp_path, pin) as server:
        commands = await ask(server, ["200 result=49 endpos=9", "200 result=234"])
    assert commands == ['STREAM FILE "hello" "0123456789*#"', 'GET DATA "" "5000" "3"']
    assert got == ["1234"]
