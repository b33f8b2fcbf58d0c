r"""What a site lets its mails say: text files in `mail/` of its folder, by language, and by queue where it differs.

    mail/acknowledgement.en.txt          sent when a message came in        mail/sales/acknowledgement.en.txt  that of a
    mail/signature.en.txt                under every answer                 queue goes before the general one
    mail/opening-hours.pl.txt            any other: an agent picks it

    ; a comment, above everything else
    Subject: We have your message, ${customer}

    Dear ${customer},
    your message to ${queue} has the number ${case}.

The line `Subject:` may be left out; an empty line follows it. `${name}` is replaced, as in Asterisk's files, and `\${`
is a `${` itself; there is nothing else: no conditions, no code. What it is replaced by is never looked at again.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from acd.channels.email import text
from acd.problems import Origin, Problems, did_you_mean

FOLDER = "mail"
ACKNOWLEDGEMENT = "acknowledgement"
SIGNATURE = "signature"
VARIABLES: Mapping[str, str] = {
    "agent": "name of the agent who writes",
    "appointment": "what an appointment is (`title` of its kind)",
    "case": "number of the case",
    "customer": "name of the customer, as he writes it, or his address",
    "date": "day of today, such as 2026-11-30; of an appointment its day",
    "host": "whom the customer meets",
    "place": "where the appointment is",
    "queue": "name of the queue",
    "site": "name of the site (`name` in `[general]`)",
    "subject": "subject of the message that is answered",
    "time": "time of day, such as 17:05; of an appointment its beginning",
}
"""What can be said."""
FILE_MOST = 65_536

_NAME = re.compile(r"([a-z0-9][a-z0-9_-]{0,39})\.([a-z]{2,3}(?:_[A-Z]{2})?)\.txt")
_VARIABLE = re.compile(r"\\\$\{|\$\{([^{}\n]{0,60})\}|\$\{")
_SUBJECT = "Subject:"


class Template(Struct, frozen=True):
    """What a mail says, with what is still to be replaced in it."""

    name: str
    language: str
    queue: str
    """Empty for all."""
    subject: str
    """Empty if it has none."""
    body: str

    def filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Give subject and body with everything in them; a value that is not known is left empty.

        Args:
            values: by the names in `VARIABLES`; they may be a stranger's and become one harmless line each.

        """

        def value(match: re.Match[str]) -> str:
            return "${" if match[1] is None else text.line(values.get(match[1], ""), 500)

        return text.line(_VARIABLE.sub(value, self.subject)), _VARIABLE.sub(value, self.body)


class Templates:
    """All templates of a site."""

    def __init__(self, templates: Collection[Template], default_language: str) -> None:
        self._by_key = {(one.queue, one.name, one.language): one for one in templates}
        self._default = default_language

    def find(self, name: str, queue: str, language: str) -> Template | None:
        """Give the template for a queue in a language, else the general one, else those in the site's language."""
        keys = [(of, name, tongue) for tongue in (language, self._default) for of in (queue, "")]
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def names(self, queue: str) -> list[str]:
        """Name the templates that an agent of a queue can pick, in alphabetical order."""
        own = {SIGNATURE, ACKNOWLEDGEMENT}
        return sorted({name for of, name, _ in self._by_key if of in {queue, ""} and name not in own})


def load(
    site_folder: Path, queues: Collection[str], languages: Collection[str], problems: Problems, folder: str = FOLDER
) -> list[Template]:
    """Read the templates of a site; what is wrong with them is added to the problems, with file and line.

    Args:
        site_folder: where the site is.
        queues: those that there are.
        languages: those that the site speaks.
        problems: is added to.
        folder: of the site's that has them: each medium has its own.

    """
    found = []
    for path in sorted((site_folder / folder).glob("**/*")):
        label = str(path.relative_to(site_folder))
        if path.name.startswith(".") or not path.is_file():
            continue
        template = _read(path, label, languages, problems, folder)
        if template is None:
            continue
        depth = len(path.relative_to(site_folder / folder).parts)
        if depth > 2 or (template.queue and template.queue not in queues):
            hint = did_you_mean(template.queue, queues) or "a folder in it is named like a queue"
            problems.error(Origin(label, 0), f"there is no queue '{template.queue}'", hint)
        found.append(template)
    return found


def _read(path: Path, label: str, languages: Collection[str], problems: Problems, folder: str) -> Template | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        hint = "name it like acknowledgement.en.txt: what it is for, the language, txt"
        problems.error(Origin(label, 0), "this is no name of a template", hint)
        return None
    if match[2] not in languages:
        problems.warning(Origin(label, 0), f"no caller is spoken to in '{match[2]}'", "see languages in acd.conf")
    try:
        raw = path.read_bytes()[: FILE_MOST + 1]
        content = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        problems.error(Origin(label, 0), f"it cannot be read: {error}", "save it as UTF-8")
        return None
    if len(raw) > FILE_MOST:
        problems.error(Origin(label, 0), f"it is longer than {FILE_MOST} bytes")
        return None
    _check(content, label, problems)
    queue = path.parent.name if path.parent.name != folder else ""
    return Template(match[1], match[2], queue, *_parts(content, label, problems))


def _parts(content: str, label: str, problems: Problems) -> tuple[str, str]:
    lines = content.split("\n")
    start = next((number for number, one in enumerate(lines) if not one.startswith(";")), len(lines))
    subject = ""
    if start < len(lines) and lines[start].startswith(_SUBJECT):
        subject = lines[start].removeprefix(_SUBJECT).strip()
        start += 1
        if any(lines[start : start + 1]):
            problems.error(Origin(label, start + 1), "an empty line must follow the subject")
    body = text.lines("\n".join(lines[start:])).strip("\n")
    if not body:
        problems.error(Origin(label, 0), "it says nothing")
    return subject, f"{body}\n"


def _check(content: str, label: str, problems: Problems) -> None:
    for number, one in enumerate(content.split("\n"), 1):
        for match in _VARIABLE.finditer("" if one.startswith(";") else one):
            if match[0] == "${":
                hint = r"write '}' behind the name, or \${ for the characters themselves"
                problems.error(Origin(label, number), "this '${' is never closed", hint)
            elif match[1] is not None and match[1] not in VARIABLES:
                hint = did_you_mean(match[1], VARIABLES) or f"known are {', '.join(VARIABLES)}"
                problems.error(Origin(label, number), f"unknown variable '${{{match[1]}}}'", hint)
