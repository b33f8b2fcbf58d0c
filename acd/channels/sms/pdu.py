"""SMPP 3.4, without a network: octets to PDUs and back. All that comes in is hostile.

A PDU whose length cannot be is the end of its stream: nobody could say where the next one begins. Whatever else is
wrong is the matter of that one PDU.
"""

from collections.abc import Iterator
from struct import Struct as Layout

from msgspec import Struct

from acd.channels.sms.addresses import Address
from acd.channels.sms.parts import Place, place

HEADER = Layout(">IIII")
LENGTH_MOST = 70_000
"""message_payload has 65,535 octets at most, and all else is small."""
SEQUENCE_MOST = 0x7FFFFFFF

RESP = 0x80000000
GENERIC_NACK = 0x80000000
BIND = {"receiver": 0x01, "transmitter": 0x02, "transceiver": 0x09}
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK, DATA_SM = 0x04, 0x05, 0x06, 0x15, 0x103
ALERT, OUTBIND = 0x102, 0x0B

ROK, RINVMSGLEN, RINVCMDLEN, RINVCMDID, RALYBND, RSYSERR = 0x00, 0x01, 0x02, 0x03, 0x05, 0x08
RMSGQFUL, RSUBMITFAIL, RTHROTTLED = 0x14, 0x45, 0x58
STATUS = {
    0x01: "ESME_RINVMSGLEN",
    0x02: "ESME_RINVCMDLEN",
    0x03: "ESME_RINVCMDID",
    0x04: "ESME_RINVBNDSTS",
    0x05: "ESME_RALYBND",
    0x08: "ESME_RSYSERR",
    0x0A: "ESME_RINVSRCADR",
    0x0B: "ESME_RINVDSTADR",
    0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD",
    0x0F: "ESME_RINVSYSID",
    0x14: "ESME_RMSGQFUL",
    0x45: "ESME_RSUBMITFAIL",
    0x58: "ESME_RTHROTTLED",
    0xFF: "ESME_RUNKNOWNERR",
}

UDHI = 0x40
RECEIPT_TYPES = frozenset({0x04, 0x08, 0x10, 0x18, 0x20})
"""Of bits 2 to 5 of esm_class: anything but a message."""
RECEIPTED_MESSAGE_ID, MESSAGE_STATE, MESSAGE_PAYLOAD = 0x001E, 0x0427, 0x0424
SAR_REF, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F


class PduError(ValueError):
    """It is no such PDU; the message says why."""


class Pdu(Struct, frozen=True):
    """A request or an answer."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def octets(self) -> bytes:
        """Give it as it is sent."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


