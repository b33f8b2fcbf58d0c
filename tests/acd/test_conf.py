"""The reader of Asterisk's syntax: what it understands, what it refuses and where it says so."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import conf
from acd.conf import Config, parse, read, render
from acd.problems import ConfigError, did_you_mean


def shape(config: Config) -> list[tuple[str, bool, list[tuple[str, str]]]]:
    return [(s.name, s.template, [(v.name, v.value) for v in s.variables]) for s in config.sections]


def one(text: str) -> list[tuple[str, str]]:
    """What the section [s] of this text holds; the text has no mistakes."""
    config = parse(b"[s]\n" + text.encode(), "x.conf")
    assert list(config.problems) == []
    return shape(config)[0][2]


def complaints(text: str | bytes) -> list[str]:
    return [str(problem) for problem in parse(text.encode() if isinstance(text, str) else text, "x.conf").problems]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("a = b", [("a", "b")]),
        ("a=>b", [("a", "b")]),
        ("a => b => c", [("a", "b => c")]),
        ("a = >b", [("a", ">b")]),
        ("  a\t =\t b c \r", [("a", "b c")]),
        ("a =", [("a", "")]),
        ("a = b = c", [("a", "b = c")]),
        ("a = b\na = c", [("a", "b"), ("a", "c")]),
        ("a = b ; c", [("a", "b")]),
        ("; a = b", []),
        (r"a = b\;c ; d", [("a", "b;c")]),
        (r"a = \;\;;x", [("a", ";;")]),
        (r"a = b\\;c", [("a", r"b\;c")]),
        (r"a = C:\dir", [("a", r"C:\dir")]),
        ("a = b ;-- c --; d", [("a", "b  d")]),
        ("a = b ;-- c\nx = y\n--; d = e", [("a", "b"), ("d", "e")]),
        (";-- a ;-- b --; c = d\n--;\ne = f", [("e", "f")]),
        (";--- an ordinary comment\na = b", [("a", "b")]),
        (";-- it's ; \\; --; a = b", [("a", "b")]),
        (";--;\nx = y\n--;a = b", [("a", "b")]),
        (";-- x --;--\ny = z --;\n--; a = b", [("a", "b")]),
        ("\\[a = b", [("[a", "b")]),
        ("\\#a = b", [("#a", "b")]),
        ("\\== b", [("=", "b")]),
        ("a = b\na += c", [("a", "b c")]),
        ("a = b\na +=,c", [("a", "b,c")]),
        ("a = 1\na = 2\na += 3", [("a", "1"), ("a", "2 3")]),
        ("a += b", [("a", "b")]),
        ("a = 1\na = 1\na += 2", [("a", "1 2"), ("a", "1")]),
        ("exten = 1,1,NoOp(x)\nsame = n,NoOp()", [("exten", "1,1,NoOp(x)"), ("same", "n,NoOp()")]),
        ("a = zażółć\u2028\u00a0ł", [("a", "zażółć\u2028\u00a0ł")]),
    ],
)
def test_lines_are_read_as_asterisk_reads_them(text, variables):
    """Each form of a line gives the variables that Asterisk's own reader gives."""
    assert one(text) == variables


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("[a]\n[b]", [("a", False, []), ("b", False, [])]),
        ("[a](!)\nx=1\n[b](a)\ny=2", [("a", True, [("x", "1")]), ("b", False, [("x", "1"), ("y", "2")])]),
        (
            "[a](!)\nx=1\n[b](!)\ny=2\n[c](a,b)\nx=3",
            [
                ("a", True, [("x", "1")]),
                ("b", True, [("y", "2")]),
                ("c", False, [("x", "1"), ("y", "2"), ("x", "3")]),
            ],
        ),
        ("[a](!)\nx=1\n[b](!,a)", [("a", True, [("x", "1")]), ("b", True, [("x", "1")])]),
        ("[a]\nx=1\n[b]\n[a](+)\ny=2", [("a", False, [("x", "1"), ("y", "2")]), ("b", False, [])]),
        ("[a]\nx=1\n[a]\nx=2\n[a](+)\ny=3", [("a", False, [("x", "1"), ("y", "3")]), ("a", False, [("x", "2")])]),
        ("[t](!)\nx=1\n[t](+TEMPLATES=include)\ny=2", [("t", True, [("x", "1"), ("y", "2")])]),
        ("[T](!)\nx=1\n[b](t)", [("T", True, [("x", "1")]), ("b", False, [("x", "1")])]),
        (
            "[t](!)\nx=1\n[b](t)\nx += 2\n[c](t)",
            [("t", True, [("x", "1")]), ("b", False, [("x", "1 2")]), ("c", False, [("x", "1")])],
        ),
        ("[a](!)\nx=1\n[b]\n[b](a,+)\ny=2", [("a", True, [("x", "1")]), ("b", False, [("x", "1"), ("y", "2")])]),
    ],
)
def test_sections_inherit_and_grow(text, sections):
    """Templates, inheritance and `(+)` give the sections that Asterisk's own reader gives."""
    config = parse(text.encode(), "x.conf")
    assert list(config.problems) == []
    assert shape(config) == sections


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = b", "x.conf:1: 'a' belongs to no section; write a [section] header above it"),
        ("[s]\n\nfoo", "x.conf:3: this line has no '='; write 'name = value', or ';' in front of a comment"),
        ("[s]\n = b", "x.conf:2: no name stands in front of '='; write 'name = value'"),
        ("[s]\n\\", "x.conf:2: nothing stands behind the backslash; remove it"),
        ("[s", "x.conf:1: the name of the section is not closed; write ']' behind it"),
        ("[ s]", "x.conf:1: ' s' cannot name a section; 1 to 79 characters, no blanks around them"),
        ("[]", "x.conf:1: '' cannot name a section; 1 to 79 characters, no blanks around them"),
        ("[s](a", "x.conf:1: the list of templates is not closed; write ')' behind it"),
        ("[handset](!)\n[s](hanset)", "x.conf:2: there is no section 'hanset'; did you mean 'handset'?"),
        ("[s](zzz)", "x.conf:1: there is no section 'zzz'; it must stand further up"),
        ("[s](+)", "x.conf:1: there is no section 's'; it must stand further up"),
        (
            "[a](!)\n[a](+)",
            "x.conf:2: there is no section 'a'; it is a template: write (+TEMPLATES=include) to go on with it",
        ),
        (
            "[a]\n[b]\n[s](a, b)",
            "x.conf:3: there is no section ' b'; no blanks in the parentheses: Asterisk takes them into the name",
        ),
        ("[a]\n[s] (a)", "x.conf:2: Asterisk ignores what follows the header of [s]; write '(' right behind ']'"),
        ("[s] a = b", "x.conf:1: Asterisk ignores what follows the header of [s]; put it into the next line"),
        ("\n;-- x\n", "x.conf:2: this comment is never closed; close it with --;"),
        ("[s]\na = b --; c", r"x.conf:2: '--;' closes no comment; write '--\;' if you mean the characters"),
        (";-- " * 129 + "--; " * 128, "x.conf:1: comments nest deeper than 128"),
        (
            "#exec /bin/date",
            "x.conf:1: #exec is refused: reading a file must not run a program; #include what the program writes",
        ),
        ("#inclde x", "x.conf:1: unknown directive '#inclde'; did you mean 'include'?"),
        ("#", "x.conf:1: unknown directive '#'; a comment begins with ';'"),
        ("#include", "x.conf:1: #include names no file; write #include file.conf"),
        ("#include no.conf", "x.conf:1: there is no file 'no.conf'; #tryinclude allows it to be absent"),
        (b"[s]\na = \xff", "x.conf:2: byte 5 of this line is not UTF-8; save the file as UTF-8"),
        (b"[s]\na = \0", "x.conf:2: there is a NUL byte in this line; is this a text file?"),
        (
            b"[s]\na = " + b"b" * 8_190,
            "x.conf:2: the line has 8194 bytes; Asterisk skips one of more than 8189; split it",
        ),
        (b"[s]\n" + b";" * (1 << 20), "x.conf: is longer than 1048576 bytes; split it and use #include"),
        (
            b"\xef\xbb\xbf[s]",
            "x.conf:1: warning: the file begins with a byte order mark; save it without: Asterisk cannot read it",
        ),
    ],
)
def test_every_mistake_is_told_with_its_line(text, complaint):
    """A mistake gives one problem that names file, line, what is wrong and how to mend it."""
    assert complaints(text) == [complaint]


