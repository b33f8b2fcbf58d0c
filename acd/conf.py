r"""Read files in Asterisk's configuration syntax, and say of every mistake where it stands and how to mend it.

One syntax serves all files of a site, Asterisk's and ours, so it is read here as Asterisk's `main/config.c` reads it:

    [name]              a section; the same name may open several (pjsip.conf does)
    [name](!)           a template: only there to be inherited from
    [name](a,b)         begins with all variables of sections a and b, in this order; no blanks in the parentheses
    [name](+)           goes on with the section `name` that stands further up
    key = value         `key => value` is the same; whether a key may be repeated is for the section's reader to say
    key += more         the key's value so far in this section with ` more` behind it; no separator is added
    ; comment           up to the end of the line; `\;` is a semicolon
    ;-- comment --;     over many lines, nests; `;---` is an ordinary comment
    \[key = value       a backslash in front lets a key begin with `[`, `#` or `\`
    #include file       also `#tryinclude`; a path or a pattern, seen from the folder of the first file as Asterisk sees
                        it from its configuration folder; lines in it go on with the section that includes it

Blanks are the characters up to U+0020, as in Asterisk. Where Asterisk warns and goes on, an error is reported: a line
that does nothing is never what its author meant. `#exec` is refused: reading a file must not run programs.

Reading goes on after an error, so one run finds them all. No bytes make it raise anything, and none make it grow or run
without bound: hence the limits below.
"""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from acd.problems import Origin, Problems, did_you_mean

MAX_LINE_BYTES = 8_189  # Asterisk's buffer holds 8,192; it skips a line that fills it
MAX_FILE_BYTES = 1 << 20
MAX_FILES = 1_000  # read for one configuration
MAX_INCLUDE_DEPTH = 10  # Asterisk's MAX_INCLUDE_LEVEL
MAX_COMMENT_DEPTH = 128  # Asterisk's MAX_NESTED_COMMENTS
MAX_NAME_CHARS = 79  # Asterisk cuts the name of a section here, without a word
MAX_VARIABLES = 10_000  # in one section
MAX_VALUE_CHARS = 65_536  # grown by +=
MAX_PROBLEMS = 1_000

BLANKS = "".join(map(chr, range(33)))
BOM = b"\xef\xbb\xbf"

# Of each `;` Asterisk asks first whether it is escaped, then whether it opens, then whether it closes.
_COMMENT_SIGN = re.compile(r"\\;|;--(?!-)|--;(?!--(?!-))|;")


class Variable(Struct, frozen=True):
    """One `key = value` of a section."""

    name: str
    value: str
    origin: Origin
    section: str
    """Name of the section it was written in: of the template, when inherited."""
    inherited: bool = False


class Section(Struct, eq=False):
    """One section with all its variables, inherited ones first, in the order they were written."""

    name: str
    origin: Origin
    template: bool = False
    variables: list[Variable] = field(default_factory=list)

    def last(self, name: str) -> Variable | None:
        """Return the variable that counts when only one may."""
        return next((variable for variable in reversed(self.variables) if variable.name == name), None)

    def every(self, name: str) -> list[Variable]:
        """Return all variables of this name: of a key that may be repeated."""
        return [variable for variable in self.variables if variable.name == name]


