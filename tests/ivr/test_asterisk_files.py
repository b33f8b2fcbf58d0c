"""What is written for Asterisk: generated files, free ports."""

import stat
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from acd.core.rules import SeatRule
from acd.settings import GeneralSettings, PhoneSettings, SeatSettings, Site, SwitchSettings, TrunkSettings
from ivr.asterisk import generated, on_free_ports, ports, write_generated
from ivr.asterisk.texts import escaped

SOUNDS = Path("/x/sounds")


def seat(name, **changes):
    """Make a seat."""
    settings = SeatSettings(
        rule=SeatRule(name=name), agent="Anna", pin="4711", handset=f"PJSIP/{name}", secret="s" * 16, language="pl"
    )
    return replace(settings, **changes)


def site(*seats, **switch):
    """Make a site of seats."""
    return Site(
        general=GeneralSettings(),
        switch=SwitchSettings(fallback="6000", ami_secret="a;b\\c", **switch),
        seats={one.rule.name: one for one in seats},
    )


def test_a_seat_becomes_endpoint_password_and_registration():
    """Each PJSIP seat inherits the three templates of pjsip.conf under its own name."""
    text = generated(site(seat("101")), SOUNDS)["pjsip.conf"]
    for line in ("[101](handset)", "[101](handset-auth)", "[101](handset-aor)", f"password = {'s' * 16}"):
        assert line in text.splitlines()


def test_the_dialplan_knows_the_music_of_each_queue():
    """Every queue has its class among the globals, the default too, so that a reload also takes a class away."""
    music = {"sales": "default", "after-sales": "calm"}
    lines = generated(replace(site(), music=music), SOUNDS)["globals.conf"].splitlines()
    assert "CALLFLOOR_MUSIC_sales = default" in lines
    assert "CALLFLOOR_MUSIC_after-sales = calm" in lines


def test_a_queue_with_a_number_can_be_dialled_and_given_callers():
    """Seats and queues are numbers for transfers; a queue without one is none, and nobody gets into it by guessing."""
    texts = generated(replace(site(seat("101")), extensions={"sales": "301"}), SOUNDS)
    assert "exten => 301,1,Set(ACD_QUEUE=sales)\n same => n,Goto(acd-hold,s,1)\n" in texts["hints.conf"]
    assert [line for line in texts["transfer.conf"].splitlines() if line.startswith("exten")] == [
        "exten => 101,1,Goto(acd-given,seat-101,1)",
        "exten => 301,1,Goto(acd-given,queue-301,1)",
    ]
    assert "exten => queue-301,1,UserEvent(CallTransferred,To: 301,By: ${BLINDTRANSFER})\n" in texts["given.conf"]


def test_a_trunk_becomes_endpoint_address_password_and_registration():
    """A provider with a user: where calls go, whose calls come, who we are, and that we are there."""
    carrier = TrunkSettings(
        name="carrier", host="sip.example.com", protocol="tcp", user="4930123", password="pass;word", qualify_ms=30_000
    )
    text = generated(replace(site(), trunks={"carrier": carrier}), SOUNDS)["pjsip.conf"]
    server = "sip:sip.example.com:5060\\;transport=tcp"
    registration = f"[carrier](line-registration)\ntransport = tcp\nserver_uri = {server}"
    assert text[text.index("[carrier](line)") :].split("\n\n") == [
        "[carrier](line)\naors = carrier\ntransport = tcp\noutbound_auth = carrier\nfrom_user = 4930123",
        "[carrier](line-identify)\nendpoint = carrier\nmatch = sip.example.com",
        f"[carrier](line-aor)\ncontact = {server}\nqualify_frequency = 30",
        "[carrier](line-auth)\nusername = 4930123\npassword = pass\\;word",
        f"{registration}\nclient_uri = sip:4930123@sip.example.com:5060\noutbound_auth = carrier\nendpoint = carrier\n",
    ]


def test_a_trunk_known_by_its_address_has_no_password():
    """Nor has one that is not to be registered a registration; an admin's own Asterisk chooses the transport."""
    plain = TrunkSettings(name="pbx", host="192.0.2.7", match=("192.0.2.0/28", "192.0.2.99"), qualify_ms=0)
    known = TrunkSettings(name="known", host="192.0.2.50", user="me", password="secret", register=False)
    text = generated(replace(site(mode="existing"), trunks={"pbx": plain, "known": known}), SOUNDS)["pjsip.conf"]
    assert "match = 192.0.2.0/28, 192.0.2.99" in text
    assert "[pbx](line-auth)" not in text
    assert "[known](line-auth)" in text
    assert "registration" not in text
    assert "transport" not in text


def test_a_phone_of_nobody_becomes_an_endpoint():
    """It registers like a seat's own, with a password of its own; one that is no endpoint of its name does not."""
    lobby = PhoneSettings(handset="PJSIP/lobby", language="pl", secret="pass;word")
    analog = PhoneSettings(handset="DAHDI/7", language="en")
    text = generated(replace(site(), phones={"lobby": lobby, "bar": analog}), SOUNDS)["pjsip.conf"]
    assert text[text.index("[lobby](handset)") :].split("\n\n") == [
        (
            '[lobby](handset)\naors = lobby\nauth = lobby\ncallerid = "lobby" <lobby>\nlanguage = pl\n'
            "mailboxes = lobby@callfloor"
        ),
        "[lobby](handset-auth)\nusername = lobby\npassword = pass\\;word",
        "[lobby](handset-aor)\n",
    ]
    assert "[bar]" not in text