def test_reading_goes_on_after_an_error():
    """All mistakes of a file come out of one run, in the order of its lines."""
    assert [line.split(":")[1] for line in complaints("[s]\nfoo\nb = c\n[t](nope)\nbar\n#exec x")] == [
        "2",
        "4",
        "5",
        "6",
    ]


def test_a_variable_knows_where_it_was_written():
    """An inherited variable names the line and the section of its template."""
    config = parse(b"[t](!)\n\nx = 1\n[s](t)\ny = 2", "x.conf")
    x, y = config.sections[1].variables
    assert (x.origin, x.section, x.inherited) == (("x.conf", 3), "t", True)
    assert (y.origin, y.section, y.inherited) == (("x.conf", 5), "s", False)


def test_last_and_every():
    """`last` is the one that counts, `every` are all of the key; neither knows an absent key."""
    section = parse(b"[s]\na = 1\na = 2\nb = 3", "x.conf").sections[0]
    assert section.last("a") is section.variables[1]
    assert [v.value for v in section.every("a")] == ["1", "2"]
    assert section.last("c") is None
    assert section.every("c") == []


def test_a_template_is_not_live():
    """`live` leaves templates out."""
    assert [s.name for s in parse(b"[t](!)\n[s](t)", "x.conf").live()] == ["s"]


