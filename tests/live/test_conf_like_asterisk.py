"""The reader of configuration files beside Asterisk's own: the same bytes mean the same to both."""

import random
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acd.conf import parse, render
from ivr.asterisk import Instance

pytestmark = pytest.mark.live

SAMPLE = Path(__file__).parents[2] / "asterisk-config"

Meaning = list[tuple[str, list[str]]]
"""Name of each section with its `key=value` lines, which is how AMI tells them."""

TRICKY = r"""
[t](!)
a = 1
\[key = 2 ; comment
\#key => 3
\== 4
[s](t)
a += 2
a +=,3
b => c => d
c = >d
e = x\;y ; z
f = \;\;;;
g = C:\dir\\;x
h = a ;-- b --; c
i = j ;-- k
l = m ;-- nested ;
--; still ;--- not an end
--; n = o
;--- ordinary
p =
[T2](!,t)
[u](t,T2)
[s](+)
z = zażółć
[t](+TEMPLATES=include)
late = 1
[v](T)
[s]
second = yes
[s](+)
to = the first
"""

PIECES = [
    *"ab;\\[]()=+>-, \t",
    *(
        ";--",
        "--;",
        "\\;",
        "+=",
        "=>",
        "\n",
        "\n[a]\n",
        "\n[b](a)\n",
        "\n[a](!)\n",
        "\n[a](+)\n",
        "\na = b",
        "\nb += c",
    ),
]


class Ami:
    """Just enough of the manager interface to ask how Asterisk reads a file."""

    def __init__(self, instance: Instance) -> None:
        switch = instance.site.switch
        self.socket = socket.create_connection((switch.ami_host, switch.ami_port), 10)
        self.stream = self.socket.makefile("rwb")
        self.stream.readline()
        self.ask(f"Login\r\nUsername: {switch.ami_user}\r\nSecret: {switch.ami_secret}\r\nEvents: off")

    def ask(self, action: str) -> list[str]:
        self.stream.write(f"Action: {action}\r\n\r\n".encode())
        self.stream.flush()
        answer = []
        while line := self.stream.readline().decode().rstrip("\r\n"):
            answer.append(line)
        return answer

    def meaning(self, name: str) -> Meaning | None:
        """How Asterisk reads a file of its configuration folder; None when it refuses it."""
        answer = self.ask(f"GetConfig\r\nFilename: {name}\r\nFilter: TEMPLATES=include")
        sections: Meaning = []
        for line in answer:
            if re.match(r"Response: Error", line):
                return None
            key, _, value = line.partition(": ")
            if key.startswith("Category-"):
                sections.append((value, []))
            elif key.startswith("Line-"):
                sections[-1][1].append(value)
        return sections


@pytest.fixture(scope="module")
def place(
    make_instance: Callable[..., Instance], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ami, Path]]:
    """Give a connection that may read files, and the folder they are read from."""
    folder = tmp_path_factory.mktemp("site-folder")
    for file in SAMPLE.glob("*.conf"):
        (folder / file.name).write_text(file.read_text())
    text = (folder / "manager.conf").read_text()
    (folder / "manager.conf").write_text(text + "\n[callfloor](+)\nread += ,config\nwrite += ,config\n")
    instance = make_instance("reading", site_folder=folder)
    ami = Ami(instance)
    with ami.socket, ami.stream:
        yield ami, instance.home / "etc"


def ours(text: str) -> Meaning | None:
    config = parse(text.encode(), "x.conf")
    if len(config.problems):
        return None
    return [(s.name, [f"{v.name}={v.value}" for v in s.variables]) for s in config.sections]


def test_tricky_file(place: tuple[Ami, Path]):
    """Every form of the syntax in one file gives the same sections, keys and values in both."""
    ami, etc = place
    (etc / "tricky.conf").write_text(TRICKY)
    assert ami.meaning("tricky.conf") == ours(TRICKY) is not None


def test_random_files(place: tuple[Ami, Path]):
    """What our reader takes without complaint means exactly the same to Asterisk."""
    ami, etc = place
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    compared = 0
    while compared < 500:
        text = "[a]\n" + "".join(dice.choices(PIECES, k=dice.randrange(25)))
        if (meaning := ours(text)) is not None:
            (etc / "random.conf").write_text(text)
            assert ami.meaning("random.conf") == meaning, text
            compared += 1


def test_rendered_secrets(place: tuple[Ami, Path]):
    """A value that we write reaches Asterisk as it is, whatever characters it has."""
    ami, etc = place
    values = [r"a;b\;c\d", "--;", ";--x--;", '"q"', ">x", "=y", "[z]", "#include x", "${SHELL(id)}", "ł"]
    (etc / "rendered.conf").write_text(render([("s", [("k", value) for value in values])]))
    assert ami.meaning("rendered.conf") == [("s", [f"k={value}" for value in values])]
