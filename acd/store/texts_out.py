"""Short messages that go out, part by part: each is sent once, or known to be in doubt."""

import secrets
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from acd.store import hooks, text, texts, timeline
from acd.store.schema import EarlyReceipt, Message, Talk, TextOut, TextOutPart

SAID_MOST = 500
DOUBTS_MOST = 2
"""What is in doubt is sent a second time, and no third."""


class Due(Struct, frozen=True, kw_only=True):
    """A text of ours that is to be sent now."""

    id: int
    gate: str
    own: str
    theirs: str
    body: str
    is_notice: bool
    made_at: int
    tries: int
    done: frozenset[int]
    """The parts that the centre has."""
    doubts: int
    """How often a part of it is in doubt, at most."""


def put(session: Session, talk: Talk, gate: str, body: str, at: int, *, is_notice: bool = False) -> None:
    """Have a text sent, and put it on the timeline of its contact."""
    name = f"{texts.MEDIUM}-{secrets.token_hex(16)}"
    written = timeline.Written(
        ref=name, direction="out", at=at, sender=talk.own, recipient=talk.theirs, body=text.body(body)
    )
    message = timeline.write(session, talk.interaction_id, written)
    assert message is not None, "nobody else makes such a name"
    session.add(
        TextOut(
            message_id=message,
            call=talk.call,
            gate=gate,
            own=talk.own,
            theirs=talk.theirs,
            body=text.body(body),
            is_notice=is_notice,
            made_at=at,
            due_at=at,
            tries=0,
            said="",
        )
    )
    session.flush()


def reply(session: Session, call: str, gate: str, body: str, at: int, *, country: str) -> str:
    """Have an answer sent; gives why it cannot be, or ""."""
    talk = session.scalar(select(Talk).where(Talk.call == call))
    if talk is None:
        return "there is nothing of this contact any more"
    if not texts.may_be_written_to(session, talk.theirs, country):
        return "this customer wants no texts: he has opted out"
    put(session, talk, gate, body, at)
    return ""


class Unasked(Struct, frozen=True, kw_only=True):
    """A text that nobody asked for just now."""

    gate: str
    """The section that the number is of."""
    sender: str
    """And the one that sends for it."""
    own: str
    theirs: str
    body: str


def notice(session: Session, contact: timeline.Contact, out: Unasked, *, country: str) -> str:
    """Have something sent unasked, unless it was put already; gives why it cannot be, or ""."""
    if not texts.may_be_written_to(session, out.theirs, country):
        return "this customer wants no texts: he has opted out"
    if session.scalar(select(Talk.id).where(Talk.call == contact.key)) is None:
        talk = Talk(
            call=contact.key,
            interaction_id=timeline.begin(session, contact),
            gate=out.gate,
            own=out.own,
            theirs=out.theirs,
            shown=0,
            marks="",
            at=contact.at,
            closed_at=contact.at,
            closed_by="",
            code="",
        )
        session.add(talk)
        session.flush()
        put(session, talk, out.sender, out.body, contact.at)
    return ""


def drop(session: Session, theirs: str, said: str) -> None:
    """Send nothing any more that was not sent yet to a number."""
    gone = update(TextOut).where(TextOut.theirs == theirs, TextOut.due_at.is_not(None))
    session.execute(gone.values(due_at=None, said=said))


def was_noticed(session: Session, theirs: str, since: int) -> bool:
    """Tell whether a number was sent something by itself since then."""
    wanted = select(TextOut.id).where(TextOut.theirs == theirs, TextOut.is_notice, TextOut.made_at > since)
    return session.scalar(wanted.limit(1)) is not None


def due(session: Session, gate: str, now: int, most: int, busy: Sequence[str] = ()) -> list[Due]:
    """Return what a section is to send now, longest overdue first; nothing to whom is `busy`."""
    wanted = select(TextOut).where(TextOut.gate == gate, TextOut.due_at <= now, TextOut.theirs.not_in(busy))
    found = session.scalars(wanted.order_by(TextOut.due_at, TextOut.id).limit(most)).all()
    parts = session.scalars(select(TextOutPart).where(TextOutPart.out_id.in_([one.id for one in found]))).all()
    same = [name for name in Due.__struct_fields__ if name not in {"done", "doubts"}]
    return [
        Due(
            **{name: getattr(one, name) for name in same},
            done=frozenset(part.number for part in parts if part.out_id == one.id and part.name),
            doubts=max((part.doubts for part in parts if part.out_id == one.id and not part.name), default=0),
        )
        for one in found
    ]


def next_due(session: Session, gate: str, busy: Sequence[str] = ()) -> int | None:
    """Return when a section is to send something next, but to whom is `busy`."""
    return session.scalar(select(func.min(TextOut.due_at)).where(TextOut.gate == gate, TextOut.theirs.not_in(busy)))


def gates(session: Session) -> set[str]:
    """Return the sections by which something is to be sent."""
    return set(session.scalars(select(TextOut.gate).where(TextOut.due_at.is_not(None)).distinct()))


