"""What a dialplan does to a call: jumps into nothing, steps nobody comes to, circles, texts of callers."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.conf import parse, read
from ivr.dialplan import check_any_dialplan

SAMPLE = Path(__file__).parents[2] / "asterisk-config"


def told(text: str) -> list[str]:
    """What is wrong with a dialplan."""
    config = parse(text.encode(), "extensions.conf")
    check_any_dialplan(config)
    return [f"{one.line} {one.severity}: {one.message}" for one in config.problems]


MENU = "[a]\nexten => s,1,Answer()\n same => n(again),Background(menu)\n same => n,WaitExten(5)\n"
CALLED = "is whatever a caller sends, and in"
FILED = "it is part of a file's name"
B = "\n[b]\nexten => s,1,Answer()"

BROKEN = {
    "a context that does not exist": (
        "[a]\nexten => s,1,Goto(reciption,s,1)\n[reception]\nexten => s,1,Answer()",
        "2 error: there is no context 'reciption' to go to",
    ),
    "a context that does not exist, behind a condition": (
        '[a]\nexten => s,1,GotoIf($["${X}" = "1"]?b,s,1:c,s,1)\n[b]\nexten => s,1,Answer()',
        "2 error: there is no context 'c' to go to",
    ),
    "a context that does not exist, by time": (
        "[a]\nexten => s,1,GotoIfTime(9:00-17:00,mon-fri,*,*?day,s,1)\n same => n,Hangup()",
        "2 error: there is no context 'day' to go to",
    ),
    "a subroutine that does not exist": (
        "[a]\nexten => s,1,Gosub(sub-log,s,1(a,b))\n same => n,Hangup()",
        "2 error: there is no context 'sub-log' to go to",
    ),
    "a context that does not exist, behind Local": (
        "[a]\nexten => s,1,Dial(Local/101@agents/n,20)\n same => n,Hangup()",
        "2 error: there is no context 'agents' to go to",
    ),
    "a context that does not exist, after a call": (
        "[a]\nexten => s,1,Dial(PJSIP/101,20,F(survey^s^1))\n same => n,Hangup()",
        "2 error: there is no context 'survey' to go to",
    ),
    "a context that does not exist, inside ExecIf": (
        '[a]\nexten => s,1,ExecIf($["${X}" = ""]?Goto(night,s,1))\n same => n,Hangup()',
        "2 error: there is no context 'night' to go to",
    ),
    "an extension that does not exist": (
        "[a]\nexten => s,1,Goto(b,200,1)\n[b]\nexten => _1XX,1,Answer()",
        "2 error: there is no extension '200' in [b]",
    ),
    "a label that does not exist": (
        MENU + " same => n,Goto(agian)\n",
        "5 error: there is no label 'agian' in extension 's' of [a]",
    ),
    "a priority that does not exist": (
        "[a]\nexten => s,1,Answer()\n same => n,Goto(b,s,4)\n[b]\nexten => s,1,Answer()\n same => n,Hangup()",
        "3 error: there is no priority '4' in extension 's' of [b]",
    ),
    "a step after the last word": (
        "[a]\nexten => s,1,Hangup()\n same => n,Playback(bye)",
        "3 warning: nobody comes to this step: the one before it is Hangup",
    ),
    "a step after a jump": (
        MENU + " same => n,Goto(again)\n same => n,Playback(vm-goodbye)\n",
        "6 warning: nobody comes to this step: the one before it is Goto",
    ),
    "no first priority": (
        "[a]\nexten => s,2,Answer()",
        "2 error: nobody comes to priority 2 of 's': there is no priority 1",
    ),
    "n for the first": (
        "[a]\nexten => s,n,Answer()",
        "2 error: nobody comes to priority 2 of 's': there is no priority 1",
    ),
    "a gap": (
        "[a]\nexten => s,1,Answer()\nexten => s,2,Playback(hi)\nexten => s,4,Hangup()",
        "4 error: nobody comes to priority 4 of 's': there is no priority 3",
    ),
    "a priority twice": (
        "[a]\nexten => s,1,Answer()\nexten => s,1,Playback(hi)",
        "3 error: priority 1 of extension 's' stands twice",
    ),
    "a circle without a pause": (
        "[a]\nexten => s,1(top),NoOp()\n same => n,Set(X=1)\n same => n,Goto(top)",
        "2 error: extension 's' goes round here for ever without a pause",
    ),
    "a pattern without its sign": (
        "[a]\nexten => 9XXX,1,Answer()",
        "2 warning: extension '9XXX' is no pattern: only these very characters match it",
    ),
    "a misspelt application": (
        "[a]\nexten => s,1,Playbak(hi)",
        "2 warning: there is no application 'Playbak' in Asterisk",
    ),
    "an expression without its end": (
        '[a]\nexten => s,1,GotoIf($["${X}" = "1"?end)\n same => n(end),Hangup()',
        "2 error: a $[ is not closed",
    ),
    "a variable without its end": (
        "[a]\nexten => s,1,Set(X=${Y)\n same => n,Hangup()",
        "2 error: a ${ is not closed",
    ),
    "what is dialled in Dial": (
        "[a]\nexten => _9.,1,Dial(PJSIP/${EXTEN:1}@carrier)",
        f"2 error: ${{EXTEN}} {CALLED} Dial an & in it rings a second number",
    ),
    "what is dialled, by a detour": (
        "[a]\nexten => _X!,1,Set(NUMBER=${EXTEN})\n same => n,Dial(PJSIP/${NUMBER}@carrier)",
        f"3 error: ${{NUMBER}} {CALLED} Dial an & in it rings a second number",
    ),
    "a caller's name in an expression": (
        '[a]\nexten => s,1,GotoIf($["${CALLERID(name)}" = "boss"]?b,s,1)\n same => n,Hangup()' + B,
        f"2 error: ${{CALLERID(name)}} {CALLED} GotoIf it is evaluated",
    ),
    "a caller's name in a command": (
        '[a]\nexten => s,1,System(notify "${CALLERID(name)}")',
        f"2 error: ${{CALLERID(name)}} {CALLED} System it is part of a command of the operating system",
    ),
    "a caller's number in a function": (
        "[a]\nexten => s,1,Set(X=${SHELL(lookup ${CALLERID(num)})})",
        f"2 error: ${{CALLERID(num)}} {CALLED} Set it is a command of the operating system",
    ),
    "a header in a recording's name": (
        "[a]\nexten => s,1,MixMonitor(${PJSIP_HEADER(read,X-Case)}.wav)",
        f"2 error: ${{PJSIP_HEADER(read,X-Case)}} {CALLED} MixMonitor {FILED}, or of a command of the operating system",
    ),
    "a caller's name in an event": (
        "[a]\nexten => s,1,UserEvent(Came,Name: ${CALLERID(name)})",
        f"2 error: ${{CALLERID(name)}} {CALLED} UserEvent a line break in it begins a line of its own",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_found(name):
    """It is told once, in its line, with a mend."""
    text, wanted = BROKEN[name]
    assert told(text) == [wanted]
    config = parse(text.encode(), "extensions.conf")
    check_any_dialplan(config)
    assert all(len(one.hint) > 8 for one in config.problems)


FINE = {
    "a menu": MENU
    + " same => n,Goto(again)\nexten => 1,1,Goto(b,s,1)\nexten => t,1,Goto(s,again)\n[b]\nexten => s,1,Answer()",
    "what is filtered": "[a]\nexten => _9.,1,Dial(PJSIP/${FILTER(0-9,${EXTEN:1})}@carrier)",
    "what was filtered before": "[a]\nexten => _X.,1,Set(N=${FILTER(0-9,${EXTEN})})\n"
    " same => n,Dial(PJSIP/${N}@carrier)",
    "a caller's name that was filtered": "[a]\nexten => s,1,Set(CALLERID(name)=${FILTER(A-Za-z ,${CALLERID(name)})})\n"
    " same => n,UserEvent(Came,Name: ${CALLERID(name)})",
    "digits of a fixed length": "[a]\nexten => _9NXXXXXX,1,Dial(PJSIP/${EXTEN:1}@carrier)",
    "what is shown only": "[a]\nexten => _X.,1,NoOp(${EXTEN} ${CALLERID(name)})\n"
    " same => n,Verbose(1,${CALLERID(all)})",
    "how long it is": "[a]\nexten => _X.,1,GotoIf($[${LEN(${EXTEN})} > 9]?long)\n"
    " same => n,Hangup()\n same => n(long),Wait(1)",
    "a target of the call": "[a]\nexten => s,1,Goto(${WHERE},s,1)\nexten => t,1,Goto(b,${WHO},1)\n"
    "[b]\nexten => s,1,Wait(1)",
    "a context with a switch": "[a]\nexten => s,1,Goto(b,200,1)\n[b]\nswitch => Realtime/b@ext",
    "an extension of an included context": "[a]\nexten => s,1,Goto(b,101,1)\n[b]\ninclude => c\n[c]\n"
    "exten => _1XX,1,Wait(1)",
    "a label in an included context": "[a]\nexten => s,1,Hangup()\n same => n(late),Wait(1)\n[b]\ninclude => a\n"
    "exten => 5,1,Goto(b,s,late)",
    "a circle that waits": "[a]\nexten => s,1(top),Wait(1)\n same => n,Goto(top)",
    "a circle with a way out": "[a]\nexten => s,1(top),Set(I=$[0${I} + 1])\n same => n,GotoIf($[${I} < 9]?top)",
    "old numbers": "[a]\nexten => s,1,Answer()\nexten => s,2,GotoIf($[${X}]?10)\n"
    "exten => s,3,Hangup()\nexten => s,10,Wait(1)",
    "a busy tone and after": "[a]\nexten => s,1,Dial(PJSIP/101,20)\n same => n,Goto(s-${DIALSTATUS},1)\n"
    "exten => s-BUSY,1,Busy(5)\nexten => _s-.,1,Hangup()",
    "one's own application": "[a]\nexten => s,1,MyCompanyGreeting(x)\n same => n,Hangup",
    "a hint": "[a]\nexten => 101,hint,PJSIP/101\nexten => 101,1,Dial(PJSIP/101)",
    "a bracket in words": "[a]\nexten => s,1,NoOp([x] {y} (z))\n same => n,Set(A=${FIELDQTY(X,-)}])",
    "patterns": "[a]\nexten => s,1,Goto(b,+48123,1)\n[b]\nexten => _+[0-9]!,1,Wait(1)",
    "letters": "[a]\nexten => s,1,goto(B-x,start,go)\n[B-x]\nexten => start,1,ANSWER()\n same => n(go),playback(hi)",
}


@pytest.mark.parametrize("name", FINE)
def test_no_false_alarm(name):
    """What does what it says is left in peace."""
    assert told(FINE[name]) == []


def test_no_false_alarm_on_the_sample_site():
    """Before anything was generated, too."""
    config = read(SAMPLE / "extensions.conf", supplied="generated")
    check_any_dialplan(config)
    assert list(config.problems) == []


PIECES = [
    *(
        "exten => ",
        "same => n",
        "include => ",
        "switch => ",
        "\n",
        "[a]\n",
        "s",
        "_X.",
        "_[1-",
        "n(",
        "hint",
        "9" * 5_000,
    ),
    *("${", "}", "$[", "]", "(", ")", ",", "?", ":", "^", "/", "@", '"', "=", "+", "-", " ", "\\", "é", "1"),
    *("Goto", "GotoIf", "ExecIf", "Set", "Dial", "Local/", "F(", "FILTER(", "EXTEN", "CALLERID(name)", "NoOp()"),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_nothing_that_is_written_breaks_it(pieces):
    """Whatever stands there, all that happens is that it is told, of a line that there is."""
    text = "[a]\n" + "".join(pieces)
    assert all(0 < int(one.split()[0]) <= text.count("\n") + 1 for one in told(text))
