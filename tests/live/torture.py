"""The messages of RFC 4475 and RFC 5118 (SIP torture tests), written anew for a server that is called at 5550102.

Each is one of the RFC's situations, by its name there. Where the RFC sends an INVITE to somebody else, here it goes to
a number that leads to a queue, so that whatever Asterisk takes for a call becomes one.
"""

import secrets
from collections.abc import Iterable

HOST = "127.0.0.1"
CALLEE = f"sip:5550102@{HOST}"

SDP = (
    f"v=0\r\no=mhandley 29739 7272939 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0 8 12\r\na=rtpmap:31 LPC\r\n"
)


class Pen:
    """Writes messages of a caller at a UDP port. Each has identifiers of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.via = f"SIP/2.0/UDP {HOST}:{port}"
        self.contact = f"<sip:caller@{HOST}:{port}>"

    def text(
        self,
        start: str = f"INVITE {CALLEE} SIP/2.0",
        *,
        method: str = "INVITE",
        body: str = SDP,
        drop: Iterable[str] = (),
        more: str = "",
        **changed: str,
    ) -> bytes:
        """Write a good message but for what is `changed`, dropped or added."""
        fields = {
            "Via": f"{self.via};branch=z9hG4bK{secrets.token_hex(6)}",
            "From": f"<sip:5550201@{HOST}>;tag={secrets.token_hex(4)}",
            "To": f"<{CALLEE}>",
            "Call-ID": secrets.token_hex(8),
            "CSeq": f"1 {method}",
            "Contact": self.contact,
            "Max-Forwards": "70",
            "Content-Type": "application/sdp",
            "Content-Length": str(len(body)),
        }
        fields |= {name.replace("_", "-"): value for name, value in changed.items()}
        lines = [f"{name}: {value}" for name, value in fields.items() if name not in drop]
        return ("\r\n".join([start, *lines]) + "\r\n" + more + "\r\n" + body).encode("latin-1")

    def other(self, method: str, uri: str = CALLEE, **changed: str) -> bytes:
        """Write another request than an INVITE, without a body."""
        return self.text(f"{method} {uri} SIP/2.0", method=method, body="", drop=("Content-Type",), **changed)

    def answer(self, status: str, **changed: str) -> bytes:
        """Write a response to nothing that was asked."""
        return self.text(f"SIP/2.0 {status}", body="", drop=("Content-Type", "Max-Forwards"), **changed)


def messages(port: int) -> dict[str, bytes]:
    """Write all of them, by their names."""
    pen = Pen(port)
    return valid(pen) | invalid(pen) | beyond_syntax(pen) | of_version_6(pen)


def valid(pen: Pen) -> dict[str, bytes]:
    """Section 3.1.1: valid, however they look."""
    return {
        "wsinv": (
            f"INVITE sip:5550102@{HOST};unknownparam SIP/2.0\r\nTO :\r\n <{CALLEE}>\r\n   ;   unknown    = x\r\n"
            f'from   : "J Rosenberg \\\\\\""       <sip:5550201@{HOST}>\r\n  ;\r\n  tag = 98asjd8\r\n'
            f"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.{secrets.token_hex(4)}@{HOST}\r\n"
            f"Content-Length   : {len(SDP)}\r\ncseq: 0009\r\n  INVITE\r\n"
            f"Via  : SIP  /   2.0\r\n /UDP\r\n    {HOST}:{pen.port};branch=z9hG4bK{secrets.token_hex(4)}\r\n"
            "s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
            "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
            f"Route:\r\n <sip:{HOST};lr;unknownwith=value;unknown-no-value>\r\n"
            f'm:"Quoted string \\"\\"" <sip:caller@{HOST}:{pen.port}> ; newparam =\r\n      newvalue ;\r\n'
            f"  secondparam ; q = 0.33\r\n\r\n{SDP}"
        ).encode(),
        "intmeth": pen.other("!interesting-Method0123456789_*+`.%indeed'~"),
        "esc01": pen.text(
            f"INVITE sip:%35%35%350102@{HOST} SIP/2.0", From=f"<sip:sips%3Auser%40example.com@{HOST}>;tag=a"
        ),
        "escnull": pen.other(
            "REGISTER", f"sip:{HOST}", To=f"<sip:null-%00-null@{HOST}>", From=f"<sip:%00@{HOST}>;tag=a"
        ),
        "esc02": pen.other("RE%47IST%45R", f"sip:{HOST}"),
        "lwsdisp": pen.text(From=f"caller<sip:5550201@{HOST}>;tag=323"),
        "longreq": pen.text(
            From=f'"{"extreme proportion" * 40}" <sip:{"longvalue" * 30}@{HOST}>;tag=1{"2" * 500}',
            more=f"{'unknown-header-name-' * 20}: {'value-' * 60}\r\n" + f"Route: <sip:{HOST};lr>\r\n" * 6,
        ),
        "dblreq": pen.other("REGISTER", f"sip:{HOST}") + pen.text(),
        "semiuri": pen.other("OPTIONS", f"sip:5550102;par=u%40example.net@{HOST}"),
        "transports": pen.other(
            "OPTIONS", more="Via: SIP/2.0/SCTP a\r\nVia: SIP/2.0/UNKNOWN b\r\nVia: SIP/2.0/TLS c\r\n"
        ),
        "mpart01": pen.text(
            f"MESSAGE {CALLEE} SIP/2.0",
            method="MESSAGE",
            Content_Type="multipart/mixed;boundary=7a9cbec02ceef655",
            body="--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\n"
            "Content-Type: application/octet-stream\r\n\r\n\x00\x80\xff\r\n--7a9cbec02ceef655--\r\n",
        ),
        "unreason": pen.answer("200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe"),
        "noreason": pen.answer("100 "),
    }


def invalid(pen: Pen) -> dict[str, bytes]:
    """Section 3.1.2: invalid."""
    return {
        "badinv01": pen.text(
            Via=f"{pen.via};branch=z9hG4bKbad{secrets.token_hex(4)};;,;,,", Contact=f'"Joe" {pen.contact};;;;'
        ),
        "clerr": pen.text(Content_Length="9999"),
        "ncl": pen.text(Content_Length="-999"),
        "scalar02": pen.text(CSeq="36893488147419103232 INVITE", Max_Forwards="300", Expires="1" + "0" * 60),
        "scalarlg": pen.answer("503 Service Unavailable", CSeq="9292394834772304023312 OPTIONS", Retry_After="9" * 50),
        "quotbal": pen.text(To=f'"Mr. J. User <{CALLEE}>'),
        "ltgtruri": pen.text(f"INVITE <{CALLEE}> SIP/2.0"),
        "lwsruri": pen.text(f"INVITE {CALLEE}; lr SIP/2.0"),
        "lwsstart": pen.text(f"INVITE  {CALLEE}  SIP/2.0"),
        "trws": pen.text(f"INVITE {CALLEE} SIP/2.0  "),
        "escruri": pen.text(f"INVITE {CALLEE}?Route=%3Csip:{HOST}%3E SIP/2.0"),
        "baddate": pen.text(Date="Fri, 01 Jan 2010 16:00:00 EST"),
        "regbadct": pen.other("REGISTER", f"sip:{HOST}", Contact=f"sip:user@{HOST}?Route=%3Csip:sip.example.com%3E"),
        "badaspec": pen.text(To=f'"Watson, Thomas" < {CALLEE} >'),
        "baddn": pen.other("OPTIONS", From=f"Bell, Alexander <sip:a.g.bell@{HOST}>;tag=43"),
        "badvers": pen.text(f"INVITE {CALLEE} SIP/7.0", Via=f"SIP/7.0/UDP {HOST}:{pen.port};branch=z9hG4bKkdjuw"),
        "mismatch01": pen.text(CSeq="8 OPTIONS"),
        "mismatch02": pen.other("NEWMETHOD", CSeq="8 INVITE"),
        "bigcode": pen.answer("4294967301 better not break the receiver"),
    }


def beyond_syntax(pen: Pen) -> dict[str, bytes]:
    """Sections 3.2 to 3.4: transactions, applications, RFC 2543."""
    return {
        "badbranch": pen.text(Via=f"{pen.via};branch=z9hG4bK"),
        "insuf": pen.text(drop=("To", "From", "CSeq", "Max-Forwards")),
        "unkscm": pen.other("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent"),
        "novelsc": pen.other("OPTIONS", "soap.beep://192.0.2.103:3002"),
        "unksm2": pen.other(
            "REGISTER", f"sip:{HOST}", To="isbn:2983792873", From="<http://www.example.com>;tag=3", Contact="<name:x>"
        ),
        "bext01": pen.text(
            more="Require: nothingSupportsThis, nothingSupportsThisEither\r\nProxy-Require: norDoesThis\r\n"
        ),
        "invut": pen.text(
            Content_Type="application/unknownformat", body="<audio>\r\n <pcmu port='443'/>\r\n</audio>\r\n"
        ),
        "regaut01": pen.other("REGISTER", f"sip:{HOST}", Authorization="NoOneKnowsThisScheme opaque-data=here"),
        "multi01": pen.text(
            more=f"CSeq: 60 OPTIONS\r\nCall-ID: b\r\nTo: <sip:9@{HOST}>\r\nFrom: <sip:8@{HOST}>;tag=b\r\n"
        ),
        "mcl01": pen.text(more="Content-Length: 5\r\n"),
        "bcast": pen.answer("200 OK", Via="SIP/2.0/UDP 192.0.2.255;branch=z9hG4bK1saber23"),
        "zeromf": pen.text(Max_Forwards="0"),
        "cparam01": pen.other("REGISTER", f"sip:{HOST}", Contact=f"sip:+19725552222@{HOST};unknownparam"),
        "cparam02": pen.other("REGISTER", f"sip:{HOST}", Contact=f"<sip:+19725552222@{HOST};unknownparam>"),
        "regescrt": pen.other("REGISTER", f"sip:{HOST}", Contact=f"<sip:user@{HOST}?Route=%3Csip:sip.example.com%3E>"),
        "sdp01": pen.text(Accept="text/nobodyKnowsThis"),
        "inv2543": pen.text(
            Via=pen.via, From=f"sip:5550201@{HOST}", drop=("Contact", "Max-Forwards", "Content-Length"), more="i: x\r\n"
        ),
    }


def of_version_6(pen: Pen) -> dict[str, bytes]:
    """RFC 5118: addresses of IPv6, right, wrong and doubtful, at a server that may speak IPv4 alone."""
    there = "sip:5550102@[2001:db8::10]"
    via = f"SIP/2.0/UDP [2001:db8::9:1]:{pen.port};branch=z9hG4bK"
    mapped = f"o=a 97 0 IN IP6 ::ffff:{HOST}\r\ns=-\r\nc=IN IP6 ::ffff:{HOST}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"

    def begin(text: str) -> str:
        return f"INVITE {text} SIP/2.0"

    def new() -> str:
        return via + secrets.token_hex(6)

    return {
        "ipv6-good": pen.other(
            "REGISTER", "sip:[2001:db8::10]", Via=new(), Contact="<sip:user@[2001:db8::1]>", To=f"<{there}>"
        ),
        "ipv6-bad": pen.other("REGISTER", "sip:2001:db8::10", Via=new(), Contact="<sip:user@[2001:db8::1]>"),
        "port-ambiguous": pen.text(begin("sip:5550102@[2001:db8::10:5070]"), Via=new()),
        "port-unambiguous": pen.text(begin(f"{there}:5070"), Via=new()),
        "via-received-param-with-delim": pen.other("BYE", Via=f"{new()};received=[2001:db8::9:255]"),
        "via-received-param-no-delim": pen.other("OPTIONS", Via=f"{new()};received=2001:db8::9:255"),
        "ipv6-in-sdp": pen.text(
            begin(there),
            Via=new(),
            Contact=f"<sip:user@[2001:db8::20]:{pen.port}>",
            body=SDP.replace(f"IP4 {HOST}", "IP6 2001:db8::20"),
        ),
        "mult-ip-in-header": pen.other(
            "OPTIONS", Via=new(), more=f"Via: SIP/2.0/UDP {HOST}:{pen.port};branch=z9hG4bKb;received=::ffff:{HOST}\r\n"
        ),
        "mult-ip-in-sdp": pen.text(
            begin(there), body=SDP + "m=video 6024 RTP/AVP 34\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:34 H263/90000\r\n"
        ),
        "ipv4-mapped-ipv6": pen.text(
            begin(there), Via=f"SIP/2.0/UDP [::ffff:{HOST}]:{pen.port};branch=z9hG4bKm", body="v=0\r\n" + mapped
        ),
        "ipv6-bug-abnf-3-colons": pen.other("OPTIONS", "sip:5550102@[2001:db8:::192.0.2.1]", Via=new()),
        "ipv6-correct-abnf-2-colons": pen.other("OPTIONS", "sip:5550102@[2001:db8::192.0.2.1]", Via=new()),
    }
