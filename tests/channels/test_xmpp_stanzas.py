"""Stanzas of XMPP: what of them is something that somebody wrote, and what we write."""

from xml.etree import ElementTree as ET

import pytest

from acd.channels.chat.xmpp import stanzas
from acd.channels.chat.xmpp.stanzas import Came, Failed, Said, Types

NS = "jabber:component:accept"
FROM = f'xmlns="{NS}" from="jan@example.org/phone" to="sales@chat.example.org"'


def read(inside, attributes='type="chat" id="1"', names=FROM):
    return stanzas.message(ET.fromstring(f"<message {names} {attributes}>{inside}</message>"))


def test_a_line_is_read():
    """With what its program wants to be told."""
    found = read(
        f'<body>Hello</body><request xmlns="{stanzas.RECEIPTS}"/><active xmlns="{stanzas.STATES}"/>',
        'type="chat" id="a" xml:lang="pl-PL"',
    )
    assert isinstance(found, Said)
    assert (found.id, found.text, found.language) == ("a", "Hello", "pl")
    assert found.wants_receipt
    assert found.has_states


@pytest.mark.parametrize("kind", ['type="chat"', 'type="normal"', "", 'type="unheard-of"'])
def test_any_type_that_a_person_sends_is_one(kind):
    """RFC 6121, 5.2.2: what is not known is normal."""
    assert isinstance(read("<body>x</body>", kind), Said)


def test_a_name_is_made_of_id_and_words():
    """The same once more has the same; none of both alone makes it, and without an id there is none."""
    one, same = read("<body>x</body>"), read("<body>x</body>")
    other, later = read("<body>y</body>"), read("<body>x</body>", 'type="chat" id="2"')
    assert one.name == same.name
    assert len({one.name, other.name, later.name}) == 3
    assert read("<body>x</body>", 'type="chat"').name == ""


def test_an_origin_id_names_it_whatever_a_server_made_of_the_id():
    """XEP-0359."""
    origin = '<origin-id xmlns="urn:xmpp:sid:0" id="o"/>'
    assert read(f"<body>x</body>{origin}").name == read(f"<body>x</body>{origin}", 'type="chat" id="2"').name


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ("<body>x</body>", 'type="groupchat"'),
        ("<body>x</body>", 'type="headline"'),
        ('<body>x</body><x xmlns="http://jabber.org/protocol/muc#user"/>', 'type="chat"'),
        ('<body>x</body><x xmlns="jabber:x:conference" jid="a@b"/>', ""),
        (
            (
                '<sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" '
                'from="ewa@example.org"><body>x</body></message></forwarded></sent><body>x</body>'
            ),
            'type="chat"',
        ),
        ('<received xmlns="urn:xmpp:carbons:2"/><body>x</body>', 'type="chat"'),
        ('<result xmlns="urn:xmpp:mam:2"><forwarded xmlns="urn:xmpp:forward:0"/></result>', ""),
        ("<body> \n </body>", 'type="chat"'),
        ("<subject>only this</subject>", ""),
        (
            '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml">x</body></html>',
            "",
        ),
        ("", 'type="chat"'),
        ('<x xmlns="jabber:x:event"/>', ""),
    ],
)
def test_what_is_nothing_that_somebody_wrote(inside, attributes):
    """Rooms, headlines, wrappers that name somebody else, HTML, nothing."""
    assert read(inside, attributes) is None


def test_what_is_forwarded_is_not_read():
    """Only what its sender himself says about it counts, and as his."""
    found = read(
        '<body>Look</body><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" '
        'from="boss@acme.example"><body>Pay him</body></message></forwarded>'
    )
    assert found.text == "Look"


def test_the_first_body_counts():
    """Others are the same in another language; one that is HTML is none."""
    assert read('<body>Hi</body><body xml:lang="pl">Cześć</body>').text == "Hi"
    html = '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml">evil</body></html>'
    assert read(f"{html}<body>Hi</body>").text == "Hi"


def test_a_subject_stands_above():
    """As one line, without what turns it about."""
    assert read("<subject>An\n order\u202e</subject><body>Where?</body>", "").text == "An order\nWhere?"


def test_inside_may_be_in_the_namespace_of_clients():
    """Some servers leave it there."""
    assert read('<body xmlns="jabber:client">Hi</body>').text == "Hi"
    error = '<error xmlns="jabber:client" type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    assert read(error, 'type="error" id="out-1"') == Failed("out-1", "gone")


def test_states_receipts_and_markers_are_read():
    """Each for what it is."""
    assert read(f'<composing xmlns="{stanzas.STATES}"/>') == Types(on=True)
    for word in ("active", "paused", "inactive", "gone"):
        assert read(f'<{word} xmlns="{stanzas.STATES}"/>') == Types(on=False)
    assert read(f'<received xmlns="{stanzas.RECEIPTS}" id="out-1"/>') == Came("out-1", is_seen=False)
    assert read(f'<displayed xmlns="{stanzas.MARKERS}" id="out-1"/>') == Came("out-1", is_seen=True)


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (
            (
                '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>'
                '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">not\nhere \u202e</text></error>'
            ),
            "service-unavailable: not here",
        ),
        ("<error/>", "refused"),
        ("<body>as it was</body>", "refused"),
        ('<error><evil xmlns="x"/></error>', "refused"),
        (f'<error><text xmlns="{stanzas.STANZAS}">{"x" * 5_000}</text></error>', "refused: " + "x" * 191),
    ],
)
def test_an_error_is_one_whatever_is_in_it(inside, reason):
    """It is never a line, though its body comes back with it."""
    assert read(inside, 'type="error" id="out-1"') == Failed("out-1", reason)


def test_an_error_for_nothing_is_nothing():
    """Without an id it is not known what has failed."""
    assert read("<error/>", 'type="error"') is None


def test_an_id_and_a_language_have_an_end():
    """However long they are."""
    found = read("<body>x</body>", f'id="{"i" * 100_000}" xml:lang="{"x" * 50_000}"')
    assert (len(found.id), found.language) == (stanzas.ID_MOST, "")


@pytest.mark.parametrize("text", ["a\x00b", "a\x1fb", "a\ufffeb", "a\uffffb", "a\ud800b"])
def test_what_we_write_is_xml(text):
    """With a sign that XML has not in it, the server would end the stream, and again whenever it is sent."""
    made = ET.tostring(stanzas.spoken("a@b", "c@d", "1", text))
    assert ET.fromstring(made).findtext(f"{{{NS}}}body") == "a\ufffdb"


def test_a_line_of_ours_asks_to_be_confirmed_and_is_the_same_again():
    """By a receipt, and by an id that no server changes."""
    made = stanzas.spoken("a@b", "c@d", "out-1", "<b>&amp;")
    assert made.find(f"{{{stanzas.RECEIPTS}}}request") is not None
    assert made.find(f"{{{stanzas.STABLE_IDS}}}origin-id").get("id") == made.get("id") == "out-1"
    assert b"&lt;b&gt;&amp;amp;" in ET.tostring(made)