class Config:
    """A file with all it includes, as far as it could be understood."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.problems = Problems()
        self.files: list[Path] = []
        """Every file read, the first one first; a change of any of them changes the configuration."""

    def live(self) -> Iterator[Section]:
        """Yield the sections that are not templates."""
        return (section for section in self.sections if not section.template)


def read(path: Path, *, supplied: str = "") -> Config:
    """Read a file with all it includes. What is wrong stands in the result's `problems`; nothing is raised.

    Files below the folder `supplied` (seen from the first file's) may be absent: somebody makes them later.
    """
    reader = _Reader(path.parent, supplied)
    origin = Origin(path.name, 0)
    if not reader.file(path, None, origin):
        reader.config.problems.error(origin, "there is no such file", f"it belongs in the folder {path.parent}")
    return reader.config


def parse(data: bytes, name: str, folder: Path = Path()) -> Config:
    """Read bytes as if they were the file `name` in `folder`."""
    reader = _Reader(folder, "")
    reader.text(data, name, None)
    return reader.config


def render(sections: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> str:
    """Write sections in Asterisk's syntax such that reading them gives back the same names and values.

    Raises:
        ValueError: a name or value that the syntax cannot express, such as one with a line break. Whatever a value
            holds, it never becomes a second line, a comment or another key.

    """
    lines = []
    for name, variables in sections:
        if not name or "]" in name or len(name) > MAX_NAME_CHARS:
            raise ValueError(f"no section can be named {name!r}")
        lines.append(f"[{escaped(name)}]")
        for key, value in variables:
            if not key or "=" in key:
                raise ValueError(f"no key can be named {key!r}")
            mark = "\\" if key[0] in "[#\\" else ""
            lines.append(f"{mark}{escaped(key)} = {escaped(value)}")
            if len(lines[-1].encode()) > MAX_LINE_BYTES:
                raise ValueError(f"the value of {key!r} is longer than a line may be")
        lines.append("")
    return "\n".join(lines)


def escaped(text: str) -> str:
    r"""Return a text as it is written behind `=`: `;` becomes `\;`, and nothing else is special there.

    Raises:
        ValueError: it has a line break or NUL, or blanks around it, which reading would take off.

    """
    if text != text.strip(BLANKS):
        raise ValueError("text that begins or ends with a blank cannot be written: reading takes the blank off")
    if not {"\n", "\r", "\0"}.isdisjoint(text):
        raise ValueError("text with a line break or NUL in it cannot be written")
    text.encode()  # refuses a lone surrogate by a UnicodeEncodeError, which is a ValueError
    return text.replace(";", "\\;")


def _without_comments(line: str, opened: list[int], origin: Origin, problems: Problems) -> str:
    r"""Take off comments, and the backslash of `\;`. `opened` keeps the lines where open block comments began."""
    kept = []
    mark = 0  # from here on nothing is kept yet
    for sign in _COMMENT_SIGN.finditer(line):
        if not opened and sign[0] != "--;":
            kept.append(line[mark : sign.start()])
            mark = sign.end() - 1
        if sign[0] == ";--" and len(opened) < MAX_COMMENT_DEPTH:
            opened.append(origin.line)
        elif sign[0] == ";--":
            problems.error(origin, f"comments nest deeper than {MAX_COMMENT_DEPTH}")
        elif sign[0] == "--;" and not opened:
            problems.error(origin, "'--;' closes no comment", r"write '--\;' if you mean the characters")
        elif sign[0] == "--;":
            opened.pop()
            mark = sign.end()
        elif sign[0] == ";" and not opened:
            return "".join(kept)
    return "".join(kept if opened else [*kept, line[mark:]])


def _changed(section: Section, former: Variable) -> int:
    """Return the index of the line that `+=` changes: Asterisk's first one that looks like `former`, in any case.

    With several such lines that is not always the one it adds to.
    """
    name, value = former.name.lower(), former.value.lower()
    return next(
        index
        for index, one in enumerate(section.variables)
        if one.name.lower() == name and value in {"", one.value.lower()}
    )


class _Reader:
    """Reads one configuration. `section` is the one open where a file is included; what follows goes on with it."""

    def __init__(self, root: Path, supplied: str) -> None:
        self.root = root
        self.supplied = supplied
        self.config = Config()
        self.problems = self.config.problems
        self.named: dict[str, list[Section]] = {}
        self.open_files: list[tuple[int, int]] = []

    def file(self, path: Path, section: Section | None, asked: Origin) -> bool:
        """Read one file for the `#include` at `asked`; False when there is none."""
        name = str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
        try:
            if not path.is_file():  # a device or pipe could be read for ever
                return False
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                data = stream.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            self.problems.error(Origin(name, 0), f"cannot be read: {error.strerror}")
            return True
        identity = status.st_dev, status.st_ino
        if identity in self.open_files:
            self.problems.error(asked, f"{name} includes itself", "remove one #include of the circle")
        elif len(self.config.files) >= MAX_FILES:
            self.problems.error(asked, f"more than {MAX_FILES} files are included")
        else:
            self.config.files.append(path)
            self.open_files.append(identity)
            self.text(data, name, section)
            self.open_files.pop()
        return True

    def text(self, data: bytes, name: str, section: Section | None) -> None:
        """Read the content of a file."""
        if len(data) > MAX_FILE_BYTES:
            self.problems.error(Origin(name, 0), f"is longer than {MAX_FILE_BYTES} bytes", "split it and use #include")
            return
        if data.startswith(BOM):
            hint = "save it without: Asterisk cannot read it"
            self.problems.warning(Origin(name, 1), "the file begins with a byte order mark", hint)
            data = data.removeprefix(BOM)
        opened: list[int] = []
        for number, raw in enumerate(data.split(b"\n"), start=1):
            origin = Origin(name, number)
            line = _without_comments(self._decode(raw, origin), opened, origin, self.problems).strip(BLANKS)
            if line.startswith("["):
                section = self._header(line, origin)
            elif line.startswith("#"):
                self._directive(line, section, origin)
            elif line:
                self._variable(line, section, origin)
            if len(self.problems) >= MAX_PROBLEMS:
                self.problems.error(Origin(name, 0), f"more than {MAX_PROBLEMS} problems; the rest is not read")
                return
        if opened:
            self.problems.error(Origin(name, opened[-1]), "this comment is never closed", "close it with --;")

    def _decode(self, raw: bytes, origin: Origin) -> str:
        if len(raw) > MAX_LINE_BYTES:
            message = f"the line has {len(raw)} bytes; Asterisk skips one of more than {MAX_LINE_BYTES}"
            self.problems.error(origin, message, "split it")
        elif b"\0" in raw:
            self.problems.error(origin, "there is a NUL byte in this line", "is this a text file?")
        else:
            try:
                return raw.decode()
            except UnicodeDecodeError as error:
                message = f"byte {error.start + 1} of this line is not UTF-8"
                self.problems.error(origin, message, "save the file as UTF-8")
        return ""

    def _header(self, text: str, origin: Origin) -> Section:
        name, closed, rest = text[1:].partition("]")
        section = Section(name, origin)
        words: list[str] = []
        if not closed:
            self.problems.error(origin, "the name of the section is not closed", "write ']' behind it")
        elif not name or name != name.strip(BLANKS) or len(name) > MAX_NAME_CHARS:
            hint = f"1 to {MAX_NAME_CHARS} characters, no blanks around them"
            self.problems.error(origin, f"'{name[:MAX_NAME_CHARS]}' cannot name a section", hint)
        elif rest.startswith("("):
            inside, closed, rest = rest[1:].partition(")")
            if closed:
                words = inside.split(",")
            else:
                self.problems.error(origin, "the list of templates is not closed", "write ')' behind it")
        if rest and closed:
            misplaced = rest.strip(BLANKS).startswith("(")
            hint = "write '(' right behind ']'" if misplaced else "put it into the next line"
            self.problems.error(origin, f"Asterisk ignores what follows the header of [{name}]", hint)
        adopted = self._inherit(section, words, origin)
        if adopted is section:
            self.config.sections.append(section)
            self.named.setdefault(name.lower(), []).append(section)
        return adopted

    def _inherit(self, section: Section, words: list[str], origin: Origin) -> Section:
        """Apply what stands in the parentheses; return the section that the next lines belong to."""
        for word in words:
            adds = word.startswith("+")
            templates = not adds or word.upper() == "+TEMPLATES=INCLUDE"
            if word == "!":
                section.template = True
            elif (base := self._find(section.name if adds else word, templates=templates)) is None:
                self._missing(section.name if adds else word, origin)
            elif len(section.variables) + len(base.variables) > MAX_VARIABLES:
                self.problems.error(origin, f"[{section.name}] has more than {MAX_VARIABLES} lines")
            elif adds and base is not section:
                base.template |= section.template
                base.variables += section.variables
                section = base
            else:
                section.variables += [
                    Variable(one.name, one.value, one.origin, one.section, inherited=True) for one in base.variables
                ]
        return section

    def _find(self, name: str, *, templates: bool) -> Section | None:
        # Asterisk takes the first of that name, in whatever case it is written.
        return next((one for one in self.named.get(name.lower(), []) if templates or not one.template), None)

    def _missing(self, name: str, origin: Origin) -> None:
        if name != name.strip(BLANKS):
            hint = "no blanks in the parentheses: Asterisk takes them into the name"
        elif self._find(name, templates=True):
            hint = "it is a template: write (+TEMPLATES=include) to go on with it"
        else:
            hint = did_you_mean(name, self.named) or "it must stand further up"
        self.problems.error(origin, f"there is no section '{name}'", hint)

    def _directive(self, text: str, section: Section | None, origin: Origin) -> None:
        word, *rest = text[1:].split(maxsplit=1)[:2] or [""]
        word, pattern = word.lower(), "".join(rest)
        if len(pattern) > 1 and pattern[0] + pattern[-1] in {'""', "<>"}:
            pattern = pattern[1:-1]
        if word == "exec":
            hint = "#include what the program writes"
            self.problems.error(origin, "#exec is refused: reading a file must not run a program", hint)
        elif word not in {"include", "tryinclude"}:
            hint = did_you_mean(word, ["include", "tryinclude"]) or "a comment begins with ';'"
            self.problems.error(origin, f"unknown directive '#{word}'", hint)
        elif not pattern:
            self.problems.error(origin, f"#{word} names no file", f"write #{word} file.conf")
        elif len(self.open_files) >= MAX_INCLUDE_DEPTH:
            self.problems.error(origin, f"#{word} leads deeper than {MAX_INCLUDE_DEPTH} files; Asterisk refuses that")
        else:
            self._include(pattern, section, origin, required=word == "include")

    def _include(self, pattern: str, section: Section | None, origin: Origin, *, required: bool) -> None:
        names = sorted(glob.glob(pattern, root_dir=self.root))  # noqa: PTH207  Path.glob refuses absolute patterns
        found = [self.file(self.root / name, section, origin) for name in names]
        if any(found) or not required or (self.supplied and Path(pattern).is_relative_to(self.supplied)):
            return
        beside = Path(origin.file).parent / pattern
        is_beside = beside != Path(pattern) and self.root.joinpath(beside).is_file()
        hint = f"did you mean '{beside}'? Paths are seen from the first file's folder" if is_beside else ""
        self.problems.error(origin, f"there is no file '{pattern}'", hint or "#tryinclude allows it to be absent")

    def _variable(self, text: str, section: Section | None, origin: Origin) -> None:
        escaped = text[0] == "\\"  # then the first character, '=' too, belongs to the name
        body = text[escaped:]
        at = body.find("=", escaped)
        adds = at > escaped and body[at - 1] == "+"
        name = body[: at - adds].strip(BLANKS)
        if escaped and body[:1] in BLANKS:  # the empty text too
            self.problems.error(origin, "nothing stands behind the backslash", "remove it")
        elif at < 0:
            self.problems.error(origin, "this line has no '='", "write 'name = value', or ';' in front of a comment")
        elif not name:
            self.problems.error(origin, "no name stands in front of '='", "write 'name = value'")
        elif section is None:
            self.problems.error(origin, f"'{name}' belongs to no section", "write a [section] header above it")
        else:
            value = body[at + 1 :] if adds else body[at + 1 :].removeprefix(">")
            self._assign(section, Variable(name, value, origin, section.name), adds=adds)

    def _assign(self, section: Section, new: Variable, *, adds: bool) -> None:
        former = section.last(new.name) if adds else None
        value = ((former.value if former else "") + new.value).strip(BLANKS)
        new = Variable(new.name, value, new.origin, new.section)
        if len(value) > MAX_VALUE_CHARS:
            self.problems.error(new.origin, f"'{new.name}' has grown over {MAX_VALUE_CHARS} characters")
        elif former:
            section.variables[_changed(section, former)] = new
        elif len(section.variables) >= MAX_VARIABLES:
            self.problems.error(new.origin, f"[{section.name}] has more than {MAX_VARIABLES} lines")
        else:
            section.variables.append(new)
