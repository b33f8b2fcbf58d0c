"""What a handset can dial besides seats and codes, as lines of the dialplan: from `[calling-out]` of acd.conf."""

from collections.abc import Iterator

from acd.numbers import emergency_numbers
from acd.settings import Site
from ivr.trunks import dial_string

EMERGENCY_RING_S = 120
"""How long each line rings when callfloor is away and nobody else can choose."""

_SILENT = "$[0${EPOCH} - 0${GLOBAL(CALLFLOOR_ALIVE)} > 30]"
"""callfloor renews CALLFLOOR_ALIVE every ten seconds: one that listens and does nothing must not be waited for."""
_ASK = "AGI(agi://${CALLFLOOR_AGI}/handset/dial)"


def calling_out(site: Site) -> str:
    """Render the context's lines; nothing where nobody calls out.

    An emergency number goes out without callfloor too, over one line of each trunk in turn, or each line of hardware:
    when it is silent, cannot be reached, or does not know how to go on.
    """
    settings = site.calling_out
    if settings.plan is None:
        return ""
    texts = []
    ways = list(_ways(site))
    for number in emergency_numbers(settings.plan.country):
        texts += [
            f"exten => {number},1,GotoIf({_SILENT}?direct)",
            f" same => n,{_ASK}",
            f" same => n(direct),Set(CALLERID(num)={settings.caller_id})",
            *(f" same => n,Dial({dial_string(line, number)},{EMERGENCY_RING_S})" for line in ways),
            " same => n,Goto(from-seat,away,1)",
        ]
        if settings.prefix:
            texts.append(f"exten => {settings.prefix}{number},1,Goto({number},1)")
    for pattern in (f"_{settings.prefix}X.", "_+X."):
        texts += [f"exten => {pattern},1,{_ASK}", " same => n,Goto(from-seat,away,1)"]
    return "\n".join(texts) + "\n"


def _ways(site: Site) -> Iterator[str]:
    """Yield one line of each trunk, and each line of hardware, in the order in which they are tried."""
    groups = {group.name: group for group in site.line_groups}
    seen: set[str] = set()
    for name in site.calling_out.rule.groups:
        for line in groups[name].lines if name in groups else ():
            dialled = dial_string(line.name, "")
            if dialled not in seen:
                seen.add(dialled)
                yield line.name