def test_an_include_goes_on_with_the_open_section(tmp_path: Path):
    """Lines of an included file belong to the section around the #include, which is still open behind it."""
    (tmp_path / "x.conf").write_text('[globals]\na = 1\n#include "generated/g.conf"\nd = 4\n')
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/g.conf").write_text("b = 2\n[other]\nc = 3\n")
    config = read(tmp_path / "x.conf")
    assert list(config.problems) == []
    assert shape(config) == [("globals", False, [("a", "1"), ("b", "2"), ("d", "4")]), ("other", False, [("c", "3")])]
    assert config.sections[1].origin == ("generated/g.conf", 2)
    assert config.files == [tmp_path / "x.conf", tmp_path / "generated/g.conf"]


def test_a_pattern_includes_in_the_order_of_names(tmp_path: Path):
    """A pattern takes the files in the order of their names and no hidden ones."""
    (tmp_path / "x.conf").write_text("#include <q.d/*.conf>\n")
    (tmp_path / "q.d").mkdir()
    for name in ("b.conf", "a.conf", ".c.conf", "d.txt"):
        (tmp_path / "q.d" / name).write_text(f"[{name[0]}]\n")
    assert [s.name for s in read(tmp_path / "x.conf").sections] == ["a", "b"]


def test_paths_are_seen_from_the_first_files_folder(tmp_path: Path):
    """As in Asterisk an included file's own includes start at the same folder; one that forgot it is told so."""
    (tmp_path / "d").mkdir()
    (tmp_path / "x.conf").write_text("#include d/y.conf\n")
    (tmp_path / "d/y.conf").write_text("#include z.conf\n")
    (tmp_path / "d/z.conf").write_text("[z]\n")
    (problem,) = read(tmp_path / "x.conf").problems
    assert str(problem) == (
        "d/y.conf:1: there is no file 'z.conf'; did you mean 'd/z.conf'? Paths are seen from the first file's folder"
    )


def test_a_file_may_be_absent_by_tryinclude_or_when_supplied_later(tmp_path: Path):
    """#tryinclude and the folder of generated files allow a file to be absent; nothing else does."""
    (tmp_path / "x.conf").write_text("#tryinclude a\n#include generated/b\n#include c\n")
    assert [p.line for p in read(tmp_path / "x.conf", supplied="generated").problems] == [3]
    assert [p.line for p in read(tmp_path / "x.conf").problems] == [2, 3]


def test_a_circle_of_includes_ends(tmp_path: Path):
    """A file that includes itself by way of another, or of a link, is told where, and read once."""
    (tmp_path / "x.conf").write_text("[x]\n#include y.conf\n")
    (tmp_path / "y.conf").write_text("[y]\n#include link.conf\n")
    (tmp_path / "link.conf").symlink_to("x.conf")
    config = read(tmp_path / "x.conf")
    assert [str(p) for p in config.problems] == [
        "y.conf:2: link.conf includes itself; remove one #include of the circle"
    ]
    assert [s.name for s in config.sections] == ["x", "y"]


def test_includes_end_at_asterisks_depth(tmp_path: Path):
    """The eleventh file in a row is refused, as by Asterisk; the tenth is read."""
    for depth in range(12):
        (tmp_path / f"{depth}.conf").write_text(f"[s{depth}]\n#include {depth + 1}.conf\n")
    config = read(tmp_path / "0.conf")
    assert [str(p) for p in config.problems] == ["9.conf:2: #include leads deeper than 10 files; Asterisk refuses that"]
    assert len(config.sections) == 10


def test_many_includes_end(tmp_path: Path):
    """Files that include each other often cannot make the reader run without bound."""
    for depth in range(4):
        (tmp_path / f"{depth}.conf").write_text(f"#include {depth + 1}.conf\n" * 100)
    (tmp_path / "4.conf").write_text("[s]\n")
    config = read(tmp_path / "0.conf")
    assert len(config.files) == conf.MAX_FILES
    assert "more than 1000 files are included" in str(next(iter(config.problems)))


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "loop"])
def test_what_is_no_file_is_told(tmp_path: Path, kind):
    """A missing file, a folder, a pipe nobody writes to and a link to itself are reported, none is waited for."""
    path = tmp_path / "x.conf"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to("x.conf")
    (problem,) = read(path).problems
    assert str(problem) == f"x.conf: there is no such file; it belongs in the folder {tmp_path}"