class Framer:
    """Cuts a stream into PDUs."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[Pdu]:
        """Take octets in; gives the PDUs that are whole.

        Raises:
            PduError: the stream makes no sense from here on.

        """
        self._buffer += octets
        while len(self._buffer) >= HEADER.size:
            length, command, status, sequence = HEADER.unpack_from(self._buffer)
            if not HEADER.size <= length <= LENGTH_MOST:
                raise PduError(f"a PDU says that it has {length} octets: this is no SMPP")
            if len(self._buffer) < length:
                return
            body = bytes(self._buffer[HEADER.size : length])
            del self._buffer[:length]
            yield Pdu(command, status, sequence, body)


class _Reader:
    """Reads the fields of a body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def word(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise PduError("a word has no end")
        word = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return word

    def octets(self, count: int) -> bytes:
        if self._at + count > len(self._body):
            raise PduError("it is shorter than it says")
        self._at += count
        return self._body[self._at - count : self._at]

    def octet(self) -> int:
        return self.octets(1)[0]

    def address(self) -> Address:
        return Address(self.octet(), self.octet(), self.word())

    def parameters(self) -> tuple[dict[int, bytes], bool]:
        """Give the TLVs, the first of each tag; and whether they fill the body."""
        found: dict[int, bytes] = {}
        while len(self._body) - self._at >= 4:
            tag, length = int.from_bytes(self.octets(2), "big"), int.from_bytes(self.octets(2), "big")
            if self._at + length > len(self._body):
                return found, False
            found.setdefault(tag, self.octets(length))
        return found, self._at == len(self._body)


class Message(Struct, frozen=True, kw_only=True):
    """A deliver_sm, data_sm or submit_sm."""

    source: Address
    destination: Address
    esm_class: int = 0
    data_coding: int = 0
    text: bytes = b""
    """With its user data header, if `has_header`."""
    place: Place | None = None
    """As TLVs say."""
    receipted: str = ""
    state: int | None = None
    wants_receipt: bool = False
    is_sound: bool = True
    """Its TLVs are whole, and its text stands in one place."""

    @property
    def is_receipt(self) -> bool:
        """Whether it tells of another message, and is none itself."""
        return self.esm_class & 0x3C in RECEIPT_TYPES

    @property
    def has_header(self) -> bool:
        """Whether a user data header stands before its text."""
        return bool(self.esm_class & UDHI)


def read_message(pdu: Pdu) -> Message:
    """Read what brings a text.

    Raises:
        PduError: it cannot be read.

    """
    reader = _Reader(pdu.body)
    reader.word()  # service_type
    source, destination, esm_class, short = reader.address(), reader.address(), reader.octet(), b""
    if pdu.command == DATA_SM:
        registered, coding = reader.octet(), reader.octet()
    else:
        reader.octets(2)  # protocol_id, priority_flag
        reader.word(), reader.word()  # schedule_delivery_time, validity_period
        registered, _, coding, _, length = reader.octets(5)
        short = reader.octets(length)
    tlvs, is_whole = reader.parameters()
    payload = tlvs.get(MESSAGE_PAYLOAD, b"")
    sar = [int.from_bytes(tlvs.get(tag, b""), "big") for tag in (SAR_REF, SAR_TOTAL, SAR_NUMBER)]
    return Message(
        source=source,
        destination=destination,
        esm_class=esm_class,
        data_coding=coding,
        text=short + payload,
        place=place(sar[0] & 0xFFFF, sar[1], sar[2], wide=True),
        receipted=tlvs.get(RECEIPTED_MESSAGE_ID, b"").split(b"\0")[0].decode("latin-1")[:65],
        state=tlvs[MESSAGE_STATE][0] if len(tlvs.get(MESSAGE_STATE, b"")) == 1 else None,
        wants_receipt=bool(registered & 0x03),
        is_sound=is_whole and not (short and payload),
    )


def message_body(message: Message) -> bytes:
    """Give the body of a submit_sm or deliver_sm.

    Raises:
        PduError: it does not fit.

    """
    if len(message.text) > 254:
        raise PduError(f"a text of {len(message.text)} octets does not fit")
    before = bytes([message.esm_class, 0, 0])
    fixed = bytes([message.wants_receipt, 0, message.data_coding, 0, len(message.text)])
    addresses = b"".join(
        bytes([one.ton, one.npi]) + _word(one.digits, 21) for one in (message.source, message.destination)
    )
    return b"\0" + addresses + before + b"\0\0" + fixed + message.text


def bind_body(user: str, password: str, system_type: str = "") -> bytes:
    """Give the body of a bind."""
    return b"".join(_word(one, 65) for one in (user, password, system_type)) + b"\x34\0\0\0"


def name_of(pdu: Pdu) -> str:
    """Give the id in the answer to a submit_sm; empty if there is none."""
    return pdu.body.split(b"\0")[0].decode("latin-1")[:65]


def status_words(status: int) -> str:
    """Name a status."""
    return STATUS.get(status, f"status 0x{status:x}")


def _word(text: str, most: int) -> bytes:
    octets = text.encode("latin-1", "replace")
    if len(octets) >= most or b"\0" in octets:
        raise PduError("a word does not fit")
    return octets + b"\0"
