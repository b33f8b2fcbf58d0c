"""What a file really is: its first bytes say, not its name and not who sent it."""

import re

RISKY_ENDINGS = frozenset(
    {
        *("ade", "adp", "apk", "app", "asp", "bat", "cab", "chm", "cmd", "com", "cpl", "dll", "dmg", "dotm", "docm"),
        *("exe", "gadget", "hlp", "hta", "htm", "html", "ins", "iso", "jar", "js", "jse", "lnk", "mht", "mhtml", "msc"),
        *("msi", "msp", "mst", "ocx", "pif", "pl", "ppam", "pptm", "ps1", "py", "reg", "scf", "scr", "sct", "sh"),
        *("shtml", "svg", "swf", "url", "vb", "vbe", "vbs", "vhd", "vhdx", "wsc", "wsf", "wsh", "xhtml", "xlam"),
        *("xlsm", "xltm", "xht", "xml", "xsl"),
    }
)
"""What a double click runs, or shows as a page with scripts."""
OCTETS = "application/octet-stream"
_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"x\x9f>\x22", "application/ms-tnef"),
    (b"{\\rtf", "application/rtf"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"#!", "text/x-shellscript"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
)
_AT_4 = {b"ftyp": "video/mp4"}
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_OFFICE = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
)
_PAGE = re.compile(
    rb"(?i)\s*<(?:!doctype\s+html|html|head|body|script|iframe|svg|meta|!--|\?xml|img|a\s|style|object|embed)"
)
_RISKY = frozenset(
    {
        *("application/vnd.microsoft.portable-executable", "application/x-executable", "application/java-vm"),
        *("text/x-shellscript", "text/html", "image/svg+xml", "text/xml"),
    }
)
_TEXTS = frozenset({"text/plain", "text/csv", "text/calendar", "text/vcard", "application/json", "text/markdown"})


def sniffed(content: bytes, claimed: str) -> str:
    """Name the type of a file by its content; plain text may be what it claims to be of texts."""
    head = content[:4_096].removeprefix(b"\xef\xbb\xbf")
    for sign, kind in _SIGNS:
        if head.startswith(sign):
            return _of_zip(head) if kind == "application/zip" else kind
    if head[4:8] in _AT_4:
        return _AT_4[head[4:8]]
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], OCTETS)
    return _of_text(head, claimed)


def _of_zip(head: bytes) -> str:
    if b"mimetypeapplication" in head[:120]:
        return next((kind for sign, kind in _OFFICE if sign in head[:120]), "application/zip")
    named = head if b"[Content_Types].xml" in head or b"_rels/" in head else b""
    return next((kind for sign, kind in _OFFICE if sign in named), "application/zip")


def _of_text(head: bytes, claimed: str) -> str:
    if b"\0" in head or sum(byte < 9 for byte in head):
        return OCTETS
    if match := _PAGE.match(head):
        if b"<svg" in head.lower():
            return "image/svg+xml"
        return "text/xml" if match[0].lstrip().lower().startswith(b"<?xml") and b"<html" not in head else "text/html"
    if not head:
        return claimed if claimed in _TEXTS else OCTETS
    return claimed if claimed in _TEXTS else "text/plain"


def is_risky(name: str, kind: str, claimed: str) -> bool:
    """Tell whether a click on it may do more than show it, or it only claims to be a picture, a sound or a document."""
    endings = [part.strip(" ").lower() for part in name.split(".")[1:]]
    if kind in _RISKY or claimed in _RISKY or any(one in RISKY_ENDINGS for one in endings):
        return True
    shown = claimed.partition("/")[0] in {"image", "audio", "video"} or claimed == "application/pdf"
    return shown and kind.partition("/")[0] != claimed.partition("/")[0]
