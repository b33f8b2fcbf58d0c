"""Options of the sections of acd.conf that every site has once: `[general]`, `[voicemail]` and `[switch]`."""

from acd.options import Option, choice, duration, number, optional, pattern, words
from acd.settings import GENERATE, HOST, LANGUAGE, PORT, QUEUE_NAME, SECRET, TEXT

ENGINE = "[a-z0-9][a-z0-9_.-]{0,39}"
"""The name of a speech engine; which there are is known to `ivr.voices` and `ivr.recognisers`."""

GENERAL = (
    Option(
        "name",
        TEXT,
        "callfloor",
        "What the site is called in status and logs.",
    ),
    Option("language", pattern(LANGUAGE, "language code"), "en", "Language that a caller and a seat begin in."),
    Option(
        "languages",
        words(LANGUAGE, "language codes"),
        "en",
        "All languages spoken. Every prompt must exist in each of them.",
    ),
    Option(
        "durability",
        choice("process", "power"),
        "process",
        "What the journal survives: `process` any end of callfloor, `power` a power cut of the machine too, at the "
        "price of a disk flush for each batch of events.",
    ),
    Option("log_level", choice("debug", "info", "warning", "error"), "info", "The least grave thing that is logged."),
    Option(
        "voice",
        pattern(ENGINE, "auto, espeak, piper or another engine's name"),
        "auto",
        "Engine that speaks prompts without a recording: `auto` takes piper where it has a voice for the language.",
    ),
    Option(
        "recogniser",
        pattern(rf"{ENGINE}( [^\x00-\x1f\x7f]{{1,200}})?", "auto, none, or an engine's name and its model"),
        "auto",
        "Engine that writes down what agents answer by voice: `whisper base` with the model of that name, or in a "
        "folder of yours; `auto` takes that where `callfloor[recogniser]` is installed, `none` writes nothing down.",
    ),
    Option(
        "snapshot_interval",
        duration("5s", "1h"),
        "60s",
        "How often the switch is asked for all it holds, to heal what a lost event broke.",
        "snapshot_interval_ms",
    ),
    Option(
        "ticket",
        duration("0", "7d"),
        "4h",
        "How long a caller who was cut off keeps his place: calling again from the same number he stands where he "
        "stood.",
        "ticket_ms",
    ),
    Option(
        "resume",
        duration("0", "1d"),
        "30m",
        "Who hung up while he waited, or whose chat broke, and who comes to the same queue by another medium within "
        "this time is served as if he had waited so long already; 0 for never.",
        "resume_ms",
    ),
    Option(
        "journal_keep",
        duration("1d", "3650d"),
        "90d",
        "How long the journal is kept, whole files at a time: what is older cannot be replayed or reported any more.",
        "journal_keep_ms",
    ),
)

VOICEMAIL = (
    Option(
        "keep", duration("0", "3650d"), "30d", "How long a message is kept after an agent has closed it.", "keep_ms"
    ),
    Option(
        "defer",
        duration("1m", "7d"),
        "15m",
        "How long a message that an agent puts off is offered to nobody.",
        "defer_ms",
    ),
    Option(
        "priority",
        optional(number(0, 99)),
        "",
        "Class of messages; left out, their queue's: each stands where its caller would stand. A higher number than "
        "the queue's has them heard when no caller waits.",
    ),
    Option(
        "queue",
        pattern(f"({QUEUE_NAME})?", "name of a queue"),
        "",
        "Queue of messages for which none is named, and whose caller has waited in none.",
    ),
)

SWITCH = (
    Option(
        "fallback",
        pattern(r"[0-9*#]{1,20}", "extension"),
        None,
        "Extension that callers are sent to when callfloor stays out of reach.",
    ),
    Option(
        "mode",
        choice("private", "existing"),
        "private",
        "`private`: callfloor starts an Asterisk of its own. `existing`: it joins the one that you run.",
    ),
    Option("ami_host", HOST, "127.0.0.1", "Where Asterisk's manager interface listens."),
    Option("ami_port", PORT, "5038", "Its TCP port."),
    Option("ami_user", pattern(r"[A-Za-z0-9_-]{1,40}", "name"), "callfloor", "Account in manager.conf."),
    Option("ami_secret", SECRET, GENERATE, "Its password. With `mode = existing` the one in your manager.conf."),
    Option(
        "agi_host",
        HOST,
        "127.0.0.1",
        "Where callfloor listens for Asterisk. FastAGI knows no password: keep it on loopback.",
    ),
    Option("agi_port", PORT, "4573", "Its TCP port."),
    Option(
        "sip_host",
        HOST,
        "127.0.0.1",
        "Address for SIP of a private Asterisk; `0.0.0.0` for handsets on other machines.",
    ),
    Option("sip_port", PORT, "5060", "Its UDP port."),
    Option("rtp_first", number(1_024, 65_534), "10000", "First UDP port for sound; each call leg takes two."),
    Option("rtp_last", number(1_025, 65_535), "10999", "Last UDP port for sound."),
    Option(
        "tones",
        pattern(r"[a-z]{2}(-old)?", "country, such as us or pl"),
        "us",
        "Whose tones analog telephones and lines have, by the country's code in DAHDI's zonedata.c.",
    ),
)