def begin(session: Session, out: int, number: int) -> None:
    """Note that a part is in doubt from now on."""
    part = _part(session, out, number)
    part.state, part.doubts = "doubt", part.doubts + 1


def not_sent(session: Session, out: int, number: int) -> None:
    """Note that a part is in no doubt: it was not sent."""
    part = _part(session, out, number)
    part.state, part.doubts = "", max(0, part.doubts - 1)


def _part(session: Session, out: int, number: int) -> TextOutPart:
    part = session.scalar(select(TextOutPart).where(TextOutPart.out_id == out, TextOutPart.number == number))
    if part is None:
        part = TextOutPart(out_id=out, number=number, state="", doubts=0, name="")
        session.add(part)
        session.flush()
    return part


class Late(Struct, frozen=True):
    """A receipt that was there before its message."""

    name: str
    state: str
    said: str


def part_sent(session: Session, out: int, number: int, name: str, *, names: Sequence[str]) -> Late | None:
    """Note that the centre has a part; gives the receipt that came before that, if one did.

    Args:
        session: to write in.
        out: which text.
        number: which part.
        name: that the centre gave it.
        names: the ways in which it may be written in a receipt.

    """
    part = _part(session, out, number)
    part.state, part.name = "sent", text.line(name, 65) or "-"
    gate = session.get_one(TextOut, out).gate
    wanted = select(EarlyReceipt).where(EarlyReceipt.gate == gate, EarlyReceipt.name.in_(names))
    early = session.scalar(wanted.order_by(EarlyReceipt.id.desc()).limit(1))
    return None if early is None else Late(early.name, early.state, early.said)


def sent(session: Session, out: int, at: int) -> None:
    """Note that the centre has all of a text."""
    values = {"due_at": None, "sent_at": at, "said": "sent"}
    gone = update(TextOut).where(TextOut.id == out, TextOut.due_at.is_not(None)).values(values)
    message = session.scalar(gone.returning(TextOut.message_id))
    if message is not None:
        hooks.message(session, "message-sent", session.get_one(Message, message).interaction_id, message, at)


def later(session: Session, out: int, due_at: int, said: str, *, counts: bool = True) -> None:
    """Note that a text is tried again."""
    tried = update(TextOut).where(TextOut.id == out, TextOut.due_at.is_not(None))
    values = {"due_at": due_at, "tries": TextOut.tries + int(counts), "said": text.line(said, SAID_MOST)}
    session.execute(tried.values(values))


def give_up(session: Session, out: int, said: str, at: int) -> texts.Kin | None:
    """Note that a text will not be sent; gives the contact in which somebody is told so, if one is."""
    row = session.get(TextOut, out)
    if row is None or row.due_at is None:
        return None
    row.due_at, row.said = None, text.line(said, SAID_MOST)
    return _told(session, row, at)


def _told(session: Session, row: TextOut, at: int) -> texts.Kin | None:
    talk = session.scalar(select(Talk).where(Talk.call == row.call))
    if row.is_notice or talk is None:
        return None
    return texts.bring_back(session, talk, f"Not delivered to {row.theirs}: {row.said}\n\n{row.body}", at)


class News(Struct, frozen=True, kw_only=True):
    """A delivery receipt."""

    gates: tuple[str, ...]
    """Whose message it may be: the section that it came by, or the one that sends for it."""
    names: tuple[str, ...]
    """In which the name that it says may be written, the likeliest first."""
    state: str
    said: str


def receipt(session: Session, news: News, at: int) -> texts.Kin | None:
    """Note what became of a part; the same again changes nothing. Gives the contact in which a failure is told."""
    wanted = select(TextOutPart, TextOut).join(TextOut, TextOutPart.out_id == TextOut.id)
    wanted = wanted.where(TextOutPart.name.in_(news.names), TextOut.gate.in_(news.gates))
    rows = session.execute(wanted.order_by(TextOutPart.id.desc()).limit(20)).all()
    row = min(rows, key=lambda one: (news.names.index(one[0].name), -one[0].id), default=None)
    if row is None:
        session.add(
            EarlyReceipt(gate=news.gates[0], name=news.names[0], state=news.state, said=text.line(news.said), at=at)
        )
        return None
    part, out = row
    if part.state in {"delivered", "failed"} or news.state == "on-its-way":
        return None
    part.state = news.state
    session.flush()
    if news.state == "delivered":
        if not _left(session, out.id):
            out.said = "delivered"
        return None
    if out.said.startswith("not delivered"):
        return None  # another part of it was told
    out.due_at, out.said = None, text.line(f"not delivered: {news.said}", SAID_MOST)
    return _told(session, out, at)


def _left(session: Session, out: int) -> bool:
    waits = select(TextOutPart.id).where(TextOutPart.out_id == out, TextOutPart.state != "delivered")
    return session.scalar(waits.limit(1)) is not None


def words_of(session: Session, message: int) -> str:
    """Return what became of a message of ours; empty if it is none."""
    return session.scalar(select(TextOut.said).where(TextOut.message_id == message)) or ""