def test_an_analog_seat_gets_a_lamp_and_no_endpoint():
    """A seat whose handset is no PJSIP endpoint of its name can be rung and watched without an endpoint."""
    files = generated(site(seat("104", handset="DAHDI/4")), SOUNDS)
    assert "[104]" not in files["pjsip.conf"]
    assert "?Set(ACD_RINGS=DAHDI/4))\n same => n,Dial(${ACD_RINGS},30,git)" in files["hints.conf"]
    assert "exten => *5104,hint,Custom:callfloor-104" in files["hints.conf"]


def test_a_seat_rings_where_its_agent_is():
    """Dialled, or given a caller: the device that callfloor has set, and its own where none is set."""
    files = generated(site(seat("101")), SOUNDS)
    where = (
        " same => n,Set(ACD_RINGS=${GLOBAL(CALLFLOOR_AT_101)})\n"
        ' same => n,ExecIf($["${ACD_RINGS}" = ""]?Set(ACD_RINGS=PJSIP/101))\n'
        " same => n,Dial(${ACD_RINGS},30,git"
    )
    assert where in files["hints.conf"]
    assert where in files["given.conf"]


def test_a_seat_behind_a_line_is_rung_by_an_offer():
    """The core takes the line: who dials such a seat, or is given to it, waits for it in his queue or its first one."""
    behind = seat("105", rule=SeatRule(name="105", queues=("sales",)), handset="PJSIP/5550123@LINE")
    files = generated(site(behind), SOUNDS)
    assert "@LINE" not in files["hints.conf"] + files["given.conf"]
    assert "exten => 105,1,Set(ACD_QUEUE=sales)\n same => n,Set(ACD_WANTED=105)\n" in files["hints.conf"]
    assert "exten => *5105,hint,Custom:callfloor-105" in files["hints.conf"]
    assert ' same => n,ExecIf($["${ACD_QUEUE}" = ""]?Set(ACD_QUEUE=sales))\n' in files["given.conf"]
    assert " same => n,Set(ACD_WANTED=105)\n same => n,Goto(acd-hold,again,1)\n" in files["given.conf"]


def test_an_existing_asterisk_keeps_its_ports_and_transports():
    """With `mode = existing` nothing is said about ports, transports or RTP; seats and the AMI secret still are."""
    files = generated(site(seat("101"), mode="existing"), SOUNDS)
    assert "bind" not in files["pjsip.conf"]
    assert "[101](handset)" in files["pjsip.conf"]
    assert "port" not in files["manager.conf"]
    assert "secret = a\\;b\\c" in files["manager.conf"]
    assert "rtpstart" not in files["rtp.conf"]


def test_a_name_cannot_leave_its_place():
    """Quotes, brackets, line ends and `;` in an agent's name stay inside the caller ID."""
    text = generated(site(seat("101", agent='A"<1>\nB; [x](!)')), SOUNDS)["pjsip.conf"]
    assert 'callerid = "A1 B\\; [x](!)" <101>' in text.splitlines()


@given(st.text())
def test_an_escaped_value_is_one_line_without_a_bare_semicolon(value):
    """Whatever the value, what is written is a single line in which every `;` is escaped."""
    text = escaped(value)
    assert "\n" not in text
    assert "\r" not in text
    assert ";" not in text.replace("\\;", "")


def test_generated_files_are_for_the_owner_alone(tmp_path):
    """They hold passwords: mode 0600, and 0640 when Asterisk runs as another user of the folder's group."""
    write_generated(site(seat("101")), tmp_path / "a", SOUNDS)
    write_generated(site(seat("101")), tmp_path / "b", SOUNDS, group_reads=True)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "a").iterdir()} == {0o600}
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "b").iterdir()} == {0o640}


def test_a_port_is_given_once():
    """What one process was given no other is given, and no other range for voice either, until it ends."""
    code = "from ivr.asterisk import ports; print(ports.free_port('127.0.0.1'), ports._first_of_voice(), flush=True)"
    words = [sys.executable, "-c", f"import sys; {code}; sys.stdin.read()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        port, first = other.stdout.readline().split()
        assert not ports._keep(f"port/{port}")
        assert not ports._keep(f"voice/{first}")
        other.kill()
    assert ports._keep(f"port/{port}")


def test_free_ports_differ_and_leave_the_rest_alone():
    """The three ports differ, the range for voice holds 500 calls, and seats and secrets are as before."""
    before = site(seat("101"))
    after = on_free_ports(before)
    switch = after.switch
    assert len({switch.sip_port, switch.ami_port, switch.agi_port}) == 3
    assert switch.rtp_first % 2 == 0
    assert switch.rtp_last - switch.rtp_first + 1 == 2_000
    assert after.seats == before.seats
    assert switch.ami_secret == before.switch.ami_secret