def test_templates_cannot_grow_without_bound():
    """Sections that double what they inherit stop at the limit."""
    text = "[s0](!)\na = b\n" + "".join(f"[s{n + 1}](s{n},s{n})\n" for n in range(40))
    config = parse(text.encode(), "x.conf")
    assert max(len(s.variables) for s in config.sections) <= conf.MAX_VARIABLES
    assert "has more than 10000 lines" in str(next(iter(config.problems)))


def test_a_section_and_a_value_have_a_limit():
    """Ten thousand lines in a section and 64 K characters in a value are the most; then an error names the line."""
    assert complaints("[s]\n" + "a = b\n" * 10_001) == ["x.conf:10002: [s] has more than 10000 lines"]
    assert complaints("[s]\n" + f"a += {'b' * 8_000}\n" * 9) == ["x.conf:10: 'a' has grown over 65536 characters"]


def test_a_file_of_nothing_but_mistakes_is_given_up():
    """After a thousand problems the rest is not read, and that is said."""
    found = complaints("x\n" * 500_000)
    assert len(found) == conf.MAX_PROBLEMS + 1
    assert found[-1] == "x.conf: more than 1000 problems; the rest is not read"


def test_config_error_tells_everything():
    """`raise_errors` raises with all problems, one a line, and does nothing where there are only warnings."""
    parse(b"\xef\xbb\xbf[s]", "x.conf").problems.raise_errors()
    with pytest.raises(ConfigError) as caught:
        parse(b"\xef\xbb\xbf[s]\nfoo\nbar", "x.conf").problems.raise_errors()
    assert len(caught.value.problems) == 3
    assert str(caught.value).count("\n") == 2


def test_a_problem_is_safe_to_print():
    """Control characters of a hostile file do not reach the terminal."""
    (line,) = complaints("[s](\x1b[31m\u202e)")
    assert "'\\x1b[31m\\u202e'" in line
    assert line.isprintable()


def test_did_you_mean():
    """The nearest word is offered when one is near, in whatever case it was written."""
    assert did_you_mean("Wrapup", ["wrap_up", "ring"]) == "did you mean 'wrap_up'?"
    assert did_you_mean("xyzzy", ["wrap_up", "ring"]) == ""


LINE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r\0"), max_size=40)
VALUE = LINE.map(lambda text: text.strip(conf.BLANKS))
KEY = VALUE.filter(lambda text: text and "=" not in text)
NAME = VALUE.filter(lambda text: text and "]" not in text)


@given(st.lists(st.tuples(NAME, st.lists(st.tuples(KEY, VALUE), max_size=5)), max_size=5))
def test_what_is_rendered_is_read_back(sections):
    """Whatever names and values are written, reading gives exactly those: none turns into a comment or another line."""
    config = parse(render(sections).encode(), "x.conf")
    assert list(config.problems) == []
    assert [(s.name, [(v.name, v.value) for v in s.variables]) for s in config.sections] == sections


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("s", "a", "b\nc = d"),
        ("s", "a", "b\r"),
        ("s", "a", "b\0"),
        ("s", "a", " b"),
        ("s", "a", "\ud800"),
        ("s", "a", "b" * 8_190),
        ("s", "a=b", "c"),
        ("s", "", "c"),
        ("s]", "a", "b"),
        ("", "a", "b"),
        ("s" * 80, "a", "b"),
    ],
)
def test_what_the_syntax_cannot_say_is_not_written(name, key, value):
    """A value that could not be read back is refused instead of written."""
    with pytest.raises(ValueError, match=r"."):
        render([(name, [(key, value)])])


SIGNS = st.lists(
    st.sampled_from(
        [*'[]()!+=>;\\#"<> \t\nab,', ";--", "--;", "\\;", "+=", "=>", "[a](b,+)", "#include ", "\n[a]", "\na=b\n"]
    ),
    max_size=60,
).map("".join)


@given(SIGNS.map(str.encode) | st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    """Whatever the bytes are, the reader returns what it understood and what it did not."""
    config = parse(data, "x.conf")
    for section in config.sections:
        assert section.variables is not None
        assert all(v.name and v.origin.line >= 1 and "\n" not in v.name + v.value for v in section.variables)
    for problem in config.problems:
        assert str(problem).startswith("x.conf:")
