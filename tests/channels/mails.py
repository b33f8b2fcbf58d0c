"""Mails that harm: each row of what is known to hang, crash or fool readers of mail, made here."""

import base64
import random
from collections.abc import Iterator
from email.message import EmailMessage


def mail(head: str = "", body: str | bytes = "Hello", **headers: str) -> bytes:
    """A message with a sender, unless it has one, and these headers."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"From": "Jan <jan@example.org>", "Subject": "Hi", "Message-ID": "<m1@example.org>", **own}
    lines = "".join(f"{name}: {value}\n" for name, value in given.items())
    content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    return (lines + head + "\n").encode("utf-8", "surrogateescape") + content


def with_file(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    """A message with a text and a file."""
    made = EmailMessage()
    made["From"], made["Subject"] = "jan@example.org", "file"
    made.set_content("see there")
    maintype, _, subtype = kind.partition("/")
    made.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return made.as_bytes()


def nested(depth: int, kind: str = "multipart/mixed") -> bytes:
    return b"".join(f'Content-Type: {kind}; boundary="b{one}"\n\n--b{one}\n'.encode() for one in range(depth))


HANGING: dict[str, bytes] = {
    "brackets in To": mail(To="(" * 20_000),
    "angles in Message-ID": b"From: a@b.example\nMessage-ID: <" + b"<" * 5_000 + b"\n\nx",
    "addresses in To": mail(To=", ".join(f"a{one}@example.com" for one in range(50_000))),
    "encoded words in Subject": mail(Subject=" ".join(["=?utf-8?q?a?="] * 50_000)),
    "pieces of a parameter": mail("Content-Type: text/plain;" + "".join(f" a*{n}=x;" for n in range(20_000)) + "\n"),
    "empty parts": mail("Content-Type: multipart/mixed; boundary=x\n", b"--x\n\n\n" * 100_000 + b"--x--\n"),
    "multiparts in multiparts": nested(2_000),
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 2_000,
    "charset with NUL": mail('Content-Type: text/plain; charset="utf\0-8"\n', b"\xff"),
    "quotes in To": mail(To='"' * 20_001),
    "escapes in To": mail(To='"' + '\\"' * 30_000 + "\\"),
    "star parameter": mail("Content-Type: text/plain; name*\n"),
    "lone comment": mail(To="(c):"),
    "headers named headers": mail("headers: headers:\nheaders:: x\n"),
    "tags in tags": mail("Content-Type: text/html\n", "<div>" * 200_000),
    "attributes": mail("Content-Type: text/html\n", "<a " + "x=1 " * 200_000 + ">"),
    "headers by the thousand": b"X-A: b\n" * 100_000 + b"\nx",
    "a header of a megabyte": mail(X_Long="x" * 1_000_000),
    "blank lines": b"\n" * 1_000_000,
    "one line": mail(body=b"x" * 2_000_000),
    "quoted lines in turns": mail(body="x wrote:\n> y\n" * 20_000),
    "brackets in Authentication-Results": mail(Authentication_Results="(" * 60_000),
    "boundary of blanks": mail('Content-Type: multipart/mixed; boundary="   "\n', "--   \n\nx\n"),
    "boundary of nothing": mail('Content-Type: multipart/mixed; boundary=""\n', "--\n\nx\n"),
    "no boundary": mail("Content-Type: multipart/mixed\n", "--\n\nx\n"),
    "encoding that is none": mail("Content-Transfer-Encoding: base65\n", "x"),
    "punycode": mail('Content-Type: text/plain; charset="punycode"\n', b"a" * 100_000 + b"-" + b"9" * 100_000),
    "idna": mail('Content-Type: text/plain; charset="idna"\n', b"xn--" + b"a" * 100_000),
    "zlib as a charset": mail('Content-Type: text/plain; charset="zlib"\n', b"\x78\x9c"),
    "nothing": b"",
    "NUL bytes": b"\0" * 10_000,
    "no head": b"\n\nbody",
    "all bytes": bytes(range(256)) * 40,
}
"""Small or not so small, and long in the reading."""

PAGES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<div style='background:url(https://evil.example/x)'>x</div>",
    "<style>@import 'https://evil.example/x';</style>",
    "<link rel=stylesheet href=https://evil.example/x>",
    "<img src='https://evil.example/pixel.gif'>",
    "<img srcset='https://evil.example/pixel.gif 1x'>",
    "<img src='//evil.example/pixel.gif'>",
    "<table background='https://evil.example/x'><tr><td>x</table>",
    "<video poster='https://evil.example/x'></video>",
    "<base href='https://evil.example/'><a href='x'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<input type=image src='https://evil.example/x'>",
    "<a href='x' target=_blank ping='https://evil.example'>x</a>",
    "</textarea><script>alert(1)</script>",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<p id=x name=y class=z onclick=alert(1) formaction=x xmlns:xlink=y>x",
]
"""Pages that run, fetch or imitate."""

NAMES = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/shadow",
    "a\r\nBcc: x@evil.example",
    "a%0aSet-Cookie: x",
    "\u202egpj.exe",
    "invoice.pdf\u200b.exe",
    "invoice.pdf                                     .exe",
    "CON.txt",
    "nul",
    ".htaccess",
    "a\0b",
    "x" * 5_000 + ".pdf",
    "|id;$(id)`id`",
    "<img src=x onerror=alert(1)>.png",
    "",
    "...",
    "\ud800",
    "e\u0301" + "\u0301" * 500,
]
"""Names of files that are paths, commands, lies or lines."""


def noise(seed: int) -> bytes:
    """A message that one of these was torn, joined or beaten into."""
    chance = random.Random(seed)
    small = [one for one in HANGING.values() if len(one) < 200_000]
    kind = chance.randrange(5)
    if kind == 0:
        one = bytearray(chance.choice(small)[:20_000])
        for _ in range(chance.randrange(1, 50)):
            if one:
                one[chance.randrange(len(one))] = chance.randrange(256)
        return bytes(one)
    if kind == 1:
        return b"".join(chance.choice(small)[: chance.randrange(2_000)] for _ in range(4))
    if kind == 2:
        return mail("Content-Type: text/html\n", "".join(chance.choices(PAGES, k=5)))
    if kind == 3:
        name = chance.choice(NAMES)
        value = base64.b64encode(name.encode("utf-8", "surrogatepass")).decode()
        return mail(f'Content-Type: application/x; name="=?utf-8?b?{value}?="\n', Subject=f"=?utf-8?b?{value}?=")
    return bytes(chance.randrange(256) for _ in range(chance.randrange(300)))


def row(count: int) -> Iterator[bytes]:
    """So many hostile mails, no two in a row alike."""
    small = [one for one in HANGING.values() if len(one) < 30_000]
    for number in range(count):
        yield small[number // 10 % len(small)] if number % 10 == 0 else noise(number)
